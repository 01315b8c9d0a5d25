/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "stage0/store/internal.h"

enum { SHORTEST_ID = 2 };

struct by_id {
	const char *prefix;
	size_t n;
	unsigned matches;
	char hex[HEX_SIZE + 1];
};

static int match_id(void *ctx, const char *hex, struct err *e)
{
	struct by_id *m = ctx;
	(void)e;
	if (strncmp(hex, m->prefix, m->n) == 0 && ++m->matches == 1)
		memcpy(m->hex, hex, HEX_SIZE);
	return 0;
}

static int resolve_id(
	struct store *s, const char *prefix, struct arena *a, struct image *ret, struct err *e)
{
	struct by_id m = { .prefix = prefix, .n = strlen(prefix) };
	if (m.n < SHORTEST_ID)
		return ERR_BAD(e, "image ID too short");
	if (m.n > HEX_SIZE || !parse_hex(prefix, m.n))
		return ERR_NOENT(e, "no image IDs found");
	int r = 0;
	if (m.n < HEX_SIZE)
		r = cas_each(s, CAS_IMAGE, HEX_SIZE, match_id, &m, e);
	else if (record_exists(s, prefix))
		r = match_id(&m, prefix, e);
	if (r < 0)
		return r;
	if (m.matches == 0)
		return ERR_NOENT(e, "no image IDs found");
	if (m.matches > 1)
		return ERR_BAD(e, "ambiguous image ID");
	return store_get(s, arena_printf(a, ID_PREFIX "%s", m.hex), a, ret, e);
}

struct query {
	const char *name;
	struct nvlist labels;
	bool beyond_version; /* some label must be looked up in the manifest */
};

int store_parse_name(const char *ref, struct arena *a, const char **ret_name,
	struct nvlist *ret_labels, struct err *e)
{
	struct nvlist labels = { 0 };
	_clean_(strv) struct strv parts = STRV_INIT;
	strv_split(&parts, ref, ',');
	char *name = arena_strdup(a, parts.v[0]), *colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		nv_set(a, &labels, "version", arena_strdup(a, colon + 1));
	}
	for (size_t i = 1; i < parts.n; i++) {
		char *label = arena_strdup(a, parts.v[i]), *equals = strchr(label, '=');
		if (!equals || equals == label)
			return ERR_BAD(e, "'%s' is not a label, as in 'arch=amd64'", label);
		*equals = '\0';
		nv_set(a, &labels, label, equals + 1);
	}
	*ret_name = name;
	*ret_labels = labels;
	return 0;
}

static int parse_query(const char *ref, struct arena *a, struct query *ret, struct err *e)
{
	struct query q = { 0 };
	int r = store_parse_name(ref, a, &q.name, &q.labels, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < q.labels.n; i++)
		q.beyond_version |= strcmp(q.labels.v[i].name, "version") != 0;
	*ret = q;
	return 0;
}

static bool matches(struct store *s, const struct query *q, const struct image *image)
{
	const char *version = nv_get(&q->labels, "version");
	if (strcmp(image->name, q->name) != 0 || (version && !str_eq(version, image->version)))
		return false;
	if (!q->beyond_version)
		return true;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct image_manifest *m;
	if (store_manifest(s, image->id, &a, &m, &ignored) < 0)
		return false;
	for (size_t i = 0; i < q->labels.n; i++)
		if (!str_eq(nv_get(&m->labels, q->labels.v[i].name), q->labels.v[i].value))
			return false;
	return true;
}

static int resolve_name(struct store *s, const char *ref, bool signed_first, struct arena *a,
	struct image *ret, struct err *e)
{
	struct query q;
	struct images all;
	const struct image *found = NULL;
	int r = parse_query(ref, a, &q, e);
	if (r >= 0)
		r = records_named(s, q.name, a, &all, e);
	if (r < 0)
		return r;
	for (size_t i = all.n; i-- > 0;) { /* the last imported first */
		const struct image *image = &all.v[i];
		if ((found && image->insecure) || !matches(s, &q, image))
			continue;
		found = image;
		if (!signed_first || !image->insecure)
			break;
	}
	if (!found)
		return ERR_NOENT(e, "no image '%s' in the store", ref);
	*ret = *found;
	return 0;
}

static int resolve(struct store *s, const char *ref, bool signed_first, struct arena *a,
	struct image *ret, struct err *e)
{
	const char *prefix = str_after(ref, ID_PREFIX);
	return prefix ? resolve_id(s, prefix, a, ret, e)
		      : resolve_name(s, ref, signed_first, a, ret, e);
}

int store_resolve(
	struct store *s, const char *ref, struct arena *a, struct image *ret, struct err *e)
{
	return resolve(s, ref, false, a, ret, e);
}

int store_resolve_signed(
	struct store *s, const char *ref, struct arena *a, struct image *ret, struct err *e)
{
	return resolve(s, ref, true, a, ret, e);
}
