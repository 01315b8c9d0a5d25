/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outfile: files and directories that a command writes for the user, whole or not at all.
 *
 * The bytes go to a name of their own beside the target; _commit() gives it the target's name and
 * refuses to replace what is there unless `overwrite`. _discard() removes what was not committed
 * and closes; it accepts the empty value and what was committed.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

struct outfile {
	int fd;	    /* to write to */
	int parent; /* directory of the target */
	char *name; /* the target's last component */
	char temporary[32];
	bool overwrite;
};
#define OUTFILE_INIT ((struct outfile){ .fd = -1, .parent = -1 })
int outfile_create(struct outfile *o, const char *path, bool overwrite, struct err *e);
int outfile_commit(struct outfile *o, struct err *e);
void outfile_discard(struct outfile *o);

struct outdir {
	struct outfile at;
	int fd; /* of the empty directory to fill */
};
#define OUTDIR_INIT ((struct outdir){ .at = OUTFILE_INIT, .fd = -1 })
int outdir_create(struct outdir *o, const char *path, bool overwrite, struct err *e);
int outdir_commit(struct outdir *o, struct err *e);
void outdir_discard(struct outdir *o);
