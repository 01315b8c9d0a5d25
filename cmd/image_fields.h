/* SPDX-License-Identifier: Apache-2.0 */
/* image_fields: the columns of `rkt image list`, and what --fields and --sort make of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum image_field {
	FIELD_ID,
	FIELD_NAME,
	FIELD_SIZE,
	FIELD_IMPORT_TIME,
	FIELD_LAST_USED,
	FIELD_VERIFIED,
	FIELD_UNIQUE,
	_FIELD_MAX
};

/* Each at most once, in the order that was asked for. */
struct image_fields {
	enum image_field v[_FIELD_MAX];
	size_t n;
};

const char *image_field_title(enum image_field f);
/* From `text`, a comma separated list of at least one; `flag`, without dashes, is for the error.
 * sorting: only those that can be sorted by. */
int image_fields_parse(
	const char *text, const char *flag, bool sorting, struct image_fields *ret, struct err *e);
