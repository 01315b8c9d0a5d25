/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/str.h"
#include "tests/unit/unit.h"

START_TEST(utf8)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\xc3\xa9x", 2 },
		{ "\xe2\x80\xa8", 3 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xed\xa0\x80", 0 },	   /* a surrogate */
		{ "\xc0\x80", 0 },	   /* overlong */
		{ "\xe0\x80\x80", 0 },
		{ "\xf0\x80\x80\x80", 0 },
		{ "\x80", 0 },
		{ "\xff", 0 },
		{ "\xc3", 0 }, /* cut off */
		{ "\xe2\x80", 0 },
		{ "\xf0\x9f\x98", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_uint_eq(utf8_length(rows[i].text), rows[i].length);
		ck_assert(utf8_valid(rows[i].text) == (rows[i].length || !*rows[i].text));
	}
	ck_assert(utf8_valid("plain, na\xc3\xafve"));
	ck_assert(!utf8_valid("plain, na\xc3ve"));
}
END_TEST

START_TEST(growing)
{
	struct str s = STR_INIT(STR_MAX_MANIFEST);
	ck_assert_str_eq(str_text(&s), "");
	ck_assert_ptr_null(s.buf);
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	ck_assert_uint_eq(s.len, 3890);
	ck_assert_uint_eq(strlen(s.buf), s.len);
	str_addn(&s, "\0x", 2);
	ck_assert_uint_eq(s.len, 3892);
	str_addn(&s, NULL, 0);
	ck_assert(str_ok(&s));
	str_clear(&s);
	ck_assert_str_eq(str_text(&s), "");
	str_addc(&s, 'x');
	ck_assert_str_eq(str_text(&s), "x");
	str_release(&s);
	str_release(&s);
}
END_TEST

START_TEST(the_ceiling_is_sticky)
{
	struct str s = STR_INIT(4);
	str_add(&s, "abcd");
	ck_assert(str_ok(&s));
	str_add(&s, "");
	ck_assert(str_ok(&s));
	str_add(&s, "e");
	ck_assert(!str_ok(&s));
	ck_assert_str_eq(str_text(&s), "abcd");
	str_clear(&s);
	ck_assert(str_ok(&s));
	str_addf(&s, "%d", 12345);
	ck_assert(!str_ok(&s));
	ck_assert_uint_eq(s.len, 0);
	str_add(&s, "x"); /* it would fit, but something is missing before it */
	ck_assert_uint_eq(s.len, 0);
	str_release(&s);
	str_addn(&s, "abcd", (size_t)-1);
	ck_assert(!str_ok(&s));
	str_release(&s);
}
END_TEST

START_TEST(vectors)
{
	struct strv v = STRV_INIT;
	strv_split(&v, "a,,b,", ',');
	ck_assert_uint_eq(v.n, 4);
	ck_assert_str_eq(v.v[1], "");
	ck_assert_str_eq(v.v[2], "b");
	ck_assert_str_eq(v.v[3], "");
	ck_assert_ptr_null(v.v[4]);
	ck_assert(strv_has(&v, "b") && !strv_has(&v, "c"));
	for (int i = 0; i < 100; i++)
		strv_addf(&v, "%d", i);
	ck_assert_uint_eq(v.n, 104);
	ck_assert_str_eq(v.v[103], "99");
	ck_assert_ptr_null(v.v[104]);
	strv_release(&v);
	ck_assert_ptr_null(v.v);
	strv_split(&v, "", ',');
	ck_assert_uint_eq(v.n, 1);
	strv_release(&v);
}
END_TEST

START_TEST(predicates)
{
	ck_assert(str_empty(NULL) && str_empty("") && !str_empty("x"));
	ck_assert(str_eq(NULL, NULL) && !str_eq(NULL, "") && !str_eq("", NULL) && str_eq("a", "a"));
	ck_assert_str_eq(str_after("abc", "ab"), "c");
	ck_assert_str_eq(str_after("ab", "ab"), "");
	ck_assert_ptr_null(str_after("a", "ab"));
	ck_assert(str_ends("x.aci", ".aci") && str_ends("a", "") && !str_ends("i", ".aci"));
	ck_assert_str_eq(path_base("/a/b"), "b");
	ck_assert_str_eq(path_base("/a/"), "");
	ck_assert_str_eq(path_base("a"), "a");
}
END_TEST

UNIT_MAIN("str", &utf8, &growing, &the_ceiling_is_sticky, &vectors, &predicates)
