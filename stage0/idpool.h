/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idpool: the ranges of ids that pods may get for users of their own.
 *
 * Each has ID_COUNT ids, users and groups alike. Pure: texts of files in, ranges out.
 *
 * Where /etc/subuid and /etc/subgid (subuid(5)) give ids to the user "rkt", they are those that are
 * in both, cut into pieces. Else they are ID_DEFAULT_FIRST and on, which no distribution assigns to
 * anything. Either way without the pieces in which somebody else has subordinate ids, or an account
 * or group has its own: the root of a pod would be that user, or the host's root.
 *
 * Files are refused where a line is malformed: what it says could not be kept.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/base/idrange.h"
#include "lib/base/mem.h"

#define ID_OWNER "rkt"

enum {
	ID_COUNT = 65536,
	ID_DEFAULT_FIRST = 0x70000000, /* systemd's doc/UIDS-GIDS.md calls these unused … */
	ID_DEFAULT_END = 0x7ffe0000,   /* … up to here */
	ID_FILE_MAX = 1024 * 1024,
	ID_RANGES_MAX = 65536,
};

struct id_ranges {
	struct id_range *v; /* the arena's */
	size_t n, cap;
};
struct id_pool {
	struct id_ranges free;	/* to be cut */
	struct id_ranges taken; /* pieces that touch one of these are left out */
	size_t n_pieces;
};

/* Text of a file of subuid(5): those of ID_OWNER are added to *mine, the others to *others. `name`
 * is for errors. */
int id_pool_subids(const char *text, size_t len, const char *name, struct arena *a,
	struct id_ranges *mine, struct id_ranges *others, struct err *e);
/* Text of passwd(5) or group(5), which other programs read: the ids of its accounts are added to
 * *ret, lines that are none are left out. */
int id_pool_accounts(
	const char *text, size_t len, struct arena *a, struct id_ranges *ret, struct err *e);

/* From the ranges of ID_OWNER for users and for groups, both sorted by this, and what others have.
 * Refused where no piece is left. */
int id_pool_make(struct id_ranges *users, struct id_ranges *groups, const struct id_ranges *others,
	struct arena *a, struct id_pool *ret, struct err *e);
/* The i-th piece (below n_pieces); false: it is left out. */
bool id_pool_piece(const struct id_pool *p, size_t i, struct id_range *ret);

/* Reads the files of the machine. */
int id_pool_load(struct arena *a, struct id_pool *ret, struct err *e);
