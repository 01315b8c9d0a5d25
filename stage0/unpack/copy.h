/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: bytes from `in`, to its end, to `out`, and the sha256 of what was written. `in` may change
 * meanwhile: the digest is that of the copy.
 */
#pragma once

#include "stage0/unpack.h"

/* out: -1: none. max: 0: any number; more are an error. */
int copy_digest(int in, int out, uint64_t max, uint8_t ret[UNPACK_SHA256_SIZE], uint64_t *ret_bytes,
	struct err *e);
