/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pgp: OpenPGP keys by way of librnp, with this project's opinion on what a good key is.
 */
#pragma once

#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "stage0/fetch.h"

/* _clean_() for librnp's handles. */
#define PGP_CLEANUP(noun, type, destroy)           \
	static inline void noun##_cleanup(type *p) \
	{                                          \
		if (*p)                            \
			destroy(*p);               \
		*p = NULL;                         \
	}
PGP_CLEANUP(rnp_ffi, rnp_ffi_t, rnp_ffi_destroy)
PGP_CLEANUP(rnp_input, rnp_input_t, rnp_input_destroy)
PGP_CLEANUP(rnp_output, rnp_output_t, rnp_output_destroy)
PGP_CLEANUP(rnp_key, rnp_key_handle_t, rnp_key_handle_destroy)
PGP_CLEANUP(rnp_verify, rnp_op_verify_t, rnp_op_verify_destroy)
PGP_CLEANUP(rnp_signature, rnp_signature_handle_t, rnp_signature_handle_destroy)
PGP_CLEANUP(rnp_iterator, rnp_identifier_iterator_t, rnp_identifier_iterator_destroy)
PGP_CLEANUP(rnp_text, char *, rnp_buffer_destroy)

int pgp_open(rnp_ffi_t *ret, struct err *e); /* a keyring in memory, empty */
/* Adds the public keys of a file, armored or not. */
int pgp_load(rnp_ffi_t ffi, const void *bytes, size_t n, struct err *e);
/* Calls fn for each primary key, in librnp's order; stops at the first negative result. */
typedef int (*pgp_key_fn)(void *ctx, rnp_key_handle_t key, struct err *e);
int pgp_each_primary(rnp_ffi_t ffi, pgp_key_fn fn, void *ctx, struct err *e);

/* Of a primary key or a subkey alone. */
struct pgp_facts {
	char fingerprint[FETCH_FINGERPRINT_SIZE]; /* lower case */
	char algorithm[64];
	int64_t created, expires; /* expires 0: never */
	bool revoked, expired, weak, signs;
};
int pgp_facts(rnp_key_handle_t key, struct pgp_facts *ret, struct err *e);

/* Of a signature that was verified: status, key, digest, dates. What librnp calls good is the least
 * that is asked. */
void pgp_judge(rnp_ffi_t ffi, rnp_op_verify_signature_t sig, struct fetch_signature *ret);

void pgp_lower_hex(const char *hex, char *dst, size_t size);

/* What lies between the lines of an armored file, or the file itself when it is binary. Fails
 * unless it consists of signatures and nothing else: librnp judges a text or a message that is
 * inside of what it takes for the signature, not the file that the caller had in mind. */
int pgp_signature_packets(const struct str *file, struct str *ret, struct err *e);
