/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes the text, cut where it is too long; returns its length. */
__attribute__((format(printf, 2, 0))) static size_t set_text(
	struct err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	return len < sizeof e->msg ? len : sizeof e->msg - 1;
}

int err_set(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	size_t len = set_text(e, fmt, ap);
	va_end(ap);
	if (kind == ERR_SYSTEM && errnum > 0) {
		int n = snprintf(
			e->msg + len, sizeof e->msg - len, "%c%s", ERR_JOINT, strerror(errnum));
		len += n < 0 ? 0 : (size_t)n;
		if (len >= sizeof e->msg)
			len = sizeof e->msg - 1;
	}
	e->len = (uint16_t)len;
	e->kind = (uint16_t)kind;
	e->errnum = errnum;
	return errnum > 0 ? -errnum : -EINVAL;
}

int err_wrap(struct err *e, int r, const char *fmt, ...)
{
	char old[sizeof e->msg];
	memcpy(old, e->msg, sizeof old);
	old[sizeof old - 1] = '\0';

	va_list ap;
	va_start(ap, fmt);
	size_t len = set_text(e, fmt, ap);
	va_end(ap);
	snprintf(e->msg + len, sizeof e->msg - len, "%c%s", ERR_JOINT, old);
	e->len = (uint16_t)strlen(e->msg);
	return r;
}

/* Appends s to buf[*at], never past size - 1. */
static void put(char *buf, size_t size, size_t *at, const char *s)
{
	while (*s && *at + 1 < size)
		buf[(*at)++] = *s++;
}

/* Length of the UTF-8 sequence at s that a terminal shows as a character, or 0: malformed bytes (a
 * lone 0x9b is a control character to terminals in 8-bit mode) and the controls U+0080 to U+009F,
 * which some obey as they obey ESC. */
static size_t shown_length(const unsigned char *s)
{
	size_t n;
	if (*s < 0x80)
		return *s >= 0x20 && *s != 0x7f;
	if (*s >= 0xc2 && *s <= 0xdf)
		n = 2;
	else if ((*s & 0xf0) == 0xe0)
		n = 3;
	else if (*s >= 0xf0 && *s <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] <= 0x9f) || (s[0] == 0xe0 && s[1] < 0xa0) ||
		(s[0] == 0xf0 && s[1] < 0x90))
		return 0;
	return n;
}

/* Appends what stands at *s, harmless to a terminal, and moves past it. */
static void put_escaped(char *buf, size_t size, size_t *at, const char **s)
{
	char text[8];
	size_t n = shown_length((const unsigned char *)*s);
	if (n) {
		memcpy(text, *s, n);
		text[n] = '\0';
	} else {
		snprintf(text, sizeof text, "\\x%02x", (unsigned char)**s);
	}
	put(buf, size, at, text);
	*s += n ? n : 1;
}

void err_format(const struct err *e, bool chain, char *buf, size_t size)
{
	size_t at = 0;
	for (const char *p = e->msg; *p;) {
		if (*p == ERR_JOINT) {
			put(buf, size, &at, chain ? ":\n  " : ": ");
			p++;
		} else {
			put_escaped(buf, size, &at, &p);
		}
	}
	buf[at < size ? at : size - 1] = '\0';
}

void err_sanitize(struct err *e)
{
	e->msg[sizeof e->msg - 1] = '\0';
	e->len = (uint16_t)strlen(e->msg);
	if (e->kind >= _ERR_KIND_MAX)
		e->kind = ERR_PEER;
	if (e->errnum < 0 || e->errnum > 4095)
		e->errnum = EPROTO;
}

void text_escape(const char *src, char *dst, size_t size)
{
	size_t at = 0;
	while (*src)
		put_escaped(dst, size, &at, &src);
	dst[at < size ? at : size - 1] = '\0';
}
