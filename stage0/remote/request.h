/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: one GET by the fetch worker, again as long as that is worth it.
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
};
/* 0: there is a status that asking again will not change, and all of the body. What is cut is
 * resumed within. */
int request_get(
	const struct remote *r, const struct request *q, struct fetch_http *ret, struct err *e);
/* "bad HTTP status code: 404" */
int request_bad_status(const struct fetch_http *http, struct err *e);

/* http(s)://HOST[:PORT][/…] of printable ASCII, without a user. Whatever reads it, reads the same
 * host out of it. */
int url_check(const struct remote *r, const char *url, struct err *e);
/* "HOST[:PORT]" of a URL that was checked. */
const char *url_domain(const char *url, struct arena *a);

/* A fresh file in memory. */
int memory_file(const char *name, struct err *e);
