/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idrange: the ids of the host that a user namespace shows as 0, 1, 2, …, for users and groups
 * alike. As text: "SHIFT:COUNT", which is what stage1 is given and what a pod's directory holds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_range {
	uint32_t first, count; /* count 0: no range, ids are the host's */
};
enum { ID_RANGE_TEXT = 24 }; /* room for one as text */

/* Well formed, not empty, and neither it nor what follows it is (uid_t)-1. */
bool id_range_parse(const char *s, struct id_range *ret);
void id_range_print(const struct id_range *r, char buf[ID_RANGE_TEXT]);

static inline bool id_range_has(const struct id_range *r, uint32_t id)
{
	return id >= r->first && id - r->first < r->count;
}
/* The host's id of one that the namespace shows; without a range, the same. */
static inline uint32_t id_range_shift(const struct id_range *r, uint32_t id)
{
	return r->count ? r->first + id : id;
}
static inline bool id_range_overlaps(const struct id_range *a, const struct id_range *b)
{
	return id_range_has(a, b->first) || id_range_has(b, a->first);
}
