/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: what people see of a download, on standard error: one line that changes on a terminal,
 * a line every few seconds elsewhere, nothing with --quiet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool quiet, terminal;
	bool shown; /* a line stands there */
	int64_t started_ms, shown_ms;
	uint64_t first; /* bytes that were there when it began */
};
struct progress progress_begin(bool quiet);
/* total 0: unknown. done: the last call. */
void progress_show(struct progress *p, const char *url, uint64_t bytes, uint64_t total, bool done);
