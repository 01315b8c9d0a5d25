/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/confine/filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "say which AUDIT_ARCH this machine has"
#endif

/* What any program needs that reads, writes and computes. */
static const uint32_t common[] = {
	/* data */
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close,
	SYS_fcntl, SYS_fstat, SYS_ftruncate, SYS_sendto, SYS_recvfrom,
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

struct program {
	struct sock_filter *v;
	size_t n, max;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	BUG_ON(p->n == p->max);
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

static void emit_call(struct program *p, uint32_t call, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
	emit_return(p, action);
}

int filter_load_calls(const uint32_t *calls, size_t n, struct err *e)
{
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM, allow = SECCOMP_RET_ALLOW;
	struct program p = { .max = 4 + 5 * N(conditional) + 2 * (N(common) + n) + 3 };
	_clean_(mem) struct sock_filter *instructions = xcalloc(p.max, sizeof *instructions);
	p.v = instructions;
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
	for (size_t i = 0; i < N(common); i++)
		emit_call(&p, common[i], allow);
	for (size_t i = 0; i < n; i++)
		emit_call(&p, calls[i], allow);
	/* clone3 hides its flags from filters: the C library falls back to clone. */
	emit_call(&p, 435, SECCOMP_RET_ERRNO | ENOSYS);
	emit_return(&p, refuse);
	struct sock_fprog program = { .len = (unsigned short)p.n, .filter = p.v };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return ERR_SYS(e, "load the system call filter");
	return 0;
}
