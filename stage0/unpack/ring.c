/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/ring.h"

#include "lib/base/mem.h"

void ring_init(struct ring *r)
{
	*r = (struct ring){ 0 };
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->changed, NULL);
	for (size_t i = 0; i < RING_SLOTS; i++)
		r->slots[i].bytes = xmalloc(RING_SLOT_SIZE);
}

void ring_release(struct ring *r)
{
	for (size_t i = 0; i < RING_SLOTS; i++)
		free(r->slots[i].bytes);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
}

static uint64_t slowest(const struct ring *r)
{
	uint64_t least = r->read[0];
	for (size_t i = 1; i < _RING_READER_MAX; i++)
		if (r->read[i] < least)
			least = r->read[i];
	return least;
}

struct ring_slot *ring_space(struct ring *r)
{
	pthread_mutex_lock(&r->mutex);
	while (!r->failed && r->written - slowest(r) >= RING_SLOTS)
		pthread_cond_wait(&r->changed, &r->mutex);
	struct ring_slot *slot = r->failed ? NULL : &r->slots[r->written % RING_SLOTS];
	pthread_mutex_unlock(&r->mutex);
	if (slot)
		slot->n = 0;
	return slot;
}

/* Counts one step of whoever `counter` belongs to, and wakes the others. */
static void advance(struct ring *r, uint64_t *counter)
{
	pthread_mutex_lock(&r->mutex);
	(*counter)++;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

void ring_wrote(struct ring *r)
{
	advance(r, &r->written);
}

void ring_end(struct ring *r)
{
	pthread_mutex_lock(&r->mutex);
	r->ended = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

const struct ring_slot *ring_next(struct ring *r, enum ring_reader who)
{
	pthread_mutex_lock(&r->mutex);
	while (!r->failed && !r->ended && r->read[who] == r->written)
		pthread_cond_wait(&r->changed, &r->mutex);
	bool some = !r->failed && r->read[who] < r->written;
	const struct ring_slot *slot = some ? &r->slots[r->read[who] % RING_SLOTS] : NULL;
	pthread_mutex_unlock(&r->mutex);
	return slot;
}

void ring_passed(struct ring *r, enum ring_reader who)
{
	advance(r, &r->read[who]);
}

void ring_fail(struct ring *r, const struct err *why)
{
	pthread_mutex_lock(&r->mutex);
	if (!r->failed)
		r->err = *why;
	r->failed = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->mutex);
}

bool ring_failed(struct ring *r)
{
	pthread_mutex_lock(&r->mutex);
	bool failed = r->failed;
	pthread_mutex_unlock(&r->mutex);
	return failed;
}
