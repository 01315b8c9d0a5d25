/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mode: what the fetch worker can do, one row a mode.
 *
 * A mode is one function in a file of its own and one row in modes.c, which says what it needs
 * beyond its descriptors: everything that is not in the row is given up before `run` is called
 * (stage0/confine/confine.h). `prepare` runs before that, with every privilege and without any
 * hostile byte: it loads what needs the host's files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stage0/fetch.h"

struct fetch_mode_row {
	int (*prepare)(struct err *e); /* may be NULL */
	/* `ret` is zeroed, and its general part filled. */
	int (*run)(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
	bool host_network;
	const char *const *view; /* the host's paths that it sees, NULL-terminated; NULL: none */
	const uint32_t *calls;	 /* system calls beyond the common ones */
	size_t n_calls;
	uint64_t max_address_space;
};
extern const struct fetch_mode_row fetch_modes[_FETCH_MODE_MAX];

int openpgp_prepare(struct err *e);
int openpgp_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int keyinfo_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int http_prepare(struct err *e);
int http_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int token_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int html_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int leads_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
int proofs_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e);
