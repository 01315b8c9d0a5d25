/* SPDX-License-Identifier: Apache-2.0 */
/* Where signatures are: manifests and indexes that name them. */
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/json/jdec.h"
#include "lib/spec/oci.h"
#include "stage0/fetch/mode.h"
#include "stage0/fetch/payload.h"

#define SIGNATURE_ANNOTATION "dev.cosignproject.cosign/signature"
#define PREDICATE_ANNOTATION "dev.sigstore.bundle.predicateType"

struct lead {
	const char *media_type, *artifact_type, *digest;
	int64_t size;
	struct nvlist annotations;
};
struct document {
	struct lead *layers;
	size_t n_layers;
	struct lead *manifests;
	size_t n_manifests;
};

static const struct jfield lead_fields[] = {
	{ "mediaType", J_STRING, offsetof(struct lead, media_type), 0 },
	{ "artifactType", J_STRING, offsetof(struct lead, artifact_type), 0 },
	{ "digest", J_STRING, offsetof(struct lead, digest), J_REQUIRED },
	{ "size", J_I64, offsetof(struct lead, size), J_REQUIRED },
	{ "annotations", J_CUSTOM, offsetof(struct lead, annotations),
		.decode = string_map_decode },
	{ 0 },
};
static const struct jfield document_fields[] = {
	{ "layers", J_ARRAY, SLICE_OF(struct document, layers, n_layers), 0, lead_fields,
		sizeof(struct lead) },
	{ "manifests", J_ARRAY, SLICE_OF(struct document, manifests, n_manifests), 0, lead_fields,
		sizeof(struct lead) },
	{ 0 },
};

static bool is_bundle(const char *type)
{
	return type && str_after(type, "application/vnd.dev.sigstore.bundle");
}

/* "sha256-<hex>.sig", also behind "name:". */
static bool is_signature_tag(const char *ref)
{
	const char *colon = ref ? strrchr(ref, ':') : NULL;
	const char *tag = colon ? colon + 1 : ref;
	return tag && str_after(tag, "sha256-") && str_ends(tag, ".sig");
}

static bool of_layer(const struct lead *l, struct fetch_lead *ret)
{
	const char *signature = nv_get(&l->annotations, SIGNATURE_ANNOTATION);
	if (is_bundle(l->media_type)) {
		ret->kind = FETCH_LEAD_BUNDLE;
		return true;
	}
	if (!str_eq(l->media_type, "application/vnd.dev.cosign.simplesigning.v1+json") ||
		!signature || strlen(signature) >= sizeof ret->signature)
		return false;
	ret->kind = FETCH_LEAD_PAYLOAD;
	memcpy(ret->signature, signature, strlen(signature));
	return true;
}

static bool of_manifest(const struct lead *l, struct fetch_lead *ret)
{
	const char *predicate = nv_get(&l->annotations, PREDICATE_ANNOTATION);
	if (is_bundle(l->artifact_type)) {
		/* Attestations can be many, and would push signatures out of the list. */
		ret->kind = FETCH_LEAD_REFERRER;
		return !predicate || strcmp(predicate, "https://sigstore.dev/cosign/sign/v1") == 0;
	}
	ret->kind = FETCH_LEAD_SIGNATURES;
	return str_eq(l->artifact_type, "application/vnd.dev.cosign.artifact.sig.v1+json") ||
	       str_eq(nv_get(&l->annotations, "kind"), "dev.cosignproject.cosign/sigs") ||
	       is_signature_tag(nv_get(&l->annotations, "org.opencontainers.image.ref.name"));
}

static void add(const struct lead *v, size_t n,
	bool (*is)(const struct lead *, struct fetch_lead *), struct fetch_leads *ret)
{
	for (size_t i = 0; i < n && ret->n < FETCH_LEADS_MAX; i++) {
		struct fetch_lead lead = { 0 };
		if (!is(&v[i], &lead) || !oci_digest_parse(v[i].digest, lead.digest) ||
			v[i].size <= 0 || v[i].size > FETCH_EVIDENCE_BYTES)
			continue;
		lead.size = (uint64_t)v[i].size;
		ret->v[ret->n++] = lead;
	}
}

int leads_decode(const char *bytes, size_t n, struct fetch_leads *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct document d = { 0 };
	struct jctx c = { &a, e };
	struct json *v;
	ret->n = 0;
	int r = json_parse(bytes, n, &a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, document_fields, J_UNKNOWN_IGNORED, &d);
	if (r < 0)
		return r;
	add(d.layers, d.n_layers, of_layer, ret);
	add(d.manifests, d.n_manifests, of_manifest, ret);
	return 0;
}

int leads_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	(void)request;
	if (lseek(FETCH_FD_DOCUMENT, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	int r = io_read_fd(FETCH_FD_DOCUMENT, "the document", &text, e);
	return r < 0 ? r : leads_decode(str_text(&text), text.len, &ret->leads, e);
}
