/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdec: JSON objects into structs, by table.
 *
 *	static const struct jfield volume_fields[] = {
 *		{ "name", J_STRING, offsetof(struct volume, name), J_REQUIRED },
 *		{ "readOnly", J_BOOL, offsetof(struct volume, read_only), 0 },
 *		{ "mode", J_CUSTOM, offsetof(struct volume, mode), 0, .decode = decode_mode },
 *		{ 0 } };
 *
 * Errors carry the path: "apps[1].mounts[0].path: expected string, found number". What happens to
 * keys that no row names is said per table: J_UNKNOWN_REFUSED or J_UNKNOWN_IGNORED (appc and OCI
 * manifests ignore them, files of our own refuse them). A member that is null counts as absent.
 */
#pragma once

#include "lib/json/json.h"

enum jfield_type {
	J_BOOL,
	J_STRING,
	J_U16,
	J_U32,
	J_I64,
	J_STRING_ARRAY,
	J_OBJECT,
	J_ARRAY,
	J_CUSTOM
};
enum { J_REQUIRED = 1 };
enum j_unknown { J_UNKNOWN_IGNORED, J_UNKNOWN_REFUSED };

/* Where we are in the document, for errors; a chain of stack frames from the innermost out. */
struct jpath {
	const struct jpath *up;
	const char *key; /* member, or NULL for… */
	size_t index;	 /* … an array's element */
};

struct jctx {
	struct arena *arena;
	struct err *err;
};

struct jfield {
	const char *key;
	enum jfield_type type;
	size_t offset; /* of the target in the struct: bool, const char *, …, struct jslice */
	unsigned flags;
	/* J_OBJECT and the elements of J_ARRAY: the table and size of the target struct. J_OBJECT's
	 * target is a pointer (NULL when absent), J_ARRAY's a struct jslice. */
	const struct jfield *fields;
	size_t size;
	/* J_CUSTOM: writes to `target`; reports with jdec_error(). */
	int (*decode)(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
	/* After any type: further validation of the decoded target; may be NULL. */
	int (*check)(struct jctx *c, const struct jpath *at, const void *target);
};

struct jslice {
	void *items;
	size_t n;
};
/* J_STRING_ARRAY's target; arena-owned; .v[n] is NULL. `room`: how many v was made for by who added
 * to it; 0: for n. Of two copies of the struct only one may be added to. */
struct strlist {
	const char **v;
	size_t n, room;
};

int jdec_object(struct jctx *c, const struct json *v, const struct jpath *at,
	const struct jfield *fields, enum j_unknown unknown, void *target);
/* One value that is no member, such as an array's element, as the row says. */
int jdec_value(struct jctx *c, const struct json *v, const struct jpath *at,
	const struct jfield *field, void *target);
/* "path.to[3].field: message" into c->err; returns -EINVAL. */
int jdec_error(struct jctx *c, const struct jpath *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
