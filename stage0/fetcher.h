/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetcher: one request to the fetch worker (stage0/fetch.h).
 */
#pragma once

#include "stage0/fetch.h"
#include "stage0/worker.h"

struct fetcher {
	struct fetch_request request; /* magic, version and limits that are 0 are filled in */
	int fds[WORKER_FD_MAX];	      /* -1: none; they are FETCH_FD_FIRST, … */
	unsigned timeout_s;	      /* 0: a minute */
	void (*tick)(void *ctx);      /* see worker.h */
	void *tick_ctx;
};
/* What the worker reports becomes the error. On success the part of *ret that belongs to the mode
 * is well formed: counts and enumerations in range, texts ended, fingerprints of their form. */
int fetcher_run(const struct fetcher *f, struct fetch_answer *ret, struct err *e);

/* "<40 hex>" or "sha256-<64 hex>", lower case. */
bool fingerprint_valid(const char *text);
