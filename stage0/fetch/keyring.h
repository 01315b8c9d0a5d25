/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the keys that count, of both kinds, from FETCH_FD_KEYS.
 */
#pragma once

#include "stage0/fetch/pem.h"
#include "stage0/fetch/pgp.h"

struct keyring {
	rnp_ffi_t pgp;
	struct pem_key {
		struct fetch_key facts;
		EVP_PKEY *key;
	} * pem;
	size_t n_pem, cap;
};
/* Into an empty one. Files that are not what they are called are left out, and told. */
int keyring_load(struct keyring *ring, struct fetch_badfile *bad, uint32_t *n_bad, struct err *e);
void keyring_cleanup(struct keyring *ring);
