/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/image.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/json/jenc.h"

static int decode_size(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	if (v->type != JSON_NUMBER || !parse_u64(v->text, 0, INT64_MAX, target))
		return jdec_error(c, at, "expected a size in bytes");
	return 0;
}

static const struct jfield dependency_fields[] = {
	{ "imageName", J_STRING, offsetof(struct dependency, image_name), J_REQUIRED,
		.check = check_ac_identifier },
	{ "imageID", J_STRING, offsetof(struct dependency, image_id), .check = check_image_id },
	{ "labels", J_CUSTOM, offsetof(struct dependency, labels), .decode = labels_decode },
	{ "size", J_CUSTOM, offsetof(struct dependency, size), .decode = decode_size },
	{ 0 },
};

static int check_kind(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (strcmp(s, "ImageManifest") == 0)
		return 0;
	return jdec_error(c, at, "expected 'ImageManifest', found '%.64s'", s);
}

static int check_whitelist(struct jctx *c, const struct jpath *at, const void *target)
{
	const struct strlist *l = target;
	for (size_t i = 0; i < l->n; i++) {
		struct jpath here = { .up = at, .index = i };
		int r = check_absolute_path(c, &here, &l->v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* acKind is checked, not kept: it lands in `kind`. */
struct image_document {
	const char *kind;
	struct image_manifest m;
};
#define IN(field) offsetof(struct image_document, field)

static const struct jfield image_fields[] = {
	{ "acKind", J_STRING, IN(kind), J_REQUIRED, .check = check_kind },
	{ "acVersion", J_STRING, IN(m.ac_version), J_REQUIRED, .check = check_semver },
	{ "name", J_STRING, IN(m.name), J_REQUIRED, .check = check_ac_identifier },
	{ "labels", J_CUSTOM, IN(m.labels), .decode = labels_decode },
	{ "app", J_CUSTOM, IN(m.app), .decode = app_decode },
	{ "annotations", J_CUSTOM, IN(m.annotations), .decode = annotations_decode },
	{ "dependencies", J_ARRAY,
		IN(m) + SLICE_OF(struct image_manifest, dependencies, n_dependencies), 0,
		dependency_fields, sizeof(struct dependency) },
	{ "pathWhitelist", J_STRING_ARRAY, IN(m.path_whitelist), .check = check_whitelist },
	{ 0 },
};

int image_manifest_decode(
	const char *bytes, size_t n, struct arena *a, struct image_manifest **ret, struct err *e)
{
	struct jctx c = { a, e };
	struct json *v = NULL;
	struct image_document *doc = ARENA_NEW(a, struct image_document);
	if (n > STR_MAX_MANIFEST)
		return ERR_BAD(e, "image manifest is larger than %d bytes", STR_MAX_MANIFEST);
	int r = json_parse(bytes, n, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, image_fields, J_UNKNOWN_IGNORED, doc);
	if (r < 0)
		return err_wrap(e, r, "image manifest");
	*ret = &doc->m;
	return 0;
}

static void encode_dependencies(struct jenc *j, const struct image_manifest *m)
{
	if (!m->n_dependencies)
		return;
	jenc_key(j, "dependencies");
	jenc_open(j, '[');
	for (size_t i = 0; i < m->n_dependencies; i++) {
		const struct dependency *d = &m->dependencies[i];
		jenc_open(j, '{');
		jenc_key(j, "imageName");
		jenc_string(j, d->image_name);
		jenc_member(j, "imageID", d->image_id);
		if (d->labels.n) {
			jenc_key(j, "labels");
			nvlist_encode(j, &d->labels);
		}
		if (d->size) {
			jenc_key(j, "size");
			jenc_i64(j, (int64_t)d->size);
		}
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

void image_manifest_encode(const struct image_manifest *m, bool pretty, struct str *out)
{
	struct jenc j = JENC_INIT(out, pretty);
	jenc_open(&j, '{');
	jenc_member(&j, "acKind", "ImageManifest");
	jenc_member(&j, "acVersion", m->ac_version);
	jenc_member(&j, "name", m->name);
	if (m->labels.n) {
		jenc_key(&j, "labels");
		nvlist_encode(&j, &m->labels);
	}
	if (m->app) {
		jenc_key(&j, "app");
		app_encode(&j, m->app);
	}
	if (m->annotations.n) {
		jenc_key(&j, "annotations");
		nvlist_encode(&j, &m->annotations);
	}
	encode_dependencies(&j, m);
	if (m->path_whitelist.n) {
		jenc_key(&j, "pathWhitelist");
		strlist_encode(&j, &m->path_whitelist);
	}
	jenc_close(&j, '}');
}
