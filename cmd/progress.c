/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/output.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/now.h"
#include "lib/base/str.h"

enum { BAR = 24, NAME_SIZE = 64, TERMINAL_MS = 200, LINES_MS = 5000 };

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

/* What came since there were `first` bytes, and how long the rest takes. */
static void put_rate(struct str *out, uint64_t first, uint64_t bytes, uint64_t total, int64_t ms)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	uint64_t rate = ms > 0 && bytes > first ? (bytes - first) * 1000 / (uint64_t)ms : 0;
	if (!rate)
		return;
	str_addf(out, ", %s/s", size_text(&a, rate));
	if (total > bytes) {
		unsigned long long left = (total - bytes) / rate;
		str_addf(out, ", %llu:%02llu left", left / 60, left % 60);
	}
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
	put_rate(out, p->first, bytes, total, now - p->started_ms);
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

/* --- several ---------------------------------------------------------------------------------- */

enum { ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80, SHORT_DIGEST = 12 };

struct progress_layers progress_layers_begin(bool quiet)
{
	int64_t now = now_ms();
	return (struct progress_layers){ .quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.started_ms = now,
		.shown_ms = now };
}

static void notice(struct progress_layers *p, const struct progress_bar *v, size_t n, int64_t now)
{
	for (; p->n_seen < n && p->n_seen < PROGRESS_BARS_MAX; p->n_seen++) {
		p->seen[p->n_seen].started_ms = now;
		p->seen[p->n_seen].first = v[p->n_seen].bytes;
		p->first += v[p->n_seen].bytes;
	}
}

static void put_layer(const struct progress_layers *p, struct str *out,
	const struct progress_bar *bar, size_t i, int64_t now)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	str_addf(out, "%.*s:", SHORT_DIGEST, bar->name);
	if (bar->total)
		put_bar(out, bar->bytes, bar->total);
	str_addf(out, " %s of %s", size_text(&a, bar->bytes), size_text(&a, bar->total));
	if (bar->note)
		str_addf(out, ", %s", bar->note);
	else if (bar->bytes < bar->total)
		put_rate(
			out, p->seen[i].first, bar->bytes, bar->total, now - p->seen[i].started_ms);
}

/* Over the lines that stand there; a line that is too long would be two. */
static void draw(struct progress_layers *p, const struct progress_bar *v, size_t n, int64_t now)
{
	struct winsize size;
	bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
	size_t rows = known ? size.ws_row : ROWS_DEFAULT, room = rows > 2 ? rows - 1 : 1;
	int columns = known ? size.ws_col : COLUMNS_DEFAULT;
	size_t skip = n > room ? n - room : 0;
	if (p->lines)
		fprintf(stderr, "\x1b[%zuA", p->lines);
	p->lines = 0;
	for (size_t i = 0; i < n && i < PROGRESS_BARS_MAX; i++) {
		/* Where there are too many, those that are done go first. */
		bool done = v[i].bytes == v[i].total;
		if ((skip && done) || p->lines == room) {
			skip -= skip && done;
			continue;
		}
		_clean_(str) struct str line = STR_INIT(STR_MAX_PATH);
		put_layer(p, &line, &v[i], i, now);
		fprintf(stderr, "\r%.*s\x1b[K\n", columns - 1, str_text(&line));
		p->lines++;
	}
}

static void print_sum(
	const struct progress_layers *p, const struct progress_bar *v, size_t n, int64_t now)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str line = STR_INIT(STR_MAX_PATH);
	uint64_t bytes = 0, total = 0;
	size_t whole = 0;
	for (size_t i = 0; i < n; i++) {
		bytes += v[i].bytes;
		total += v[i].total;
		whole += v[i].bytes == v[i].total;
	}
	str_addf(&line, "%zu of %zu layers, %s of %s", whole, n, size_text(&a, bytes),
		size_text(&a, total));
	put_rate(&line, p->first, bytes, total, now - p->started_ms);
	fprintf(stderr, "%s\n", str_text(&line));
}

void progress_layers_show(
	struct progress_layers *p, const struct progress_bar *v, size_t n, bool done)
{
	int64_t now = now_ms();
	if (p->quiet || !n)
		return;
	notice(p, v, n, now);
	if (done ? !p->told : now - p->shown_ms < (p->terminal ? TERMINAL_MS : LINES_MS))
		return;
	p->told = !done;
	p->shown_ms = now;
	if (p->terminal)
		draw(p, v, n, now);
	else
		print_sum(p, v, n, now);
}
