/* SPDX-License-Identifier: Apache-2.0 */
/* A list of system calls: the first byte says retain or remove and whether there is an errno, the
 * rest are words. Whatever compiles allows execve, ends, and stays in its bounds. */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/base/str.h"
#include "lib/sys/filter_list.h"
#include "tests/fuzz/fuzz.h"

static uint32_t ask(const struct sock_fprog *prog, const struct seccomp_data *data)
{
	uint32_t a = 0;
	for (unsigned pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *f = &prog->filter[pc];
		bool yes = false;
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			FUZZ_HOLDS(f->k + sizeof a <= sizeof *data);
			memcpy(&a, (const char *)data + f->k, sizeof a);
			continue;
		case BPF_ALU | BPF_AND | BPF_K: a &= f->k; continue;
		case BPF_JMP | BPF_JA: pc += f->k; continue;
		case BPF_RET | BPF_K: return f->k;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
		case BPF_JMP | BPF_JSET | BPF_K: yes = a & f->k; break;
		default: FUZZ_HOLDS(false);
		}
		pc += yes ? f->jt : f->jf;
	}
	FUZZ_HOLDS(!"an end");
	return 0;
}

static void ask_all(const struct sock_fprog *prog)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
		AUDIT_ARCH_ARM, AUDIT_ARCH_S390X };
	for (size_t k = 0; k < sizeof archs / sizeof *archs; k++)
		for (int nr = 0; nr < 600; nr += 7)
			for (int bit = 0; bit < 2; bit++) {
				const struct seccomp_data data = { .nr = nr | bit << 30,
					.arch = archs[k],
					.args = { (unsigned)nr } };
				ask(prog, &data);
			}
#ifdef __x86_64__
	const struct seccomp_data exec = { .nr = SYS_execve, .arch = AUDIT_ARCH_X86_64 };
	FUZZ_HOLDS(ask(prog, &exec) == SECCOMP_RET_ALLOW);
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data + 1, size - 1);
	const char *names[512];
	size_t n = 0;
	for (char *p = text, *word; n < 512 && (word = strsep(&p, " ,\n"));)
		if (*word)
			names[n++] = word;
	const bool has_errno = (*data & 2) && n > 0;
	const struct filter_list l = { *data & 1, names + has_errno, n - has_errno,
		has_errno ? names[0] : NULL };
	struct sock_fprog prog;
	struct err e;
	if (filter_compile(&l, &a, &prog, &e) == 0 && prog.len)
		ask_all(&prog);
	return 0;
}
