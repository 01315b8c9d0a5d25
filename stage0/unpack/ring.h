/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: a few large buffers between one writer and two readers, each on a thread of its own.
 *
 * The writer fills a slot while both readers work on earlier ones; a slot is free again when both
 * have passed it. Memory is bounded by RING_SLOTS * RING_SLOT_SIZE whatever the input does.
 *
 * Any side may end everything with ring_fail(): the first error is kept, and whoever waits wakes
 * up and gets NULL.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { RING_SLOTS = 6, RING_SLOT_SIZE = 1024 * 1024 };
enum ring_reader { RING_DIGEST, RING_FILES, _RING_READER_MAX };

struct ring_slot {
	uint8_t *bytes;
	size_t n;
};

struct ring {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct ring_slot slots[RING_SLOTS];
	uint64_t written, read[_RING_READER_MAX]; /* slots so far */
	bool ended, failed;
	struct err err; /* when failed */
};

void ring_init(struct ring *r);
void ring_release(struct ring *r);

/* The writer: a free slot to fill, then ring_wrote(). NULL when somebody has failed. */
struct ring_slot *ring_space(struct ring *r);
void ring_wrote(struct ring *r);
void ring_end(struct ring *r); /* nothing follows */

/* A reader: the next slot, then ring_passed(). NULL at the end, or when somebody has failed. */
const struct ring_slot *ring_next(struct ring *r, enum ring_reader who);
void ring_passed(struct ring *r, enum ring_reader who);

void ring_fail(struct ring *r, const struct err *why);
bool ring_failed(struct ring *r);
