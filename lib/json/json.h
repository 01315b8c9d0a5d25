/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: RFC 8259, strictly, into a tree that an arena owns.
 *
 * Refused, with the byte offset or the path said: anything RFC 8259 does not allow, duplicate keys,
 * NUL in strings (\u0000), lone surrogates, invalid or overlong UTF-8, nesting beyond 32, more than
 * JSON_MAX_NODES values, trailing bytes other than white space. Numbers keep their text: whoever
 * wants an integer asks for its range.
 *
 * Why not json-c: Documentation/devel/architecture.md, "What is our own".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { JSON_MAX_DEPTH = 32, JSON_MAX_NODES = 200000 };

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	const char *key; /* within an object, else NULL */
	union {
		bool boolean;
		const char *text; /* string: decoded UTF-8; number: as written */
		struct {
			struct json *first;
			size_t count;
		};
	};
	struct json *next; /* sibling, in the order of the document */
};
#define json_foreach(item, parent) \
	for (const struct json *item = (parent)->first; item; item = item->next)

/* The tree is the arena's and refers to nothing of `bytes`. -EINVAL with the offset and what is
 * wrong there; what was allocated until then stays in the arena. */
int json_parse(const char *bytes, size_t n, struct arena *a, struct json **ret, struct err *e);
const struct json *json_member(const struct json *object, const char *key); /* or NULL */
const char *json_type_name(enum json_type type);
