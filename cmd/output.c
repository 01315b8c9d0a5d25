/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#define TAB 8
#define NS 1000000000LL

void table_cell(struct table *t, const char *text)
{
	const size_t size = 4 * strlen(text) + 1;
	_clean_(mem) char *safe = xmalloc(size);
	text_escape(text, safe, size);
	strv_add(&t->cells, safe);
}

void table_end_row(struct table *t)
{
	if (t->n_rows == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 32;
		t->row_ends = xrealloc(t->row_ends, t->cap, sizeof *t->row_ends);
	}
	t->row_ends[t->n_rows++] = t->cells.n;
}

void table_release(struct table *t)
{
	strv_release(&t->cells);
	free(t->row_ends);
	*t = TABLE_INIT;
}

static size_t row_start(const struct table *t, size_t row)
{
	return row ? t->row_ends[row - 1] : 0;
}

static size_t row_cells(const struct table *t, size_t row)
{
	return t->row_ends[row] - row_start(t, row);
}

/* Characters, not bytes. */
static size_t text_width(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Writes to widths[cell] the width of each cell's column, tab stop included. */
static void column_widths(const struct table *t, size_t *widths)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		for (size_t col = 0; col + 1 < row_cells(t, row); col++) {
			if (row && row_cells(t, row - 1) > col + 1) {
				/* the run began above: it is known already */
				widths[row_start(t, row) + col] =
					widths[row_start(t, row - 1) + col];
				continue;
			}
			size_t width = 0;
			for (size_t r = row; r < t->n_rows && row_cells(t, r) > col + 1; r++) {
				size_t w = text_width(t->cells.v[row_start(t, r) + col]) + 1;
				width = w > width ? w : width;
			}
			widths[row_start(t, row) + col] = (width + TAB - 1) / TAB * TAB;
		}
	}
}

void table_render(const struct table *t, struct str *out)
{
	size_t *widths = xcalloc(t->cells.n + 1, sizeof *widths);
	column_widths(t, widths);
	for (size_t row = 0; row < t->n_rows; row++) {
		size_t start = row_start(t, row), n = row_cells(t, row);
		for (size_t col = 0; col < n; col++) {
			const char *text = t->cells.v[start + col];
			str_add(out, text);
			if (col + 1 == n)
				break;
			size_t missing = widths[start + col] - text_width(text);
			for (size_t i = 0; i < (missing + TAB - 1) / TAB; i++)
				str_addc(out, '\t');
		}
		str_addc(out, '\n');
	}
	free(widths);
}

const char *time_text(struct arena *a, int64_t ns)
{
	time_t seconds = (time_t)(ns / NS);
	unsigned ms = (unsigned)(ns % NS / 1000000);
	struct tm tm;
	if (!localtime_r(&seconds, &tm))
		return arena_printf(a, "@%lld", (long long)seconds);
	char date[64], zone[64], fraction[8] = "";
	strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z %Z", &tm);
	if (ms) {
		size_t n = (size_t)snprintf(fraction, sizeof fraction, ".%03u", ms % 1000);
		while (fraction[n - 1] == '0')
			fraction[--n] = '\0';
	}
	return arena_printf(a, "%s%s %s", date, fraction, zone);
}

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	WEEK = 7 * DAY,
	MONTH = 30 * DAY,
	YEAR = 12 * MONTH,
};

static const struct {
	int64_t below; /* seconds */
	int64_t unit;  /* 0: the text says it all */
	const char *text;
} magnitudes[] = {
	{ 1, 0, "now" },
	{ 2, 0, "1 second" },
	{ MINUTE, 1, "seconds" },
	{ 2 * MINUTE, 0, "1 minute" },
	{ HOUR, MINUTE, "minutes" },
	{ 2 * HOUR, 0, "1 hour" },
	{ DAY, HOUR, "hours" },
	{ 2 * DAY, 0, "1 day" },
	{ WEEK, DAY, "days" },
	{ 2 * WEEK, 0, "1 week" },
	{ MONTH, WEEK, "weeks" },
	{ 2 * MONTH, 0, "1 month" },
	{ YEAR, MONTH, "months" },
	{ 18 * MONTH, 0, "1 year" },
	{ 2LL * YEAR, 0, "2 years" },
	{ 37LL * YEAR, YEAR, "years" },
	{ INT64_MAX, 0, "a long while" },
};

const char *time_ago(struct arena *a, int64_t ns, int64_t now_ns)
{
	const char *side = now_ns >= ns ? "ago" : "from now";
	int64_t seconds = (now_ns >= ns ? now_ns - ns : ns - now_ns) / NS;
	size_t i = 0;
	while (seconds >= magnitudes[i].below)
		i++;
	if (i == 0)
		return magnitudes[i].text;
	if (!magnitudes[i].unit)
		return arena_printf(a, "%s %s", magnitudes[i].text, side);
	return arena_printf(a, "%lld %s %s", (long long)(seconds / magnitudes[i].unit),
		magnitudes[i].text, side);
}

const char *size_text(struct arena *a, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	if (bytes < 10)
		return arena_printf(a, "%uB", (unsigned)bytes);
	size_t unit = 0;
	double value = (double)bytes;
	while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
		value /= 1024;
		unit++;
	}
	/* In tenths, rounded half up, as rkt's own. */
	value = (double)(uint64_t)(value * 10 + 0.5) / 10;
	return value < 10 ? arena_printf(a, "%.1f%s", value, units[unit])
			  : arena_printf(a, "%.0f%s", value, units[unit]);
}
