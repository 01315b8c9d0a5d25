/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "cmd/output.h"
#include "lib/base/cleanup.h"

#define NS 1000000000LL

/* Cells up to NULL, a row a call. */
static void row(struct table *t, ...)
{
	va_list ap;
	va_start(ap, t);
	for (const char *cell; (cell = va_arg(ap, const char *));)
		table_cell(t, cell);
	va_end(ap);
	table_end_row(t);
}

static void expect(struct table *t, const char *text)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	table_render(t, &out);
	ck_assert_str_eq(str_text(&out), text);
	table_release(t);
}

START_TEST(columns_are_aligned_by_tabs)
{
	struct table t = TABLE_INIT;
	row(&t, "UUID", "APP", "STATE", NULL);
	row(&t, "0123456", "a", "running", NULL);
	row(&t, "01234567", "a-long-name", "x", NULL);
	expect(&t, "UUID\t\tAPP\t\tSTATE\n"
		   "0123456\t\ta\t\trunning\n"
		   "01234567\ta-long-name\tx\n");
}
END_TEST

START_TEST(one_column_of_padding_at_least)
{
	struct table t = TABLE_INIT;
	row(&t, "1234567", "x", NULL);
	expect(&t, "1234567\tx\n");
	row(&t, "12345678", "x", NULL);
	expect(&t, "12345678\tx\n");
	row(&t, "12345678", "x", NULL);
	row(&t, "1234567", "x", NULL);
	expect(&t, "12345678\tx\n1234567\t\tx\n");
}
END_TEST

START_TEST(empty_cells_keep_their_column)
{
	struct table t = TABLE_INIT;
	row(&t, "0123abcd", "one", "running", NULL);
	row(&t, "", "two", "", NULL);
	expect(&t, "0123abcd\tone\trunning\n"
		   "\t\ttwo\t\n");
}
END_TEST

START_TEST(a_shorter_row_ends_the_run_of_a_column)
{
	struct table t = TABLE_INIT;
	row(&t, "0123456789", "x", NULL);
	row(&t, "alone", NULL);
	row(&t, "a", "y", NULL);
	expect(&t, "0123456789\tx\nalone\na\ty\n");
}
END_TEST

START_TEST(width_counts_characters)
{
	struct table t = TABLE_INIT;
	row(&t, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "x", NULL); /* 5 of 2 bytes */
	expect(&t, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\tx\n");
}
END_TEST

START_TEST(nothing_that_a_terminal_acts_upon)
{
	struct table t = TABLE_INIT;
	row(&t, "a:1\033[2J", "x\ny", NULL);
	expect(&t, "a:1\\x1b[2J\tx\\x0ay\n");
}
END_TEST

START_TEST(times_are_written_as_go_does)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	ck_assert_str_eq(time_text(&a, 1136214245 * NS), "2006-01-02 16:04:05 +0100 CET");
	ck_assert_str_eq(
		time_text(&a, 1136214245 * NS + 999999999), "2006-01-02 16:04:05.999 +0100 CET");
	ck_assert_str_eq(
		time_text(&a, 1136214245 * NS + 500000000), "2006-01-02 16:04:05.5 +0100 CET");
	ck_assert_str_eq(
		time_text(&a, 1136214245 * NS + 120000000), "2006-01-02 16:04:05.12 +0100 CET");
	ck_assert_str_eq(
		time_text(&a, 1136214245 * NS + 7000000), "2006-01-02 16:04:05.007 +0100 CET");
	setenv("TZ", "UTC", 1);
	tzset();
	ck_assert_str_eq(time_text(&a, 1136214245 * NS), "2006-01-02 15:04:05 +0000 UTC");
}
END_TEST

static const struct {
	int64_t seconds;
	const char *text;
} ages[] = {
	{ 0, "now" },
	{ 1, "1 second ago" },
	{ 5, "5 seconds ago" },
	{ 59, "59 seconds ago" },
	{ 60, "1 minute ago" },
	{ 119, "1 minute ago" },
	{ 120, "2 minutes ago" },
	{ 3600, "1 hour ago" },
	{ 7200, "2 hours ago" },
	{ 86400, "1 day ago" },
	{ 3 * 86400, "3 days ago" },
	{ 7 * 86400, "1 week ago" },
	{ 15 * 86400, "2 weeks ago" },
	{ 30 * 86400, "1 month ago" },
	{ 70 * 86400, "2 months ago" },
	{ 365 * 86400, "1 year ago" },
	{ 600LL * 86400, "2 years ago" },
	{ 1100LL * 86400, "3 years ago" },
	{ -30, "30 seconds from now" },
};

START_TEST(ages_are_rounded_down)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	int64_t now = 2000000000 * NS;
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
		ck_assert_str_eq(time_ago(&a, now - ages[i].seconds * NS, now), ages[i].text);
}
END_TEST

START_TEST(sizes)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	ck_assert_str_eq(size_text(&a, 0), "0B");
	ck_assert_str_eq(size_text(&a, 9), "9B");
	ck_assert_str_eq(size_text(&a, 1000), "1000B");
	ck_assert_str_eq(size_text(&a, 1024), "1.0KiB");
	ck_assert_str_eq(size_text(&a, 1536), "1.5KiB");
	ck_assert_str_eq(size_text(&a, 15 * 1024 * 1024), "15MiB");
	ck_assert_str_eq(size_text(&a, UINT64_MAX), "16EiB");
}
END_TEST

UNIT_MAIN("output", &nothing_that_a_terminal_acts_upon, &columns_are_aligned_by_tabs,
	&one_column_of_padding_at_least, &empty_cells_keep_their_column,
	&a_shorter_row_ends_the_run_of_a_column, &width_counts_characters,
	&times_are_written_as_go_does, &ages_are_rounded_down, &sizes)
