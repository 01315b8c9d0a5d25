/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "lib/base/parse.h"
#include "tests/unit/unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const never_numbers[] = { "", " ", "+1", " 1", "1 ", "1\n", "0x1", "1e1", "1.0",
	"a", "1a", "--1", "\xd9\xa1" };

START_TEST(unsigned_numbers)
{
	uint64_t v = 7;
	uint32_t w = 7;
	for (size_t i = 0; i < COUNT(never_numbers); i++) {
		ck_assert(!parse_u64(never_numbers[i], 0, UINT64_MAX, &v));
		ck_assert(!parse_u32(never_numbers[i], 0, UINT32_MAX, &w));
	}
	ck_assert(!parse_u64("-1", 0, UINT64_MAX, &v));
	ck_assert(!parse_u64("18446744073709551616", 0, UINT64_MAX, &v));
	ck_assert(!parse_u64("99999999999999999999999999", 0, UINT64_MAX, &v));
	ck_assert(!parse_u64("4", 5, 6, &v) && !parse_u64("7", 5, 6, &v));
	ck_assert(!parse_u32("4294967296", 0, UINT32_MAX, &w));
	ck_assert(v == 7 && w == 7);
	ck_assert(parse_u64("18446744073709551615", 0, UINT64_MAX, &v) && v == UINT64_MAX);
	ck_assert(parse_u64("0", 0, 0, &v) && v == 0);
	ck_assert(parse_u64("007", 5, 7, &v) && v == 7);
	ck_assert(parse_u32("4294967295", 0, UINT32_MAX, &w) && w == UINT32_MAX);
}
END_TEST

START_TEST(signed_numbers)
{
	int64_t v = 7;
	for (size_t i = 0; i < COUNT(never_numbers); i++)
		ck_assert(!parse_i64(never_numbers[i], INT64_MIN, INT64_MAX, &v));
	ck_assert(!parse_i64("-", INT64_MIN, INT64_MAX, &v));
	ck_assert(!parse_i64("- 1", INT64_MIN, INT64_MAX, &v));
	ck_assert(!parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	ck_assert(!parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &v));
	ck_assert(!parse_i64("-6", -5, 5, &v) && !parse_i64("6", -5, 5, &v));
	ck_assert(v == 7);
	ck_assert(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v) && v == INT64_MIN);
	ck_assert(parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v) && v == INT64_MAX);
	ck_assert(parse_i64("-0", -5, 5, &v) && v == 0);
}
END_TEST

START_TEST(octal_numbers)
{
	uint32_t v = 7;
	ck_assert(!parse_octal("", 07777, &v) && !parse_octal("8", 07777, &v));
	ck_assert(!parse_octal("0o7", 07777, &v) && !parse_octal("10000", 07777, &v));
	ck_assert(!parse_octal("-7", 07777, &v) && !parse_octal("75 ", 07777, &v) && v == 7);
	ck_assert(parse_octal("0755", 07777, &v) && v == 0755);
	ck_assert(parse_octal("7777", 07777, &v) && v == 07777);
}
END_TEST

START_TEST(booleans)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };
	static const char *const bad[] = { "", "yes", "no", "tRUE", "2", "on", "true " };
	bool v;
	for (size_t i = 0; i < COUNT(yes); i++) {
		ck_assert(parse_bool(yes[i], &v) && v);
		ck_assert(parse_bool(no[i], &v) && !v);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!parse_bool(bad[i], &v), "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "1ns", 1 },
		{ "1us", 1000 },
		{ "1\xc2\xb5s", 1000 },
		{ "1\xce\xbcs", 1000 },
		{ "1ms", 1000000 },
		{ "30m", 1800000000000 },
		{ "24h", 86400000000000 },
		{ "1h30m10.5s", 5410500000000 },
		{ "-1.5h", -5400000000000 },
		{ "+5s", 5000000000 },
		{ ".5s", 500000000 },
		{ "1.s", 1000000000 },
		{ "0.1s", 100000000 },
		{ "0.3s", 300000000 },
		{ "1.1s", 1100000000 },
		{ "0.000000001s", 1 },
		{ "0.100000000000000000000h", 360000000000 },
		{ "9223372036854775807ns", INT64_MAX },
		{ "2562047h47m16.854775807s", INT64_MAX },
	};
	static const char *const bad[] = { "", "-", "+", "3", "s", ".", ".s", "+.s", "1x", "1 s",
		"1S", "1h ", " 1h", "1hh", "1e3s", "--1s", "1h-1s", "9223372036854775808ns",
		"2562048h", "99999999999999999999s", "1..5s", "1.5.5s" };
	int64_t v;
	for (size_t i = 0; i < COUNT(good); i++) {
		v = -77;
		ck_assert_msg(parse_duration(good[i].text, &v), "refused '%s'", good[i].text);
		ck_assert_msg(v == good[i].ns, "'%s' is %" PRId64 ", not %" PRId64, good[i].text, v,
			good[i].ns);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!parse_duration(bad[i], &v), "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(hexadecimal)
{
	ck_assert(parse_hex("0123456789abcdef", 16));
	ck_assert(parse_hex("abX", 2) && parse_hex("", 0));
	uint64_t v = 7;
	ck_assert(parse_hex_u64("ff09", 4, &v) && v == 0xff09);
	ck_assert(parse_hex_u64("ffffffffffffffff", 16, &v) && v == UINT64_MAX);
	ck_assert(!parse_hex_u64("0ffffffffffffffff", 17, &v) && !parse_hex_u64("", 0, &v));
	ck_assert(!parse_hex_u64("fg", 2, &v) && v == UINT64_MAX);
	ck_assert(!parse_hex("abX", 3) && !parse_hex("AB", 2) && !parse_hex("", 1));
}
END_TEST

UNIT_MAIN("parse", &unsigned_numbers, &signed_numbers, &octal_numbers, &booleans, &durations,
	&hexadecimal)
