/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/oci.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"

/* --- small values ----------------------------------------------------------------------------- */

static int nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

bool oci_digest_parse(const char *text, uint8_t ret[OCI_DIGEST_SIZE])
{
	const char *hex = text ? str_after(text, "sha256:") : NULL;
	if (!hex || strnlen(hex, OCI_HEX_SIZE + 1) != OCI_HEX_SIZE || !parse_hex(hex, OCI_HEX_SIZE))
		return false;
	for (size_t i = 0; i < OCI_DIGEST_SIZE; i++)
		ret[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return true;
}

void oci_digest_hex(const uint8_t digest[OCI_DIGEST_SIZE], char ret[OCI_HEX_SIZE + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < OCI_DIGEST_SIZE; i++) {
		ret[2 * i] = digits[digest[i] >> 4];
		ret[2 * i + 1] = digits[digest[i] & 15];
	}
	ret[OCI_HEX_SIZE] = '\0';
}

static bool copy_text(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);
	if (n >= size)
		return false;
	memset(dst, 0, size);
	memcpy(dst, src, n);
	return true;
}

void oci_platform(struct oci_query *q)
{
	static const struct {
		const char *appc, *arch, *variant;
	} table[] = { { "amd64", "amd64", "v1" }, { "i386", "386", "" },
		{ "aarch64", "arm64", "v8" }, { "armv7l", "arm", "v7" },
		{ "armv6l", "arm", "v6" } };
	copy_text(q->os, sizeof q->os, TARGET_OS);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (str_eq(table[i].appc, target_arch())) {
			copy_text(q->arch, sizeof q->arch, table[i].arch);
			copy_text(q->variant, sizeof q->variant, table[i].variant);
		}
}

/* --- names ------------------------------------------------------------------------------------ */

const char *oci_identifier(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1, 1), separator = 0;
	size_t n = 0;
	for (; *text; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text | 0x20) : *text;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			if (separator && n)
				out[n++] = separator;
			separator = 0;
			out[n++] = c;
		} else if (!separator || c == '/') {
			separator = strchr("-._~/", c) ? c : '-';
		}
	}
	return n && ac_identifier_valid(out) ? out : NULL;
}

bool oci_reference_name(
	const char *ref, struct arena *a, const char **ret_name, const char **ret_tag)
{
	char *text = arena_strdup(a, ref), *at = strchr(text, '@');
	if (at)
		*at = '\0';
	char *slash = strchr(text, '/'), *repository = text;
	const char *registry = "registry-1.docker.io", *tag = "latest";
	size_t first = slash ? (size_t)(slash - text) : 0;
	if (slash && (memchr(text, '.', first) || memchr(text, ':', first) ||
			     strncmp(text, "localhost/", first + 1) == 0)) {
		*slash = '\0';
		repository = slash + 1;
		if (!str_eq(text, "docker.io") && !str_eq(text, "index.docker.io"))
			registry = text;
	}
	char *last = strrchr(repository, '/'), *colon = strchr(last ? last : repository, ':');
	if (colon) {
		*colon = '\0';
		tag = colon + 1;
	}
	if (!*repository || !*tag)
		return false;
	bool library = str_eq(registry, "registry-1.docker.io") && !strchr(repository, '/');
	*ret_name = oci_identifier(
		a, arena_printf(a, "%s/%s%s", registry, library ? "library/" : "", repository));
	*ret_tag = tag;
	return *ret_name && strlen(*ret_name) < OCI_TEXT_MAX && strlen(tag) < OCI_TEXT_MAX;
}

/* --- descriptors ------------------------------------------------------------------------------ */

struct platform {
	const char *os, *architecture, *variant;
};
struct descriptor {
	const char *media_type, *digest;
	int64_t size;
	struct platform *platform;
	struct nvlist annotations;
	struct strlist urls;
};

static const struct jfield platform_fields[] = {
	{ "os", J_STRING, offsetof(struct platform, os), 0 },
	{ "architecture", J_STRING, offsetof(struct platform, architecture), 0 },
	{ "variant", J_STRING, offsetof(struct platform, variant), 0 },
	{ 0 },
};

static int check_digest(struct jctx *c, const struct jpath *at, const void *target)
{
	uint8_t digest[OCI_DIGEST_SIZE];
	const char *text = *(const char *const *)target;
	return oci_digest_parse(text, digest)
		       ? 0
		       : jdec_error(c, at, "'%.80s' is not 'sha256:' and 64 hex digits", text);
}

static int check_size(struct jctx *c, const struct jpath *at, const void *target)
{
	return *(const int64_t *)target < 0 ? jdec_error(c, at, "negative") : 0;
}

static const struct jfield descriptor_fields[] = {
	{ "mediaType", J_STRING, offsetof(struct descriptor, media_type), 0 },
	{ "digest", J_STRING, offsetof(struct descriptor, digest), J_REQUIRED,
		.check = check_digest },
	{ "size", J_I64, offsetof(struct descriptor, size), J_REQUIRED, .check = check_size },
	{ "platform", J_OBJECT, offsetof(struct descriptor, platform), 0, platform_fields,
		sizeof(struct platform) },
	{ "annotations", J_CUSTOM, offsetof(struct descriptor, annotations),
		.decode = string_map_decode },
	{ "urls", J_STRING_ARRAY, offsetof(struct descriptor, urls), 0 },
	{ 0 },
};

static struct oci_descriptor packed(const struct descriptor *d, enum oci_document what)
{
	struct oci_descriptor ret = { .size = (uint64_t)d->size, .document = what };
	(void)oci_digest_parse(d->digest, ret.digest);
	return ret;
}

static bool one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(text, *list))
			return true;
	return false;
}

static const char *const index_types[] = { "application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json", NULL };
static const char *const manifest_types[] = { "application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json", NULL };
static const char *const config_types[] = { "application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json", NULL };
static const char *const layer_types[] = { "application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd", NULL };

/* --- the index -------------------------------------------------------------------------------- */

struct manifest {
	int64_t schema;
	const char *media_type;
	struct descriptor *config;
	struct descriptor *layers;
	size_t n_layers;
	struct descriptor *manifests;
	size_t n_manifests;
};

static const struct jfield manifest_fields[] = {
	{ "schemaVersion", J_I64, offsetof(struct manifest, schema), J_REQUIRED },
	{ "mediaType", J_STRING, offsetof(struct manifest, media_type), 0 },
	{ "config", J_OBJECT, offsetof(struct manifest, config), 0, descriptor_fields,
		sizeof(struct descriptor) },
	{ "layers", J_ARRAY, SLICE_OF(struct manifest, layers, n_layers), 0, descriptor_fields,
		sizeof(struct descriptor) },
	{ "manifests", J_ARRAY, SLICE_OF(struct manifest, manifests, n_manifests), 0,
		descriptor_fields, sizeof(struct descriptor) },
	{ 0 },
};

/* Whoever signed it as the one must not find it read as the other. */
static int decode_manifest(struct jctx *c, const struct json *v, const char *const *types,
	const char *const *refused, struct manifest *ret)
{
	int r = jdec_object(c, v, NULL, manifest_fields, J_UNKNOWN_IGNORED, ret);
	if (r < 0)
		return r;
	for (; *refused; refused++)
		if (json_member(v, *refused))
			return ERR_BAD(
				c->err, "it has '%s', which does not belong there", *refused);
	if (ret->schema != 2)
		return ERR_BAD(c->err,
			"schemaVersion is not 2: images of Docker before 1.10 are of a "
			"kind that cannot be verified");
	if (ret->media_type && !one_of(ret->media_type, types))
		return ERR_BAD(c->err, "its mediaType is '%.80s'", ret->media_type);
	return 0;
}

static const char *ref_name(const struct descriptor *d)
{
	const char *name = nv_get(&d->annotations, "org.opencontainers.image.ref.name");
	return name ? name : "";
}

static bool is_called(const struct descriptor *d, const char *ref)
{
	return !*ref || strcmp(ref_name(d), ref) == 0 ||
	       str_eq(nv_get(&d->annotations, "io.containerd.image.name"), ref);
}

/* How well the machine that q describes runs it: 0 not at all, more is better. Variants of arm are
 * supersets of those before. */
static unsigned rank(const struct oci_query *q, const struct platform *p)
{
	if (!p || (!p->os && !p->architecture))
		return 1;
	if (!str_eq(p->os, q->os) || !str_eq(p->architecture, q->arch))
		return 0;
	if (str_empty(p->variant))
		return 2;
	if (strcmp(p->variant, q->variant) == 0)
		return 100;
	bool arm = strcmp(q->arch, "arm") == 0 && strlen(p->variant) == 2 && p->variant[0] == 'v' &&
		   p->variant[1] >= '5' && p->variant[1] < q->variant[1];
	return arm ? 3 + (unsigned)(p->variant[1] - '0') : 0;
}

/* What there is to choose from, for those who have to. */
static void add_choices(const struct manifest *m, bool names, char *buf, size_t size)
{
	size_t at = 0;
	*buf = '\0';
	for (size_t i = 0; i < m->n_manifests && at + 1 < size; i++) {
		const struct descriptor *d = &m->manifests[i];
		const struct platform *p = d->platform;
		if (names ? !*ref_name(d) : !p || !p->os || !p->architecture)
			continue;
		int n = names ? snprintf(buf + at, size - at, " %.60s", ref_name(d))
			      : snprintf(buf + at, size - at, " %.20s/%.20s%s%.10s", p->os,
					p->architecture, str_empty(p->variant) ? "" : "/",
					p->variant ? p->variant : "");
		at += n > 0 ? (size_t)n : 0;
	}
}

static int refuse_choice(const struct oci_query *q, const struct manifest *m,
	const struct descriptor *best, size_t called, struct err *e)
{
	char choices[256];
	add_choices(m, !called || best, choices, sizeof choices);
	if (!called)
		return ERR_NOENT(e, "it has no image '%s'; there is:%s", q->ref, choices);
	if (best)
		return ERR_BAD(
			e, "there are several images: say which of%s, as in DIR:NAME", choices);
	return ERR_NOENT(e, "it has no image for %s/%s; there is:%s", q->os, q->arch, choices);
}

static int decode_index(
	struct jctx *c, const struct oci_query *q, const struct json *v, struct oci_answer *ret)
{
	static const char *const refused[] = { "config", "layers", "fsLayers", NULL };
	struct manifest m = { 0 };
	const struct descriptor *best = NULL;
	unsigned best_rank = 0;
	size_t called = 0;
	bool ambiguous = false;
	int r = decode_manifest(c, v, index_types, refused, &m);
	if (r < 0)
		return r;
	for (size_t i = 0; i < m.n_manifests; i++) {
		const struct descriptor *d = &m.manifests[i];
		if (!is_called(d, q->ref))
			continue;
		called++;
		unsigned rnk = rank(q, d->platform);
		/* Two that fit equally well: the first, unless they are images of two names. */
		if (rnk && rnk == best_rank && strcmp(ref_name(d), ref_name(best)) != 0)
			ambiguous = true;
		if (rnk > best_rank) {
			best = d;
			best_rank = rnk;
			ambiguous = false;
		}
	}
	if (!best || ambiguous)
		return refuse_choice(q, &m, best, called, c->err);
	bool index = one_of(best->media_type, index_types);
	if (!index && !one_of(best->media_type, manifest_types))
		return ERR_BAD(c->err, "'%.80s' is no image",
			best->media_type ? best->media_type : "what has no mediaType");
	ret->chosen = packed(best, index ? OCI_INDEX : OCI_MANIFEST);
	const char *name = nv_get(&best->annotations, "io.containerd.image.name");
	(void)copy_text(ret->ref_name, sizeof ret->ref_name, name ? name : ref_name(best));
	return 0;
}

/* --- the manifest ----------------------------------------------------------------------------- */

static int decode_image(
	struct jctx *c, const struct oci_query *q, const struct json *v, struct oci_answer *ret)
{
	static const char *const refused[] = { "manifests", "fsLayers", NULL };
	struct manifest m = { 0 };
	(void)q;
	int r = decode_manifest(c, v, manifest_types, refused, &m);
	if (r < 0)
		return r;
	if (!m.config)
		return ERR_BAD(c->err, "it has no 'config'");
	if (!one_of(m.config->media_type, config_types))
		return ERR_BAD(c->err, "its config is '%.80s': this is no image to run",
			m.config->media_type ? m.config->media_type : "");
	if (!m.n_layers || m.n_layers > OCI_LAYERS_MAX)
		return ERR_BAD(c->err, "%zu layers: 1 to %d wanted", m.n_layers, OCI_LAYERS_MAX);
	ret->chosen = packed(m.config, OCI_CONFIG);
	for (size_t i = 0; i < m.n_layers; i++) {
		const struct descriptor *d = &m.layers[i];
		const char *type = d->media_type ? d->media_type : "";
		if (strstr(type, "foreign") || strstr(type, "nondistributable") || d->urls.n)
			return ERR_BAD(c->err, "layer %zu is kept elsewhere ('%.80s'): refused",
				i + 1, d->urls.n ? d->urls.v[0] : type);
		if (!one_of(type, layer_types))
			return ERR_BAD(c->err,
				"layer %zu is '%.80s', which is no part of a "
				"filesystem",
				i + 1, type);
		ret->layers[i] = packed(d, 0);
	}
	ret->n_layers = (uint32_t)m.n_layers;
	return 0;
}

/* --- the configuration ------------------------------------------------------------------------ */

struct rootfs {
	const char *type;
	struct strlist diff_ids;
};
struct rootfs_document {
	struct rootfs *rootfs;
};
static const struct jfield rootfs_fields[] = {
	{ "type", J_STRING, offsetof(struct rootfs, type), J_REQUIRED },
	{ "diff_ids", J_STRING_ARRAY, offsetof(struct rootfs, diff_ids), J_REQUIRED },
	{ 0 },
};
static const struct jfield config_fields[] = {
	{ "rootfs", J_OBJECT, offsetof(struct rootfs_document, rootfs), J_REQUIRED, rootfs_fields,
		sizeof(struct rootfs) },
	{ 0 },
};

static int decode_config(struct jctx *c, const struct json *v, struct oci_answer *ret)
{
	struct rootfs_document doc = { 0 };
	int r = jdec_object(c, v, NULL, config_fields, J_UNKNOWN_IGNORED, &doc);
	if (r < 0)
		return r;
	const struct strlist *ids = &doc.rootfs->diff_ids;
	if (!str_eq(doc.rootfs->type, "layers"))
		return ERR_BAD(c->err, "rootfs.type is '%.40s'", doc.rootfs->type);
	if (!ids->n || ids->n > OCI_LAYERS_MAX)
		return ERR_BAD(c->err, "%zu layers: 1 to %d wanted", ids->n, OCI_LAYERS_MAX);
	for (size_t i = 0; i < ids->n; i++)
		if (!oci_digest_parse(ids->v[i], ret->diff_ids[i]))
			return ERR_BAD(c->err,
				"rootfs.diff_ids[%zu]: '%.80s' is not 'sha256:' and 64 "
				"hex digits",
				i, ids->v[i]);
	ret->n_layers = (uint32_t)ids->n;
	return 0;
}

/* --- docker save ------------------------------------------------------------------------------ */

struct saved {
	const char *config;
	struct strlist tags, layers;
};
static const struct jfield saved_fields[] = {
	{ "Config", J_STRING, offsetof(struct saved, config), J_REQUIRED },
	{ "RepoTags", J_STRING_ARRAY, offsetof(struct saved, tags), 0 },
	{ "Layers", J_STRING_ARRAY, offsetof(struct saved, layers), J_REQUIRED },
	{ 0 },
};

static const char *matching_tag(const struct saved *s, const char *ref)
{
	for (size_t i = 0; i < s->tags.n; i++) {
		const char *rest = str_after(s->tags.v[i], ref);
		if (!*ref || (rest && (!*rest || strcmp(rest, ":latest") == 0)))
			return s->tags.v[i];
	}
	return *ref ? NULL : "";
}

static int take_saved(struct jctx *c, const struct saved *s, struct oci_answer *ret)
{
	if (!s->layers.n || s->layers.n > OCI_LAYERS_MAX)
		return ERR_BAD(c->err, "%zu layers: 1 to %d wanted", s->layers.n, OCI_LAYERS_MAX);
	bool fits = *s->config && copy_text(ret->paths[s->layers.n], OCI_TEXT_MAX, s->config);
	for (size_t i = 0; i < s->layers.n; i++)
		fits = fits && *s->layers.v[i] &&
		       copy_text(ret->paths[i], OCI_TEXT_MAX, s->layers.v[i]);
	ret->n_layers = (uint32_t)s->layers.n;
	return fits ? 0 : ERR_BAD(c->err, "a path is empty or too long");
}

static int decode_saved(
	struct jctx *c, const struct oci_query *q, const struct json *v, struct oci_answer *ret)
{
	struct saved found = { 0 };
	size_t n = 0;
	if (v->type != JSON_ARRAY)
		return ERR_BAD(c->err, "expected array, found %s", json_type_name(v->type));
	json_foreach (item, v) {
		struct saved s = { 0 };
		int r = jdec_object(c, item, NULL, saved_fields, J_UNKNOWN_IGNORED, &s);
		if (r < 0)
			return r;
		const char *tag = matching_tag(&s, q->ref);
		if (!tag)
			continue;
		(void)copy_text(ret->ref_name, sizeof ret->ref_name, tag);
		found = s;
		n++;
	}
	if (!n)
		return ERR_NOENT(c->err, "it has no image '%s'", q->ref);
	if (n > 1)
		return ERR_BAD(c->err, "it has %zu images: say which, as in FILE:NAME", n);
	return take_saved(c, &found, ret);
}

/* --- all of them ------------------------------------------------------------------------------ */

int oci_decode(const struct oci_query *q, const char *bytes, size_t n, struct oci_answer *ret,
	struct str *manifest, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct jctx c = { &a, e };
	struct json *v;
	*ret = (struct oci_answer){ .magic = OCI_MAGIC };
	int r = json_parse(bytes, n, &a, &v, e);
	if (r < 0)
		return r;
	switch ((enum oci_document)q->document) {
	case OCI_INDEX: return decode_index(&c, q, v, ret);
	case OCI_MANIFEST: return decode_image(&c, q, v, ret);
	case OCI_DOCKER_ARCHIVE: return decode_saved(&c, q, v, ret);
	case OCI_CONFIG: break;
	default: return ERR_BAD(e, "an unknown document is asked for");
	}
	r = decode_config(&c, v, ret);
	if (r >= 0)
		r = oci_app_encode(&c, q, v, manifest);
	if (r >= 0)
		ret->manifest_size = (uint32_t)manifest->len;
	return r;
}

int oci_answer_check(const struct oci_answer *a, struct err *e)
{
	bool good = a->magic == OCI_MAGIC && a->n_layers <= OCI_LAYERS_MAX &&
		    a->chosen.document < _OCI_DOCUMENT_MAX &&
		    a->manifest_size <= STR_MAX_MANIFEST &&
		    memchr(a->ref_name, '\0', OCI_TEXT_MAX) != NULL;
	for (size_t i = 0; good && i <= OCI_LAYERS_MAX; i++)
		good = memchr(a->paths[i], '\0', OCI_TEXT_MAX) != NULL;
	return good ? 0 : err_set(e, ERR_PEER, EPROTO, "the unpack worker gave a senseless answer");
}
