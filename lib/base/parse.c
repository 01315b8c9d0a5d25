/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/parse.h"

#include <string.h>

/* Digits of the given base from s; *end is the first other byte. False on none or overflow. */
static bool digits(const char *s, unsigned base, uint64_t *ret, const char **end)
{
	uint64_t v = 0;
	const char *p = s;
	for (; *p >= '0' && (unsigned)(*p - '0') < base; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (p == s)
		return false;
	*ret = v;
	*end = p;
	return true;
}

bool parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	const char *end;
	if (!digits(s, 10, &v, &end) || *end || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	if (!parse_u64(s, min, max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;
	if (!parse_u64(s + negative, 0, negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &v))
		return false;
	int64_t w = negative ? (int64_t)(0 - v) : (int64_t)v;
	if (w < min || w > max)
		return false;
	*ret = w;
	return true;
}

bool parse_octal(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	const char *end;
	if (!digits(s, 8, &v, &end) || *end || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*ret = strcmp(s, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* U+00B5, the micro sign */
	{ "\xce\xbcs", 1000 }, /* U+03BC, the Greek letter */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000 },
	{ "h", 3600000000000 },
};

enum { FRACTION_DIGITS = 18 }; /* further ones are below a nanosecond of any unit */

/* The digits after a decimal point as value / scale; *end is the first other byte. */
static bool fraction_digits(const char *s, uint64_t *value, uint64_t *scale, const char **end)
{
	const char *p = s;
	*value = 0;
	*scale = 1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (p - s >= FRACTION_DIGITS)
			continue;
		*value = *value * 10 + (uint64_t)(*p - '0');
		*scale *= 10;
	}
	*end = p;
	return p > s;
}

/* One "12.5h" of a duration: the value in ns, and where it ends. */
static bool duration_part(const char *s, int64_t *ret, const char **end)
{
	uint64_t whole = 0, fraction = 0, scale = 1;
	const char *p = s;
	bool any = digits(p, 10, &whole, &p);
	if (!any && *p != '.')
		return false;
	if (*p == '.' && !fraction_digits(p + 1, &fraction, &scale, &p) && !any)
		return false;
	size_t len = strcspn(p, ".0123456789");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strlen(units[i].name) != len || memcmp(units[i].name, p, len) != 0)
			continue;
		int64_t ns, rest = (int64_t)((__int128)fraction * units[i].ns / (int64_t)scale);
		if (whole > INT64_MAX || __builtin_mul_overflow((int64_t)whole, units[i].ns, &ns) ||
			__builtin_add_overflow(ns, rest, ret))
			return false;
		*end = p + len;
		return true;
	}
	return false;
}

bool parse_duration(const char *s, int64_t *ret_ns)
{
	bool negative = *s == '-';
	s += *s == '-' || *s == '+';
	if (strcmp(s, "0") == 0) {
		*ret_ns = 0;
		return true;
	}
	if (!*s)
		return false;
	int64_t total = 0, part;
	while (*s)
		if (!duration_part(s, &part, &s) || __builtin_add_overflow(total, part, &total))
			return false;
	*ret_ns = negative ? -total : total;
	return true;
}

bool parse_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

bool parse_hex_u64(const char *s, size_t len, uint64_t *ret)
{
	if (len == 0 || len > 16 || !parse_hex(s, len))
		return false;
	*ret = 0;
	for (size_t i = 0; i < len; i++)
		*ret = *ret << 4 | (uint64_t)(s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10);
	return true;
}
