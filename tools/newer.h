/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that are newer than libseccomp's tables; the same numbers on every architecture.
 * The default filter allows those that are marked; like any other that is not known, the rest
 * answer ENOSYS there. Manifests may name them all.
 */
#pragma once

#include <stdbool.h>

static const struct {
	const char *name;
	int nr;
	bool allowed;
} newer[] = {
	{ "cachestat", 451, true },
	{ "fchmodat2", 452, true },
	{ "map_shadow_stack", 453, true },
	{ "futex_wake", 454, true },
	{ "futex_wait", 455, true },
	{ "futex_requeue", 456, true },
	{ "statmount", 457, false },
	{ "listmount", 458, false },
	{ "lsm_get_self_attr", 459, false },
	{ "lsm_set_self_attr", 460, false },
	{ "lsm_list_modules", 461, false },
	{ "mseal", 462, true },
	{ "setxattrat", 463, true },
	{ "getxattrat", 464, true },
	{ "listxattrat", 465, true },
	{ "removexattrat", 466, true },
	{ "open_tree_attr", 467, false },
	{ "file_getattr", 468, false },
	{ "file_setattr", 469, false },
};
enum { N_NEWER = sizeof newer / sizeof *newer };
