/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/spec/types.h"
#include "tests/unit/unit.h"

static struct arena arena;

static void check_table(const char *what, bool (*valid)(const char *), const char *const *good,
	const char *const *bad)
{
	for (; *good; good++)
		ck_assert_msg(valid(*good), "%s: refused '%s'", what, *good);
	for (; *bad; bad++)
		ck_assert_msg(!valid(*bad), "%s: accepted '%s'", what, *bad);
}
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* n times the byte, in the arena. */
static const char *repeat(char c, size_t n)
{
	char *s = arena_alloc(&arena, n + 1, 1);
	memset(s, c, n);
	return s;
}

START_TEST(names)
{
	check_table("AC name", ac_name_valid, LIST("a", "0", "redis", "a-b-0", repeat('a', 512)),
		LIST("", "-", "-a", "a-", "a--b", "A", "a_b", "a.b", "a/b", "a\n", "\xc3\xa9",
			repeat('a', 513)));
	check_table("AC identifier", ac_identifier_valid,
		LIST("a", "example.com/redis", "a~b_c-d.e/f", "coreos.com/rkt/stage1/run",
			repeat('a', 1024)),
		LIST("", "/", "/a", "a/", "a//b", "a./b", "A", "a b", "a:b", "a+b", "..",
			repeat('a', 1025)));
	check_table("environment name", env_name_valid,
		LIST("A", "_", "PATH", "a.b", "a-b", "A1", ".x"),
		LIST("", "1A", "A=B", "A B", "A\n", "\xc3\xa9", "A/B"));
}
END_TEST

START_TEST(image_ids)
{
	char id[256] = "sha512-";
	memset(id + 7, 'a', 128);
	ck_assert(image_id_valid(id));
	id[134] = 'A';
	ck_assert(!image_id_valid(id));
	id[134] = '\0';
	ck_assert(!image_id_valid(id));
	memset(id + 7, '0', 129);
	ck_assert(!image_id_valid(id));
	ck_assert(
		!image_id_valid("") && !image_id_valid("sha512-") && !image_id_valid("sha256-00"));
}
END_TEST

START_TEST(versions)
{
	check_table("semver", semver_valid,
		LIST("0.8.11", "1.0.0", "0.0.0", "1.2.3-alpha.1", "1.2.3-0.x", "1.2.3+b.01",
			"1.2.3-rc-1+git.abc", "10.20.30", "1.0.0--"),
		LIST("", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "v1.2.3", "1.2.3-",
			"1.2.3+", "1.2.3-01", "1.2.3-a..b", "1.2.3-a_b", "1.2.3 ", "1.2.3+a+b",
			"-1.2.3", "1..3", "1.2.x", repeat('1', 300)));
}
END_TEST

START_TEST(times)
{
	check_table("time", rfc3339_valid,
		LIST("2016-02-29T23:59:59Z", "2000-02-29T00:00:00+05:30",
			"2026-11-23T04:18:47.123456789-23:59"),
		LIST("", "2015-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2016-04-31T00:00:00Z",
			"2016-13-01T00:00:00Z", "2016-00-01T00:00:00Z", "2016-01-00T00:00:00Z",
			"2016-01-01T24:00:00Z", "2016-01-01T00:60:00Z", "2016-01-01 00:00:00Z",
			"2016-01-01T00:00:00", "2016-01-01T00:00:00.Z", "2016-01-01T00:00:00+0530",
			"2016-01-01T00:00:00Zx", "2016-01-01T00:00:00+05:30x", "2016-01-01",
			"2016-1-1T00:00:00Z"));
}
END_TEST

START_TEST(sanitized_names)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "Redis", "redis" },
		{ "example.com/My_App:1.0", "example-com-my-app-1-0" },
		{ "--a--b--", "a-b" },
		{ "a", "a" },
		{ "\xc3\xa9t\xc3\xa9", "t" },
		{ "...", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *name = ac_name_sanitize(&arena, rows[i].from);
		ck_assert_msg(str_eq(name, rows[i].to), "'%s' became '%s'", rows[i].from, name);
		ck_assert(!name || ac_name_valid(name));
	}
	const char *name = ac_name_sanitize(&arena, repeat('x', 4000));
	ck_assert_uint_eq(strlen(name), 512);
	ck_assert(ac_name_valid(name));
}
END_TEST

START_TEST(spellings_of_a_path)
{
	static const struct {
		const char *x, *y;
		bool same;
	} rows[] = {
		{ "/data", "/data", true },
		{ "/data", "/data/", true },
		{ "//data/./", "/./data//.", true },
		{ "/", "/.", true },
		{ "/", "///", true },
		{ "/data", "/dat", false },
		{ "/data", "/data/x", false },
		{ "/data", "/data/.x", false },
		{ "/a/b", "/ab", false },
		{ "/a/..", "/a", false },
		{ "/", "/a", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_msg(path_same(rows[i].x, rows[i].y) == rows[i].same, "'%s'", rows[i].x);
		ck_assert_msg(path_same(rows[i].y, rows[i].x) == rows[i].same, "'%s'", rows[i].y);
	}
}
END_TEST

START_TEST(name_value_lists)
{
	struct nvlist l = { 0 }, copy;
	char name[] = "b", value[] = "2";
	ck_assert_ptr_null(nv_get(&l, "a"));
	nv_set(&arena, &l, "a", "1");
	nv_set(&arena, &l, name, value);
	name[0] = value[0] = 'x'; /* the list has its own copies */
	nv_set(&arena, &l, "a", "3");
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(nv_get(&l, "a"), "3");
	ck_assert_str_eq(nv_get(&l, "b"), "2");
	nv_copy(&arena, &copy, &l);
	nv_set(&arena, &copy, "a", "4");
	ck_assert_str_eq(nv_get(&l, "a"), "3");
	ck_assert_str_eq(nv_get(&copy, "a"), "4");
}
END_TEST

START_TEST(string_lists)
{
	struct strlist l = { 0 };
	char word[] = "one";
	ck_assert(!strlist_has(&l, "one"));
	strlist_add(&arena, &l, word);
	word[0] = 'x';
	strlist_add(&arena, &l, "two");
	ck_assert_uint_eq(l.n, 2);
	ck_assert(strlist_has(&l, "one") && strlist_has(&l, "two") && !strlist_has(&l, "xne"));
	ck_assert_ptr_null(l.v[2]);
}
END_TEST

/* An arena keeps what a list grew out of: one that grew by one each time would fill the memory. */
START_TEST(long_lists_move_seldom)
{
	struct strlist strings = { 0 };
	struct nvlist pairs = { 0 };
	const void *was = NULL, *pairs_were = NULL;
	unsigned moves = 0;
	for (int i = 0; i < 3000; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		strlist_add(&arena, &strings, name);
		nv_set(&arena, &pairs, name, "1");
		ck_assert_ptr_null(strings.v[strings.n]);
		moves += (strings.v != was) + ((const void *)pairs.v != pairs_were);
		was = strings.v;
		pairs_were = pairs.v;
	}
	ck_assert_uint_lt(moves, 30);
	ck_assert_uint_eq(strings.n, 3000);
	ck_assert_str_eq(strings.v[2999], "n2999");
	ck_assert_str_eq(nv_get(&pairs, "n2999"), "1");
	/* A copy has its own. */
	struct nvlist copy;
	nv_copy(&arena, &copy, &pairs);
	nv_set(&arena, &copy, "other", "2");
	nv_set(&arena, &pairs, "another", "3");
	ck_assert_str_eq(copy.v[3000].name, "other");
	ck_assert_str_eq(pairs.v[3000].name, "another");
}
END_TEST

START_TEST(duplicates_are_found)
{
	for (int n = 2; n <= 40; n += 38) { /* few and many are looked for in two ways */
		struct str text = STR_INIT(STR_MAX_LINE);
		struct err e;
		struct jctx c = { &arena, &e };
		struct json *v;
		struct nvlist l = { 0 };
		for (int i = 0; i < n; i++)
			str_addf(&text, "%c{\"name\":\"n%d\",\"value\":\"\"}", i ? ',' : '[', i);
		struct str twice = STR_INIT(STR_MAX_LINE);
		str_addf(&twice, "%s,{\"name\":\"n1\",\"value\":\"\"}]", str_text(&text));
		str_addc(&text, ']');
		ck_assert_int_eq(json_parse(text.buf, text.len, &arena, &v, &e), 0);
		ck_assert_int_eq(environment_decode(&c, v, NULL, &l), 0);
		l = (struct nvlist){ 0 };
		ck_assert_int_eq(json_parse(twice.buf, twice.len, &arena, &v, &e), 0);
		ck_assert_int_eq(environment_decode(&c, v, NULL, &l), -EINVAL);
		char expected[64];
		snprintf(expected, sizeof expected, "[%d]: duplicate name 'n1'", n);
		ck_assert_str_eq(unit_message(&e), expected);
		str_release(&text);
		str_release(&twice);
	}
}
END_TEST

START_TEST(this_machine)
{
	struct err e;
	struct jctx c = { &arena, &e };
	struct json *v;
	struct nvlist l = { 0 };
	const char *text = arena_printf(&arena,
		"[{\"name\":\"os\",\"value\":\"%s\"},{\"name\":\"arch\",\"value\":\"%s\"}]",
		TARGET_OS, target_arch());
	ck_assert_int_eq(json_parse(text, strlen(text), &arena, &v, &e), 0);
	ck_assert_int_eq(labels_decode(&c, v, NULL, &l), 0);
}
END_TEST

UNIT_MAIN("types", &names, &image_ids, &versions, &times, &sanitized_names, &spellings_of_a_path,
	&name_value_lists, &string_lists, &long_lists_move_seldom, &duplicates_are_found,
	&this_machine)
