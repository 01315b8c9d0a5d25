/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Races in a directory that another process may write to: it exchanges a directory and a link that
 * leads out, thousands of times, while we open, make, copy and remove below it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/copytree.h"
#include "lib/fs/path.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

enum { ROUNDS = 2000, EXCHANGE = 2 };

static char dir[] = "/tmp/rkt-test-races.XXXXXX";
static int top, root, outside;
static pid_t racer;

static void make_file(int at, const char *name)
{
	_clean_(fd) int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
}

/* Root has `a`, a directory, and `b`, a link to the directory outside. */
static void begin(void)
{
	static char link[64];
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(top, "root", 0755) | mkdirat(top, "outside", 0755), 0);
	root = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside = openat(top, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(outside, "file");
	ck_assert_int_eq(mkdirat(outside, "sub", 0755), 0);
	make_file(outside, "sub/file");
	ck_assert_int_eq(mkdirat(root, "a", 0755) | mkdirat(root, "a/sub", 0755), 0);
	snprintf(link, sizeof link, "%s/outside", dir);
	ck_assert_int_eq(symlinkat(link, root, "b"), 0);
	racer = fork();
	if (racer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)syscall(SYS_renameat2, root, "a", root, "b", EXCHANGE);
	}
}

static void end(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	ck_assert_int_eq(fstatat(outside, "file", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(fstatat(outside, "sub/file", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(fstat(outside, &st), 0);
	ck_assert_uint_eq(st.st_nlink, 3); /* nothing was made in it */
	ck_assert_int_eq(faccessat(outside, "new", F_OK, 0), -1);
	ck_assert_int_eq(rmtree_contents(top, &e), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	close(top);
	close(root);
	close(outside);
}

static bool is_outside(int fd)
{
	struct stat st, out, sub;
	ck_assert_int_eq(
		fstat(fd, &st) | fstat(outside, &out) | fstatat(outside, "sub", &sub, 0), 0);
	return st.st_ino == out.st_ino || st.st_ino == sub.st_ino;
}

static void open_below(void)
{
	int opened = 0;
	begin();
	for (int i = 0; i < ROUNDS; i++) {
		struct err e = ERR_INIT;
		_clean_(fd) int fd = path_open_in(root, "/a/sub", O_PATH | O_DIRECTORY, 0, &e);
		ck_assert(fd < 0 || !is_outside(fd));
		_clean_(fd) int back = path_open_in(root, "/a/sub/../../../outside", O_PATH, 0, &e);
		ck_assert(back < 0 || !is_outside(back));
		_clean_(fd) int file = path_open_in(root, "/b/file", O_RDONLY, 0, &e);
		ck_assert_int_lt(file, 0);
		opened += fd >= 0;
	}
	ck_assert_int_gt(opened, 0);
	end();
}

START_TEST(cve_2018_15664_opening_below_a_root)
{
	path_force_walk = _i;
	open_below();
	path_force_walk = 0;
}
END_TEST

START_TEST(cve_2024_45310_making_directories_below_a_root)
{
	int made = 0;
	path_force_walk = _i;
	begin();
	for (int i = 0; i < ROUNDS; i++) {
		struct err e = ERR_INIT;
		_clean_(fd) int fd = path_mkdir_in(root, "/a/new/deep", 0755, &e);
		ck_assert(fd < 0 || !is_outside(fd));
		made += fd >= 0;
		struct err ignored = ERR_INIT;
		if (i % 16 == 0)
			(void)rmtree_at(root, "a/new", &ignored);
	}
	ck_assert_int_gt(made, 0);
	end();
	path_force_walk = 0;
}
END_TEST

/* A rename anywhere makes the kernel give up a walk with "..": whoever renames all the time, in a
 * root of his own, must not keep others from opening. */
START_TEST(renames_that_never_end)
{
	enum { UPS = 1000 };
	char path[3 * UPS + 8];
	for (size_t i = 0; i < UPS; i++)
		memcpy(path + 3 * i, "../", 3);
	memcpy(path + sizeof path - 8, "keep", 5);
	begin();
	ck_assert_int_eq(mkdirat(root, "keep", 0755), 0);
	for (int i = 0; i < ROUNDS / 10; i++) {
		struct err e = ERR_INIT;
		_clean_(fd) int fd = path_open_in(root, path, O_PATH | O_DIRECTORY, 0, &e);
		ck_assert_int_ge(fd, 0);
	}
	end();
}
END_TEST

START_TEST(cve_2026_33747_removing)
{
	begin();
	for (int i = 0; i < ROUNDS / 20; i++) {
		struct err e = ERR_INIT;
		_clean_(fd) int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)rmtree_contents(fd, &e);
		(void)mkdirat(root, "a", 0755);
		char link[64];
		snprintf(link, sizeof link, "%s/outside", dir);
		(void)symlinkat(link, root, "b");
		for (int k = 0; k < 10; k++) {
			char name[16];
			snprintf(name, sizeof name, "a/d%d", k);
			(void)mkdirat(root, name, 0755);
			(void)unlinkat(
				outside, name + 2, AT_REMOVEDIR); /* through the link: ours */
		}
	}
	end();
}
END_TEST

/* What is copied to is raced in. */
START_TEST(cve_2022_23648_copying)
{
	begin();
	_clean_(fd) int from = -1;
	ck_assert_int_eq(mkdirat(top, "from", 0755) | mkdirat(top, "from/a", 0755), 0);
	from = openat(top, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "a/new%d", i);
		make_file(from, name);
	}
	ck_assert_int_eq(mknodat(from, "a/new", S_IFIFO | 0777, 0), 0);
	for (int i = 0; i < ROUNDS / 8; i++) {
		struct err e = ERR_INIT;
		(void)copytree_layer(from, root, &e);
		(void)mkdirat(root, "b", 0755);
	}
	end();
}
END_TEST

int main(void)
{
	TCase *t = unit_case(NULL, NULL);
	tcase_add_loop_test(t, cve_2018_15664_opening_below_a_root, 0, 2);
	tcase_add_loop_test(t, cve_2024_45310_making_directories_below_a_root, 0, 2);
	tcase_add_test(t, renames_that_never_end);
	tcase_add_test(t, cve_2026_33747_removing);
	tcase_add_test(t, cve_2022_23648_copying);
	return unit_end("races", t);
}
