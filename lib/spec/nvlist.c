/* SPDX-License-Identifier: Apache-2.0 */
/* Name-value lists and the common checks, between JSON and the types of manifests. */
#include <stdlib.h>
#include <string.h>

#include "lib/json/jenc.h"
#include "lib/spec/types.h"

static const struct jfield nv_fields[] = {
	{ "name", J_STRING, offsetof(struct nv, name), J_REQUIRED },
	{ "value", J_STRING, offsetof(struct nv, value), J_REQUIRED },
	{ 0 },
};

struct sorted_name {
	const char *name;
	size_t index;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted_name *x = a, *y = b;
	int r = strcmp(x->name, y->name);
	return r ? r : (x->index > y->index) - (x->index < y->index);
}

enum { FEW_NAMES = 16 };

static const char *name_at(const void *items, size_t i, size_t stride)
{
	const char *name;
	memcpy(&name, (const char *)items + i * stride, sizeof name);
	return name;
}

/* The index of the first of n items that has the name of an earlier one, or -1. Sorting keeps lists
 * of a hundred thousand names from taking quadratic time. */
static ssize_t duplicate_of_many(const void *items, size_t n, size_t stride)
{
	struct sorted_name *s = xcalloc(n, sizeof *s);
	for (size_t i = 0; i < n; i++)
		s[i] = (struct sorted_name){ name_at(items, i, stride), i };
	qsort(s, n, sizeof *s, compare_sorted);
	ssize_t found = -1;
	for (size_t i = 1; i < n; i++)
		if (strcmp(s[i - 1].name, s[i].name) == 0 &&
			(found < 0 || (size_t)found > s[i].index))
			found = (ssize_t)s[i].index;
	free(s);
	return found;
}

static ssize_t duplicate_name(const void *items, size_t n, size_t stride)
{
	if (n > FEW_NAMES)
		return duplicate_of_many(items, n, stride);
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(name_at(items, i, stride), name_at(items, k, stride)) == 0)
				return (ssize_t)i;
	return -1;
}

int refuse_duplicates(struct jctx *c, const struct jpath *at, const char *key, const char *what,
	const void *items, size_t n, size_t stride)
{
	ssize_t twice = duplicate_name(items, n, stride);
	if (twice < 0)
		return 0;
	struct jpath list = { .up = at, .key = key };
	struct jpath here = { .up = &list, .index = (size_t)twice };
	return jdec_error(
		c, &here, "duplicate %s '%.64s'", what, name_at(items, (size_t)twice, stride));
}

/* Any array of {"name", "value"}; each name is valid and there once. `what` is its noun. */
static int nvlist_decode(struct jctx *c, const struct json *v, const struct jpath *at,
	bool (*valid)(const char *), const char *what, struct nvlist *l)
{
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	l->v = ARENA_ARRAY(c->arena, struct nv, v->count);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = l->n };
		struct nv *nv = &l->v[l->n];
		int r = jdec_object(c, item, &here, nv_fields, J_UNKNOWN_IGNORED, nv);
		if (r < 0)
			return r;
		struct jpath name = { .up = &here, .key = "name" };
		if (!valid(nv->name))
			return jdec_error(
				c, &name, "'%.64s' is not a valid name of %s", nv->name, what);
		l->n++;
	}
	ssize_t twice = duplicate_name(l->v, l->n, sizeof *l->v);
	if (twice < 0)
		return 0;
	struct jpath here = { .up = at, .index = (size_t)twice };
	return jdec_error(c, &here, "duplicate name '%.64s'", l->v[twice].name);
}

static const struct {
	const char *os, *archs[8];
} platforms[] = {
	{ "linux", { "amd64", "i386", "aarch64", "aarch64_be", "armv6l", "armv7l", "armv7b" } },
	{ "freebsd", { "amd64", "i386", "arm" } },
	{ "darwin", { "x86_64", "i386" } },
};

static int check_platform(struct jctx *c, const struct jpath *at, const struct nvlist *l)
{
	const char *os = nv_get(l, "os"), *arch = nv_get(l, "arch");
	if (!os)
		return 0;
	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
		if (strcmp(platforms[i].os, os) != 0)
			continue;
		bool known = !arch;
		for (size_t k = 0; !known && platforms[i].archs[k]; k++)
			known = strcmp(platforms[i].archs[k], arch) == 0;
		return known ? 0
			     : jdec_error(c, at, "arch '%.64s' is not known for os '%s'", arch, os);
	}
	return jdec_error(c, at, "os '%.64s' is not one of linux, freebsd, darwin", os);
}

int labels_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct nvlist *l = target;
	int r = nvlist_decode(c, v, at, ac_identifier_valid, "a label", l);
	if (r < 0)
		return r;
	if (nv_get(l, "name"))
		return jdec_error(c, at, "a label must not be named 'name'");
	return check_platform(c, at, l);
}

static bool is_url(const char *s)
{
	const char *host = str_after(s, "http://");
	if (!host)
		host = str_after(s, "https://");
	return host && *host;
}

int annotations_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	static const struct {
		const char *name, *what;
		bool (*valid)(const char *);
	} forms[] = {
		{ "created", "a time as in RFC 3339", rfc3339_valid },
		{ "homepage", "an http or https URL", is_url },
		{ "documentation", "an http or https URL", is_url },
	};
	struct nvlist *l = target;
	int r = nvlist_decode(c, v, at, ac_identifier_valid, "an annotation", l);
	for (size_t i = 0; r >= 0 && i < sizeof forms / sizeof *forms; i++) {
		const char *value = nv_get(l, forms[i].name);
		if (value && !forms[i].valid(value))
			r = jdec_error(c, at, "annotation '%s': '%.64s' is not %s", forms[i].name,
				value, forms[i].what);
	}
	return r;
}

int environment_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	return nvlist_decode(c, v, at, env_name_valid, "an environment variable", target);
}

static int compare_nv(const void *a, const void *b)
{
	return strcmp(((const struct nv *)a)->name, ((const struct nv *)b)->name);
}

int string_map_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct nvlist *l = target;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, at, "expected object, found %s", json_type_name(v->type));
	l->v = ARENA_ARRAY(c->arena, struct nv, v->count);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .key = item->key };
		if (item->type != JSON_STRING)
			return jdec_error(
				c, &here, "expected string, found %s", json_type_name(item->type));
		l->v[l->n++] = (struct nv){ item->key, item->text };
	}
	qsort(l->v, l->n, sizeof *l->v, compare_nv);
	return 0;
}

int check_ac_name(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (ac_name_valid(s))
		return 0;
	return jdec_error(
		c, at, "'%.64s' is not an AC name (lower case letters, digits, single '-')", s);
}

int check_ac_identifier(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (ac_identifier_valid(s))
		return 0;
	return jdec_error(c, at,
		"'%.64s' is not an AC identifier (lower case letters, digits, single -._~/)", s);
}

int check_semver(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	return semver_valid(s) ? 0 : jdec_error(c, at, "'%.64s' is not a semantic version", s);
}

int check_image_id(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (image_id_prefix_valid(s))
		return 0;
	return jdec_error(c, at,
		"'%.64s' is not an image id ('sha512-' and up to 128 lower case hex digits)", s);
}

int check_absolute_path(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	return path_absolute_valid(s) ? 0 : jdec_error(c, at, "'%.64s' is not an absolute path", s);
}

int check_not_empty(struct jctx *c, const struct jpath *at, const void *target)
{
	return **(const char *const *)target ? 0 : jdec_error(c, at, "must not be empty");
}

void nvlist_encode(struct jenc *j, const struct nvlist *l)
{
	jenc_open(j, '[');
	for (size_t i = 0; i < l->n; i++) {
		jenc_open(j, '{');
		jenc_key(j, "name");
		jenc_string(j, l->v[i].name);
		jenc_key(j, "value");
		jenc_string(j, l->v[i].value);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

void string_map_encode(struct jenc *j, const struct nvlist *l)
{
	struct nv *sorted = xcalloc(l->n, sizeof *sorted);
	if (l->n)
		memcpy(sorted, l->v, l->n * sizeof *sorted);
	qsort(sorted, l->n, sizeof *sorted, compare_nv);
	jenc_open(j, '{');
	for (size_t i = 0; i < l->n; i++) {
		jenc_key(j, sorted[i].name);
		jenc_string(j, sorted[i].value);
	}
	jenc_close(j, '}');
	free(sorted);
}

void strlist_encode(struct jenc *j, const struct strlist *l)
{
	jenc_open(j, '[');
	for (size_t i = 0; i < l->n; i++)
		jenc_string(j, l->v[i]);
	jenc_close(j, ']');
}
