/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a sink that creates the entries of an archive below a directory.
 *
 * Everything is created, nothing is replaced: an entry whose name is taken is a duplicate and
 * refused, as appc demands (whoever reads layers makes room first: layer.h). An entry below
 * something that is not a directory (a symbolic link above all) is refused too. Hard links lead
 * only to what the archive brought before.
 */
#pragma once

#include "stage0/unpack/dirs.h"

struct tree {
	struct dirs dirs;
	int fd;	    /* of the file that is being written, or -1 */
	bool again; /* a directory may be listed more than once */
	int parent; /* of the current entry, borrowed from dirs */
	const char *name;
	bool has_top;
	struct timespec top_mtime;
};

int tree_init(struct tree *t, int root, struct err *e);
void tree_release(struct tree *t);
struct sink tree_sink(struct tree *t);
/* Attributes of the top directory itself; its time is set by tree_finish(). */
int tree_top(struct tree *t, const struct entry *entry, struct err *e);
/* After the last entry: gives the directories their times. */
int tree_finish(struct tree *t, struct err *e);
