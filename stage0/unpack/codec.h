/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec: one streaming decompressor per format, all behind one table.
 *
 * A format is recognized by its first bytes; what matches none is plain. Concatenated members are
 * one stream, as gzip(1), xz(1) and the others have it. A stream that ends in the middle of a
 * member, or that is followed by something that is neither a member nor zero padding, is an error:
 * otherwise the digest would not cover what was sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { CODEC_MAGIC_MAX = 6 };

struct codec_io {
	const uint8_t *in;
	size_t n_in;
	uint8_t *out;
	size_t n_out;
	bool last; /* nothing follows `in` */
};

struct codec {
	const char *name;
	uint8_t magic[CODEC_MAGIC_MAX];
	size_t n_magic;
	void *(*open)(struct err *e); /* NULL on failure */
	/* Consumes from in and produces to out, moving both. 1: a member is complete; 0: go on. */
	int (*run)(void *state, struct codec_io *io, struct err *e);
	/* Another member follows; NULL: the library reads concatenated members itself. */
	int (*restart)(void *state, struct err *e);
	void (*close)(void *state);
};

/* By the first bytes of a stream; never NULL. */
const struct codec *codec_find(const uint8_t *bytes, size_t n, bool no_isal);
