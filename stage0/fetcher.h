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
/* Several at once: start them, then finish each (stage0/worker.h). `f` may go once it is started.
 */
struct fetcher_call {
	struct worker worker;
	struct worker_call call;
	struct fetch_request request;
	struct fetch_answer answer;
	char *program;
};
int fetcher_start(const struct fetcher *f, struct fetcher_call *c, struct err *e);
int fetcher_finish(struct fetcher_call *c, struct err *e); /* c->answer is checked */
void fetcher_kill(struct fetcher_call *c);		   /* running or not, even never started */

/* Both in one. What the worker reports becomes the error. On success the part of *ret that belongs
 * to the mode is well formed: counts and enumerations in range, texts ended, fingerprints of their
 * form. */
int fetcher_run(const struct fetcher *f, struct fetch_answer *ret, struct err *e);

/* "<40 hex>" or "sha256-<64 hex>", lower case. */
bool fingerprint_valid(const char *text);
