/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/jenc.h"

#include <string.h>

static void newline(struct jenc *j)
{
	if (!j->pretty)
		return;
	str_addc(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		str_addc(j->out, '\t');
}

/* What stands before a value or a key. */
static void begin(struct jenc *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->need_comma)
		str_addc(j->out, ',');
	if (j->depth)
		newline(j);
}

void jenc_open(struct jenc *j, char bracket)
{
	begin(j);
	str_addc(j->out, bracket);
	j->depth++;
	j->need_comma = false;
}

void jenc_close(struct jenc *j, char bracket)
{
	j->depth--;
	if (j->need_comma) /* something was written since the bracket opened */
		newline(j);
	str_addc(j->out, bracket);
	j->need_comma = true;
}

/* U+2028 and U+2029, which end a line in JavaScript. */
static bool is_line_separator(const char *s)
{
	return strncmp(s, "\xe2\x80\xa8", 3) == 0 || strncmp(s, "\xe2\x80\xa9", 3) == 0;
}

/* U+0080 to U+009F, which some terminals obey as they obey ESC. */
static bool is_control(const char *s)
{
	return (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
	       (unsigned char)s[1] <= 0x9f;
}

/* Bytes at s that go out as they are; 0: the first needs an escape, or there is none. */
static size_t plain_length(const char *s)
{
	unsigned char c = (unsigned char)*s;
	if (c < 0x80)
		return c >= 0x20 && !strchr("\"\\<>&", c);
	return is_line_separator(s) || is_control(s) ? 0 : utf8_length(s);
}

static void quote(struct str *out, const char *s)
{
	str_addc(out, '"');
	while (*s) {
		size_t n = 0;
		for (size_t more; (more = plain_length(s + n)) > 0;)
			n += more;
		str_addn(out, s, n);
		s += n;
		if (!*s)
			break;
		if (*s == '"' || *s == '\\')
			str_addf(out, "\\%c", *s);
		else if (*s == '\n' || *s == '\r' || *s == '\t')
			str_addf(out, "\\%c", *s == '\n' ? 'n' : *s == '\r' ? 'r' : 't');
		else if (is_line_separator(s))
			str_addf(out, "\\u202%c", s[2] == '\xa8' ? '8' : '9'), s += 2;
		else if (is_control(s))
			str_addf(out, "\\u%04x", (unsigned char)*++s);
		else if ((unsigned char)*s >= 0x80)
			str_add(out, "\\ufffd");
		else
			str_addf(out, "\\u%04x", (unsigned char)*s);
		s++;
	}
	str_addc(out, '"');
}

void jenc_key(struct jenc *j, const char *key)
{
	begin(j);
	quote(j->out, key);
	str_add(j->out, j->pretty ? ": " : ":");
	j->after_key = true;
	j->need_comma = true;
}

void jenc_string(struct jenc *j, const char *s)
{
	begin(j);
	quote(j->out, s);
	j->need_comma = true;
}

/* A number, true, false, null. */
static void put_raw(struct jenc *j, const char *text)
{
	begin(j);
	str_add(j->out, text);
	j->need_comma = true;
}

void jenc_bool(struct jenc *j, bool b)
{
	put_raw(j, b ? "true" : "false");
}

void jenc_i64(struct jenc *j, int64_t v)
{
	begin(j);
	str_addf(j->out, "%lld", (long long)v);
	j->need_comma = true;
}

void jenc_null(struct jenc *j)
{
	put_raw(j, "null");
}

void jenc_value(struct jenc *j, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL: jenc_null(j); break;
	case JSON_BOOL: jenc_bool(j, v->boolean); break;
	case JSON_NUMBER: put_raw(j, v->text); break;
	case JSON_STRING: jenc_string(j, v->text); break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		jenc_open(j, v->type == JSON_ARRAY ? '[' : '{');
		json_foreach (item, v) {
			if (item->key)
				jenc_key(j, item->key);
			jenc_value(j, item);
		}
		jenc_close(j, v->type == JSON_ARRAY ? ']' : '}');
		break;
	}
}

void jenc_member(struct jenc *j, const char *key, const char *s)
{
	if (str_empty(s))
		return;
	jenc_key(j, key);
	jenc_string(j, s);
}
