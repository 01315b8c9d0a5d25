/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types: appc names, name-value lists and the small values of manifests.
 * appc 0.8.11 spec/types.md. Strings are owned by the arena of the manifest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/json/jdec.h"

bool ac_name_valid(const char *s);	 /* ^[a-z0-9]+([-][a-z0-9]+)*$ , at most 512 bytes */
bool ac_identifier_valid(const char *s); /* ^[a-z0-9]+([-._~/][a-z0-9]+)*$ , at most 1024 bytes */
bool env_name_valid(const char *s);	 /* [A-Za-z0-9_.-]+ , not beginning with a digit */
bool image_id_valid(const char *s);	 /* sha512- and 128 hex digits */
bool semver_valid(const char *s);
/* Any text to an ACName as rkt does for default app names: lower case, others to '-'. */
const char *ac_name_sanitize(struct arena *a, const char *s); /* NULL when nothing remains */

struct nv {
	const char *name, *value;
};
struct nvlist { /* labels, annotations, environment, user annotations */
	struct nv *v;
	size_t n;
};
const char *nv_get(const struct nvlist *l, const char *name); /* NULL when absent */
void nv_set(struct arena *a, struct nvlist *l, const char *name, const char *value);
void nv_copy(struct arena *a, struct nvlist *dst, const struct nvlist *src);

void strlist_add(struct arena *a, struct strlist *l, const char *s); /* copies s */
bool strlist_has(const struct strlist *l, const char *s);

#define TARGET_OS "linux"
const char *target_arch(void); /* of this machine, in appc's words: amd64 aarch64 … */
