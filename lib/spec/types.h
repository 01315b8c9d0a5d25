/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types: appc names, name-value lists and the small values of manifests.
 * appc 0.8.11 spec/types.md. Strings are owned by the arena of the manifest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/json/jdec.h"

bool ac_name_valid(const char *s);	 /* ^[a-z0-9]+([-][a-z0-9]+)*$ , at most 512 bytes */
bool ac_identifier_valid(const char *s); /* ^[a-z0-9]+([-._~/][a-z0-9]+)*$ , at most 1024 bytes */
bool env_name_valid(const char *s);	 /* [A-Za-z0-9_.-]+ , not beginning with a digit */
bool image_id_valid(const char *s);	 /* sha512- and 128 hex digits */
/* … and what may stand for it in manifests and on command lines: sha512- and 2 to 128 of them. rkt
 * itself shows 64 at most. */
bool image_id_prefix_valid(const char *s);
bool semver_valid(const char *s);
bool rfc3339_valid(const char *s);
bool path_absolute_valid(const char *s); /* begins with '/', shorter than PATH_MAX */
/* Absolute ones that name one place: "/data/" is "/data" and "//data/.". Links are not looked at.
 */
bool path_same(const char *x, const char *y);
/* Any text to an ACName as rkt does for default app names: lower case, others to '-'. */
const char *ac_name_sanitize(struct arena *a, const char *s); /* NULL when nothing remains */

struct nv {
	const char *name, *value;
};
/* Labels, annotations, environment, user annotations. `room` is as struct strlist's. */
struct nvlist {
	struct nv *v;
	size_t n, room;
};
const char *nv_get(const struct nvlist *l, const char *name); /* NULL when absent */
void nv_set(struct arena *a, struct nvlist *l, const char *name, const char *value);
void nv_copy(struct arena *a, struct nvlist *dst, const struct nvlist *src);

void strlist_add(struct arena *a, struct strlist *l, const char *s); /* copies s */
/* Each of those that commas separate; empty ones are none. */
void strlist_add_words(struct arena *a, struct strlist *l, const char *text);
bool strlist_has(const struct strlist *l, const char *s);

#define TARGET_OS "linux"
const char *target_arch(void); /* of this machine, in appc's words: amd64 aarch64 … */

/* --- for the tables of manifests: struct jfield's decode and check -------------------------- */

/* Arrays of {"name", "value"}, names unique; target: struct nvlist. */
int labels_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
int annotations_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
int environment_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
/* An object of strings; sorted by name, as Go writes it. */
int string_map_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);

/* Checks of a J_STRING: target is const char **. */
int check_ac_name(struct jctx *c, const struct jpath *at, const void *target);
int check_ac_identifier(struct jctx *c, const struct jpath *at, const void *target);
int check_semver(struct jctx *c, const struct jpath *at, const void *target);
int check_image_id(struct jctx *c, const struct jpath *at, const void *target);
int check_absolute_path(struct jctx *c, const struct jpath *at, const void *target);
int check_not_empty(struct jctx *c, const struct jpath *at, const void *target);

/* Refuses the list `key` when two of its n items (`stride` bytes apart) have the same name, which
 * is the first member of their struct: "key[i]: duplicate WHAT 'name'". */
int refuse_duplicates(struct jctx *c, const struct jpath *at, const char *key, const char *what,
	const void *items, size_t n, size_t stride);

/* A typed array and its count, as J_ARRAY fills them: next to each other, in this order. */
#define SLICE_OF(type, array, count)                                                               \
	(offsetof(type, array) +                                                                   \
		0 * sizeof(char[offsetof(type, count) ==                                           \
						offsetof(type, array) + offsetof(struct jslice, n) \
					? 1                                                        \
					: -1]))

struct jenc;
void nvlist_encode(struct jenc *j, const struct nvlist *l);	/* array of {"name", "value"} */
void string_map_encode(struct jenc *j, const struct nvlist *l); /* object, sorted */
void strlist_encode(struct jenc *j, const struct strlist *l);
