/* SPDX-License-Identifier: Apache-2.0 */
/* answer: what a registry's refusal means, and what helps. Pure. */
#pragma once

#include "stage0/registry/registry.h"

/* A status that is not the one wanted. -ENOENT: 404. kind: "manifests", "blobs", "referrers" */
int answer_status(const struct registry_ref *ref, const struct fetch_http *http, const char *kind,
	const char *name, struct err *e);
/* There was no status at all: adds what helps. Returns r. */
int answer_explain(int r, struct err *e);
/* RFC 8288, of a list of referrers: `<URL>; rel="next"`. Only a page of the same list of the same
 * registry is one; "" where there is none. */
int answer_next(const char *scheme, const struct registry_ref *ref, const char *link,
	const char *digest, char ret[FETCH_URL_SIZE], struct err *e);
