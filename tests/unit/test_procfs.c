/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing but procfs is written to: not what is mounted over it, not what a link leads to. */
#include "lib/sys/procfs.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/lsm.h"
#include "tests/unit/unit.h"

static struct err e;

static void own_mounts(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void opens(const char *path)
{
	_clean_(fd) int fd = procfs_open(path, O_RDONLY, &e);
	ck_assert_msg(fd >= 0, "%s", unit_message(&e));
}

static void refuses(const char *path)
{
	_clean_(fd) int fd = procfs_open(path, O_RDONLY, &e);
	ck_assert_msg(fd < 0, "%s was opened", path);
}

static void both_ways(void (*check)(void))
{
	check();
	procfs_force_walk = 1;
	check();
	procfs_force_walk = 0;
}

static void plain(void)
{
	opens("sys/net/ipv4/ip_forward");
	_clean_(fd) int fd = procfs_open_own("attr/exec", O_WRONLY, &e);
	ck_assert_msg(fd >= 0, "%s", unit_message(&e));
	refuses("self/status"); /* a link */
	refuses("sys/net/none");
}

START_TEST(files_of_procfs)
{
	both_ways(plain);
}
END_TEST

static void mounted_over(void)
{
	refuses("sys/kernel/ostype");
	refuses("sys/net/core/somaxconn");
	_clean_(fd) int fd = procfs_open_own("attr/exec", O_WRONLY, &e);
	ck_assert_int_lt(fd, 0);
}

START_TEST(cve_2025_52881_mounts_over_its_files)
{
	char own[64], file[] = "/tmp/rkt-procfs.XXXXXX";
	own_mounts();
	close(mkstemp(file));
	snprintf(own, sizeof own, "/proc/%d/attr", (int)getpid());
	ck_assert_int_eq(mount("none", "/proc/sys/net", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mount(file, "/proc/sys/kernel/ostype", NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount("none", own, "tmpfs", 0, NULL), 0);
	both_ways(mounted_over);
	unlink(file);
}
END_TEST

static void not_proc(void)
{
	refuses("version");
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "is not procfs"));
	ck_assert_int_lt(lsm_exec_selinux("u:r:t:l", &e), 0);
	ck_assert_int_lt(lsm_exec_apparmor("web", &e), 0);
}

START_TEST(cve_2019_16884_another_filesystem_at_proc)
{
	own_mounts();
	ck_assert_int_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	both_ways(not_proc);
	ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
	procfs_path = "/proc/sys"; /* procfs, but not its root */
	both_ways(not_proc);
}
END_TEST

UNIT_MAIN("procfs", &files_of_procfs, &cve_2025_52881_mounts_over_its_files,
	&cve_2019_16884_another_filesystem_at_proc)
