/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/output.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { BAR = 24, NAME_SIZE = 64, TERMINAL_MS = 200, LINES_MS = 5000 };

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct progress progress_begin(bool quiet)
{
	int64_t now = now_ms();
	return (struct progress){ .quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.started_ms = now,
		.shown_ms = now,
		.first = UINT64_MAX };
}

/* What stands behind the last '/', before a '?'. */
static void put_name(const char *url, char ret[NAME_SIZE])
{
	char name[NAME_SIZE];
	snprintf(name, sizeof name, "%.*s", (int)strcspn(path_base(url), "?#"), path_base(url));
	text_escape(*name ? name : url, ret, NAME_SIZE);
}

static void put_bar(struct str *out, uint64_t bytes, uint64_t total)
{
	int filled = (int)((double)bytes / (double)total * BAR);
	str_add(out, " [");
	for (int i = 0; i < BAR; i++)
		str_addc(out, i < filled ? '=' : i == filled ? '>' : ' ');
	str_add(out, "]");
}

static void put_line(const struct progress *p, struct str *out, const char *url, uint64_t bytes,
	uint64_t total, int64_t now)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	char name[NAME_SIZE];
	put_name(url, name);
	str_addf(out, "%s:", name);
	if (total && p->terminal)
		put_bar(out, bytes, total);
	str_addf(out, " %s", size_text(&a, bytes));
	if (total)
		str_addf(out, " of %s", size_text(&a, total));
	int64_t ms = now - p->started_ms;
	uint64_t rate = ms > 0 ? (bytes - p->first) * 1000 / (uint64_t)ms : 0;
	if (!rate)
		return;
	str_addf(out, ", %s/s", size_text(&a, rate));
	if (total > bytes) {
		unsigned long long left = (total - bytes) / rate;
		str_addf(out, ", %llu:%02llu left", left / 60, left % 60);
	}
}

void progress_show(struct progress *p, const char *url, uint64_t bytes, uint64_t total, bool done)
{
	_clean_(str) struct str line = STR_INIT(STR_MAX_PATH);
	int64_t now = now_ms();
	if (p->quiet)
		return;
	if (p->first > bytes)
		p->first = bytes;
	if (done ? !p->shown : now - p->shown_ms < (p->terminal ? TERMINAL_MS : LINES_MS))
		return;
	p->shown = true;
	p->shown_ms = now;
	put_line(p, &line, url, bytes, total > bytes || !total ? total : bytes, now);
	/* On a terminal the line is written again and again, and ended once. */
	fprintf(stderr, "%s%s%s%s", p->terminal ? "\r" : "", str_text(&line),
		p->terminal ? "\x1b[K" : "", !p->terminal || done ? "\n" : "");
}
