/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload: what signatures of OCI and Docker images consist of, in JSON. Decoding alone: whether
 * a signature is good is not known here, and not needed to be.
 *
 *	cosign          SIGNATURE_SPEC.md of sigstore/cosign; names as they are, or, as its first
 *	                versions wrote them, with a capital
 *	simple signing  containers/image, docs/containers-signature.5.md
 *	bundles         sigstore/protobuf-specs, v0.1 to v0.3; DSSE (secure-systems-lab/dsse) with
 *	                an in-toto Statement, or a message signature
 *
 * Names that are there twice are refused, as everywhere (lib/json/json.h).
 */
#pragma once

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "stage0/fetch.h"

/* What was signed says. */
struct payload {
	uint8_t digest[FETCH_DIGEST_SIZE];
	char repository[FETCH_REPOSITORY_SIZE]; /* docker_ref's name; empty: it does not say */
	char tag[FETCH_TAG_SIZE];		/* empty: likewise */
	char named[FETCH_DIGEST_TEXT];		/* the digest behind these; empty: likewise */
};
int payload_cosign(const char *bytes, size_t n, struct payload *ret, struct err *e);
int payload_simple(const char *bytes, size_t n, struct payload *ret, struct err *e);

/* A Statement that was made to sign an image; all other predicates say something about it, not that
 * it is good. It has several subjects: that one of `digests` if it is among them. */
int payload_statement(const char *bytes, size_t n, const uint8_t (*digests)[FETCH_DIGEST_SIZE],
	size_t n_digests, struct payload *ret, struct err *e);

struct bytes { /* the arena's */
	unsigned char *v;
	size_t n;
};
/* Of base64 (lib/base/base64.h), padded and not empty. */
bool bytes_decode(const char *text, struct arena *a, struct bytes *ret);

struct bundle {
	bool dsse;
	struct bytes body; /* DSSE: what the envelope holds; else the digest that was signed */
	const char *type;  /* DSSE: payloadType; else the digest's algorithm */
	struct bytes signature;
	bool certificate; /* by a certificate's key, not by one that is only hinted at */
};
int bundle_decode(const char *bytes, size_t n, struct arena *a, struct bundle *ret, struct err *e);
bool bundle_looks_like(const char *bytes, size_t n);

/* A line of what `cosign download signature` prints. */
struct downloaded {
	struct bytes payload;
	const char *signature; /* base64 */
};
int downloaded_decode(
	const char *bytes, size_t n, struct arena *a, struct downloaded *ret, struct err *e);

int leads_decode(const char *bytes, size_t n, struct fetch_leads *ret, struct err *e);
