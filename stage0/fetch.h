/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: the wire format between stage0 and the fetch worker; the only header that they share.
 *
 * One struct fetch_request goes to the worker, one struct fetch_answer comes back, each in one
 * packet on descriptor WORKER_SOCKET (stage0/worker.h), one request a process. Both have a fixed
 * size, a magic number and a version; both sides check them before they look further. What the
 * other descriptors are depends on the mode.
 *
 * Everything in the answer comes from a process that has read hostile bytes: fetch_call() checks
 * what can be checked in general (counts, enumerations, ends of texts); what a text means, its user
 * checks.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

enum { FETCH_MAGIC = 0x726b7446, FETCH_VERSION = 1 };
enum { FETCH_FD_SOCKET = 3, FETCH_FD_FIRST };

enum fetch_mode {
	FETCH_OPENPGP, /* SIGNATURES over DATA, made by which of KEYS? */
	FETCH_KEYINFO, /* what is in KEYS? Each key → OUTPUT, alone, armored */
	_FETCH_MODE_MAX
};

/* FETCH_OPENPGP: DATA is a file, read from its beginning; the others from where they stand. */
enum { FETCH_FD_DATA = FETCH_FD_FIRST, FETCH_FD_SIGNATURES, FETCH_FD_KEYS };
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

/* What a signature is worth. Only GOOD counts; the first that applies of the others is said. */
#define FETCH_SIGNATURE(X)                                      \
	X(GOOD, "good")                                         \
	X(UNKNOWN_KEY, "signature made by unknown entity")      \
	X(KIND, "the signature is not one over a file's bytes") \
	X(DIGEST_WEAK, "the signature's digest is too weak")    \
	X(KEY_WEAK, "the key is too weak")                      \
	X(KEY_REVOKED, "the key is revoked")                    \
	X(KEY_EXPIRED, "the key has expired")                   \
	X(KEY_USAGE, "the key is not one for signatures")       \
	X(FUTURE, "the signature was made in the future")       \
	X(EXPIRED, "the signature has expired")                 \
	X(WRONG, "the signature does not match the file, or its key is not valid")
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
	uint32_t n, n_bad;
	struct fetch_badfile bad[FETCH_BAD_MAX]; /* if there are more, nothing is verified */
	uint8_t digest[FETCH_DIGEST_SIZE];	 /* of DATA, all of it */
	uint64_t bytes;				 /* of DATA */
	struct fetch_signature v[FETCH_SIGNATURES_MAX];
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
	};
};
