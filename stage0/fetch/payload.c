/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/payload.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/json/jdec.h"
#include "lib/spec/docker_ref.h"
#include "lib/spec/oci.h"

_Static_assert((int)OCI_DIGEST_SIZE == (int)FETCH_DIGEST_SIZE, "sha256");
_Static_assert((int)FETCH_REPOSITORY_SIZE >= (int)DOCKER_REF_NAME_MAX, "a name fits");
_Static_assert((int)FETCH_TAG_SIZE > (int)DOCKER_REF_TAG_MAX, "a tag fits");

bool bytes_decode(const char *text, struct arena *a, struct bytes *ret)
{
	size_t n = strlen(text);
	_clean_(str) struct str out = STR_INIT(n);
	if (!n || n % 4 || !base64_decode(&out, text))
		return false;
	unsigned char *bytes = arena_alloc(a, out.len + 1, 1);
	memcpy(bytes, str_text(&out), out.len);
	*ret = (struct bytes){ bytes, out.len };
	return true;
}

/* --- cosign, simple signing ------------------------------------------------------------------- */

/* The member of that name: as it is or, where `capital`, with a first letter that is one. */
static const struct json *member(const struct json *v, const char *name, bool capital)
{
	char other[64];
	const struct json *ret = json_member(v, name);
	if (!capital)
		return ret;
	snprintf(other, sizeof other, "%s", name);
	other[0] = (char)toupper((unsigned char)other[0]);
	const struct json *second = json_member(v, other);
	return ret && second ? NULL : ret ? ret : second;
}

/* An object that consists of exactly these members. */
static int only(const struct json *v, const char *what, const char *const *names, bool capital,
	struct err *e)
{
	size_t n = 0;
	if (!v || v->type != JSON_OBJECT)
		return ERR_BAD(e, "'%s' is missing, or is no object", what);
	for (; names[n]; n++)
		if (!member(v, names[n], capital))
			return ERR_BAD(
				e, "'%s' has no '%s', or has it in two spellings", what, names[n]);
	if (v->count != n)
		return ERR_BAD(
			e, "'%s' has members that are not known: it may mean something else", what);
	return 0;
}

static const char *text_of(const struct json *v)
{
	return v && v->type == JSON_STRING ? v->text : NULL;
}

/* docker-reference. Empty: cosign was not told. */
static int take_identity(const char *reference, struct payload *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct docker_ref ref;
	if (!reference)
		return ERR_BAD(e, "'docker-reference' is no text");
	if (!*reference)
		return 0;
	if (!docker_ref_parse(reference, &a, &ref))
		return ERR_BAD(e, "its docker-reference '%.80s' is none", reference);
	snprintf(ret->repository, sizeof ret->repository, "%s", ref.name);
	snprintf(ret->tag, sizeof ret->tag, "%s", ref.tagged ? ref.tag : "");
	snprintf(ret->named, sizeof ret->named, "%s", ref.digest ? ref.digest : "");
	return 0;
}

static int critical(
	const struct json *v, const char *type, bool capital, struct payload *ret, struct err *e)
{
	static const char *const members[] = { "type", "image", "identity", NULL };
	static const char *const of_image[] = { "docker-manifest-digest", NULL };
	static const char *const of_identity[] = { "docker-reference", NULL };
	int r = only(v, "critical", members, capital, e);
	if (r < 0)
		return r;
	const struct json *image = member(v, "image", capital);
	const struct json *identity = member(v, "identity", capital);
	if (!str_eq(text_of(member(v, "type", capital)), type))
		return ERR_BAD(e, "critical.type is not '%s'", type);
	r = only(image, "image", of_image, capital, e);
	if (r >= 0)
		r = only(identity, "identity", of_identity, capital, e);
	if (r < 0)
		return r;
	if (!oci_digest_parse(text_of(member(image, *of_image, capital)), ret->digest))
		return ERR_BAD(e, "docker-manifest-digest is not 'sha256:' and 64 hex digits");
	return take_identity(text_of(member(identity, *of_identity, capital)), ret, e);
}

int payload_cosign(const char *bytes, size_t n, struct payload *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct json *v;
	*ret = (struct payload){ 0 };
	int r = json_parse(bytes, n, &a, &v, e);
	if (r < 0)
		return r;
	const struct json *has = v->type == JSON_OBJECT ? member(v, "critical", true) : NULL;
	const struct json *optional = has ? member(v, "optional", true) : NULL;
	if (!has || v->count != (optional ? 2u : 1u))
		return ERR_BAD(
			e, "it consists of more, or of less, than 'critical' and 'optional'");
	return critical(has, "cosign container image signature", true, ret, e);
}

int payload_simple(const char *bytes, size_t n, struct payload *ret, struct err *e)
{
	static const char *const members[] = { "critical", "optional", NULL };
	_clean_(arena) struct arena a = ARENA_INIT;
	struct json *v;
	*ret = (struct payload){ 0 };
	int r = json_parse(bytes, n, &a, &v, e);
	if (r >= 0)
		r = only(v, "the payload", members, false, e);
	if (r < 0)
		return r;
	if (json_member(v, "optional")->type != JSON_OBJECT)
		return ERR_BAD(e, "'optional' is no object");
	r = critical(json_member(v, "critical"), "atomic container signature", false, ret, e);
	if (r >= 0 && !*ret->repository)
		r = ERR_BAD(e, "it does not say for which repository it is");
	return r;
}

/* --- in-toto ---------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(text, *list))
			return true;
	return false;
}

static bool among(const uint8_t *digest, const uint8_t (*digests)[FETCH_DIGEST_SIZE], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(digest, digests[i], FETCH_DIGEST_SIZE) == 0)
			return true;
	return false;
}

static bool subject_digest(const struct json *subject, uint8_t ret[FETCH_DIGEST_SIZE])
{
	char text[OCI_HEX_SIZE + 16];
	const struct json *digest =
		subject->type == JSON_OBJECT ? json_member(subject, "digest") : NULL;
	const char *hex = digest && digest->type == JSON_OBJECT
				  ? text_of(json_member(digest, "sha256"))
				  : NULL;
	return hex && snprintf(text, sizeof text, "sha256:%s", hex) < (int)sizeof text &&
	       oci_digest_parse(text, ret);
}

int payload_statement(const char *bytes, size_t n, const uint8_t (*digests)[FETCH_DIGEST_SIZE],
	size_t n_digests, struct payload *ret, struct err *e)
{
	static const char *const types[] = { "https://in-toto.io/Statement/v1",
		"https://in-toto.io/Statement/v0.1", NULL };
	static const char *const predicates[] = { "https://sigstore.dev/cosign/sign/v1", NULL };
	_clean_(arena) struct arena a = ARENA_INIT;
	struct json *v;
	*ret = (struct payload){ 0 };
	int r = json_parse(bytes, n, &a, &v, e);
	if (r < 0)
		return r;
	const struct json *subjects = v->type == JSON_OBJECT ? json_member(v, "subject") : NULL;
	if (!subjects || subjects->type != JSON_ARRAY || !subjects->count ||
		!is_one_of(text_of(json_member(v, "_type")), types))
		return ERR_BAD(e, "it is no in-toto Statement");
	const char *predicate = text_of(json_member(v, "predicateType"));
	if (!is_one_of(predicate, predicates))
		return ERR_BAD(e, "an attestation ('%.60s') is not a signature",
			predicate ? predicate : "");
	bool any = false;
	json_foreach (subject, subjects) {
		uint8_t digest[FETCH_DIGEST_SIZE];
		if (!subject_digest(subject, digest))
			continue;
		if (!any || among(digest, digests, n_digests))
			memcpy(ret->digest, digest, sizeof digest);
		any = true;
	}
	return any ? 0 : ERR_BAD(e, "no subject has a digest of SHA-256");
}

/* --- bundles ---------------------------------------------------------------------------------- */

#define BUNDLE_TYPE "application/vnd.dev.sigstore.bundle"

static bool bundle_type(const char *type)
{
	static const char *const types[] = { BUNDLE_TYPE "+json;version=0.1",
		BUNDLE_TYPE "+json;version=0.2", BUNDLE_TYPE "+json;version=0.3",
		BUNDLE_TYPE ".v0.3+json", NULL };
	return is_one_of(type, types);
}

struct wire_digest {
	const char *algorithm, *digest;
};
struct wire_message {
	struct wire_digest *digest;
	const char *signature;
};
struct wire_signature {
	const char *sig;
};
struct wire_envelope {
	const char *payload, *type;
	struct wire_signature *signatures;
	size_t n_signatures;
};
struct wire_public_key {
	const char *hint;
};
struct wire_material {
	struct wire_public_key *public_key;
};
struct wire_bundle {
	const char *media_type;
	struct wire_material *material;
	struct wire_message *message;
	struct wire_envelope *envelope;
};

static const struct jfield digest_fields[] = {
	{ "algorithm", J_STRING, offsetof(struct wire_digest, algorithm), J_REQUIRED },
	{ "digest", J_STRING, offsetof(struct wire_digest, digest), J_REQUIRED },
	{ 0 },
};
static const struct jfield message_fields[] = {
	{ "messageDigest", J_OBJECT, offsetof(struct wire_message, digest), J_REQUIRED,
		digest_fields, sizeof(struct wire_digest) },
	{ "signature", J_STRING, offsetof(struct wire_message, signature), J_REQUIRED },
	{ 0 },
};
static const struct jfield signature_fields[] = {
	{ "sig", J_STRING, offsetof(struct wire_signature, sig), J_REQUIRED },
	{ 0 },
};
static const struct jfield envelope_fields[] = {
	{ "payload", J_STRING, offsetof(struct wire_envelope, payload), J_REQUIRED },
	{ "payloadType", J_STRING, offsetof(struct wire_envelope, type), J_REQUIRED },
	{ "signatures", J_ARRAY, SLICE_OF(struct wire_envelope, signatures, n_signatures),
		J_REQUIRED, signature_fields, sizeof(struct wire_signature) },
	{ 0 },
};
static const struct jfield public_key_fields[] = {
	{ "hint", J_STRING, offsetof(struct wire_public_key, hint), 0 },
	{ 0 },
};
static const struct jfield material_fields[] = {
	{ "publicKey", J_OBJECT, offsetof(struct wire_material, public_key), 0, public_key_fields,
		sizeof(struct wire_public_key) },
	{ 0 },
};
static const struct jfield bundle_fields[] = {
	{ "mediaType", J_STRING, offsetof(struct wire_bundle, media_type), J_REQUIRED },
	{ "verificationMaterial", J_OBJECT, offsetof(struct wire_bundle, material), J_REQUIRED,
		material_fields, sizeof(struct wire_material) },
	{ "messageSignature", J_OBJECT, offsetof(struct wire_bundle, message), 0, message_fields,
		sizeof(struct wire_message) },
	{ "dsseEnvelope", J_OBJECT, offsetof(struct wire_bundle, envelope), 0, envelope_fields,
		sizeof(struct wire_envelope) },
	{ 0 },
};

static int take_envelope(
	const struct wire_envelope *w, struct arena *a, struct bundle *ret, struct err *e)
{
	if (w->n_signatures != 1)
		return ERR_BAD(e, "it has %zu signatures instead of one", w->n_signatures);
	ret->dsse = true;
	ret->type = w->type;
	if (!bytes_decode(w->payload, a, &ret->body) ||
		!bytes_decode(w->signatures[0].sig, a, &ret->signature))
		return ERR_BAD(e, "payload or signature are not in base64");
	return 0;
}

static int take_message(
	const struct wire_message *w, struct arena *a, struct bundle *ret, struct err *e)
{
	ret->type = w->digest->algorithm;
	if (!bytes_decode(w->digest->digest, a, &ret->body) ||
		!bytes_decode(w->signature, a, &ret->signature))
		return ERR_BAD(e, "digest or signature are not in base64");
	return 0;
}

int bundle_decode(const char *bytes, size_t n, struct arena *a, struct bundle *ret, struct err *e)
{
	struct wire_bundle w = { 0 };
	struct jctx c = { a, e };
	struct json *v;
	*ret = (struct bundle){ 0 };
	int r = json_parse(bytes, n, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, bundle_fields, J_UNKNOWN_IGNORED, &w);
	if (r < 0)
		return r;
	if (!bundle_type(w.media_type))
		return ERR_BAD(e, "'%.60s' is no sigstore bundle of a version from 0.1 to 0.3",
			w.media_type);
	if (!w.message == !w.envelope)
		return ERR_BAD(e, "a bundle has either messageSignature or dsseEnvelope");
	ret->certificate = !w.material->public_key;
	return w.envelope ? take_envelope(w.envelope, a, ret, e)
			  : take_message(w.message, a, ret, e);
}

bool bundle_looks_like(const char *bytes, size_t n)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct json *v;
	const char *type = json_parse(bytes, n, &a, &v, &ignored) >= 0 && v->type == JSON_OBJECT
				   ? text_of(json_member(v, "mediaType"))
				   : NULL;
	return type && str_after(type, BUNDLE_TYPE);
}

static const struct jfield downloaded_fields[] = {
	{ "Base64Signature", J_STRING, 0, J_REQUIRED },
	{ "Payload", J_STRING, sizeof(const char *), J_REQUIRED },
	{ 0 },
};

int downloaded_decode(
	const char *bytes, size_t n, struct arena *a, struct downloaded *ret, struct err *e)
{
	const char *texts[2] = { 0 };
	struct jctx c = { a, e };
	struct json *v;
	int r = json_parse(bytes, n, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, downloaded_fields, J_UNKNOWN_IGNORED, texts);
	if (r >= 0 && !bytes_decode(texts[1], a, &ret->payload))
		r = ERR_BAD(e, "Payload is not in base64");
	ret->signature = texts[0];
	return r;
}
