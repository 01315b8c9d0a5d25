/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: what the worker does once it is confined: one request, one answer.
 *
 * Separate from the program so that tests and the fuzzer can call it in their own process.
 */
#pragma once

#include "stage0/unpack.h"

struct job_fds {
	int input, dir, output, lower; /* as UNPACK_FD_*; all but the first may be -1 */
};

/* Loads whatever must not be loaded from inside another root. */
int job_prepare(struct err *e);
/* Gives up what the mode does not need; `dirfd` becomes the root; -1: an empty place. */
int job_confine(const struct unpack_request *request, int dirfd, struct err *e);
/* Fills every field of *ret; what went wrong is in it. */
void job_run(
	const struct unpack_request *request, const struct job_fds *fds, struct unpack_answer *ret);
