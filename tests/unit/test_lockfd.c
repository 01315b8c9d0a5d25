/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fs/lockfd.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

static char base[] = "/tmp/lockfd.XXXXXX";
static struct err e;

static int open_again(int dir)
{
	int fd = openat(dir, "lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(modes)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), -ENOENT);
	int a = open_again(dir), b = open_again(dir), c = open_again(dir);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 0);
	ck_assert_int_eq(lockfd_try(a, LOCK_SHARED, &e), 1);
	ck_assert_int_eq(lockfd_try(b, LOCK_SHARED, &e), 1);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 0);
	ck_assert_int_eq(lockfd_try(c, LOCK_EXCLUSIVE, &e), 0);
	close(a);
	close(b);
	ck_assert_int_eq(lockfd_wait(c, LOCK_EXCLUSIVE, &e), 0);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 1);
	a = open_again(dir);
	ck_assert_int_eq(lockfd_try(a, LOCK_SHARED, &e), 0);
	int copy = dup(c);
	close(c);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 1); /* until the last copy is closed */
	close(copy);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 0);
	ck_assert_int_eq(lockfd_try(-1, LOCK_SHARED, &e), -EBADF);
	close(a);
	close(dir);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}
END_TEST

START_TEST(falls_with_the_process)
{
	int ready[2];
	char c;
	ck_assert_ptr_nonnull(mkdtemp(base));
	int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		lockfd_wait(open_again(dir), LOCK_EXCLUSIVE, &e);
		ck_assert_int_eq(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(lockfd_held(dir, "lock", &e), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(lockfd_wait(open_again(dir), LOCK_EXCLUSIVE, &e), 0);
	waitpid(pid, NULL, 0);
	close(dir);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}
END_TEST

UNIT_MAIN("lockfd", &modes, &falls_with_the_process)
