/* SPDX-License-Identifier: Apache-2.0 */
/* The generated filter, loaded in a child, and asked by making the calls. */
#include "lib/sys/filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/sys/compat.h"
#include "tests/unit/unit.h"

#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif

#ifdef __SANITIZE_ADDRESS__
/* The search for leaks traces its own process, which the filter refuses. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static void confine(void)
{
	struct err e = ERR_INIT;
	struct sock_fprog prog = filter_default();
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_msg(filter_load(&prog, &e) == 0, "%s", e.msg);
}

/* Every call is given arguments that fail in the kernel's own way, or succeed harmlessly. */
static long answer(long nr, long a, long b, long c)
{
	errno = 0;
	return syscall(nr, a, b, c, 0, 0, 0) < 0 ? errno : 0;
}

START_TEST(refuses)
{
	static const long calls[] = { SYS_mount, SYS_umount2, SYS_pivot_root, SYS_unshare,
		SYS_setns, SYS_ptrace, SYS_process_vm_readv, SYS_keyctl, SYS_add_key,
		SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_init_module, SYS_finit_module,
		SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_settimeofday,
		SYS_clock_settime, SYS_open_by_handle_at, SYS_userfaultfd, SYS_io_uring_setup,
		SYS_quotactl, SYS_sethostname, SYS_acct, SYS_open_tree, SYS_move_mount, SYS_fsopen,
		SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_kcmp, SYS_pidfd_getfd, SYS_syslog };
	confine();
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		ck_assert_msg(answer(calls[i], -1, 0, 0) == EPERM, "system call %ld: errno %d",
			calls[i], errno);
}
END_TEST

START_TEST(newer_calls_are_not_known)
{
	confine();
	ck_assert_int_eq(answer(SYS_clone3, 0, 0, 0), ENOSYS);
	ck_assert_int_eq(answer(457, 0, 0, 0), ENOSYS); /* statmount */
	ck_assert_int_eq(answer(511, 0, 0, 0), ENOSYS);
	ck_assert_int_eq(answer(100000, 0, 0, 0), ENOSYS);
	ck_assert_int_eq(answer(-1, 0, 0, 0), ENOSYS);
}
END_TEST

START_TEST(allows)
{
	confine();
	ck_assert_int_ge(open("/", O_RDONLY | O_DIRECTORY), 0);
	ck_assert_int_ge(socket(AF_UNIX, SOCK_STREAM, 0), 0);
	ck_assert_int_ge(socket(AF_INET, SOCK_DGRAM, 0), 0);
	ck_assert_ptr_ne(
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
	ck_assert_int_eq(answer(SYS_close, -1, 0, 0), EBADF);
	ck_assert_int_eq(answer(SYS_chroot, 0, 0, 0), EFAULT);
	ck_assert_int_eq(answer(SYS_openat2, -1, 0, 0), EINVAL);
	ck_assert_int_eq(answer(SYS_statx, -1, 0, 0), EFAULT);
	ck_assert_int_eq(answer(SYS_fchownat, -1, 0, 0), EFAULT);
	ck_assert_int_eq(answer(452, -1, 0, 0) == EPERM, 0); /* fchmodat2, where there is one */
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "ls / >/dev/null && echo x | cat >/dev/null", NULL);
		_exit(1);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(looks_at_arguments)
{
	confine();
	ck_assert_int_eq(answer(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0), EPERM);
	ck_assert_int_eq(answer(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0), EPERM);
	ck_assert_int_eq(answer(SYS_personality, 0xffffffff, 0, 0), 0);
	ck_assert_int_eq(answer(SYS_personality, ADDR_NO_RANDOMIZE, 0, 0), EPERM);
	ck_assert_int_eq(answer(SYS_socket, AF_VSOCK, SOCK_STREAM, 0), EPERM);
	ck_assert_int_eq(answer(SYS_ioctl, -1, TIOCSTI, 0), EPERM);
	ck_assert_int_eq(answer(SYS_ioctl, -1, 0x541c, 0), EPERM);
	/* The kernel takes 32 bits of the request: the others must not be a way around. */
	ck_assert_int_eq(answer(SYS_ioctl, -1, (long)(0x100000000UL | TIOCSTI), 0), EPERM);
	ck_assert_int_eq(answer(SYS_ioctl, -1, TIOCGWINSZ, 0), EBADF);
}
END_TEST

#ifdef __x86_64__
/* A call of the 32-bit interface; -errno as the kernel leaves it in eax. */
static int call32(int nr, int a, int b)
{
	int ret;
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "0"(nr), "b"(a), "c"(b), "d"(0), "S"(0), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

START_TEST(covers_32_bit_calls)
{
	if (call32(20, 0, 0) == -ENOSYS) /* getpid: a kernel without that interface */
		return;
	confine();
	ck_assert_int_eq(call32(20, 0, 0), getpid());
	ck_assert_int_eq(call32(21, 0, 0), -EPERM);  /* mount */
	ck_assert_int_eq(call32(26, -1, 0), -EPERM); /* ptrace */
	ck_assert_int_eq(call32(310, 0, 0), -EPERM); /* unshare */
	ck_assert_int_eq(call32(288, 0, 0), -EPERM); /* keyctl */
	ck_assert_int_eq(call32(120, CLONE_NEWNS, 0), -EPERM);
	ck_assert_int_eq(call32(54, -1, TIOCSTI), -EPERM);
	ck_assert_int_eq(call32(435, 0, 0), -ENOSYS); /* clone3 */
}
END_TEST

START_TEST(refuses_x32)
{
	confine();
	ck_assert_int_eq(answer(0x40000000 | SYS_getpid, 0, 0, 0), ENOSYS);
	ck_assert_int_eq(answer(0x40000000 | SYS_mount, 0, 0, 0), ENOSYS);
}
END_TEST
#endif

/* What the program answers, by the few instructions that it is made of. */
static unsigned verdict(uint32_t arch, int nr)
{
	const struct sock_fprog prog = filter_default();
	const struct seccomp_data data = { .nr = nr, .arch = arch };
	uint32_t a = 0;
	for (unsigned pc = 0; pc < prog.len; pc++) {
		const struct sock_filter *f = &prog.filter[pc];
		bool yes = false;
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert_uint_le(f->k + sizeof a, sizeof data);
			memcpy(&a, (const char *)&data + f->k, sizeof a);
			continue;
		case BPF_JMP | BPF_JA: pc += f->k; continue;
		case BPF_RET | BPF_K: return f->k;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
		case BPF_JMP | BPF_JSET | BPF_K: yes = a & f->k; break;
		default: ck_abort_msg("instruction %#x", f->code);
		}
		pc += yes ? f->jt : f->jf;
	}
	ck_abort_msg("the program has no end");
	return 0;
}

static const struct {
	uint32_t audit, arch;
} abis[] = {
#ifdef __x86_64__
	{ AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64 },
	{ AUDIT_ARCH_I386, SCMP_ARCH_X86 },
#else
	{ AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64 },
#endif
};
enum { N_ABIS = sizeof abis / sizeof *abis };

static void expect(const char *const *names, size_t n, unsigned want)
{
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < N_ABIS; k++) {
			int nr = seccomp_syscall_resolve_name_arch(abis[k].arch, names[i]);
			ck_assert_int_ne(nr, __NR_SCMP_ERROR);
			if (nr >= 0)
				ck_assert_msg(verdict(abis[k].audit, nr) == want, "%s: %#x",
					names[i], verdict(abis[k].audit, nr));
		}
}
#define EXPECT(names, want) expect((names), sizeof(names) / sizeof *(names), (want))

START_TEST(every_number_has_an_answer)
{
	const unsigned refuse = SECCOMP_RET_ERRNO | EPERM, not_known = SECCOMP_RET_ERRNO | ENOSYS;
	for (int k = 0; k < N_ABIS; k++)
		for (int nr = 0; nr < 1024; nr++) {
			unsigned got = verdict(abis[k].audit, nr);
			char *name = seccomp_syscall_resolve_num_arch(abis[k].arch, nr);
			if (!name && got != SECCOMP_RET_ALLOW)
				ck_assert_uint_eq(got, not_known);
			else if (!name) /* the few that are newer than libseccomp */
				ck_assert(nr >= 451 && nr <= 466);
			else if (strcmp(name, "clone3") != 0)
				ck_assert_msg(got == SECCOMP_RET_ALLOW || got == refuse ||
						      strcmp(name, "personality") == 0,
					"%s: %#x", name, got);
			free(name);
		}
	ck_assert_uint_eq(verdict(AUDIT_ARCH_S390X, 1), refuse);
}
END_TEST

START_TEST(both_interfaces_agree)
{
	static const char *const never[] = { "mount", "umount", "umount2", "pivot_root", "setns",
		"unshare", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
		"mount_setattr", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp",
		"pidfd_getfd", "process_madvise", "keyctl", "add_key", "request_key", "bpf",
		"perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
		"io_uring_register", "init_module", "finit_module", "delete_module", "kexec_load",
		"kexec_file_load", "reboot", "swapon", "swapoff", "iopl", "ioperm", "vm86",
		"settimeofday", "clock_settime", "clock_settime64", "stime", "open_by_handle_at",
		"fanotify_init", "quotactl", "quotactl_fd", "acct", "sethostname", "setdomainname",
		"syslog", "lookup_dcookie", "uselib", "vhangup", "nfsservctl" };
	static const char *const always[] = { "read", "write", "openat", "openat2", "close", "mmap",
		"mmap2", "execve", "exit_group", "futex", "futex_time64", "clone", "ioctl",
		"socket", "statx", "clock_gettime", "clock_gettime64", "rseq", "close_range",
		"epoll_pwait2", "rt_sigreturn", "sigreturn", "prctl", "seccomp", "setuid",
		"setuid32", "capset", "chroot", "newfstatat", "fstatat64", "getrandom",
		"memfd_create", "wait4" };
	EXPECT(never, SECCOMP_RET_ERRNO | EPERM);
	EXPECT(always, SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(is_shallow)
{
	struct sock_fprog prog = filter_default();
	ck_assert_uint_gt(prog.len, 50);
	ck_assert_uint_lt(prog.len, 1500);
}
END_TEST

#ifdef __x86_64__
UNIT_MAIN("filter", &refuses, &newer_calls_are_not_known, &allows, &looks_at_arguments, &is_shallow,
	&every_number_has_an_answer, &both_interfaces_agree, &covers_32_bit_calls, &refuses_x32)
#else
UNIT_MAIN("filter", &refuses, &newer_calls_are_not_known, &allows, &looks_at_arguments, &is_shallow,
	&every_number_has_an_answer, &both_interfaces_agree)
#endif
