/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of ours next to libseccomp's, asked about every number of every interface. */
#include "lib/sys/filter_list.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "filter_names.h"
#include "lib/base/errnum.h"
#include "lib/sys/compat.h"
#include "lib/sys/filter.h"
#include "tests/unit/unit.h"

enum { N_NAMES = sizeof filter_names / sizeof *filter_names, FORBIDDEN = SCMP_ACT_ERRNO(EPERM) };

static struct arena arena;
static struct err e;

static const struct {
	uint32_t audit, arch, bit;
} abis[] = {
#ifdef __x86_64__
	{ AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0 },
	{ AUDIT_ARCH_I386, SCMP_ARCH_X86, 0 },
	{ AUDIT_ARCH_X86_64, SCMP_ARCH_X32, 0x40000000 },
#else
	{ AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0 },
	{ AUDIT_ARCH_ARM, SCMP_ARCH_ARM, 0 },
#endif
};
enum { N_ABIS = sizeof abis / sizeof *abis };

/* What the program answers, by the instructions that ours and libseccomp's are made of. */
static uint32_t ask(const struct sock_fprog *prog, uint32_t arch, uint32_t nr, uint64_t arg0)
{
	const struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { arg0 } };
	uint32_t a = 0;
	for (unsigned pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *f = &prog->filter[pc];
		bool yes = false;
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert_uint_le(f->k + sizeof a, sizeof data);
			memcpy(&a, (const char *)&data + f->k, sizeof a);
			continue;
		case BPF_ALU | BPF_AND | BPF_K: a &= f->k; continue;
		case BPF_JMP | BPF_JA: pc += f->k; continue;
		case BPF_RET | BPF_K: return f->k;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = a > f->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
		case BPF_JMP | BPF_JSET | BPF_K: yes = a & f->k; break;
		default: ck_abort_msg("instruction %#x", f->code);
		}
		pc += yes ? f->jt : f->jf;
	}
	ck_abort_msg("the program has no end");
	return 0;
}

static int try_compile(
	bool retain, const char *const *names, size_t n, const char *errnum, struct sock_fprog *ret)
{
	const struct filter_list l = { retain, names, n, errnum };
	e = ERR_INIT;
	return filter_compile(&l, &arena, ret, &e);
}

static struct sock_fprog compile(
	bool retain, const char *const *names, size_t n, const char *errnum)
{
	struct sock_fprog prog = { 0 };
	ck_assert_msg(try_compile(retain, names, n, errnum, &prog) == 0, "%s", unit_message(&e));
	return prog;
}

static struct sock_fprog oracle(bool retain, const char *const *names, size_t n)
{
	scmp_filter_ctx ctx = seccomp_init(retain ? FORBIDDEN : SCMP_ACT_ALLOW);
	ck_assert_int_eq(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, FORBIDDEN), 0);
	for (int k = 1; k < N_ABIS; k++)
		ck_assert_int_eq(seccomp_arch_add(ctx, abis[k].arch), 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(seccomp_rule_add(ctx, retain ? SCMP_ACT_ALLOW : FORBIDDEN,
					 seccomp_syscall_resolve_name(names[i]), 0),
			0);
	int fd = memfd_create("bpf", 0);
	ck_assert_int_eq(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	struct sock_fprog prog = { .len = (unsigned short)((size_t)st.st_size /
							   sizeof(struct sock_filter)),
		.filter = arena_alloc(&arena, (size_t)st.st_size, 1) };
	ck_assert_int_eq(pread(fd, prog.filter, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	return prog;
}

/* Numbers that x32 alone has, without its bit: older kernels take them, libseccomp lets them pass.
 */
static bool only_x32(int k, uint32_t nr)
{
	return abis[k].arch == SCMP_ARCH_X86_64 && nr >= 512 && nr <= 547;
}

static void same(bool retain, const char *const *names, size_t n)
{
	const struct sock_fprog ours = compile(retain, names, n, "EPERM");
	const struct sock_fprog theirs = oracle(retain, names, n);
	for (int k = 0; k < N_ABIS; k++)
		for (uint32_t i = 0; i < 1200; i++) {
			uint32_t nr = i < 1100 ? i : 0xf0000 + i - 1100;
			if (only_x32(k, nr))
				continue;
			const bool bundle = nr == 102 || nr == 117; /* socketcall, ipc */
			for (uint64_t arg = 0; arg < (bundle ? 32 : 1); arg++) {
				uint32_t got = ask(&ours, abis[k].audit, abis[k].bit + nr, arg);
				uint32_t want = ask(&theirs, abis[k].audit, abis[k].bit + nr, arg);
				ck_assert_msg(got == want,
					"interface %d, call %u(%u): %#x, libseccomp says %#x", k,
					nr, (unsigned)arg, got, want);
			}
		}
	ck_assert_uint_eq(ask(&ours, AUDIT_ARCH_S390X, 1, 0), FORBIDDEN);
}
#define SAME(retain, names) same((retain), (names), sizeof(names) / sizeof *(names))

START_TEST(agrees_with_libseccomp)
{
	static const char *const few[] = { "execve", "read", "write", "exit_group", "openat" };
	static const char *const net[] = { "execve", "socket", "connect", "accept", "recvmmsg",
		"shmget", "semtimedop" };
	static const char *const bundles[] = { "execve", "socketcall", "ipc" };
	static const char *const both[] = { "execve", "socketcall", "socket", "ipc", "msgrcv" };
	static const char *const away[] = { "reboot", "chmod", "fchmodat", "chown32", "socket",
		"connect", "shmat", "sendto", "set_tls" };
	static const char *const whole[] = { "socketcall", "ipc" };
	SAME(true, few);
	SAME(true, net);
	SAME(true, bundles);
	SAME(true, both);
	SAME(false, away);
	SAME(false, whole);
}
END_TEST

/* Lists of any length, from a fixed beginning. */
START_TEST(agrees_on_many_lists)
{
	const char *names[N_NAMES];
	unsigned seed = 1;
	for (int round = 0; round < 10; round++) {
		const bool retain = round % 2;
		const unsigned share = 2 + (unsigned)round * 3;
		size_t n = 0;
		if (retain)
			names[n++] = "execve";
		for (int i = 0; i < N_NAMES; i++) {
			const char *name = filter_names[i].name;
			seed = seed * 1103515245 + 12345;
			if ((seed >> 16) % share == 0 && strcmp(name, "execve") != 0 &&
				filter_names[i].nr[0] <= 450 /* it knows some newer on some */
				&& seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
				names[n++] = name;
		}
		same(retain, names, n);
	}
}
END_TEST

/* Every other number of each interface is the longest program that there can be. */
START_TEST(the_worst_list_fits)
{
	const char *names[N_NAMES];
	size_t n = 0;
	for (int i = 0; i < N_NAMES; i++)
		if (filter_names[i].nr[0] % 2 == 1 && strcmp(filter_names[i].name, "execve") != 0)
			names[n++] = filter_names[i].name;
	struct sock_fprog prog = compile(false, names, n, "EPERM");
	ck_assert_uint_lt(prog.len, BPF_MAXINSNS / 2);
}
END_TEST

static uint32_t native(const struct sock_fprog *prog, const char *name, uint64_t arg0)
{
	int nr = seccomp_syscall_resolve_name(name);
	ck_assert_int_ge(nr, 0);
	return ask(prog, abis[0].audit, (uint32_t)nr, arg0);
}

START_TEST(versions_of_ipc_are_no_way_around)
{
#ifdef __x86_64__
	static const char *const away[] = { "shmget", "socket" };
	struct sock_fprog prog = compile(false, away, 2, "EPERM");
	ck_assert_uint_eq(ask(&prog, AUDIT_ARCH_I386, 117, 23), FORBIDDEN);
	ck_assert_uint_eq(ask(&prog, AUDIT_ARCH_I386, 117, 23 | 1 << 16), FORBIDDEN);
	ck_assert_uint_eq(ask(&prog, AUDIT_ARCH_I386, 117, 22), SECCOMP_RET_ALLOW);
	/* x32's own numbers, with and without its bit. */
	static const char *const exec[] = { "ptrace" };
	prog = compile(false, exec, 1, "EPERM");
	ck_assert_uint_eq(ask(&prog, AUDIT_ARCH_X86_64, 0x40000000 | 521, 0), FORBIDDEN);
	ck_assert_uint_eq(ask(&prog, AUDIT_ARCH_X86_64, 521, 0), FORBIDDEN);
#endif
}
END_TEST

START_TEST(what_forbidden_calls_get)
{
	static const char *const names[] = { "execve", "read" };
	struct sock_fprog prog = compile(true, names, 2, NULL);
	ck_assert_uint_eq(native(&prog, "write", 0), SECCOMP_RET_KILL_PROCESS);
	prog = compile(true, names, 2, "");
	ck_assert_uint_eq(native(&prog, "write", 0), SECCOMP_RET_KILL_PROCESS);
	prog = compile(true, names, 2, "ENOTSUP");
	ck_assert_uint_eq(native(&prog, "write", 0), SECCOMP_RET_ERRNO | ENOTSUP);
	ck_assert_uint_eq(native(&prog, "read", 0), SECCOMP_RET_ALLOW);
}
END_TEST

/* appc: all of POSIX and C99; here, all that the C library knows. */
START_TEST(every_errno_has_its_name)
{
	enum { LAST = 133 }; /* EHWPOISON */
	for (int n = 1; n <= LAST; n++) {
		const char *name = strerrorname_np(n);
		if (name)
			ck_assert_msg(errnum_by_name(name) == n, "%s", name);
	}
	ck_assert_int_eq(errnum_by_name("EWOULDBLOCK"), EAGAIN);
	ck_assert_int_eq(errnum_by_name("EOPNOTSUPP"), EOPNOTSUPP);
	ck_assert_int_eq(errnum_by_name("ENOTSUP"), ENOTSUP);
	ck_assert_int_eq(errnum_by_name("EDEADLOCK"), EDEADLOCK);
	ck_assert_int_eq(errnum_by_name(""), 0);
	ck_assert_int_eq(errnum_by_name("eperm"), 0);
}
END_TEST

START_TEST(sets_hold_known_calls)
{
	char word[64];
	size_t sets = 0;
	for (; filter_set_name(sets); sets++)
		for (const char *p = filter_set_calls(sets); *p; p += strspn(p, " ")) {
			size_t n = strcspn(p, " ");
			ck_assert_uint_lt(n, sizeof word);
			snprintf(word, sizeof word, "%.*s", (int)n, p);
			p += n;
			bool found = *word == '@';
			for (int i = 0; i < N_NAMES && !found; i++)
				found = strcmp(filter_names[i].name, word) == 0;
			ck_assert_msg(found, "%s: %s", filter_set_name(sets), word);
		}
	ck_assert_uint_eq(sets, 14);
	for (int i = 1; i < N_NAMES; i++) /* they are searched */
		ck_assert_int_lt(strcmp(filter_names[i - 1].name, filter_names[i].name), 0);
}
END_TEST

START_TEST(whitelist_is_the_default_filter)
{
	static const char *const names[] = { "@rkt/default-whitelist" };
	const struct sock_fprog prog = compile(true, names, 1, "EPERM");
	const struct sock_fprog standard = filter_default();
	for (int i = 0; i < N_NAMES; i++)
		for (int k = 0; k < N_ABIS && !abis[k].bit; k++) {
			if (filter_names[i].nr[k] < 0)
				continue;
			const uint32_t nr = (uint32_t)filter_names[i].nr[k];
			for (uint64_t arg = 0; arg < 64; arg++) {
				uint32_t want = ask(&standard, abis[k].audit, nr, arg);
				/* What is newer than libseccomp is not known to the other. */
				if (nr > 450 && want == (SECCOMP_RET_ERRNO | ENOSYS))
					want = FORBIDDEN;
				ck_assert_msg(ask(&prog, abis[k].audit, nr, arg) == want, "%s(%u)",
					filter_names[i].name, (unsigned)arg);
			}
		}
	ck_assert_uint_eq(native(&prog, "clone", 0x10000000), FORBIDDEN);
	ck_assert_uint_eq(native(&prog, "clone3", 0), SECCOMP_RET_ERRNO | ENOSYS);
	/* Who names a call has all of it, in whatever order. */
	static const char *const more[] = { "clone", "@rkt/default-whitelist", "clone3", "mount" };
	const struct sock_fprog wide = compile(true, more, 4, NULL);
	ck_assert_uint_eq(native(&wide, "clone", 0x10000000), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(native(&wide, "clone3", 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(native(&wide, "mount", 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(native(&wide, "socket", 40), SECCOMP_RET_KILL_PROCESS);
	ck_assert_uint_eq(native(&wide, "reboot", 0), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

START_TEST(sets_are_what_they_say)
{
	static const char *const docker[] = { "@docker/default-whitelist" };
	static const char *const privileged[] = { "@systemd/privileged" };
	struct sock_fprog prog = compile(true, docker, 1, NULL);
	ck_assert_uint_eq(native(&prog, "ptrace", 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(native(&prog, "personality", 0x8), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(native(&prog, "personality", 0x40000), SECCOMP_RET_KILL_PROCESS);
	prog = compile(false, privileged, 1, "EPERM");
	ck_assert_uint_eq(native(&prog, "settimeofday", 0), FORBIDDEN); /* of a set within */
	ck_assert_uint_eq(native(&prog, "chown", 0), FORBIDDEN);
	ck_assert_uint_eq(native(&prog, "read", 0), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(masks)
{
	static const char *const all[] = { "read", "@appc.io/all" };
	static const char *const empty[] = { "read", "@appc.io/empty" };
	ck_assert_uint_eq(compile(true, all, 2, "EPERM").len, 0);
	const struct sock_fprog standard = filter_default();
	struct sock_fprog prog = compile(false, empty, 2, NULL);
	ck_assert_uint_eq(prog.len, standard.len);
	ck_assert_uint_eq(native(&prog, "mount", 0), FORBIDDEN);
	ck_assert_uint_eq(native(&prog, "read", 0), SECCOMP_RET_ALLOW);
	prog = compile(false, empty, 2, "ENOTSUP");
	ck_assert_uint_eq(native(&prog, "mount", 0), SECCOMP_RET_ERRNO | ENOTSUP);
	ck_assert_uint_eq(native(&prog, "clone3", 0), SECCOMP_RET_ERRNO | ENOSYS);
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		bool retain;
		const char *names[3], *errnum, *why;
	} bad[] = {
		{ true, { "execve", "opne" }, NULL, "'opne' is not a system call" },
		{ true, { "execve", "" }, NULL, "'' is not a system call" },
		{ true, { "execve", "@rkt/none" }, NULL, "'@rkt/none' is not a set" },
		{ true, { "@" }, NULL, "'@' is not a set" },
		{ true, { "execve" }, "ENOPE", "'ENOPE' is not the name of an errno" },
		{ true, { "read" }, NULL, "forbids execve" },
		{ true, { "@appc.io/empty" }, NULL, "forbids execve" },
		{ false, { "execve" }, NULL, "forbids execve" },
		{ false, { "@appc.io/all" }, NULL, "forbids execve" },
		{ false, { "@rkt/default-whitelist" }, NULL, "forbids execve" },
		{ true, { "@appc.io/all", "opne" }, NULL, "'opne' is not a system call" },
		{ false, { "@appc.io/empty", "opne" }, NULL, "'opne' is not a system call" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct sock_fprog prog;
		size_t n = 0;
		while (n < 3 && bad[i].names[n])
			n++;
		ck_assert_int_lt(
			try_compile(bad[i].retain, bad[i].names, n, bad[i].errnum, &prog), 0);
		ck_assert_msg(strstr(unit_message(&e), bad[i].why) != NULL, "%s: '%s'", bad[i].why,
			unit_message(&e));
	}
	/* Of other machines: true, and without effect here. */
	static const char *const foreign[] = { "execve", "spu_run", "s390_pci_mmio_read" };
	compile(true, foreign, 3, NULL);
}
END_TEST

START_TEST(the_kernel_takes_it)
{
	static const char *const names[] = { "execve", "exit_group", "write", "exit" };
	struct sock_fprog prog = compile(true, names, 4, NULL);
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (filter_load(&prog, &e) < 0)
			_exit(1);
		(void)!write(-1, "", 0);
		syscall(SYS_getpid);
		_exit(2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%#x", (unsigned)status);
}
END_TEST

UNIT_MAIN("filter_list", &agrees_with_libseccomp, &agrees_on_many_lists, &the_worst_list_fits,
	&versions_of_ipc_are_no_way_around, &what_forbidden_calls_get, &every_errno_has_its_name,
	&sets_hold_known_calls, &whitelist_is_the_default_filter, &sets_are_what_they_say, &masks,
	&refusals, &the_kernel_takes_it)
