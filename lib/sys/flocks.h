/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flocks: which files somebody has locked exclusively by flock(2), as the kernel tells everybody:
 * proc_locks(5). For who must not open a file, since who can open it can lock it.
 *
 * In a process namespace other than the host's, /proc/locks leaves out the locks of processes that
 * are outside, and those whose taker has ended and handed them on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct flock_line {
	bool held; /* an exclusive flock that somebody has, not one that is waited for */
	dev_t device;
	uint64_t inode;
};
/* Cuts a line of /proc/locks in place. false: it is no such line. */
bool flock_line_parse(char *line, struct flock_line *ret);

/* Of one filesystem, as of one moment. */
struct flocks {
	uint64_t *inodes;
	size_t n, cap;
	dev_t device; /* 0: not asked for yet */
};
#define FLOCKS_INIT ((struct flocks){ 0 })
/* Those on the filesystem of dirfd's mount, the same each time. What *ret has is freed first,
 * unless there is an error. */
int flocks_load(struct flocks *ret, int dirfd, struct err *e);
bool flocks_has(const struct flocks *l, uint64_t inode);
static inline void flocks_cleanup(struct flocks *l)
{
	free(l->inodes);
}
