/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/docker_ref.h"
#include "lib/spec/oci.h"
#include "stage0/oci/oci.h"

enum { INDEX_DEPTH = 4 };

static void set_text(char *dst, size_t size, const char *text)
{
	snprintf(dst, size, "%s", text ? text : "");
}

/* The name and version that the image gets in the store. */
static int choose_name(struct oci_query *q, const struct oci_wish *wish, const char *ref_name,
	struct arena *a, struct err *e)
{
	const char *name = wish->name, *tag = wish->tag;
	if (!name && !(strpbrk(ref_name, "/:") && oci_reference_name(ref_name, a, &name, &tag))) {
		name = oci_identifier(a, wish->fallback);
		tag = *ref_name ? ref_name : "latest";
	}
	if (!name || strlen(name) >= sizeof q->name)
		return ERR_BAD(e, "'%.80s' cannot be made a name of an image", wish->fallback);
	set_text(q->name, sizeof q->name, name);
	set_text(q->tag, sizeof q->tag, tag);
	set_text(q->original, sizeof q->original, wish->original);
	return 0;
}

static const char *hex_of(struct arena *a, const uint8_t digest[OCI_DIGEST_SIZE])
{
	char hex[OCI_HEX_SIZE + 1];
	oci_digest_hex(digest, hex);
	return arena_strdup(a, hex);
}

static const char *id_of(struct arena *a, const uint8_t sha512[64])
{
	return arena_printf(a, "sha512-%s%s", hex_of(a, sha512), hex_of(a, sha512 + 32));
}

static const struct layer_source *sources(
	const struct oci_parts *parts, const struct oci_answer *config, struct arena *a)
{
	struct layer_source *l = ARENA_ARRAY(a, struct layer_source, parts->n_layers);
	for (size_t i = 0; i < parts->n_layers; i++) {
		l[i].diff = hex_of(a, config->diff_ids[i]);
		l[i].chain = hex_of(a, config->chain_ids[i]);
		if (parts->layers) {
			l[i].blob = hex_of(a, parts->layers[i].digest);
			l[i].size = parts->layers[i].size;
		}
	}
	return l;
}

static int check_digest(const struct oci_answer *a, const uint8_t digest[OCI_DIGEST_SIZE],
	const char *what, struct err *e)
{
	return memcmp(a->sha256, digest, OCI_DIGEST_SIZE) == 0
		       ? 0
		       : ERR_BAD(e, "the %s is not what its digest says", what);
}

int oci_import_parts(struct store *s, const struct oci_parts *parts, const struct oci_wish *wish,
	const char *ref_name, const struct import_options *o, struct arena *a, const char **ret_id,
	struct err *e)
{
	struct oci_query q = { .magic = OCI_MAGIC, .document = OCI_CONFIG };
	_clean_(mem) struct oci_answer *config = xcalloc(1, sizeof *config);
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	oci_platform(&q);
	int r = choose_name(&q, wish, ref_name, a, e);
	if (r >= 0)
		r = store_read_document(
			&q, str_text(parts->config), parts->config->len, config, &manifest, e);
	/* Before anything that it says is used. */
	if (r >= 0 && parts->config_digest)
		r = check_digest(config, parts->config_digest, "configuration", e);
	if (r < 0)
		return err_wrap(e, r, "configuration");
	if (config->n_layers != parts->n_layers)
		return ERR_BAD(e, "the configuration knows %u layers, the manifest %zu",
			config->n_layers, parts->n_layers);
	const struct str *document = parts->document ? parts->document : parts->config;
	const struct layered_import in = { .options = *o,
		.id = id_of(a, parts->document ? parts->document_sha512 : config->sha512),
		.document = str_text(document),
		.document_size = document->len,
		.manifest = str_text(&manifest),
		.manifest_size = manifest.len,
		.layers = sources(parts, config, a),
		.n_layers = parts->n_layers,
		.open_layer = parts->open_layer,
		.supply = parts->supply,
		.ctx = parts->ctx };
	r = store_import_layers(s, &in, e);
	if (r >= 0)
		*ret_id = in.id;
	return r;
}

/* --- from an index ---------------------------------------------------------------------------- */

struct layers {
	const struct oci_source *src;
	const struct oci_descriptor *v;
};

static int open_layer(void *ctx, size_t i, struct err *e)
{
	const struct layers *l = ctx;
	char hex[OCI_HEX_SIZE + 1];
	oci_digest_hex(l->v[i].digest, hex);
	return l->src->open_blob(l->src->ctx, hex, e);
}

static int read_blob(const struct oci_source *src, const struct oci_descriptor *d, struct str *ret,
	struct err *e)
{
	bool blob = d->document == OCI_CONFIG || !src->open_manifest;
	char hex[OCI_HEX_SIZE + 1];
	oci_digest_hex(d->digest, hex);
	if (d->size > STR_MAX_MANIFEST)
		return err_set(e, ERR_INPUT, EFBIG, "document '%s' is larger than %d bytes", hex,
			STR_MAX_MANIFEST);
	_clean_(fd) int fd = (blob ? src->open_blob : src->open_manifest)(src->ctx, hex, e);
	int r = fd < 0 ? fd : io_read_fd(fd, hex, ret, e);
	if (r >= 0 && ret->len != d->size)
		r = ERR_BAD(e, "document '%s' has %zu bytes instead of %llu", hex, ret->len,
			(unsigned long long)d->size);
	return r;
}

int oci_trust_name(const struct oci_wish *wish, const char *ref_name, struct arena *a,
	struct oci_named *ret, struct err *e)
{
	_clean_(mem) struct oci_query *q = xcalloc(1, sizeof *q);
	struct docker_ref ref;
	int r = choose_name(q, wish, ref_name, a, e);
	if (r < 0)
		return r;
	*ret = (struct oci_named){ .name = arena_strdup(a, q->name),
		.tag = arena_strdup(a, q->tag),
		.repository = strpbrk(ref_name, "/:") != NULL };
	if (ret->repository && docker_ref_parse(ref_name, a, &ref)) {
		ret->name = ref.name;
		ret->tag = ref.tag;
	}
	return 0;
}

static int ask_chosen(const struct oci_source *src, const struct oci_wish *wish,
	const struct oci_answer *m, const char *ref_name, struct arena *a, struct err *e)
{
	struct oci_named named;
	if (!src->chosen)
		return 0;
	int r = oci_trust_name(wish, ref_name, a, &named, e);
	return r < 0 ? r : src->chosen(src->ctx, m, &named, e);
}

static int import_manifest(struct store *s, const struct oci_source *src,
	const struct oci_wish *wish, const struct oci_answer *m, const struct str *document,
	const char *ref_name, const struct import_options *o, struct arena *a, const char **ret_id,
	struct err *e)
{
	_clean_(str) struct str config = STR_INIT(STR_MAX_MANIFEST);
	struct layers layers = { src, m->layers };
	int r = ask_chosen(src, wish, m, ref_name, a, e);
	if (r < 0)
		return r;
	r = read_blob(src, &m->chosen, &config, e);
	if (r < 0)
		return err_wrap(e, r, "configuration");
	const struct oci_parts parts = { .document = document,
		.document_sha512 = m->sha512,
		.config = &config,
		.config_digest = m->chosen.digest,
		.layers = m->layers,
		.n_layers = m->n_layers,
		.open_layer = open_layer,
		.supply = src->supply,
		.ctx = &layers };
	return oci_import_parts(s, &parts, wish, ref_name, o, a, ret_id, e);
}

struct oci_found *oci_found_new(void)
{
	struct oci_found *f = xcalloc(1, sizeof *f);
	f->bytes = STR_INIT(STR_MAX_MANIFEST);
	return f;
}

void oci_found_free(struct oci_found *f)
{
	str_release(&f->bytes);
	free(f);
}

int oci_find_manifest(const struct oci_source *src, const char *ref, unsigned document,
	const struct str *index, struct oci_found *ret, struct err *e)
{
	struct oci_query q = { .magic = OCI_MAGIC, .document = document };
	struct oci_descriptor expected;
	struct oci_answer *answer = &ret->manifest;
	if (strlen(ref) >= sizeof q.ref)
		return ERR_BAD(e, "the reference is too long");
	set_text(q.ref, sizeof q.ref, ref);
	oci_platform(&q);
	str_addn(&ret->bytes, str_text(index), index->len);
	for (int depth = 0; depth <= INDEX_DEPTH; depth++) {
		const char *what = q.document == OCI_INDEX ? "index" : "manifest";
		int r = store_read_document(
			&q, str_text(&ret->bytes), ret->bytes.len, answer, NULL, e);
		if (r >= 0 && depth)
			r = check_digest(answer, expected.digest, what, e);
		if (r < 0)
			return err_wrap(e, r, "%s", what);
		if (q.document == OCI_MANIFEST)
			return 0;
		if (!*ret->ref_name)
			set_text(ret->ref_name, sizeof ret->ref_name, answer->ref_name);
		if (answer->chosen.document != OCI_INDEX && answer->chosen.document != OCI_MANIFEST)
			return err_set(e, ERR_PEER, EPROTO, "a senseless answer");
		expected = answer->chosen;
		q.document = expected.document;
		*q.ref = '\0'; /* it has been found: below it only the platform counts */
		str_clear(&ret->bytes);
		r = read_blob(src, &expected, &ret->bytes, e);
		if (r < 0)
			return r;
	}
	return ERR_BAD(e, "indexes are nested deeper than %d", INDEX_DEPTH);
}

const char *oci_image_id(const struct oci_found *f, struct arena *a)
{
	return id_of(a, f->manifest.sha512);
}

int oci_import_index(struct store *s, const struct oci_source *src, const struct oci_wish *wish,
	unsigned document, const struct str *index, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e)
{
	struct oci_found *f = oci_found_new();
	int r = oci_find_manifest(src, wish->ref, document, index, f, e);
	if (r >= 0)
		r = import_manifest(
			s, src, wish, &f->manifest, &f->bytes, f->ref_name, o, a, ret_id, e);
	oci_found_free(f);
	return r;
}
