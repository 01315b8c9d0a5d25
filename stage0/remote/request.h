/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: one GET, or POST, by the fetch worker, again as long as that is worth it.
 *
 * request_get() waits for it. Who wants several at once begins transfers, polls what
 * transfer_wait() names, and steps them until they are over:
 *
 *	transfer_begin(&r, &q, t, e);
 *	while ((s = transfer_step(t, &http, e)) == 0)
 *		poll(...);
 *	transfer_end(t);
 */
#pragma once

#include "stage0/fetch.h"
#include "stage0/remote/remote.h"

struct request {
	const char *url;
	const char *etag, *accept; /* or NULL */
	int body;		   /* -1: nobody wants it */
	int progress;		   /* -1: nobody asks */
	uint64_t max_body;
	uint64_t offset;       /* bytes of body that are there… */
	const char *validator; /* … if it is still the one with this ETag or date */
	bool tell;	       /* remote->progress */
	/* What is there is a part of it whoever sends the rest: its digest will tell. */
	bool by_content;
	bool once; /* do not ask again */
	/* The header's value; or nothing, and nothing of auth.d either. NULL: as auth.d says. */
	const char *authorization;
	const char *form; /* to POST; NULL: GET */
};
/* 0: there is a status that asking again did not change, and all of the body. What is cut is
 * resumed within. -EAGAIN: there was none, which may be otherwise another time. */
int request_get(
	const struct remote *r, const struct request *q, struct fetch_http *ret, struct err *e);

struct transfer;
/* What `r` and `q` refer to lives until transfer_end(). */
int transfer_begin(
	const struct remote *r, const struct request *q, struct transfer **ret, struct err *e);
/* Never waits. 0: it goes on; 1: as request_get(), which has filled *ret. */
int transfer_step(struct transfer *t, struct fetch_http *ret, struct err *e);
/* What becomes readable when there is something to do (-1: nothing), and after how long there is
 * in any case. */
int transfer_wait(const struct transfer *t, int *ret_ms);
/* Bytes of the body that are there now. */
uint64_t transfer_bytes(const struct transfer *t);
/* Over or not; NULL is fine. */
void transfer_end(struct transfer *t);

/* "bad HTTP status code: 404" */
int request_bad_status(const struct fetch_http *http, struct err *e);

/* http(s)://HOST[:PORT][/…] of printable ASCII, without a user. Whatever reads it, reads the same
 * host out of it. */
int url_check(const struct remote *r, const char *url, struct err *e);
/* What the worker is told. */
int request_job(
	const struct remote *r, const struct request *q, struct fetch_http_job *job, struct err *e);
/* "HOST[:PORT]" of a URL that was checked. */
const char *url_domain(const char *url, struct arena *a);

/* A fresh file in memory. */
int memory_file(const char *name, struct err *e);
