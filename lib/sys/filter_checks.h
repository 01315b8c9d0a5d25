/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that the default filter allows with some arguments only. tools/filter_gen.c compiles
 * them into the default filter while building, filter_list.c into those that retain the sets
 * @rkt/default-whitelist or @docker/default-whitelist.
 *
 * Only the low half of an argument is looked at: the kernel itself takes an int of these.
 */
#pragma once

#include <stdint.h>
#include <string.h>

struct filter_check {
	const char *call;
	unsigned arg; /* from 0 */
	enum { ARG_WITHOUT_BITS, ARG_NONE_OF, ARG_ONE_OF } allowed;
	unsigned n; /* 1 of ARG_WITHOUT_BITS */
	uint32_t values[5];
};

static const struct filter_check filter_checks[] = {
	/* CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} */
	{ "clone", 0, ARG_WITHOUT_BITS, 1, { 0x7e020000 } },
	{ "personality", 0, ARG_ONE_OF, 5, { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff } },
	/* AF_VSOCK reaches the host of a virtual machine past any network */
	{ "socket", 0, ARG_NONE_OF, 1, { 40 } },
	/* TIOCSTI types into the terminal that rkt was started from; TIOCLINUX, on a console */
	{ "ioctl", 1, ARG_NONE_OF, 2, { 0x5412, 0x541c } },
};
enum { N_FILTER_CHECKS = sizeof filter_checks / sizeof *filter_checks };

/* The place of a call in filter_checks; -1: its arguments are not looked at. */
static inline int filter_check_find(const char *call)
{
	for (int i = 0; i < N_FILTER_CHECKS; i++)
		if (strcmp(filter_checks[i].call, call) == 0)
			return i;
	return -1;
}
