/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: every entry below a directory, parents first, names in order.
 *
 * Never follows a link, never goes into another filesystem (the directory where one is mounted is
 * visited, its contents are not). Depth and the number of entries of one directory are bounded.
 */
#pragma once

#include <sys/stat.h>

#include "lib/base/err.h"

enum { WALK_DEPTH_MAX = 256, WALK_NAMES_MAX = 4 * 1000 * 1000 };

struct walk_entry {
	int parent; /* descriptor of the directory that it is in */
	const char *name;
	const char *path; /* relative to the top */
	const struct stat *st;
};
typedef int (*walk_fn)(void *ctx, const struct walk_entry *entry, struct err *e);

/* A negative answer of `fn` ends the walk. */
int walk_tree(int top, walk_fn fn, void *ctx, struct err *e);
