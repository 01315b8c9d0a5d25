/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "lib/sys/mnt.h"
#include "lib/sys/userns.h"
#include "tests/unit/unit.h"

static struct err e;
static const struct id_range range = { 1900000000, 65536 };

static int make(void)
{
	pid_t made;
	int fd = userns_new(&range, &made, &e);
	ck_assert_msg(fd >= 0, "%s", unit_message(&e));
	userns_reap(made);
	ck_assert_int_lt(waitpid(-1, NULL, 0), 0); /* no child is left */
	ck_assert(userns_is(fd));
	return fd;
}

START_TEST(map_and_join)
{
	int fd = make();
	pid_t pid = fork();
	if (pid == 0) {
		struct caps caps;
		struct err mine;
		_clean_(str) struct str map = STR_INIT(STR_MAX_LINE);
		if (userns_enter(fd, &mine) < 0 || caps_get(&caps, &mine) < 0 || geteuid() != 0)
			_exit(1);
		if (io_read_file(AT_FDCWD, "/proc/self/uid_map", &map, &mine) < 0 ||
			!strstr(str_text(&map), "1900000000"))
			_exit(2);
		/* everything there, nothing here */
		_exit(!(caps.effective & CAP_BIT(SYS_ADMIN)) || sethostname("x", 1) == 0 ? 3 : 0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

START_TEST(what_is_none)
{
	_clean_(fd) int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert(!userns_is(file));
	ck_assert(!userns_is(-1));
	ck_assert_int_lt(userns_enter(file, &e), 0);
	/* more ids than the map can have */
	const struct id_range wrong = { 4294967295u, 1 };
	pid_t made;
	ck_assert_int_lt(userns_new(&wrong, &made, &e), 0);
	ck_assert_int_lt(waitpid(-1, NULL, 0), 0);
}
END_TEST

START_TEST(idmapped_bind_and_acting)
{
	char dir[] = "/tmp/userns.XXXXXX";
	struct stat st;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	int userns = make();
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int done = mnt_bind_idmapped(at, at, false, userns, dir, &e);
	ck_assert_msg(done >= 0, "%s", unit_message(&e));
	ck_assert_int_eq(fstat(done, &st), 0);
	ck_assert_uint_eq(st.st_uid, range.first);
	/* nobody who is not of the range can make something there */
	ck_assert_int_lt(mkdirat(done, "a", 0755), 0);
	ck_assert_int_eq(errno, EOVERFLOW);
	ck_assert_int_eq(userns_act_as(&range, &e), 0);
	ck_assert_int_eq(mkdirat(done, "a", 0755), 0);
	struct caps caps;
	ck_assert_int_eq(caps_get(&caps, &e), 0);
	ck_assert(caps.effective & CAP_BIT(DAC_OVERRIDE)); /* no capability is gone */
	ck_assert_int_eq(userns_act_as_self(&e), 0);
	ck_assert_int_eq(fstatat(done, "a", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, range.first);
	ck_assert_int_eq(fstatat(at, "a", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	/* once is all */
	ck_assert_int_eq(mnt_bind_idmapped(done, done, false, userns, dir, &e), -EOPNOTSUPP);
	mnt_force = MNT_FORCE_NO_SETATTR;
	ck_assert_int_eq(mnt_bind_idmapped(at, at, false, userns, dir, &e), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "5.12"));
	mnt_force = MNT_FORCE_NO_API;
	ck_assert_int_eq(mnt_bind_idmapped(at, at, false, userns, dir, &e), -EOPNOTSUPP);
	mnt_force = 0;
	_clean_(fd) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mnt_bind_idmapped(proc, at, false, userns, "/proc", &e), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "'/proc' (of type 0x9fa0)"));
	close(userns);
	close(done);
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
	ck_assert_int_eq(unlinkat(at, "a", AT_REMOVEDIR), 0);
	close(at);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

UNIT_MAIN("userns", &map_and_join, &what_is_none, &idmapped_bind_and_acting)
