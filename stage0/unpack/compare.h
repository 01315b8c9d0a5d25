/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: a sink that compares the entries of an archive with a tree that was made of it.
 *
 * What differs is no error: it is counted, and the first difference is described. Contents, types,
 * owners, modes, times (to the second: not every filesystem keeps more), links, devices and the
 * attributes that an image may carry are compared; then entries that the archive does not have are
 * looked for.
 */
#pragma once

#include "stage0/unpack/dirs.h"

struct compare {
	struct dirs dirs;
	uint64_t expected; /* entries other than directories, which the table counts */
	uint64_t differences;
	struct err first;
	int fd; /* of the file that is being compared, or -1 */
	uint64_t at;
	const char *path; /* of the current entry */
};

int compare_init(struct compare *c, int root, struct err *e);
void compare_release(struct compare *c);
struct sink compare_sink(struct compare *c);
/* After the last entry: counts what is in the tree. */
int compare_finish(struct compare *c, struct err *e);
