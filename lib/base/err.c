/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);

	size_t len = n < 0 ? 0 : (size_t)n;
	if (len >= sizeof e->msg)
		len = sizeof e->msg - 1;
	if (kind == ERR_SYSTEM && errnum > 0) {
		n = snprintf(
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
	int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);

	size_t len = n < 0 ? 0 : (size_t)n;
	if (len >= sizeof e->msg)
		len = sizeof e->msg - 1;
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

static void put_byte(char *buf, size_t size, size_t *at, unsigned char c)
{
	char text[8];
	if (c < 0x20 || c == 0x7f)
		snprintf(text, sizeof text, "\\x%02x", c);
	else
		snprintf(text, sizeof text, "%c", c);
	put(buf, size, at, text);
}

/* True for the second byte of a C1 control (U+0080 to U+009F in UTF-8: c2 80 to c2 9f), which
 * some terminals obey as they obey ESC. */
static bool is_c1(const char *s)
{
	return (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
	       (unsigned char)s[1] <= 0x9f;
}

void err_format(const struct err *e, bool chain, char *buf, size_t size)
{
	size_t at = 0;
	for (const char *p = e->msg; *p; p++) {
		if (*p == ERR_JOINT) {
			put(buf, size, &at, chain ? ":\n  " : ": ");
		} else if (is_c1(p)) {
			put(buf, size, &at, "\\x");
			char hex[4];
			snprintf(hex, sizeof hex, "%02x", (unsigned char)p[1]);
			put(buf, size, &at, hex);
			p++;
		} else {
			put_byte(buf, size, &at, (unsigned char)*p);
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
	for (const char *p = src; *p; p++) {
		if (is_c1(p)) {
			put(dst, size, &at, "\\xc2");
			continue;
		}
		put_byte(dst, size, &at, (unsigned char)*p);
	}
	dst[at < size ? at : size - 1] = '\0';
}
