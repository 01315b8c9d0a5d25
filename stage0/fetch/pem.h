/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem: public keys as cosign and OpenSSL write them (SubjectPublicKeyInfo, RFC 7468).
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "stage0/fetch.h"

static inline void evp_key_cleanup(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

bool pem_looks_like(const char *text);
/* The next key at *text, which is moved behind it: 1, or 0 when there is none. ECDSA P-256 and
 * P-384, RSA and Ed25519; its fingerprint is "sha256-" and the digest of its DER form. ret->offset
 * and ret->size are where it stands in the text that began at *text. ret_key may be NULL. */
int pem_next(const char **text, struct fetch_key *ret, EVP_PKEY **ret_key, struct err *e);

/* The bytes of a signature file: base64 is decoded, anything else is taken as it is. False when it
 * is larger than any signature. */
enum { PEM_SIGNATURE_MAX = 2048 };
struct pem_signature {
	unsigned char bytes[PEM_SIGNATURE_MAX];
	size_t n;
};
bool pem_signature(const struct str *file, struct pem_signature *ret);
/* Is it a signature by that key over the file, whose SHA-256 is `digest`? */
bool pem_verify(EVP_PKEY *key, const struct pem_signature *signature,
	const unsigned char digest[FETCH_DIGEST_SIZE], int fd, uint64_t size);
/* Over bytes in memory, with SHA-256, by a key of P-384 with SHA-384 as well: what sigstore's
 * clients do. */
bool pem_verify_bytes(
	EVP_PKEY *key, const void *signature, size_t n, const void *bytes, size_t size);
