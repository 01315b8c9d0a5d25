/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: the wire format between stage0 and the fetch worker; the only header that they share.
 *
 * One struct fetch_request goes to the worker, one struct fetch_answer comes back, each in one
 * packet on descriptor WORKER_SOCKET (stage0/worker.h), one request a process. Both have a fixed
 * size, a magic number and a version; both sides check them before they look further. What the
 * other descriptors are depends on the mode.
 *
 * Everything in the answer comes from a process that has read hostile bytes: fetcher_finish()
 * checks what can be checked in general (counts, enumerations, ends of texts); what a text means,
 * its user checks.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

enum { FETCH_MAGIC = 0x726b7446, FETCH_VERSION = 3 };
enum { FETCH_FD_SOCKET = 3, FETCH_FD_FIRST };

enum fetch_mode {
	FETCH_OPENPGP, /* SIGNATURES over DATA, made by which of KEYS? */
	FETCH_KEYINFO, /* what is in KEYS? Each key → OUTPUT, alone, armored */
	FETCH_HTTP,    /* GET (or POST) what JOB says → BODY */
	FETCH_HTML,    /* metas of appc discovery in DOCUMENT */
	FETCH_LEADS,   /* what signatures does DOCUMENT name? */
	FETCH_PROOFS,  /* which of EVIDENCE speaks for which of DOCUMENTS, by which of KEYS? */
	FETCH_TOKEN,   /* what a registry's token server said in DOCUMENT */
	_FETCH_MODE_MAX
};

/* FETCH_OPENPGP: DATA is a file, read from its beginning; the others from where they stand. */
enum { FETCH_FD_DATA = FETCH_FD_FIRST, FETCH_FD_SIGNATURES, FETCH_FD_KEYS };
/* FETCH_PROOFS: all are files, read from where they stand. */
enum { FETCH_FD_DOCUMENTS = FETCH_FD_FIRST, FETCH_FD_EVIDENCE };
_Static_assert((int)FETCH_FD_EVIDENCE + 1 == (int)FETCH_FD_KEYS, "the keys, as always");
/* FETCH_KEYINFO: likewise; OUTPUT may be missing. */
enum { FETCH_FD_KEYFILE = FETCH_FD_FIRST, FETCH_FD_OUTPUT };

enum {
	FETCH_KEYFILE_MAX = 256 * 1024,	    /* bytes of one file of keys */
	FETCH_SIGNATURES_BYTES = 64 * 1024, /* bytes of a file of signatures */
	FETCH_KEYS_MAX = 16,		    /* keys in one file */
	FETCH_SUBKEYS_MAX = 8,		    /* of a key that are told */
	FETCH_UIDS_MAX = 4,		    /* likewise */
	FETCH_BAD_MAX = 8,
	FETCH_SIGNATURES_MAX = 16,   /* that are judged; the rest is not looked at */
	FETCH_FINGERPRINT_SIZE = 80, /* 40 hex digits, or "sha256-" and 64 of them, and a NUL */
	FETCH_UID_SIZE = 256,
	FETCH_DIGEST_SIZE = 32, /* sha256 */
};

/* On FETCH_FD_KEYS lie the key files that count, one behind the other, each behind one of these.
 * A file must hold one primary key, whose fingerprint is its name; one that does not is told as
 * bad, and its key does not count. */
struct fetch_keyfile {
	uint32_t size; /* of the file, which follows */
	char fingerprint[FETCH_FINGERPRINT_SIZE];
};

/* FETCH_HTTP: JOB holds one struct fetch_http_job. The body of an answer 200 or 206 is written to
 * BODY at its place, that of any other is thrown away; BODY may be missing. A pipe gets the bytes
 * from offset on, each once, whatever the server begins anew with. CA may be missing: then the
 * host's directory of authorities counts. PROGRESS, a file, may be missing, too. */
enum { FETCH_FD_JOB = FETCH_FD_FIRST, FETCH_FD_BODY, FETCH_FD_CA, FETCH_FD_PROGRESS };
/* FETCH_HTML, FETCH_LEADS, FETCH_TOKEN: read from its beginning to its end. */
enum { FETCH_FD_DOCUMENT = FETCH_FD_FIRST };

enum {
	FETCH_URL_SIZE = 2048,
	FETCH_ETAG_SIZE = 256,
	FETCH_HEADER_SIZE = 1024, /* of one that is told */
	FETCH_SECRET_SIZE = 8192,
	FETCH_REDIRECTS_MAX = 10,
	FETCH_CA_MAX = 8 * 1024 * 1024, /* bytes of CA */
	FETCH_METAS_MAX = 32,
	FETCH_DOCUMENT_MAX = 1024 * 1024, /* bytes of DOCUMENT */
	FETCH_PREFIX_SIZE = 512,
	FETCH_TEMPLATE_SIZE = 1024,
	FETCH_FORM_SIZE = 16 * 1024,
	FETCH_TOKEN_SIZE = FETCH_SECRET_SIZE - 16, /* "Bearer " and a token fit into a secret */
	FETCH_TOKEN_BYTES = 64 * 1024,		   /* bytes of DOCUMENT */
};

enum fetch_http_job_flags {
	FETCH_HTTP_ALLOW_PLAIN = 1, /* http:// as well, also after redirects */
	FETCH_HTTP_NO_TLS_CHECK = 2,
	FETCH_HTTP_AWS = 4, /* user and password sign the request: AWS signature version 4 */
	_FETCH_HTTP_JOB_FLAGS_ALL = 7,
};

/* All texts end with NUL, within what they have; empty: there is none. */
struct fetch_http_job {
	uint32_t flags, connect_s, stall_s, reserved;
	uint64_t max_body; /* bytes, with those that are there */
	uint64_t offset;   /* bytes of BODY that are there: the rest is asked for */
	char url[FETCH_URL_SIZE];
	char validator[FETCH_ETAG_SIZE]; /* of what is there: ETag or date, for If-Range */
	char etag[FETCH_ETAG_SIZE];	 /* If-None-Match */
	char accept[FETCH_HEADER_SIZE];
	/* Go to the host of `url` alone: never on to another one, nor to another port or scheme. */
	char authorization[FETCH_SECRET_SIZE]; /* the header's value */
	char user[FETCH_HEADER_SIZE], password[FETCH_HEADER_SIZE], region[64];
	/* application/x-www-form-urlencoded: not GET, but POST. It goes to `url` and nowhere else:
	 * a redirect is refused. */
	char form[FETCH_FORM_SIZE];
	/* What curl has in its environment. */
	char https_proxy[FETCH_HEADER_SIZE], http_proxy[FETCH_HEADER_SIZE];
	char no_proxy[FETCH_HEADER_SIZE];
};

/* Kept in PROGRESS: written before the first byte of a body, and now and then afterwards. */
struct fetch_http_progress {
	uint32_t magic, version;
	uint64_t bytes; /* of BODY that are there */
	uint64_t total; /* 0: unknown */
	char validator[FETCH_ETAG_SIZE];
};

enum fetch_http_outcome {
	FETCH_HTTP_DONE,   /* there is a status, and all of the body that belongs to it */
	FETCH_HTTP_AGAIN,  /* `why`, which may be over the next time */
	FETCH_HTTP_FAILED, /* `why`, which will be so the next time */
	_FETCH_HTTP_OUTCOME_MAX
};
enum fetch_http_flags {
	FETCH_HTTP_HAS_MAX_AGE = 1,
	FETCH_HTTP_NO_STORE = 2, /* Cache-Control: no-store or no-cache */
	FETCH_HTTP_RESUMED = 4,	 /* Range was honoured */
	FETCH_HTTP_COMPLETE = 8, /* 416, as nothing is left to ask for */
	_FETCH_HTTP_FLAGS_ALL = 15,
};

/* Of all the challenges of an answer (RFC 9110, 11.6.1), what rkt could meet. */
enum fetch_challenge_flags {
	FETCH_CHALLENGE_BASIC = 1,
	FETCH_CHALLENGE_BEARER = 2, /* the first, with a realm: */
	_FETCH_CHALLENGE_FLAGS_ALL = 3,
};
struct fetch_challenge {
	uint32_t flags, reserved;      /* enum fetch_challenge_flags */
	char realm[FETCH_HEADER_SIZE]; /* of the token server */
	char service[256], scope[512]; /* to be asked for there; may be empty */
};

struct fetch_http {
	uint32_t outcome, flags; /* enum fetch_http_outcome, enum fetch_http_flags */
	uint32_t status, redirects;
	uint64_t bytes;	     /* of BODY that are there, with those that were there before */
	uint64_t total;	     /* that the server speaks of; 0: it does not */
	int64_t max_age;     /* seconds */
	int64_t retry_after; /* seconds from now; -1: not said */
	char why[256];
	char url[FETCH_URL_SIZE]; /* of the last request */
	char etag[FETCH_ETAG_SIZE];
	char content_type[128], digest[128]; /* Docker-Content-Digest */
	struct fetch_challenge challenge;    /* WWW-Authenticate */
	char link[FETCH_HEADER_SIZE];
	char filters_applied[128]; /* OCI-Filters-Applied */
};

enum fetch_meta_kind { FETCH_META_DISCOVERY, FETCH_META_PUBKEYS, _FETCH_META_KIND_MAX };
struct fetch_meta {
	uint32_t kind, reserved;
	char prefix[FETCH_PREFIX_SIZE];
	char template[FETCH_TEMPLATE_SIZE]; /* of the image's URL; of keys: the URL */
};
struct fetch_metas {
	uint32_t n, reserved;
	struct fetch_meta v[FETCH_METAS_MAX];
};

/* distribution's token specification: an answer of a token server. */
struct fetch_token {
	int64_t expires_in; /* seconds since it was issued; -1: not said */
	int64_t issued_at;  /* unix time, by the server's clock; -1: not said */
	char token[FETCH_TOKEN_SIZE];
};

/* SIGNATURES is a detached OpenPGP signature, or what cosign and OpenSSL write: one signature in
 * DER (Ed25519: 64 bytes), as it is or in base64, over the SHA-256 of DATA (Ed25519: over DATA). It
 * names no key: each PEM key is tried. */
enum fetch_mechanism {
	FETCH_BY_OPENPGP,
	FETCH_BY_PEM,
	/* Of images with layers alone: */
	FETCH_BY_COSIGN, /* a payload, signed, at the tag sha256-<hex>.sig */
	FETCH_BY_BUNDLE, /* a sigstore bundle */
	FETCH_BY_SIMPLE, /* an OpenPGP message: simple signing */
	_FETCH_MECHANISM_MAX
};

/* What a signature is worth. Only GOOD counts; the first that applies of the others is said. */
#define FETCH_SIGNATURE(X)                                                         \
	X(GOOD, "good")                                                            \
	X(UNKNOWN_KEY, "signature made by unknown entity")                         \
	X(KIND, "the signature is not one over a file's bytes")                    \
	X(DIGEST_WEAK, "the signature's digest is too weak")                       \
	X(KEY_WEAK, "the key is too weak")                                         \
	X(KEY_REVOKED, "the key is revoked")                                       \
	X(KEY_EXPIRED, "the key has expired")                                      \
	X(KEY_USAGE, "the key is not one for signatures")                          \
	X(FUTURE, "the signature was made in the future")                          \
	X(EXPIRED, "the signature has expired")                                    \
	X(WRONG, "the signature does not match the file, or its key is not valid") \
	X(OTHER_IMAGE, "the signature is for another image")                       \
	X(MALFORMED, "this is no signature of an image")
enum fetch_verdict {
#define X(id, text) FETCH_SIG_##id,
	FETCH_SIGNATURE(X)
#undef X
		_FETCH_SIG_MAX
};

struct fetch_signature {
	uint32_t verdict; /* enum fetch_verdict */
	uint32_t reserved;
	/* Of the primary key, when the key is one of KEYS; else who the signature says that it is
	 * by, a fingerprint or an id of 16 hex digits: hearsay, for texts only. May be empty. */
	char fingerprint[FETCH_FINGERPRINT_SIZE];
	char detail[64];	  /* "SHA1", "RSA 1024"; may be empty */
	int64_t created, expires; /* unix time; expires 0: never */
};

/* A key file that is not what its name says. */
struct fetch_badfile {
	uint32_t index; /* on FETCH_FD_KEYS, from 0 */
	char why[124];
};

struct fetch_signatures {
	uint32_t mechanism; /* enum fetch_mechanism */
	uint32_t n, n_bad, reserved;
	struct fetch_badfile bad[FETCH_BAD_MAX]; /* if there are more, nothing is verified */
	uint8_t digest[FETCH_DIGEST_SIZE];	 /* of DATA, all of it */
	uint64_t bytes;				 /* of DATA */
	struct fetch_signature v[FETCH_SIGNATURES_MAX];
};

/* --- signatures of images of OCI and Docker ---------------------------------------------------
 * Such a signature names the digest of a manifest or index. DOCUMENTS are those that lead to the
 * image, EVIDENCE is what was found; each stands behind one of these. */
enum {
	FETCH_DOCUMENTS_MAX = 8,
	FETCH_EVIDENCE_MAX = 32,
	FETCH_PROOFS_MAX = 64,
	FETCH_LEADS_MAX = 32, /* the rest is not looked at */
	FETCH_EVIDENCE_BYTES = 1024 * 1024,
	FETCH_SIGNATURE_TEXT = 1400, /* base64: RSA 8192 */
	FETCH_REPOSITORY_SIZE = 320,
	FETCH_TAG_SIZE = 132,
	FETCH_DIGEST_TEXT = 72, /* "sha256:<hex>" */
};
struct fetch_document {
	uint32_t size;
};
enum fetch_evidence_kind {
	FETCH_EVIDENCE_ANY,    /* a file: any of these, or a signature over one of DOCUMENTS */
	FETCH_EVIDENCE_COSIGN, /* a payload; `signature` is over its bytes */
	FETCH_EVIDENCE_BUNDLE, /* a sigstore bundle, v0.1 to v0.3, in JSON */
	FETCH_EVIDENCE_SIMPLE, /* an OpenPGP message that holds a payload */
	_FETCH_EVIDENCE_KIND_MAX
};
struct fetch_evidence {
	uint32_t kind, size;
	char signature[FETCH_SIGNATURE_TEXT];
};

/* Where there is more to be read: in DOCUMENT, which is the manifest of cosign's signatures, that
 * of a bundle, a list of referrers, or the index of a layout. */
enum fetch_lead_kind {
	FETCH_LEAD_PAYLOAD,    /* a blob, with `signature`: FETCH_EVIDENCE_COSIGN */
	FETCH_LEAD_BUNDLE,     /* a blob: FETCH_EVIDENCE_BUNDLE */
	FETCH_LEAD_SIGNATURES, /* a manifest, of cosign's signatures: FETCH_LEADS again */
	FETCH_LEAD_REFERRER,   /* a manifest, of a bundle: FETCH_LEADS again */
	_FETCH_LEAD_KIND_MAX
};
struct fetch_lead {
	uint32_t kind, reserved;
	uint64_t size;
	uint8_t digest[FETCH_DIGEST_SIZE]; /* sha256 */
	char signature[FETCH_SIGNATURE_TEXT];
};
struct fetch_leads {
	uint32_t n, reserved;
	struct fetch_lead v[FETCH_LEADS_MAX];
};

/* One for each signature that could be told from others. */
struct fetch_proof {
	uint32_t mechanism, document; /* enum fetch_mechanism; index of what it is for, if GOOD */
	struct fetch_signature s;     /* only GOOD counts */
	char why[128];		      /* for texts; may be empty */
	char repository[FETCH_REPOSITORY_SIZE]; /* as it says, in full; empty: it does not */
	char tag[FETCH_TAG_SIZE];		/* likewise */
	char named[FETCH_DIGEST_TEXT];		/* the digest behind these, if it says one */
};
struct fetch_proofs {
	uint32_t n, n_bad, n_documents, reserved;
	struct fetch_badfile bad[FETCH_BAD_MAX];
	uint8_t digests[FETCH_DOCUMENTS_MAX][FETCH_DIGEST_SIZE];
	struct fetch_proof v[FETCH_PROOFS_MAX];
};

enum fetch_key_type { FETCH_KEY_OPENPGP, FETCH_KEY_PEM, _FETCH_KEY_TYPE_MAX };
enum fetch_key_flags {
	FETCH_KEY_IS_REVOKED = 1,
	FETCH_KEY_IS_EXPIRED = 2,
	FETCH_KEY_IS_WEAK = 4,
	_FETCH_KEY_FLAGS_ALL = 7,
};
struct fetch_key {
	uint32_t type, flags; /* enum fetch_key_type, enum fetch_key_flags */
	char fingerprint[FETCH_FINGERPRINT_SIZE];
	char algorithm[64];	  /* "RSA 3072" */
	int64_t created, expires; /* unix time; 0: unknown, never */
	uint64_t offset, size;	  /* of this key in OUTPUT */
	uint32_t n_uids, n_subkeys;
	char uids[FETCH_UIDS_MAX][FETCH_UID_SIZE]; /* as written; hostile to terminals */
	char subkeys[FETCH_SUBKEYS_MAX][FETCH_FINGERPRINT_SIZE];
};

struct fetch_keys {
	uint32_t n, reserved;
	struct fetch_key v[FETCH_KEYS_MAX];
};

struct fetch_request {
	uint32_t magic, version;
	uint32_t mode, reserved;
	uint64_t max_bytes; /* of any file that is written */
	uint64_t cpu_seconds;
};

struct fetch_answer {
	uint32_t magic, version;
	uint32_t mode;
	int32_t result; /* 0, or a negative errno that err explains */
	struct err err;
	union {
		struct fetch_signatures signatures;
		struct fetch_keys keys;
		struct fetch_http http;
		struct fetch_metas metas;
		struct fetch_leads leads;
		struct fetch_proofs proofs;
		struct fetch_token token;
	};
};
