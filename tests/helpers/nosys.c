/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nosys: runs a command on a kernel that seems to lack some system calls, so that fallbacks run.
 *
 *	nosys NAME[,NAME...] COMMAND [ARG...]
 *
 * The filter answers ENOSYS and is inherited. `nosys list` prints the names that it knows.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const struct {
	const char *name;
	unsigned nr;
} calls[] = { { "openat2", SYS_openat2 }, { "clone3", SYS_clone3 },
	{ "mount_setattr", SYS_mount_setattr }, { "open_tree", SYS_open_tree },
	{ "move_mount", SYS_move_mount }, { "fsopen", SYS_fsopen }, { "fsmount", SYS_fsmount },
	{ "fsconfig", SYS_fsconfig }, { "fspick", SYS_fspick }, { "close_range", SYS_close_range },
	{ "pidfd_open", SYS_pidfd_open }, { "pidfd_send_signal", SYS_pidfd_send_signal },
	{ "pidfd_getfd", SYS_pidfd_getfd }, { "renameat2", SYS_renameat2 },
	{ "copy_file_range", SYS_copy_file_range }, { "memfd_create", SYS_memfd_create },
	{ "statx", SYS_statx }, { "execveat", SYS_execveat }, { "faccessat2", SYS_faccessat2 },
	{ "fchmodat2", SYS_fchmodat2 }, { "getrandom", SYS_getrandom }, { "bpf", SYS_bpf },
	{ "unshare", SYS_unshare }, { "landlock", SYS_landlock_create_ruleset },
	{ "io_uring", SYS_io_uring_setup } };
enum { N_CALLS = sizeof calls / sizeof *calls };

static unsigned number_of(const char *name)
{
	for (size_t i = 0; i < N_CALLS; i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].nr;
	errx(2, "'%s' is not in the table; `nosys list` prints it", name);
}

/* One comparison a name; the program ends with "allow". */
static void load(char *names)
{
	struct sock_filter code[2 * N_CALLS + 4];
	unsigned short n = 0;
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *next; names && n < 2 * N_CALLS; names = next) {
		next = strchr(names, ',');
		if (next)
			*next++ = '\0';
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, number_of(names), 0, 1);
		code[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = n, .filter = code };
	/* as root: no need for no_new_privs, which would be inherited as well */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		err(1, "seccomp");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t i = 0; i < N_CALLS; i++)
			puts(calls[i].name);
		return 0;
	}
	if (argc < 3)
		errx(2, "usage: nosys NAME[,NAME...] COMMAND [ARG...]");
	load(argv[1]);
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
