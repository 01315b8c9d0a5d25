/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall_gen: writes the names of all system calls, sorted, each with its numbers on the
 * interfaces of a machine, as C. A program of the build; names and numbers are libseccomp's.
 *
 * Names that only other machines have are there too, without a number: manifests that name them
 * are right, and nothing follows from it here. x32's numbers are written without their bit.
 */
#include <err.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/newer.h"

enum { MAX_NAMES = 2048, X32_BIT = 0x40000000, ARM_PRIVATE = 0xf0000, N_ABIS = 3 };

static const char *names[MAX_NAMES];
static size_t n_names;

static void add(const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return;
	if (n_names == MAX_NAMES || !(names[n_names++] = strdup(name)))
		errx(1, "too many system calls");
}

/* Where the numbers of the architectures that libseccomp knows lie. */
static void add_all(void)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86, SCMP_ARCH_X86_64, SCMP_ARCH_X32,
		SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64,
		SCMP_ARCH_MIPS64N32, SCMP_ARCH_PARISC, SCMP_ARCH_PPC, SCMP_ARCH_PPC64,
		SCMP_ARCH_S390, SCMP_ARCH_S390X, SCMP_ARCH_RISCV64 };
	static const int bases[] = { 0, 4000, 5000, 6000, ARM_PRIVATE, X32_BIT };
	for (size_t a = 0; a < sizeof archs / sizeof *archs; a++)
		for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
			for (int nr = bases[b]; nr < bases[b] + 1000; nr++) {
				char *name = seccomp_syscall_resolve_num_arch(archs[a], nr);
				if (name)
					add(name);
				free(name);
			}
	for (int i = 0; i < N_NEWER; i++)
		add(newer[i].name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By its number, as libseccomp gives those that i386 also has within socketcall and ipc numbers of
 * its own by their names. */
static int number(uint32_t arch, const char *name)
{
	static const int bases[] = { 0, ARM_PRIVATE };
	for (int i = 0; i < N_NEWER; i++)
		if (strcmp(name, newer[i].name) == 0)
			return newer[i].nr;
	for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
		for (int nr = bases[b]; nr < bases[b] + 1000; nr++) {
			int whole = arch == SCMP_ARCH_X32 ? nr | X32_BIT : nr;
			char *found = seccomp_syscall_resolve_num_arch(arch, whole);
			bool same = found && strcmp(found, name) == 0;
			free(found);
			if (same)
				return nr;
		}
	return -1;
}

static void write_table(const char *macro, const uint32_t *archs, int n)
{
	printf("#elif defined(%s)\nenum { FILTER_ABIS = %d };\n"
	       "static const struct filter_name filter_names[] = {\n",
		macro, n);
	for (size_t i = 0; i < n_names; i++) {
		printf("\t{ \"%s\", {", names[i]);
		for (int k = 0; k < n; k++)
			printf(" %d,", number(archs[k], names[i]));
		printf(" } },\n");
	}
	printf("};\n");
}

int main(void)
{
	static const uint32_t x86[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
	static const uint32_t arm[] = { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };
	add_all();
	qsort(names, n_names, sizeof *names, compare);
	printf("/* Made by tools/syscall_gen.c. */\n#pragma once\n\n"
	       "struct filter_name {\n\tconst char *name;\n\tint nr[%d]; /* -1: none */\n};\n\n"
	       "#if 0\n",
		N_ABIS);
	write_table("__x86_64__", x86, 3);
	write_table("__aarch64__", arm, 2);
	printf("#else\n#error \"tools/syscall_gen.c knows nothing of this architecture\"\n"
	       "#endif\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
