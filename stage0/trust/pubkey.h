/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pubkey: what is in a file of public keys, as the fetch worker sees it.
 */
#pragma once

#include "lib/base/str.h"
#include "stage0/fetch.h"

struct pubkeys {
	struct fetch_keys keys;
	struct str bytes; /* each key alone, ready for the keystore: keys.v[i].offset, .size */
};
/* *ret is to be released in any case. */
int pubkeys_read(int fd, struct pubkeys *ret, struct err *e);
int pubkeys_read_file(const char *path, struct pubkeys *ret, struct err *e);
void pubkeys_release(struct pubkeys *p);

/* Why signatures by that key do not count: "expired", "revoked", "too weak"; NULL when they do. */
const char *pubkey_objection(const struct fetch_key *key);
