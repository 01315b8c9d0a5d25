/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/types.h"

#include <limits.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

enum { AC_NAME_MAX = 512, AC_IDENTIFIER_MAX = 1024, ENV_NAME_MAX = 1024 };

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Runs of [a-z0-9] with single separators between. */
static bool runs_valid(const char *s, const char *separators, size_t max)
{
	if (strnlen(s, max + 1) > max)
		return false;
	for (;;) {
		if (!is_lower_alnum(*s))
			return false;
		while (is_lower_alnum(*s))
			s++;
		if (!*s)
			return true;
		if (!strchr(separators, *s++))
			return false;
	}
}

bool ac_name_valid(const char *s)
{
	return runs_valid(s, "-", AC_NAME_MAX);
}

bool ac_identifier_valid(const char *s)
{
	return runs_valid(s, "-._~/", AC_IDENTIFIER_MAX);
}

bool env_name_valid(const char *s)
{
	if (is_digit(*s) || !*s || strnlen(s, ENV_NAME_MAX + 1) > ENV_NAME_MAX)
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr("_.-", *s))
			return false;
	return true;
}

bool image_id_valid(const char *s)
{
	const char *hex = str_after(s, "sha512-");
	return hex && strnlen(hex, 129) == 128 && parse_hex(hex, 128);
}

bool image_id_prefix_valid(const char *s)
{
	const char *hex = str_after(s, "sha512-");
	size_t n = hex ? strnlen(hex, 129) : 0;
	return n >= 2 && n <= 128 && parse_hex(hex, n);
}

/* A number without leading zeros, at *s; moves past it. */
static bool semver_number(const char **s)
{
	const char *p = *s;
	while (is_digit(*p))
		p++;
	size_t n = (size_t)(p - *s);
	bool ok = n == 1 || (n > 1 && n <= 18 && **s != '0');
	*s = p;
	return ok;
}

/* Dotted [0-9A-Za-z-]+ at *s, up to `end` or NUL; numbers without leading zeros if asked. */
static bool semver_identifiers(const char **s, char end, bool numbers)
{
	for (;;) {
		const char *p = *s;
		bool digits = true;
		while (is_alnum(*p) || *p == '-')
			digits = is_digit(*p++) && digits;
		size_t n = (size_t)(p - *s);
		if (n == 0 || (numbers && digits && n > 1 && **s == '0'))
			return false;
		*s = p;
		if (!*p || *p == end)
			return true;
		if (*p != '.')
			return false;
		++*s;
	}
}

bool semver_valid(const char *s)
{
	if (strnlen(s, 257) > 256)
		return false;
	for (int i = 0; i < 3; i++)
		if ((i && *s++ != '.') || !semver_number(&s))
			return false;
	if (*s == '-' && (s++, !semver_identifiers(&s, '+', true)))
		return false;
	if (*s == '+' && (s++, !semver_identifiers(&s, '\0', false)))
		return false;
	return !*s;
}

/* Two digits from 0 to max at s. */
static bool two_digits(const char *s, int min, int max)
{
	if (!is_digit(s[0]) || !is_digit(s[1]))
		return false;
	int v = (s[0] - '0') * 10 + (s[1] - '0');
	return v >= min && v <= max;
}

static bool month_has_day(const char *date)
{
	static const char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = 0;
	for (int i = 0; i < 4; i++)
		year = year * 10 + (date[i] - '0');
	int month = (date[5] - '0') * 10 + (date[6] - '0');
	int day = (date[8] - '0') * 10 + (date[9] - '0');
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] && (month != 2 || day < 29 || leap);
}

bool rfc3339_valid(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	if (strnlen(s, 64) > 63)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !is_digit(s[i]) : s[i] != form[i])
			return false;
	if (!two_digits(s + 5, 1, 12) || !two_digits(s + 8, 1, 31) || !month_has_day(s) ||
		!two_digits(s + 11, 0, 23) || !two_digits(s + 14, 0, 59) ||
		!two_digits(s + 17, 0, 59))
		return false;
	s += sizeof form - 1;
	if (*s == '.') {
		size_t n = strspn(s + 1, "0123456789");
		if (n == 0)
			return false;
		s += 1 + n;
	}
	if (strcmp(s, "Z") == 0)
		return true;
	return (*s == '+' || *s == '-') && two_digits(s + 1, 0, 23) && s[3] == ':' &&
	       two_digits(s + 4, 0, 59) && !s[6];
}

bool path_absolute_valid(const char *s)
{
	return *s == '/' && strnlen(s, PATH_MAX) < PATH_MAX;
}

/* Goes on to the next component of a path that is not "."; its length, 0 at the end. */
static size_t next_part(const char **p)
{
	for (;;) {
		*p += strspn(*p, "/");
		size_t n = strcspn(*p, "/");
		if (n != 1 || **p != '.')
			return n;
		(*p)++;
	}
}

bool path_same(const char *x, const char *y)
{
	for (;;) {
		size_t n = next_part(&x);
		if (n != next_part(&y) || memcmp(x, y, n) != 0)
			return false;
		if (n == 0)
			return true;
		x += n;
		y += n;
	}
}

const char *ac_name_sanitize(struct arena *a, const char *s)
{
	char *name = arena_alloc(a, strnlen(s, AC_NAME_MAX) + 1, 1);
	size_t n = 0;
	for (; *s && n < AC_NAME_MAX; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s | 0x20) : *s;
		if (is_lower_alnum(c))
			name[n++] = c;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n && name[n - 1] == '-')
		name[--n] = '\0';
	return n ? name : NULL;
}

const char *nv_get(const struct nvlist *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return l->v[i].value;
	return NULL;
}

/* Twice as many: the lists of an image may be long, and an arena keeps what they grew out of. */
static size_t room_for(size_t n)
{
	return n < 4 ? 8 : 2 * n;
}

void nv_set(struct arena *a, struct nvlist *l, const char *name, const char *value)
{
	const char *copy = arena_strdup(a, value);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, name) == 0) {
			l->v[i].value = copy;
			return;
		}
	}
	if (l->n >= l->room) {
		l->room = room_for(l->n);
		struct nv *grown = ARENA_ARRAY(a, struct nv, l->room);
		if (l->n)
			memcpy(grown, l->v, l->n * sizeof *grown);
		l->v = grown;
	}
	l->v[l->n++] = (struct nv){ arena_strdup(a, name), copy };
}

void nv_copy(struct arena *a, struct nvlist *dst, const struct nvlist *src)
{
	*dst = (struct nvlist){ .v = ARENA_ARRAY(a, struct nv, src->n), .n = src->n };
	for (size_t i = 0; i < src->n; i++)
		dst->v[i] = (struct nv){ arena_strdup(a, src->v[i].name),
			arena_strdup(a, src->v[i].value) };
}

void strlist_add(struct arena *a, struct strlist *l, const char *s)
{
	if (l->n >= l->room) {
		l->room = room_for(l->n);
		const char **grown = ARENA_ARRAY(a, const char *, l->room + 1);
		if (l->n)
			memcpy(grown, l->v, l->n * sizeof *grown);
		l->v = grown;
	}
	l->v[l->n++] = arena_strdup(a, s);
	l->v[l->n] = NULL;
}

void strlist_add_words(struct arena *a, struct strlist *l, const char *text)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");
		if (n)
			strlist_add(a, l, arena_strndup(a, p, n));
		p += n + (p[n] == ',');
	}
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

const char *target_arch(void)
{
#if defined __x86_64__
	return "amd64";
#elif defined __i386__
	return "i386";
#elif defined __aarch64__
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? "aarch64_be" : "aarch64";
#elif defined __arm__ && __ARM_ARCH >= 7
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? "armv7b" : "armv7l";
#elif defined __arm__
	return "armv6l";
#else
#error "appc has no name for this architecture"
#endif
}
