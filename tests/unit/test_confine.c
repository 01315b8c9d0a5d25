/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to a worker of a user who is not root: in users of its own, or behind Landlock. */
#include "stage0/confine/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sys/proc.h"
#include "tests/unit/unit.h"

enum { USER = 61234 };

/* A kernel that lacks these two. */
static void lack(long a, long b)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)a, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)b, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = sizeof code / sizeof *code, .filter = code };
	ck_assert_int_eq(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog), 0);
}

static bool can_open(const char *path, int flags)
{
	int fd = openat(AT_FDCWD, path, flags | O_CLOEXEC, 0600);
	return fd >= 0;
}

/* The exit status says which promise was broken; 0: none. */
static int try(void)
{
	static const char *const view[] = { "/etc/hosts", "/etc/ssl/certs", "/nothing/here", NULL };
	static const uint32_t calls[] = { SYS_openat, SYS_geteuid, SYS_getuid, SYS_unlinkat };
	int pair[2];
	struct err e = ERR_INIT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 2;
	const struct confinement c = {
		.socket = pair[0],
		.rootfd = -1,
		.view = view,
		.host_network = true,
		.max_address_space = 1ULL << 40,
		.max_file_size = 1 << 20,
		.cpu_seconds = 10,
		.calls = calls,
		.n_calls = sizeof calls / sizeof *calls,
	};
	if (confine(&c, &e) < 0)
		return e.kind == ERR_REFUSED ? 3 : 4;
	if (!can_open("/etc/hosts", O_RDONLY))
		return 5;
	if (can_open("/etc/passwd", O_RDONLY) || can_open("/bin/sh", O_RDONLY) ||
		can_open("/proc/self/status", O_RDONLY))
		return 6;
	if (can_open("/etc/hosts", O_RDWR) || can_open("/tmp/x", O_WRONLY | O_CREAT) ||
		can_open("/etc/ssl/certs/x", O_WRONLY | O_CREAT) || can_open("/x", O_CREAT))
		return 7;
	if (unlinkat(AT_FDCWD, "/etc/hosts", 0) == 0)
		return 8;
	return geteuid() == 0 ? 9 : 0;
}

static int tried(long a, long b)
{
	struct err e = ERR_INIT;
	pid_t pid = fork();
	if (pid == 0) {
		lack(a, b);
		if (setgroups(0, NULL) < 0 || setresgid(USER, USER, USER) < 0 ||
			setresuid(USER, USER, USER) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
			_exit(1);
		_exit(try());
	}
	return proc_wait(pid, &e);
}

START_TEST(users_of_its_own)
{
	ck_assert_int_eq(tried(SYS_landlock_create_ruleset, SYS_landlock_create_ruleset), 0);
}
END_TEST

START_TEST(rules_where_there_are_no_users)
{
	ck_assert_int_eq(tried(SYS_unshare, SYS_unshare), 0);
}
END_TEST

/* Users can be made, and have no power: as a policy of the host may have it. */
START_TEST(rules_where_users_have_no_power)
{
	ck_assert_int_eq(tried(SYS_mount, SYS_mount), 0);
	ck_assert_int_eq(tried(SYS_chroot, SYS_chroot), 0);
}
END_TEST

START_TEST(refused_without_either)
{
	ck_assert_int_eq(tried(SYS_unshare, SYS_landlock_create_ruleset), 3);
	ck_assert_int_eq(tried(SYS_mount, SYS_landlock_create_ruleset), 3);
}
END_TEST

UNIT_MAIN("confine", &users_of_its_own, &rules_where_there_are_no_users,
	&rules_where_users_have_no_power, &refused_without_either)
