/* SPDX-License-Identifier: Apache-2.0 */
/* uuid: random (version 4) UUIDs of RFC 4122 in their 36-byte lower-case text form. */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

struct uuid {
	char text[37];
};

int uuid_generate(struct uuid *ret, struct err *e);
bool uuid_valid(const char *text);
/* True when text could be the beginning of a UUID: 1 to 36 of [0-9a-f-], dashes in their places. */
bool uuid_prefix_valid(const char *text);
