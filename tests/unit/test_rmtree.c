/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

static char base[64];
static int basefd;
static struct err e;

/* A tmpfs of our own in a mount namespace of our own: nothing of a failed test stays. */
static void setup(void)
{
	e = ERR_INIT;
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	snprintf(base, sizeof base, "/tmp/rmtree.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(mount("tmpfs", base, "tmpfs", 0, "mode=0755"), 0);
	basefd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(basefd, 0);
}

static void teardown(void)
{
	ck_assert_int_eq(seteuid(0), 0); /* some tests become another user */
	close(basefd);
	umount2(base, MNT_DETACH);
	rmdir(base);
}

static void touch(int at, const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static bool there(const char *name)
{
	struct stat st;
	return fstatat(basefd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* d/d/d/…, deeper than any path can say. */
static void make_deep(int levels)
{
	int at = basefd;
	ck_assert_int_eq(mkdirat(basefd, "t", 0755), 0);
	at = openat(basefd, "t", O_PATH | O_CLOEXEC);
	for (int i = 0; i < levels; i++) {
		ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
		touch(at, "f");
		int next = openat(at, "d", O_PATH | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	close(at);
}

static void refuse_syscall(int nr)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	ck_assert_int_eq(seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), nr, 0), 0);
	ck_assert_int_eq(seccomp_load(f), 0);
	seccomp_release(f);
}

START_TEST(removes_every_kind)
{
	mkdirat(basefd, "t", 0755);
	int t = openat(basefd, "t", O_RDONLY | O_CLOEXEC);
	touch(t, "file");
	ck_assert_int_eq(mkfifoat(t, "fifo", 0600), 0);
	ck_assert_int_eq(mknodat(t, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	ck_assert_int_eq(mknodat(t, "sock", S_IFSOCK | 0666, 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", t, "link"), 0);
	ck_assert_int_eq(symlinkat("nowhere", t, "dangling"), 0);
	ck_assert_int_eq(mkdirat(t, "dir", 0), 0);
	touch(t, "dir/x");
	close(t);
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}
END_TEST

START_TEST(removes_what_is_no_directory)
{
	mkdirat(basefd, "keep", 0755);
	touch(basefd, "keep/me");
	touch(basefd, "file");
	symlinkat("keep", basefd, "link");
	ck_assert_int_eq(rmtree_at(basefd, "file", &e), 0);
	ck_assert_int_eq(rmtree_at(basefd, "link", &e), 0);
	ck_assert_int_eq(rmtree_at(basefd, "link", &e), 0); /* gone already: as good */
	ck_assert(!there("link") && there("keep/me"));
}
END_TEST

START_TEST(follows_no_link)
{
	mkdirat(basefd, "outside", 0755);
	touch(basefd, "outside/precious");
	mkdirat(basefd, "t", 0755);
	symlinkat("../outside", basefd, "t/a");
	symlinkat("/", basefd, "t/b");
	symlinkat("..", basefd, "t/c");
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(there("outside/precious"));
}
END_TEST

START_TEST(deeper_than_any_path)
{
	struct rlimit few = { 80, 80 }; /* descriptors do not grow with depth */
	make_deep(6000);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
}
END_TEST

START_TEST(deep_without_openat2)
{
	make_deep(300);
	refuse_syscall(SCMP_SYS(openat2));
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
}
END_TEST

START_TEST(names_of_any_bytes)
{
	char name[256];
	mkdirat(basefd, "t", 0755);
	int t = openat(basefd, "t", O_RDONLY | O_CLOEXEC);
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		snprintf(name, sizeof name, "%c", c);
		touch(t, name);
		snprintf(name, sizeof name, "-%c\n\x1b[2J", c);
		ck_assert_int_eq(mkdirat(t, name, 0755), 0);
	}
	memset(name, 'n', 255);
	name[255] = '\0';
	touch(t, name);
	touch(t, "...");
	close(t);
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
}
END_TEST

START_TEST(many_entries)
{
	char name[32];
	mkdirat(basefd, "t", 0755);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "t/%d", i);
		touch(basefd, name);
	}
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
}
END_TEST

static void mount_below(const char *what)
{
	char path[128];
	mkdirat(basefd, "other", 0755);
	touch(basefd, "other/precious");
	mkdirat(basefd, "t", 0755);
	mkdirat(basefd, "t/a", 0755);
	mkdirat(basefd, "t/a/m", 0755);
	touch(basefd, "t/a/f");
	snprintf(path, sizeof path, "%s/t/a/m", base);
	if (strcmp(what, "bind") == 0) { /* the same device: st_dev does not tell */
		char src[128];
		snprintf(src, sizeof src, "%s/other", base);
		ck_assert_int_eq(mount(src, path, NULL, MS_BIND, NULL), 0);
	} else {
		ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
		touch(basefd, "t/a/m/precious");
	}
}

START_TEST(crosses_no_mount)
{
	const char *kinds[] = { "bind", "tmpfs" };
	if (_i >= 2)
		refuse_syscall(SCMP_SYS(openat2));
	mount_below(kinds[_i % 2]);
	ck_assert_int_lt(rmtree_at(basefd, "t", &e), 0);
	ck_assert(there("t/a/m/precious"));
	ck_assert(!there("t/a/f")); /* everything else went */
	/* The mount point itself is refused too. */
	int a = openat(basefd, "t/a", O_RDONLY | O_CLOEXEC);
	e = ERR_INIT;
	ck_assert_int_eq(rmtree_at(a, "m", &e), -EBUSY);
	ck_assert(there("t/a/m/precious"));
	close(a);
}
END_TEST

START_TEST(keeps_a_mounted_file)
{
	char path[128];
	mkdirat(basefd, "t", 0755);
	touch(basefd, "t/m");
	snprintf(path, sizeof path, "%s/t/m", base);
	ck_assert_int_eq(mount("/etc/passwd", path, NULL, MS_BIND, NULL), 0);
	ck_assert_int_lt(rmtree_at(basefd, "t", &e), 0);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}
END_TEST

START_TEST(contents_only)
{
	mkdirat(basefd, "t", 0755);
	mkdirat(basefd, "t/a", 0755);
	touch(basefd, "t/a/b");
	int t = openat(basefd, "t", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(rmtree_contents(t, &e), 0);
	ck_assert(there("t") && !there("t/a"));
	close(t);
}
END_TEST

START_TEST(owner_without_rights)
{
	ck_assert_int_eq(fchmod(basefd, 0777), 0);
	ck_assert_int_eq(seteuid(12345), 0);
	mkdirat(basefd, "t", 0700);
	mkdirat(basefd, "t/locked", 0700);
	mkdirat(basefd, "t/locked/in", 0700);
	touch(basefd, "t/locked/in/f");
	fchmodat(basefd, "t/locked/in", 0, 0);
	fchmodat(basefd, "t/locked", 0500, 0);
	fchmodat(basefd, "t", 0, 0);
	ck_assert_int_eq(rmtree_at(basefd, "t", &e), 0);
	ck_assert(!there("t"));
}
END_TEST

START_TEST(goes_on_past_errors)
{
	ck_assert_int_eq(fchmod(basefd, 0777), 0);
	mkdirat(basefd, "t", 0777);
	fchmodat(basefd, "t", 0777, 0);
	mkdirat(basefd, "t/b", 0755); /* of root, not empty: the other user cannot */
	touch(basefd, "t/b/f");
	ck_assert_int_eq(seteuid(12345), 0);
	touch(basefd, "t/a");
	touch(basefd, "t/c");
	ck_assert_int_lt(rmtree_at(basefd, "t", &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "'f'"));
	ck_assert(there("t/b/f") && !there("t/a") && !there("t/c"));
}
END_TEST

/* Several at once on one tree: each ends well, nothing is left. */
START_TEST(concurrently)
{
	char name[64];
	make_deep(200);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "t/x%d", i);
		mkdirat(basefd, name, 0755);
		snprintf(name, sizeof name, "t/x%d/f", i);
		touch(basefd, name);
	}
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			int r = rmtree_at(basefd, "t", &e);
			if (r < 0)
				fprintf(stderr, "%s\n", e.msg);
			_exit(r < 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert(!there("t"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, removes_every_kind);
	tcase_add_test(t, removes_what_is_no_directory);
	tcase_add_test(t, follows_no_link);
	tcase_add_test(t, deeper_than_any_path);
	tcase_add_test(t, deep_without_openat2);
	tcase_add_test(t, names_of_any_bytes);
	tcase_add_test(t, many_entries);
	tcase_add_loop_test(t, crosses_no_mount, 0, 4);
	tcase_add_test(t, keeps_a_mounted_file);
	tcase_add_test(t, contents_only);
	tcase_add_test(t, owner_without_rights);
	tcase_add_test(t, goes_on_past_errors);
	tcase_add_test(t, concurrently);
	return unit_end("rmtree", t);
}
