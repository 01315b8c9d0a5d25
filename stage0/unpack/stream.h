/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: an archive from a descriptor, decompressed and digested while somebody reads it.
 *
 * Two threads: one reads the input (keeping a copy of its bytes and computing their sha256 where
 * asked) and inflates, one computes the digest of what comes out: sha512, or sha256 for layers. The
 * caller takes buffers of the uncompressed archive with stream_next() on its own thread, and ends
 * with stream_finish(), which reads on to the very end: the digest covers every byte, also those
 * behind the end that an archive declares.
 *
 * Usage: stream_open, stream_next…, stream_finish. After an error, stream_abort.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "stage0/unpack/ring.h"

enum { STREAM_DIGEST_SIZE = 64 };

struct stream_options {
	int fd;
	int copy_fd; /* gets the bytes of fd as they come, or -1 */
	bool no_isal;
	bool sha256;	    /* instead of sha512, and also of the input */
	uint64_t max_bytes; /* uncompressed */
	uint64_t max_input; /* as they come; 0: any number */
};

struct stream {
	struct stream_options o;
	struct ring ring;
	pthread_t inflater, digester;
	uint64_t input_bytes, bytes;
	uint8_t digest[STREAM_DIGEST_SIZE], input_digest[STREAM_DIGEST_SIZE];
	uint64_t trailing_zeros; /* at the end of what was read so far, up to a slot */
	bool holds;		 /* stream_next() has given out a slot */
};

/* Loads what digests need, so that nothing is opened later from inside another root. */
int stream_prepare(struct err *e);

int stream_open(struct stream *s, const struct stream_options *o, struct err *e);
/* The next buffer, valid until the next call. 0: the end; 1: *ret is set. */
int stream_next(struct stream *s, const struct ring_slot **ret, struct err *e);
/* Reads to the end; then digest and counts are valid, and the threads are gone. */
int stream_finish(struct stream *s, struct err *e);
/* Ends the threads without waiting for the input. `why` is what the caller failed with: where a
 * thread failed first, and so caused it, its error takes the place of `why`. Returns r or that. */
int stream_abort(struct stream *s, int r, struct err *why);
