/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/filter_list.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter_names.h"
#include "lib/base/errnum.h"
#include "lib/base/str.h"
#include "lib/sys/filter.h"
#include "lib/sys/filter_checks.h"

#ifndef SECCOMP_RET_KILL_PROCESS /* before 4.14 a kernel takes it for the thread's death */
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

/* To a call, by its name or number. CHECK…: a look at an argument decides. */
enum answer {
	FORBID,
	ALLOW,
	NOT_KNOWN, /* ENOSYS: C libraries take an older call */
	CHECK,	   /* plus a place in filter_checks */
	CHECK_SOCKETCALL = CHECK + N_FILTER_CHECKS,
	CHECK_IPC,
	_ANSWER_MAX
};

enum {
	N_NAMES = sizeof filter_names / sizeof *filter_names,
	/* Numbers of calls: from 0, and those that are private to arm. */
	NR_ORDINARY = 1008,
	NR_PRIVATE = 0xf0000,
	NR_MAX = NR_ORDINARY + 16,
	X32_BIT = 0x40000000,
	X32_FIRST = 512, /* older kernels take x32's own numbers without the bit, too */
	X32_LAST = 547,
};

enum abi {
#if defined(__x86_64__)
	ABI_NATIVE,
	ABI_I386,
	ABI_X32,
#else
	ABI_NATIVE,
	ABI_ARM,
#endif
};

struct job {
	const struct filter_list *list;
	uint32_t forbid; /* what the kernel is to do then */
	uint8_t by_name[N_NAMES];
	/* Of i386: bit N: the N-th call of socketcall and ipc is allowed. */
	uint32_t socketcalls, ipcs;
	struct sock_filter *code;
	unsigned n;
	bool too_long;
	struct err *e;
};

/* --- names ----------------------------------------------------------------------------------- */

static int compare_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct filter_name *)row)->name);
}

/* Its place in filter_names; -1: there is none. */
static int name_find(const char *name)
{
	const struct filter_name *found =
		bsearch(name, filter_names, N_NAMES, sizeof *filter_names, compare_name);
	return found ? (int)(found - filter_names) : -1;
}

/* What the default filter, which allows the call, answers to it. */
static enum answer checked_answer(const char *name)
{
	int check = filter_check_find(name);
	return check < 0 ? ALLOW : (enum answer)(CHECK + check);
}

/* `checked`: the name is one of a set that says it of harmless arguments only. */
static void take_call(struct job *j, int name, bool checked)
{
	uint8_t *answer = &j->by_name[name];
	if (!j->list->retain)
		*answer = FORBID;
	else if (!checked)
		*answer = ALLOW;
	else if (*answer == FORBID)
		*answer = (uint8_t)checked_answer(filter_names[name].name);
}

static int set_find(const char *name)
{
	for (size_t i = 0; filter_set_name(i); i++)
		if (strcmp(filter_set_name(i), name) == 0)
			return (int)i;
	return -1;
}

/* Sets nest once: a set within a set is named by us, and holds none. */
static void take_set(struct job *j, size_t set, bool outer)
{
	const char *name = filter_set_name(set);
	const bool checked = strstr(name, "/default-whitelist") && !strstr(name, "@systemd/");
	char word[64];
	for (const char *p = filter_set_calls(set); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		memcpy(word, p, n);
		word[n] = '\0';
		p += n;
		int at = *word == '@' ? set_find(word) : name_find(word);
		if (*word == '@' && outer && at >= 0)
			take_set(j, (size_t)at, false);
		else if (*word != '@' && at >= 0)
			take_call(j, at, checked);
	}
	int clone3 = name_find("clone3");
	if (checked && j->list->retain && j->by_name[clone3] == FORBID)
		j->by_name[clone3] = NOT_KNOWN;
}

static int take_names(struct job *j)
{
	const struct filter_list *l = j->list;
	memset(j->by_name, l->retain ? FORBID : ALLOW, sizeof j->by_name);
	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->names[i];
		int at = *name == '@' ? set_find(name) : name_find(name);
		if (at < 0)
			return ERR_NOENT(j->e, "'%.64s' is not a %s", name,
				*name == '@' ? "set of system calls" : "system call");
		if (*name != '@')
			take_call(j, at, false);
		else if (strcmp(name, "@appc.io/all") == 0) /* retain: see filter_compile() */
			memset(j->by_name, FORBID, sizeof j->by_name);
		else
			take_set(j, (size_t)at, true);
	}
	if (j->by_name[name_find("execve")] != ALLOW)
		return ERR_BAD(j->e, "the list forbids execve, by which the app is started");
	return 0;
}

/* --- calls within calls ---------------------------------------------------------------------- */

static const struct bundle {
	const char *name;
	enum answer answer;
	const char *calls[25];
} bundles[] = {
	{ "socketcall", CHECK_SOCKETCALL,
		{ NULL, "socket", "bind", "connect", "listen", "accept", "getsockname",
			"getpeername", "socketpair", "send", "recv", "sendto", "recvfrom",
			"shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4",
			"recvmmsg", "sendmmsg" } },
	{ "ipc", CHECK_IPC,
		{ NULL, "semop", "semget", "semctl", "semtimedop", [11] = "msgsnd", "msgrcv",
			"msgget", "msgctl", [21] = "shmat", "shmdt", "shmget", "shmctl" } },
};

/* A bundle that is on the list itself is taken whole; else what it bundles decides. */
static void take_bundle(struct job *j, const struct bundle *b)
{
	const bool retain = j->list->retain;
	const int own = name_find(b->name);
	uint32_t allowed = 0;
	bool special = false;
	if (j->by_name[own] == (retain ? ALLOW : FORBID))
		return;
	for (unsigned i = 0; i < 25; i++) {
		bool allow = !retain; /* numbers that the kernel has no call for */
		if (b->calls[i])
			allow = j->by_name[name_find(b->calls[i])] == ALLOW;
		special |= allow != !retain;
		allowed |= (uint32_t)allow << i;
	}
	if (!special)
		return;
	j->by_name[own] = (uint8_t)b->answer;
	*(b->answer == CHECK_IPC ? &j->ipcs : &j->socketcalls) = allowed;
}

/* --- code ------------------------------------------------------------------------------------ */

static unsigned emit(struct job *j, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
	if (j->n == BPF_MAXINSNS) {
		j->too_long = true;
		return 0;
	}
	j->code[j->n] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };
	return j->n++;
}

static void emit_return(struct job *j, uint32_t value)
{
	emit(j, BPF_RET | BPF_K, value, 0, 0);
}

/* Only the low half: the kernel takes an int of all that are looked at. */
static void emit_load_arg(struct job *j, unsigned index)
{
	const size_t low = offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
	emit(j, BPF_LD | BPF_W | BPF_ABS, (uint32_t)low, 0, 0);
}

static void emit_one_of(
	struct job *j, const uint32_t *values, unsigned n, uint32_t hit, uint32_t miss)
{
	for (unsigned i = 0; i < n; i++)
		emit(j, BPF_JMP | BPF_JEQ | BPF_K, values[i], n - i, 0);
	emit_return(j, miss);
	emit_return(j, hit);
}

static void emit_bundle(struct job *j, uint32_t allowed)
{
	const bool retain = j->list->retain;
	uint32_t special[32];
	unsigned n = 0;
	for (uint32_t i = 0; i < 25; i++)
		if ((allowed >> i & 1) == retain)
			special[n++] = i;
	emit_one_of(j, special, n, retain ? SECCOMP_RET_ALLOW : j->forbid,
		retain ? j->forbid : SECCOMP_RET_ALLOW);
}

static void emit_check(struct job *j, const struct filter_check *c)
{
	emit_load_arg(j, c->arg);
	switch (c->allowed) {
	case ARG_WITHOUT_BITS:
		emit(j, BPF_JMP | BPF_JSET | BPF_K, c->values[0], 0, 1);
		emit_return(j, j->forbid);
		emit_return(j, SECCOMP_RET_ALLOW);
		return;
	case ARG_NONE_OF: emit_one_of(j, c->values, c->n, j->forbid, SECCOMP_RET_ALLOW); return;
	case ARG_ONE_OF: emit_one_of(j, c->values, c->n, SECCOMP_RET_ALLOW, j->forbid); return;
	}
}

static void emit_answer(struct job *j, int answer)
{
	switch (answer) {
	case FORBID: emit_return(j, j->forbid); return;
	case ALLOW: emit_return(j, SECCOMP_RET_ALLOW); return;
	case NOT_KNOWN: emit_return(j, SECCOMP_RET_ERRNO | ENOSYS); return;
	case CHECK_SOCKETCALL:
		emit_load_arg(j, 0);
		emit_bundle(j, j->socketcalls);
		return;
	case CHECK_IPC: /* the other bits are the version of the interface */
		emit_load_arg(j, 0);
		emit(j, BPF_ALU | BPF_AND | BPF_K, 0xffff, 0, 0);
		emit_bundle(j, j->ipcs);
		return;
	default: emit_check(j, &filter_checks[answer - CHECK]); return;
	}
}

struct range {
	uint32_t first;
	enum answer answer;
};

/* So few ranges that whatever a branch of theirs leads to can be reached by its 8 bits. */
enum { SMALL = 48 };

/* Branches of a small tree that end in an answer, to be filled in when it has been placed. */
struct branches {
	struct {
		uint8_t *offset;
		unsigned from;
		enum answer answer;
	} v[2 * SMALL];
	unsigned n;
};

static void end_branch(struct branches *b, uint8_t *offset, unsigned from, enum answer answer)
{
	b->v[b->n].offset = offset;
	b->v[b->n].from = from;
	b->v[b->n++].answer = answer;
}

static void emit_comparisons(struct job *j, struct branches *b, const struct range *r, unsigned n)
{
	unsigned half = n / 2;
	unsigned at = emit(j, BPF_JMP | BPF_JGE | BPF_K, r[half].first, 0, 0);
	struct sock_filter *jump = &j->code[at];
	if (half == 1)
		end_branch(b, &jump->jf, at, r[0].answer);
	else
		emit_comparisons(j, b, r, half);
	if (n - half == 1) {
		end_branch(b, &jump->jt, at, r[half].answer);
		return;
	}
	jump->jt = (uint8_t)(j->n - at - 1);
	emit_comparisons(j, b, r + half, n - half);
}

/* Ranges that share their answers, which follow them. */
static void emit_small(struct job *j, const struct range *r, unsigned n)
{
	struct branches b = { .n = 0 };
	if (n == 1) {
		emit_answer(j, r[0].answer);
		return;
	}
	emit_comparisons(j, &b, r, n);
	for (int answer = 0; answer < _ANSWER_MAX; answer++) {
		unsigned place = j->n;
		bool used = false;
		for (unsigned i = 0; i < b.n; i++)
			if ((int)b.v[i].answer == answer) {
				*b.v[i].offset = (uint8_t)(place - b.v[i].from - 1);
				used = true;
			}
		if (used)
			emit_answer(j, answer);
	}
}

static void emit_tree(struct job *j, const struct range *r, unsigned n)
{
	if (n <= SMALL) {
		emit_small(j, r, n);
		return;
	}
	unsigned half = n / 2;
	emit(j, BPF_JMP | BPF_JGE | BPF_K, r[half].first, 0, 1);
	unsigned skip = emit(j, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(j, r, half);
	j->code[skip].k = j->n - skip - 1;
	emit_tree(j, r + half, n - half);
}

/* --- one interface --------------------------------------------------------------------------- */

static int place_of(int nr)
{
	if (nr >= 0 && nr < NR_ORDINARY)
		return nr;
	nr -= NR_PRIVATE;
	return nr >= 0 && nr < NR_MAX - NR_ORDINARY ? NR_ORDINARY + nr : -1;
}

static void fill(const struct job *j, enum abi abi, int from, int to, uint8_t answers[NR_MAX])
{
	for (int i = 0; i < N_NAMES; i++) {
		int place = place_of(filter_names[i].nr[abi]);
		if (place >= from && place <= to)
			answers[place] = j->by_name[i];
	}
}

/* After the number has been loaded; `bit` is what x32 adds to numbers. */
static void emit_numbers(struct job *j, enum abi abi, uint32_t bit)
{
	uint8_t answers[NR_MAX];
	struct range ranges[NR_MAX + 2];
	const enum answer other = j->list->retain ? FORBID : ALLOW;
	unsigned n = 0;
	memset(answers, (int)other, sizeof answers);
	fill(j, abi, 0, NR_MAX, answers);
#if defined(__x86_64__)
	if (abi == ABI_NATIVE)
		fill(j, ABI_X32, X32_FIRST, X32_LAST, answers);
#endif
	for (uint32_t i = 0; i <= NR_MAX; i++) {
		uint32_t nr = i < NR_ORDINARY ? i : NR_PRIVATE + i - NR_ORDINARY;
		enum answer answer = i < NR_MAX ? (enum answer)answers[i] : other;
		if (n == 0 || ranges[n - 1].answer != answer)
			ranges[n++] = (struct range){ bit + nr, answer };
		if (i == NR_ORDINARY - 1 && ranges[n - 1].answer != other)
			ranges[n++] = (struct range){ bit + NR_ORDINARY, other };
	}
	emit_tree(j, ranges, n);
}

static void emit_abi(struct job *j, uint32_t audit, enum abi abi)
{
	emit(j, BPF_JMP | BPF_JEQ | BPF_K, audit, 1, 0);
	unsigned skip = emit(j, BPF_JMP | BPF_JA, 0, 0, 0);
	emit(j, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
#if defined(__x86_64__)
	if (abi == ABI_NATIVE) {
		emit(j, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		unsigned x32 = emit(j, BPF_JMP | BPF_JA, 0, 0, 0);
		emit_numbers(j, abi, 0);
		j->code[x32].k = j->n - x32 - 1;
		emit_numbers(j, ABI_X32, X32_BIT);
	} else
#endif
		emit_numbers(j, abi, 0);
	j->code[skip].k = j->n - skip - 1;
}

static int emit_program(struct job *j)
{
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
		take_bundle(j, &bundles[i]);
	emit(j, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
#if defined(__x86_64__)
	emit_abi(j, AUDIT_ARCH_X86_64, ABI_NATIVE);
	emit_abi(j, AUDIT_ARCH_I386, ABI_I386);
#else
	emit_abi(j, AUDIT_ARCH_AARCH64, ABI_NATIVE);
	emit_abi(j, AUDIT_ARCH_ARM, ABI_ARM);
#endif
	emit_return(j, j->forbid);
	return j->too_long ? ERR_NUM(j->e, E2BIG, "filter of system calls") : 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool has(const struct filter_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->names[i], name) == 0)
			return true;
	return false;
}

/* The default filter, answering otherwise where an errno was given. */
static void take_default(struct job *j, bool has_errno)
{
	const struct sock_fprog prog = filter_default();
	memcpy(j->code, prog.filter, prog.len * sizeof *prog.filter);
	j->n = prog.len;
	for (unsigned i = 0; has_errno && i < j->n; i++)
		if (j->code[i].code == (BPF_RET | BPF_K) &&
			j->code[i].k == (SECCOMP_RET_ERRNO | EPERM))
			j->code[i].k = j->forbid;
}

static int compile(struct job *j)
{
	const struct filter_list *l = j->list;
	const bool has_errno = !str_empty(l->errno_name);
	j->forbid = SECCOMP_RET_KILL_PROCESS;
	if (has_errno) {
		int number = errnum_by_name(l->errno_name);
		if (number == 0)
			return ERR_NOENT(
				j->e, "'%.64s' is not the name of an errno", l->errno_name);
		j->forbid = SECCOMP_RET_ERRNO | (uint32_t)number;
	}
	const bool all = l->retain && has(l, "@appc.io/all");
	const bool empty = !l->retain && has(l, "@appc.io/empty");
	int r = take_names(j);
	if (r < 0 && !(all || empty) /* they mask what else there is, but not mistakes */)
		return r;
	if (r == -ENOENT)
		return r;
	if (all)
		return 0;
	if (!empty)
		return emit_program(j);
	take_default(j, has_errno);
	return 0;
}

int filter_compile(
	const struct filter_list *l, struct arena *a, struct sock_fprog *ret, struct err *e)
{
	struct job *j = xcalloc(1, sizeof *j);
	j->code = xcalloc(BPF_MAXINSNS, sizeof *j->code);
	j->list = l;
	j->e = e;
	int r = compile(j);
	if (r >= 0) {
		ret->len = (unsigned short)j->n;
		ret->filter = ARENA_ARRAY(a, struct sock_filter, j->n);
		memcpy(ret->filter, j->code, j->n * sizeof *j->code);
	}
	free(j->code);
	free(j);
	return r;
}
