/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_list: a list of names of system calls → a seccomp program.
 *
 * appc 0.8.11 spec/ace.md, os/linux/seccomp-retain-set and -remove-set: what a retain set names is
 * allowed and nothing else is; what a remove set names is forbidden and nothing else is. A name is
 * that of a system call of any architecture (one that this machine has not follows nothing from),
 * or a set, @SCOPE/NAME; filter_set_name() lists them. @appc.io/all in a retain set: no filter;
 * @appc.io/empty in a remove set: the default filter (lib/sys/filter.h).
 *
 * Every interface by which the machine's programs reach the kernel is covered: x86_64, i386 and
 * x32; aarch64 and arm. What comes by any other is forbidden. The calls that i386 has bundled in
 * socketcall(2) and ipc(2) are told apart by their first argument.
 *
 * @rkt/default-whitelist and @docker/default-whitelist look at arguments where the default filter
 * does: no new namespaces by clone(2) (and none known to clone3), no AF_VSOCK, no typing into
 * terminals, ordinary personalities only. Who names such a call itself has all of it.
 *
 * Pure: no system call. The program is a tree of comparisons, as deep as the logarithm of the
 * number of ranges, and at most BPF_MAXINSNS long.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct filter_list {
	bool retain; /* or remove */
	const char *const *names;
	size_t n;
	const char *errno_name; /* what a forbidden call fails with; NULL, "": SIGSYS kills */
};

/* ret->len is 0 where nothing is to be filtered. The code is the arena's. Refuses names that nobody
 * knows, and a list that forbids execve, by which an app is started. */
int filter_compile(
	const struct filter_list *l, struct arena *a, struct sock_fprog *ret, struct err *e);

/* "@appc.io/all", …; NULL after the last. */
const char *filter_set_name(size_t i);
/* Calls of the i-th set, separated by blanks; sets among them begin with '@'. */
const char *filter_set_calls(size_t i);
