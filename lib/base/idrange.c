/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/idrange.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"

bool id_range_parse(const char *s, struct id_range *ret)
{
	char first[16];
	struct id_range r;
	const char *colon = strchr(s, ':');
	if (!colon || (size_t)(colon - s) >= sizeof first)
		return false;
	memcpy(first, s, (size_t)(colon - s));
	first[colon - s] = '\0';
	if (!parse_u32(first, 0, UINT32_MAX, &r.first) ||
		!parse_u32(colon + 1, 1, UINT32_MAX, &r.count) || r.count > UINT32_MAX - r.first)
		return false;
	*ret = r;
	return true;
}

void id_range_print(const struct id_range *r, char buf[ID_RANGE_TEXT])
{
	snprintf(buf, ID_RANGE_TEXT, "%u:%u", (unsigned)r->first, (unsigned)r->count);
}
