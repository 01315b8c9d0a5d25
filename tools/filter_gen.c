/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_gen: writes the default system call filter as C.
 *
 * A program of the build. Names come from the lists below, numbers from libseccomp's tables. The
 * code is a binary tree over ranges of equal answers, some seven comparisons deep: the kernel runs
 * it once for every number there is when it is loaded, and a list would make that most of the time
 * that starting an app takes.
 *
 *	on the list                                     allowed
 *	known to libseccomp, and not on the list        EPERM
 *	not known, thus newer; also clone3, whose       ENOSYS: C libraries take the older call
 *	flags a filter cannot see; x32 numbers
 */
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/filter_checks.h"
#include "tools/newer.h"

/* In the spirit of rkt's @rkt/default-whitelist, brought up to Linux 6.x: what a program may want
 * that does not administer the machine. Absent on purpose: ptrace and its kin (apps of a pod share
 * a process namespace), namespaces and mounts, keyrings, bpf, perf, io_uring, userfaultfd, modules,
 * clocks, file handles, the kernel's log. */
static const char *const allowed[] = {
	/* files */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3",
	"faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchown "
	"fchown32",
	"fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat",
	"fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents",
	"getdents64 getxattr ioctl lchown lchown32 lgetxattr link linkat listxattr llistxattr "
	"_llseek",
	"lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at",
	"newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev "
	"pwritev2",
	"read readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir "
	"sendfile",
	"sendfile64 setxattr splice stat stat64 statfs statfs64 statx symlink symlinkat sync",
	"sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat",
	"utimensat_time64 utimes vmsplice write writev chroot sync_file_range2",
	/* waiting for them */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait",
	"epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init "
	"inotify_init1",
	"inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
	"io_setup",
	"io_submit _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd "
	"signalfd4",
	/* memory */
	"brk madvise memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect "
	"mremap",
	"msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages",
	/* processes and threads */
	"alarm arch_prctl capget capset clone execve execveat exit exit_group fork futex "
	"futex_time64",
	"futex_waitv getcpu getitimer get_robust_list getpgid getpgrp getpid getppid getpriority",
	"getrlimit getrusage getsid get_thread_area gettid ioprio_get ioprio_set kill "
	"landlock_add_rule",
	"landlock_create_ruleset landlock_restrict_self membarrier modify_ldt nanosleep pause",
	"personality pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease restart_syscall "
	"rseq",
	"rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend",
	"rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr",
	"sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler",
	"sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr",
	"sched_setparam sched_setscheduler sched_yield seccomp setitimer setpgid setpriority "
	"setrlimit",
	"set_robust_list setsid set_thread_area set_tid_address sigaltstack sigprocmask sigreturn",
	"sigaction signal sigpending sigsuspend tgkill tkill ugetrlimit vfork wait4 waitid waitpid",
	/* identity */
	"getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
	"getresgid32",
	"getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid "
	"setgid32",
	"setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 "
	"setreuid",
	"setreuid32 setuid setuid32",
	/* time, and what the machine is */
	"adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime",
	"clock_gettime64 clock_nanosleep clock_nanosleep_time64 getrandom gettimeofday sysinfo "
	"time",
	"timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime",
	"timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime",
	"timerfd_settime64 times uname",
	/* sockets and System V and POSIX queues */
	"accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
	"recvmmsg",
	"recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket "
	"socketcall",
	"socketpair ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64",
	"mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget "
	"semop",
	"semtimedop semtimedop_time64 shmat shmctl shmdt shmget",
};
static const char *const not_known[] = { "clone3" };

enum answer {
	NOT_KNOWN,
	REFUSE,
	ALLOW,
	CHECK, /* plus a place in filter_checks */
	N_ANSWERS = CHECK + N_FILTER_CHECKS
};

enum {
	NR_MAX = 512,
	CODE_MAX = 2048,
};

struct program {
	struct sock_filter code[CODE_MAX];
	int n;
};

static int emit(struct program *p, unsigned code, unsigned k, unsigned jt, unsigned jf)
{
	if (p->n == CODE_MAX || jt > 255 || jf > 255)
		errx(1, "the filter has grown too long");
	p->code[p->n] = (struct sock_filter){
		.code = (unsigned short)code,
		.jt = (unsigned char)jt,
		.jf = (unsigned char)jf,
		.k = k,
	};
	return p->n++;
}

static void emit_return(struct program *p, unsigned value)
{
	emit(p, BPF_RET | BPF_K, value, 0, 0);
}

/* The argument is one of n values: `hit`, else `miss`. */
static void emit_one_of(
	struct program *p, const unsigned *values, unsigned n, unsigned hit, unsigned miss)
{
	for (unsigned i = 0; i < n; i++)
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], n - i, 0);
	emit_return(p, miss);
	emit_return(p, hit);
}

static void emit_check(struct program *p, const struct filter_check *c)
{
	const unsigned refuse = SECCOMP_RET_ERRNO | EPERM;
	emit(p, BPF_LD | BPF_W | BPF_ABS,
		(unsigned)(offsetof(struct seccomp_data, args) + c->arg * sizeof(__u64)), 0, 0);
	switch (c->allowed) {
	case ARG_WITHOUT_BITS:
		emit(p, BPF_JMP | BPF_JSET | BPF_K, c->values[0], 0, 1);
		emit_return(p, refuse);
		emit_return(p, SECCOMP_RET_ALLOW);
		return;
	case ARG_NONE_OF: emit_one_of(p, c->values, c->n, refuse, SECCOMP_RET_ALLOW); return;
	case ARG_ONE_OF: emit_one_of(p, c->values, c->n, SECCOMP_RET_ALLOW, refuse); return;
	}
}

static void emit_answer(struct program *p, int answer)
{
	switch (answer) {
	case NOT_KNOWN: emit_return(p, SECCOMP_RET_ERRNO | ENOSYS); return;
	case REFUSE: emit_return(p, SECCOMP_RET_ERRNO | EPERM); return;
	case ALLOW: emit_return(p, SECCOMP_RET_ALLOW); return;
	default: emit_check(p, &filter_checks[answer - CHECK]); return;
	}
}

struct range {
	unsigned first;
	enum answer answer;
};

/* A branch whose end is an answer, to be filled in when the answers have been placed. */
struct fixup {
	unsigned char *offset;
	int from;
	enum answer answer;
};

struct tree {
	struct program *program;
	struct fixup fixups[2 * NR_MAX];
	int n_fixups;
};

static void end_branch(struct tree *t, unsigned char *offset, int from, enum answer answer)
{
	t->fixups[t->n_fixups++] = (struct fixup){ offset, from, answer };
}

/* One comparison between two ranges, and no instruction for an answer: those are shared, as every
 * instruction costs the kernel a third of a microsecond when it compiles the filter. */
static void emit_tree(struct tree *t, const struct range *r, int n)
{
	int half = n / 2;
	int at = emit(t->program, BPF_JMP | BPF_JGE | BPF_K, r[half].first, 0, 0);
	struct sock_filter *jump = &t->program->code[at];
	if (half == 1)
		end_branch(t, &jump->jf, at, r[0].answer);
	else
		emit_tree(t, r, half);
	if (n - half == 1) {
		end_branch(t, &jump->jt, at, r[half].answer);
		return;
	}
	int left = t->program->n - at - 1;
	if (left > 255)
		errx(1, "a branch of the filter is too long");
	jump->jt = (unsigned char)left;
	emit_tree(t, r + half, n - half);
}

static void emit_answers(struct tree *t)
{
	for (int answer = 0; answer < N_ANSWERS; answer++) {
		int place = t->program->n;
		bool used = false;
		for (int i = 0; i < t->n_fixups; i++) {
			const struct fixup *f = &t->fixups[i];
			if ((int)f->answer != answer)
				continue;
			if (place - f->from - 1 > 255)
				errx(1, "the filter has grown too long");
			*f->offset = (unsigned char)(place - f->from - 1);
			used = true;
		}
		if (used)
			emit_answer(t->program, answer);
	}
}

static bool on_list(const char *const *list, size_t n, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < n; i++)
		for (const char *at = list[i]; (at = strstr(at, name)); at += len)
			if ((at == list[i] || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
				return true;
	return false;
}
#define ON_LIST(list, name) on_list((list), sizeof(list) / sizeof *(list), (name))

static enum answer answer_to(const char *name)
{
	if (ON_LIST(not_known, name))
		return NOT_KNOWN;
	if (!ON_LIST(allowed, name))
		return REFUSE;
	int check = filter_check_find(name);
	return check < 0 ? ALLOW : (enum answer)(CHECK + check);
}

/* The filter's part for one architecture, after its number was found to be the caller's. */
static void emit_abi(struct program *p, uint32_t arch)
{
	enum answer answers[NR_MAX + 1] = { NOT_KNOWN };
	for (int nr = 0; nr < NR_MAX; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(arch, nr);
		if (name)
			answers[nr] = answer_to(name);
		free(name);
	}
	for (int i = 0; i < N_NEWER; i++)
		if (newer[i].allowed)
			answers[newer[i].nr] = ALLOW;

	struct range ranges[NR_MAX + 1];
	int n = 0;
	for (unsigned nr = 0; nr <= NR_MAX; nr++)
		if (n == 0 || ranges[n - 1].answer != answers[nr])
			ranges[n++] = (struct range){ nr, answers[nr] };
	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	static struct tree tree;
	tree = (struct tree){ .program = p };
	emit_tree(&tree, ranges, n);
	emit_answers(&tree);
}

struct abi {
	uint32_t audit, arch;
};

static void write_filter(const char *macro, const struct abi *abis, int n)
{
	static struct program p;
	p.n = 0;
	emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	for (int i = 0; i < n; i++) {
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, abis[i].audit, 1, 0);
		int skip = emit(&p, BPF_JMP | BPF_JA, 0, 0, 0);
		emit_abi(&p, abis[i].arch);
		p.code[skip].k = (unsigned)(p.n - skip - 1);
	}
	emit_return(&p, SECCOMP_RET_ERRNO | EPERM);
	printf("#elif defined(%s)\nstatic struct sock_filter filter_default_code[] = {\n", macro);
	for (int i = 0; i < p.n; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%x },\n", p.code[i].code, p.code[i].jt, p.code[i].jf,
			p.code[i].k);
	printf("};\n");
}

/* A name that libseccomp does not know is a mistake in the list above. */
static void check_names(void)
{
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		char *line = strdup(allowed[i]), *rest = line, *name;
		while (line && (name = strsep(&rest, " ")))
			if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
				errx(1, "'%s' is not a system call", name);
		free(line);
	}
}

/* For @rkt/default-whitelist. */
static void write_names(void)
{
	printf("static const char filter_default_list[] =\n");
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		printf("\t\"%s \"\n", allowed[i]);
	for (int i = 0; i < N_NEWER; i++)
		if (newer[i].allowed)
			printf("\t\"%s \"\n", newer[i].name);
	printf("\t\"\";\n");
}

int main(void)
{
	static const struct abi x86[] = {
		{ AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64 },
		{ AUDIT_ARCH_I386, SCMP_ARCH_X86 },
	};
	static const struct abi arm[] = { { AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64 } };
	check_names();
	printf("/* Made by tools/filter_gen.c. */\n#pragma once\n\n#include "
	       "<linux/filter.h>\n\n#if 0\n");
	write_filter("__x86_64__", x86, 2);
	write_filter("__aarch64__", arm, 1);
	printf("#else\n#error \"tools/filter_gen.c has no filter for this "
	       "architecture\"\n#endif\n");
	write_names();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
