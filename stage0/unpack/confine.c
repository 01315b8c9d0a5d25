/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"

enum { NOBODY = 65534, MAX_OPEN_FILES = 1024 };
#define MAX_ADDRESS_SPACE (2ULL << 30)

#define CAP(name) (1U << CAP_##name)
_Static_assert(CAP_SETFCAP < 32, "one word holds what is needed");

static const uint32_t mode_caps[_UNPACK_MODE_MAX] = {
	[UNPACK_TREE] = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) |
			CAP(SETFCAP),
	[UNPACK_COMPARE] = CAP(DAC_READ_SEARCH),
	[UNPACK_PLAIN] = 0,
	[UNPACK_PACK] = CAP(DAC_READ_SEARCH),
};

/* --- system calls ----------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "say which AUDIT_ARCH this machine has"
#endif

static const uint32_t allowed[] = {
	/* data */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close,
	SYS_fcntl, SYS_sendto, SYS_recvfrom,
	/* files below the root */
	SYS_openat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_readlinkat,
	SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_ftruncate, SYS_fchown,
	SYS_fchownat, SYS_fchmod, SYS_fchmodat, SYS_utimensat, SYS_fsetxattr, SYS_fgetxattr,
	SYS_flistxattr,
	/* memory and threads */
	SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_futex, SYS_set_robust_list,
#ifdef SYS_rseq
	SYS_rseq,
#endif
	SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigreturn, SYS_sigaltstack, SYS_gettid,
	SYS_getpid, SYS_sched_yield, SYS_sched_getaffinity, SYS_getrandom, SYS_clock_gettime,
	SYS_clock_nanosleep, SYS_restart_syscall, SYS_exit, SYS_exit_group
};

/* Calls that depend on the low half of an argument: with `bits` set they are allowed or refused. */
static const struct {
	uint32_t call, argument, bits;
	bool allow_when_set;
} conditional[] = {
	{ SYS_mmap, 2, PROT_EXEC, false }, /* no new code: neither libraries nor anything else */
	{ SYS_mprotect, 2, PROT_EXEC, false },
	{ SYS_clone, 0, CLONE_THREAD, true }, /* threads, no processes */
};

#define N(array) (sizeof(array) / sizeof *(array))
enum { FILTER_MAX = 4 + 5 * N(conditional) + 2 * N(allowed) + 3 };

struct program {
	struct sock_filter v[FILTER_MAX];
	unsigned short n;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	BUG_ON(p->n == FILTER_MAX);
	p->v[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

static int load_filter(struct err *e)
{
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM, allow = SECCOMP_RET_ALLOW;
	struct program p = { .n = 0 };
	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	emit_return(&p, SECCOMP_RET_KILL_PROCESS);
	emit_load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N(conditional); i++) {
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, conditional[i].call, 0, 4);
		emit_load(&p, offsetof(struct seccomp_data, args) + 8 * conditional[i].argument);
		emit(&p, BPF_JMP | BPF_JSET | BPF_K, conditional[i].bits, 0, 1);
		emit_return(&p, conditional[i].allow_when_set ? allow : refuse);
		emit_return(&p, conditional[i].allow_when_set ? refuse : allow);
	}
	for (size_t i = 0; i < N(allowed); i++) {
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		emit_return(&p, allow);
	}
	/* clone3 hides its flags from filters: the C library falls back to clone. */
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 435, 0, 1);
	emit_return(&p, SECCOMP_RET_ERRNO | ENOSYS);
	emit_return(&p, refuse);
	struct sock_fprog program = { .len = p.n, .filter = p.v };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return ERR_SYS(e, "load the system call filter");
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int set_limits(const struct unpack_request *request, struct err *e)
{
	const struct {
		int what;
		uint64_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, MAX_OPEN_FILES },
		{ RLIMIT_FSIZE, request->max_bytes },
		{ RLIMIT_CPU, request->cpu_seconds },
#if !defined(__SANITIZE_ADDRESS__) && !defined(RKT_ASAN) /* whose shadow alone is larger */
		{ RLIMIT_AS, MAX_ADDRESS_SPACE },
#endif
	};
	for (size_t i = 0; i < N(limits); i++) {
		struct rlimit l;
		if (getrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return ERR_SYS(e, "get a resource limit");
		/* Whoever started us may have been stricter; raising takes a capability. */
		if (l.rlim_max > limits[i].value)
			l.rlim_max = limits[i].value;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return ERR_SYS(e, "set a resource limit");
	}
	signal(SIGXFSZ, SIG_IGN); /* EFBIG says it better */
	return 0;
}

static int change_root(int dirfd, struct err *e)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return ERR_SYS(e, "unshare");
	if (fchdir(dirfd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return ERR_SYS(e, "change root");
	umask(0);
	return 0;
}

static int drop_privileges(uint32_t caps, struct err *e)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return ERR_SYS(e, "drop capability %d", cap);
	if (setgroups(0, NULL) < 0 || prctl(PR_SET_KEEPCAPS, 1) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return ERR_SYS(e, "become nobody");
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = { { .effective = caps, .permitted = caps } };
	if (syscall(SYS_capset, &header, data) < 0)
		return ERR_SYS(e, "set capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return ERR_SYS(e, "prctl");
	return 0;
}

/* A change of identity has forgotten the wish to die with the parent. */
static int die_with_parent(struct err *e)
{
	char byte;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return ERR_SYS(e, "prctl");
	if (recv(UNPACK_FD_SOCKET, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return err_set(e, ERR_PEER, EPIPE, "the parent is gone");
	return 0;
}

int confine(const struct unpack_request *request, int dirfd, struct err *e)
{
	int r = set_limits(request, e);
	if (r >= 0)
		r = change_root(dirfd, e);
	if (r >= 0)
		r = drop_privileges(mode_caps[request->mode], e);
	if (r >= 0)
		r = die_with_parent(e);
	return r < 0 ? r : load_filter(e);
}
