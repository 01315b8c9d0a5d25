/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: what people see of a download, on standard error: one line that changes on a terminal,
 * a line every few seconds elsewhere, nothing with --quiet. Of several downloads at once a terminal
 * shows one line each, as many as it has room for, and what is no terminal gets the sum.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

enum { PROGRESS_BARS_MAX = 128 };
struct progress_bar {
	const char *name;
	uint64_t bytes, total;
	const char *note; /* instead of a rate; or NULL */
};
struct progress_layers {
	bool quiet, terminal, told;
	size_t lines; /* that stand there */
	int64_t started_ms, shown_ms;
	struct {
		int64_t started_ms;
		uint64_t first; /* bytes that were there when it was first seen */
	} seen[PROGRESS_BARS_MAX];
	size_t n_seen;
	uint64_t first; /* of all of them */
};
struct progress_layers progress_layers_begin(bool quiet);
/* The same bars every time, in the same order; more may be added. done: the last call. */
void progress_layers_show(
	struct progress_layers *p, const struct progress_bar *v, size_t n, bool done);
