/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leads: from a document that names signatures to the signatures. What is read of it, the fetch
 * worker reads (FETCH_LEADS).
 */
#pragma once

#include "stage0/trust/layered.h"

/* The bytes of what has that SHA-256, 64 hex digits. What is longer than ret->max, or cannot be
 * had, is an error, and is then left out. */
struct lead_reader {
	int (*manifest)(void *ctx, const char *hex, struct str *ret, struct err *e);
	int (*blob)(void *ctx, const char *hex, struct str *ret, struct err *e);
	void *ctx;
};
/* Adds every signature that `document` names, itself or by way of manifests. */
int leads_follow(
	const struct str *document, const struct lead_reader *r, struct evidence *v, struct err *e);
