/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proofs: what speaks for documents, as the fetch worker sees it (FETCH_PROOFS).
 */
#pragma once

#include "lib/base/str.h"
#include "stage0/fetch.h"

struct signed_document {
	const void *bytes;
	size_t size;
	const char *digest; /* "sha256:<hex>" of them */
};

/* What was found, for the worker: FETCH_FD_EVIDENCE. */
struct evidence {
	struct str bytes;
	size_t n;
};
#define EVIDENCE_INIT ((struct evidence){ .bytes = STR_INIT(4 * 1024 * 1024) })
/* What is too much is left out. */
void evidence_add(
	struct evidence *v, unsigned kind, const char *signature, const void *bytes, size_t size);
static inline void evidence_cleanup(struct evidence *v)
{
	str_release(&v->bytes);
}

/* keys: FETCH_FD_KEYS, from where it stands. answer->proofs is about these very documents then;
 * what it says of bad key files is the caller's to look at. */
int proofs_ask(const struct signed_document *v, size_t n, const struct evidence *evidence, int keys,
	struct fetch_answer *answer, struct err *e);
