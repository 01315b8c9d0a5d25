/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem: public keys as cosign and OpenSSL write them (SubjectPublicKeyInfo, RFC 7468).
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

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
