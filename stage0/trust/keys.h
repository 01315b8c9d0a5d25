/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: what the decisions of this directory share: the keystore's keys for the fetch worker, and
 * what is said about them.
 */
#pragma once

#include "stage0/fetch.h"
#include "stage0/trust/keystore.h"

struct trust_keys {
	struct arena *a;
	struct trust_entries all; /* keystore_list() */
	size_t *index, n_keys;	  /* of the worker's key files, into all.v: trust_keys_file() */
};
/* A descriptor: FETCH_FD_KEYS, with every key that is not masked, whatever it is trusted for. */
int trust_keys_file(struct trust_keys *k, struct err *e);
/* A file that is not what its name says is an error for all that it covers. */
int trust_keys_check(const struct trust_keys *k, const struct trust_entries *in_force,
	const struct fetch_badfile *bad, size_t n_bad, struct err *e);
/* Where a key is trusted, for texts: `prefix "a", prefix "b"`. Empty: nowhere. */
const char *trust_keys_where(const struct trust_keys *k, const char *fingerprint);
/* The refusal of a key that is trusted for other names than this one. */
int trust_keys_deny(
	const struct trust_keys *k, const char *fingerprint, const char *name, struct err *e);

const char *trust_verdict_text(uint32_t verdict);
