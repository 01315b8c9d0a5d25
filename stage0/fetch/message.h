/* SPDX-License-Identifier: Apache-2.0 */
/* message: OpenPGP messages with a signature in them, and detached signatures over memory. */
#pragma once

#include "stage0/fetch/pgp.h"

struct judged {
	struct fetch_signature v[FETCH_SIGNATURES_MAX];
	size_t n;
};
static inline bool judged_good(const struct judged *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->v[i].verdict == FETCH_SIG_GOOD)
			return true;
	return false;
}

/* A signed message, armored or not. `content` is what was signed, and empty unless one of the
 * signatures is good. */
int message_verify(rnp_ffi_t ffi, const void *bytes, size_t n, struct judged *ret,
	struct str *content, struct err *e);
/* packets: of pgp_signature_packets(). */
int message_verify_detached(rnp_ffi_t ffi, const struct str *packets, const void *bytes, size_t n,
	struct judged *ret, struct err *e);
