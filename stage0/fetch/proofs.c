/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FETCH_PROOFS: signatures of images of OCI and Docker.
 *
 * First a signature is verified over the bytes that it is over, by each key; then what these bytes
 * say is read, strictly; then the digest in them must be that of one of the documents. Nothing that
 * a file says about itself (a hint, a log, a certificate) makes it good.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/fetch/keyring.h"
#include "stage0/fetch/message.h"
#include "stage0/fetch/mode.h"
#include "stage0/fetch/payload.h"

enum {
	DOCUMENTS_BYTES = FETCH_DOCUMENTS_MAX * (STR_MAX_MANIFEST + 16),
	EVIDENCE_BYTES = FETCH_EVIDENCE_MAX * 128 * 1024 + FETCH_EVIDENCE_BYTES
};

struct proofs {
	struct keyring ring;
	struct str all; /* what the documents point into */
	struct bytes documents[FETCH_DOCUMENTS_MAX];
	struct fetch_proofs *ret;
};

static void proofs_cleanup(struct proofs *p)
{
	keyring_cleanup(&p->ring);
	str_release(&p->all);
}

/* --- what comes in ---------------------------------------------------------------------------- */

static int read_documents(struct proofs *p, struct err *e)
{
	struct fetch_proofs *ret = p->ret;
	int r = io_read_fd(FETCH_FD_DOCUMENTS, "the documents", &p->all, e);
	if (r < 0)
		return r;
	for (size_t at = 0; at < p->all.len;) {
		struct fetch_document head;
		if (ret->n_documents == FETCH_DOCUMENTS_MAX || p->all.len - at < sizeof head)
			return ERR_BAD(e, "the list of documents is not one");
		memcpy(&head, p->all.buf + at, sizeof head);
		at += sizeof head;
		if (head.size > p->all.len - at)
			return ERR_BAD(e, "the list of documents is cut");
		struct bytes *d = &p->documents[ret->n_documents];
		*d = (struct bytes){ (unsigned char *)p->all.buf + at, head.size };
		if (!EVP_Digest(
			    d->v, d->n, ret->digests[ret->n_documents], NULL, EVP_sha256(), NULL))
			return ERR_BAD(e, "OpenSSL does not work");
		ret->n_documents++;
		at += head.size;
	}
	return 0;
}

/* The next proof, or NULL when there are too many. */
static struct fetch_proof *add_proof(struct proofs *p, enum fetch_mechanism mechanism)
{
	if (p->ret->n == FETCH_PROOFS_MAX)
		return NULL;
	struct fetch_proof *v = &p->ret->v[p->ret->n++];
	*v = (struct fetch_proof){ .mechanism = mechanism };
	return v;
}

static void malformed(struct proofs *p, enum fetch_mechanism mechanism, const struct err *why)
{
	struct fetch_proof *v = add_proof(p, mechanism);
	if (!v)
		return;
	v->s.verdict = FETCH_SIG_MALFORMED;
	err_format(why, false, v->why, sizeof v->why);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* Is one of the keys whose it is? */
static void by_key(const struct proofs *p, const struct bytes *signature, const void *bytes,
	size_t n, struct fetch_signature *ret)
{
	ret->verdict = FETCH_SIG_UNKNOWN_KEY;
	for (size_t i = 0; i < p->ring.n_pem; i++) {
		const struct pem_key *k = &p->ring.pem[i];
		if (!pem_verify_bytes(k->key, signature->v, signature->n, bytes, n))
			continue;
		ret->verdict =
			k->facts.flags & FETCH_KEY_IS_WEAK ? FETCH_SIG_KEY_WEAK : FETCH_SIG_GOOD;
		memcpy(ret->fingerprint, k->facts.fingerprint, sizeof ret->fingerprint);
		snprintf(ret->detail, sizeof ret->detail, "%s",
			ret->verdict == FETCH_SIG_GOOD ? "" : k->facts.algorithm);
	}
}

/* What was signed, in a proof whose signature is good. r < 0: it could not be read, and why. */
static void bind(const struct proofs *p, struct fetch_proof *v, const struct payload *payload,
	int r, const struct err *why)
{
	if (r < 0) {
		v->s.verdict = FETCH_SIG_MALFORMED;
		err_format(why, false, v->why, sizeof v->why);
		return;
	}
	memcpy(v->repository, payload->repository, sizeof v->repository);
	memcpy(v->tag, payload->tag, sizeof v->tag);
	memcpy(v->named, payload->named, sizeof v->named);
	for (uint32_t i = 0; i < p->ret->n_documents; i++) {
		if (memcmp(payload->digest, p->ret->digests[i], FETCH_DIGEST_SIZE) == 0) {
			v->document = i;
			return;
		}
	}
	v->s.verdict = FETCH_SIG_OTHER_IMAGE;
	size_t at = (size_t)snprintf(v->why, sizeof v->why, "sha256:");
	for (size_t i = 0; i < FETCH_DIGEST_SIZE; i++)
		at += (size_t)snprintf(v->why + at, sizeof v->why - at, "%02x", payload->digest[i]);
}

/* --- cosign ----------------------------------------------------------------------------------- */

static void judge_cosign(struct proofs *p, const char *signature, const void *bytes, size_t n)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err why = ERR_INIT;
	struct bytes raw;
	struct payload payload;
	if (!bytes_decode(signature, &a, &raw)) {
		ERR_BAD(&why, "the signature is not in base64");
		malformed(p, FETCH_BY_COSIGN, &why);
		return;
	}
	struct fetch_proof *v = add_proof(p, FETCH_BY_COSIGN);
	if (!v)
		return;
	by_key(p, &raw, bytes, n, &v->s);
	if (v->s.verdict != FETCH_SIG_GOOD)
		return;
	int r = payload_cosign(bytes, n, &payload, &why);
	bind(p, v, &payload, r, &why);
}

/* --- bundles ---------------------------------------------------------------------------------- */

#define IN_TOTO "application/vnd.in-toto+json"

/* What a DSSE signature is over: protocol.md of secure-systems-lab/dsse, PAE. */
static void encode_pae(const struct bundle *b, struct str *ret)
{
	str_addf(ret, "DSSEv1 %zu %s %zu ", strlen(b->type), b->type, b->body.n);
	str_addn(ret, b->body.v, b->body.n);
}

static void judge_envelope(struct proofs *p, const struct bundle *b, struct fetch_proof *v)
{
	_clean_(str) struct str pae = STR_INIT(2 * FETCH_EVIDENCE_BYTES);
	struct err why = ERR_INIT;
	struct payload payload;
	encode_pae(b, &pae);
	by_key(p, &b->signature, str_text(&pae), pae.len, &v->s);
	if (!str_ok(&pae) || v->s.verdict != FETCH_SIG_GOOD)
		return;
	int r = strcmp(b->type, IN_TOTO) == 0
			? payload_statement((const char *)b->body.v, b->body.n,
				  (const uint8_t(*)[FETCH_DIGEST_SIZE])p->ret->digests,
				  p->ret->n_documents, &payload, &why)
			: ERR_BAD(&why, "its payloadType is '%.60s'", b->type);
	bind(p, v, &payload, r, &why);
}

static bool has_digest(const struct bytes *document, const struct bundle *b)
{
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} algorithms[] = { { "SHA2_256", EVP_sha256 }, { "SHA2_384", EVP_sha384 },
		{ "SHA2_512", EVP_sha512 } };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (strcmp(b->type, algorithms[i].name) == 0 &&
			!EVP_Digest(
				document->v, document->n, digest, &size, algorithms[i].md(), NULL))
			return false;
	return size && size == b->body.n && memcmp(digest, b->body.v, size) == 0;
}

/* The signature is over the manifest itself. */
static void judge_message(struct proofs *p, const struct bundle *b, struct fetch_proof *v)
{
	v->s.verdict = FETCH_SIG_OTHER_IMAGE;
	for (uint32_t i = 0; i < p->ret->n_documents; i++) {
		const struct bytes *d = &p->documents[i];
		if (!has_digest(d, b))
			continue;
		by_key(p, &b->signature, d->v, d->n, &v->s);
		v->document = i;
		return;
	}
}

static void judge_bundle(struct proofs *p, const char *bytes, size_t n)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err why = ERR_INIT;
	struct bundle b;
	if (bundle_decode(bytes, n, &a, &b, &why) < 0) {
		malformed(p, FETCH_BY_BUNDLE, &why);
		return;
	}
	struct fetch_proof *v = add_proof(p, FETCH_BY_BUNDLE);
	if (!v)
		return;
	if (b.dsse)
		judge_envelope(p, &b, v);
	else
		judge_message(p, &b, v);
	if (v->s.verdict == FETCH_SIG_UNKNOWN_KEY && b.certificate)
		snprintf(v->why, sizeof v->why, "by a certificate, which is no key");
}

/* --- OpenPGP ---------------------------------------------------------------------------------- */

static void judge_simple(struct proofs *p, const char *bytes, size_t n)
{
	_clean_(str) struct str content = STR_INIT(FETCH_SIGNATURES_BYTES);
	struct err why = ERR_INIT;
	struct judged judged = { .n = 0 };
	struct payload payload = { 0 };
	if (message_verify(p->ring.pgp, bytes, n, &judged, &content, &why) < 0) {
		malformed(p, FETCH_BY_SIMPLE, &why);
		return;
	}
	int r = content.len ? payload_simple(str_text(&content), content.len, &payload, &why)
			    : ERR_BAD(&why, "nothing is in it");
	for (size_t i = 0; i < judged.n; i++) {
		struct fetch_proof *v = add_proof(p, FETCH_BY_SIMPLE);
		if (!v)
			return;
		v->s = judged.v[i];
		if (v->s.verdict == FETCH_SIG_GOOD)
			bind(p, v, &payload, r, &why);
	}
}

/* --- what a user names ------------------------------------------------------------------------ */

/* Over one of the documents; what is said of a bad one is what was said last. */
static void judge_detached(struct proofs *p, const struct str *packets)
{
	struct err why = ERR_INIT;
	struct judged judged = { .n = 0 };
	uint32_t at = 0;
	for (; at < p->ret->n_documents; at++) {
		const struct bytes *d = &p->documents[at];
		if (message_verify_detached(p->ring.pgp, packets, d->v, d->n, &judged, &why) < 0) {
			malformed(p, FETCH_BY_OPENPGP, &why);
			return;
		}
		if (judged_good(&judged))
			break;
	}
	for (size_t i = 0; i < judged.n; i++) {
		struct fetch_proof *v = add_proof(p, FETCH_BY_OPENPGP);
		if (!v)
			return;
		v->s = judged.v[i];
		v->document = at;
	}
}

static void judge_bare(struct proofs *p, const struct str *file)
{
	struct err why = ERR_INIT;
	struct pem_signature s;
	if (!pem_signature(file, &s)) {
		ERR_BAD(&why, "neither a bundle, nor OpenPGP, nor DER nor base64");
		malformed(p, FETCH_BY_PEM, &why);
		return;
	}
	struct fetch_proof *v = add_proof(p, FETCH_BY_PEM);
	const struct bytes raw = { s.bytes, s.n };
	for (uint32_t i = 0; v && i < p->ret->n_documents; i++) {
		by_key(p, &raw, p->documents[i].v, p->documents[i].n, &v->s);
		v->document = i;
		if (v->s.verdict != FETCH_SIG_UNKNOWN_KEY)
			return;
	}
}

/* A line each, as `cosign download signature` prints them. */
static void judge_downloaded(struct proofs *p, const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct err why = ERR_INIT;
		struct downloaded d;
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		if (len && downloaded_decode(text + at, len, &a, &d, &why) < 0)
			malformed(p, FETCH_BY_COSIGN, &why);
		else if (len)
			judge_cosign(p, d.signature, d.payload.v, d.payload.n);
		at += len + 1;
	}
}

static void judge_any(struct proofs *p, const char *bytes, size_t n)
{
	enum { ED25519_BYTES = 64 };
	_clean_(str) struct str file = STR_INIT(FETCH_EVIDENCE_BYTES);
	_clean_(str) struct str packets = STR_INIT(FETCH_SIGNATURES_BYTES);
	struct err ignored = ERR_INIT;
	str_addn(&file, bytes, n);
	const char *text = str_text(&file);
	size_t space = strspn(text, " \t\r\n");
	bool message = strstr(text, "-----BEGIN PGP MESSAGE-----") != NULL;
	if (text[space] == '{' && bundle_looks_like(bytes, n))
		judge_bundle(p, bytes, n);
	else if (text[space] == '{')
		judge_downloaded(p, text, n);
	else if (!message && pgp_signature_packets(&file, &packets, &ignored) >= 0)
		judge_detached(p, &packets);
	else if (message || (n != ED25519_BYTES && n && (text[0] & 0x80)))
		judge_simple(p, bytes, n);
	else
		judge_bare(p, &file);
}

/* ---------------------------------------------------------------------------------------------- */

static int judge_all(struct proofs *p, const struct str *evidence, struct err *e)
{
	for (size_t at = 0; at < evidence->len;) {
		struct fetch_evidence head;
		if (evidence->len - at < sizeof head)
			return ERR_BAD(e, "the list of signatures is cut");
		memcpy(&head, evidence->buf + at, sizeof head);
		at += sizeof head;
		if (head.size > evidence->len - at)
			return ERR_BAD(e, "the list of signatures is cut");
		head.signature[sizeof head.signature - 1] = '\0';
		const char *bytes = evidence->buf + at;
		switch ((enum fetch_evidence_kind)head.kind) {
		case FETCH_EVIDENCE_ANY: judge_any(p, bytes, head.size); break;
		case FETCH_EVIDENCE_COSIGN:
			judge_cosign(p, head.signature, bytes, head.size);
			break;
		case FETCH_EVIDENCE_BUNDLE: judge_bundle(p, bytes, head.size); break;
		case FETCH_EVIDENCE_SIMPLE: judge_simple(p, bytes, head.size); break;
		default: return ERR_BAD(e, "a signature of an unknown kind");
		}
		at += head.size;
	}
	return 0;
}

int proofs_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(proofs) struct proofs p = { .all = STR_INIT(DOCUMENTS_BYTES), .ret = &ret->proofs };
	_clean_(str) struct str evidence = STR_INIT(EVIDENCE_BYTES);
	(void)request;
	int r = keyring_load(&p.ring, p.ret->bad, &p.ret->n_bad, e);
	if (r >= 0)
		r = read_documents(&p, e);
	if (r >= 0)
		r = io_read_fd(FETCH_FD_EVIDENCE, "the signatures", &evidence, e);
	return r < 0 ? r : judge_all(&p, &evidence, e);
}
