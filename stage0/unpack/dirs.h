/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dirs: the directories of a tree that is being filled or compared, and a way to walk among them.
 *
 * The table remembers every directory once: whether the archive had an entry for it, and the time
 * that it gets in the end, when nothing is created in it any more.
 *
 * The walk keeps a descriptor for each component of the path where it stands, so going to the next
 * entry's directory opens only what differs. Each component is opened with O_NOFOLLOW in the one
 * before: no link is ever followed, on any kernel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/mem.h"
#include "stage0/unpack/untar.h"

enum { DIRS_TEXT_MAX = 256 * 1024 * 1024 }; /* bytes of all paths */

struct dir {
	const char *path;
	bool listed;	       /* the archive has an entry for it */
	struct timespec mtime; /* when listed */
};

struct dirs {
	struct dir *v;
	size_t n, cap;
	uint32_t *slots; /* hash table of index + 1 */
	size_t n_slots;	 /* a power of two */
	uint64_t seed;
	struct arena arena;
	size_t text;

	int root;		      /* not owned */
	int fds[ENTRY_DEPTH_MAX];     /* of the components of `at` */
	size_t ends[ENTRY_DEPTH_MAX]; /* where in `at` each ends */
	size_t depth;
	char at[ENTRY_PATH_MAX];
	bool create; /* make directories that are missing */
	/* What is no directory makes room for one that is wanted there, and the times of those that
	 * were there before are kept: noted as listed. With create. */
	bool over;
};

int dirs_init(struct dirs *d, int root, bool create, struct err *e);
void dirs_release(struct dirs *d);

/* Finds or adds; the pointer is valid until the next call. NULL: too many. */
struct dir *dirs_note(struct dirs *d, const char *path, size_t n, struct err *e);

/* What was at `path` is no directory any more, and is not to be mistaken for one. */
void dirs_forget(struct dirs *d, const char *path);

/* Goes to the directory that `path` lies in. Returns its descriptor, owned by the walk and valid
 * until the next call, and the last component. Directories on the way are noted. -ENOENT and
 * -ENOTDIR say that there is no such directory. */
int dirs_parent(struct dirs *d, const char *path, const char **ret_name, struct err *e);
