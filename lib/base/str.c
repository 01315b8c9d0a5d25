/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* Makes room for n more bytes and the NUL; false once the ceiling is hit. */
static bool grow(struct str *s, size_t n)
{
	if (s->overflow || n > s->max - s->len) {
		s->overflow = true;
		return false;
	}
	size_t need = s->len + n + 1;
	if (need > s->cap) {
		size_t cap = s->cap ? s->cap : 64;
		while (cap < need)
			cap *= 2;
		s->buf = xrealloc(s->buf, cap, 1);
		s->cap = cap;
	}
	return true;
}

void str_addn(struct str *s, const void *bytes, size_t n)
{
	if (!grow(s, n))
		return;
	if (n)
		memcpy(s->buf + s->len, bytes, n);
	s->len += n;
	s->buf[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !grow(s, (size_t)n)) {
		s->overflow = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(s->buf + s->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->overflow = false;
	if (s->buf)
		s->buf[0] = '\0';
}

void str_wipe(struct str *s)
{
	if (s->buf)
		explicit_bzero(s->buf, s->cap);
	str_release(s);
}

void str_release(struct str *s)
{
	free(s->buf);
	*s = STR_INIT(s->max);
}

static void strv_add_take(struct strv *sv, char *s)
{
	if (sv->n + 2 > sv->cap) {
		sv->cap = sv->cap ? sv->cap * 2 : 8;
		sv->v = xrealloc(sv->v, sv->cap, sizeof *sv->v);
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void strv_add(struct strv *sv, const char *s)
{
	strv_add_take(sv, xstrdup(s));
}

void strv_addf(struct strv *sv, const char *fmt, ...)
{
	va_list ap;
	char *out = NULL;
	va_start(ap, fmt);
	int n = vasprintf(&out, fmt, ap);
	va_end(ap);
	strv_add_take(sv, n < 0 ? xstrdup("") : out);
}

bool strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return true;
	return false;
}

void strv_release(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = STRV_INIT;
}

void strv_split(struct strv *sv, const char *s, char sep)
{
	for (;;) {
		const char *end = strchrnul(s, sep);
		strv_add_take(sv, xstrndup(s, (size_t)(end - s)));
		if (!*end)
			return;
		s = end + 1;
	}
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool str_is_one_line(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && strcmp(s + n - m, suffix) == 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* By the table of RFC 3629, section 4. A NUL is no continuation, so nothing is read behind it. */
size_t utf8_length(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n = 1;
	if (*p < 0x80)
		return *p ? 1 : 0;
	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if ((*p & 0xf0) == 0xe0)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	else
		return 0;
	if (*p == 0xe0)
		low = 0xa0; /* overlong below */
	else if (*p == 0xed)
		high = 0x9f; /* surrogates above */
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f; /* beyond U+10FFFF above */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool utf8_valid(const char *s)
{
	for (size_t n; *s; s += n) {
		n = utf8_length(s);
		if (!n)
			return false;
	}
	return true;
}

enum { DISTANCE_MAX = 31 };

size_t text_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[DISTANCE_MAX + 1];
	if (n > DISTANCE_MAX || m > DISTANCE_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}
