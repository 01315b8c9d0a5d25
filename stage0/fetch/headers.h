/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headers: what is looked at in the headers of an HTTP answer (RFC 9110, RFC 9111), each bounded;
 * what is malformed or too long counts as not there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stage0/fetch.h"

struct headers {
	int64_t length;	       /* Content-Length; -1: not said */
	int64_t range_first;   /* Content-Range: first byte; -1: not said */
	int64_t range_total;   /* … and the whole; -1: not said */
	char modified[64];     /* Last-Modified */
	struct fetch_http *to; /* the rest */
};
void headers_reset(struct headers *h, struct fetch_http *to);
/* One line as it came, with or without its end. */
void headers_line(struct headers *h, const char *line, size_t n);
