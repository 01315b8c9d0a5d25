/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/json.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	const char *start, *p, *end;
	struct arena *arena;
	struct err *err;
	size_t nodes;
	unsigned depth;
};

static int fail(struct reader *r, const char *what)
{
	size_t line = 1;
	const char *begin = r->start;
	for (const char *p = r->start; p < r->p; p++) {
		if (*p == '\n') {
			line++;
			begin = p + 1;
		}
	}
	return ERR_BAD(r->err, "not valid JSON at line %zu, column %zu: %s", line,
		(size_t)(r->p - begin) + 1, what);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* The byte at p + at, or -1 past the end: no byte of a text equals it. */
static int peek(const struct reader *r, size_t at)
{
	return at < (size_t)(r->end - r->p) ? (unsigned char)r->p[at] : -1;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629, table of section 4), or 0. */
static size_t sequence_length(const struct reader *r)
{
	int a = peek(r, 0), b = peek(r, 1);
	size_t n;
	int low = 0x80, high = 0xbf;
	if (a < 0x80)
		return 1;
	if (a >= 0xc2 && a <= 0xdf)
		n = 2;
	else if ((a & 0xf0) == 0xe0)
		n = 3;
	else if (a >= 0xf0 && a <= 0xf4)
		n = 4;
	else
		return 0;
	if (a == 0xe0)
		low = 0xa0; /* overlong below */
	else if (a == 0xed)
		high = 0x9f; /* surrogates above */
	else if (a == 0xf0)
		low = 0x90;
	else if (a == 0xf4)
		high = 0x8f; /* beyond U+10FFFF above */
	if (b < low || b > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((peek(r, i) & 0xc0) != 0x80 || peek(r, i) < 0)
			return 0;
	return n;
}

/* The four hexadecimal digits at p + at; -1 when they are not. */
static int32_t hex4(const struct reader *r, size_t at)
{
	int32_t v = 0;
	for (size_t i = 0; i < 4; i++) {
		int c = peek(r, at + i);
		if (is_digit(c))
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static char *utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* At the 'u' of an escape: writes what it stands for; a pair of surrogates is one character. */
static int read_unicode_escape(struct reader *r, char **out)
{
	int32_t c = hex4(r, 1);
	if (c < 0)
		return fail(r, "\\u needs four hexadecimal digits");
	if (c == 0)
		return fail(r, "NUL in a string");
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(r, "lone surrogate");
	if (c >= 0xd800 && c <= 0xdbff) {
		int32_t low = peek(r, 5) == '\\' && peek(r, 6) == 'u' ? hex4(r, 7) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(r, "lone surrogate");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		r->p += 6;
	}
	r->p += 5;
	*out = utf8_put(*out, (uint32_t)c);
	return 0;
}

static int read_escape(struct reader *r, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	r->p++;
	int c = peek(r, 0);
	if (c == 'u')
		return read_unicode_escape(r, out);
	const char *at = c > 0 ? strchr(from, c) : NULL;
	if (!at)
		return fail(r, "unknown escape in a string");
	*(*out)++ = to[at - from];
	r->p++;
	return 0;
}

/* Bytes up to the closing quote, an upper bound of the decoded length: no escape grows. */
static size_t string_bound(const struct reader *r)
{
	const char *q = r->p;
	while (q < r->end && *q != '"')
		q += *q == '\\' && q + 1 < r->end ? 2 : 1;
	return (size_t)(q - r->p);
}

/* At the opening quote. */
static int read_string(struct reader *r, const char **ret)
{
	r->p++;
	char *text = arena_alloc(r->arena, string_bound(r) + 1, 1), *out = text;
	for (;;) {
		int c = peek(r, 0);
		if (c < 0)
			return fail(r, "unterminated string");
		if (c == '"')
			break;
		if (c == '\\') {
			int rc = read_escape(r, &out);
			if (rc < 0)
				return rc;
			continue;
		}
		if (c < 0x20)
			return fail(r, "control character in a string");
		size_t n = sequence_length(r);
		if (n == 0)
			return fail(r, "invalid UTF-8");
		memcpy(out, r->p, n);
		out += n;
		r->p += n;
	}
	r->p++;
	*ret = text;
	return 0;
}

static size_t skip_digits(struct reader *r)
{
	const char *first = r->p;
	while (is_digit(peek(r, 0)))
		r->p++;
	return (size_t)(r->p - first);
}

static int read_number(struct reader *r, struct json *v)
{
	const char *first = r->p;
	if (peek(r, 0) == '-')
		r->p++;
	if (peek(r, 0) == '0')
		r->p++;
	else if (skip_digits(r) == 0)
		return fail(r, "expected a digit");
	if (is_digit(peek(r, 0)))
		return fail(r, "number with a leading zero");
	if (peek(r, 0) == '.') {
		r->p++;
		if (skip_digits(r) == 0)
			return fail(r, "expected a digit after the decimal point");
	}
	if (peek(r, 0) == 'e' || peek(r, 0) == 'E') {
		r->p++;
		if (peek(r, 0) == '+' || peek(r, 0) == '-')
			r->p++;
		if (skip_digits(r) == 0)
			return fail(r, "expected a digit in the exponent");
	}
	v->type = JSON_NUMBER;
	v->text = arena_strndup(r->arena, first, (size_t)(r->p - first));
	return 0;
}

static bool read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { FEW_KEYS = 16 };

/* Without asking for memory, for the objects that manifests are made of. */
static const char *duplicate_of_few(const struct json *object)
{
	json_foreach (item, object)
		for (const struct json *other = item->next; other; other = other->next)
			if (strcmp(item->key, other->key) == 0)
				return item->key;
	return NULL;
}

/* Sorting keeps a hostile object of 200,000 keys from taking quadratic time. */
static const char *duplicate_key(const struct json *object)
{
	if (object->count <= FEW_KEYS)
		return duplicate_of_few(object);
	const char **keys = xcalloc(object->count, sizeof *keys), *found = NULL;
	size_t n = 0;
	json_foreach (item, object)
		keys[n++] = item->key;
	qsort(keys, n, sizeof *keys, compare_keys);
	for (size_t i = 1; i < n && !found; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			found = keys[i];
	free(keys);
	return found;
}

static int read_value(struct reader *r, struct json **ret);

/* `"key" :` of an object's member. */
static int read_key(struct reader *r, const char **ret)
{
	if (peek(r, 0) != '"')
		return fail(r, "expected a key in quotes");
	int rc = read_string(r, ret);
	if (rc < 0)
		return rc;
	skip_space(r);
	if (peek(r, 0) != ':')
		return fail(r, "expected ':' after a key");
	r->p++;
	return 0;
}

/* An array or object, at its opening bracket. */
static int read_container(struct reader *r, struct json *v)
{
	bool object = *r->p == '{';
	char close = object ? '}' : ']';
	v->type = object ? JSON_OBJECT : JSON_ARRAY;
	if (++r->depth > JSON_MAX_DEPTH)
		return fail(r, "nested too deeply");
	r->p++;
	skip_space(r);
	struct json **tail = &v->first;
	bool more = peek(r, 0) != close;
	while (more) {
		const char *key = NULL;
		skip_space(r);
		int rc = object ? read_key(r, &key) : 0;
		if (rc >= 0)
			rc = read_value(r, tail);
		if (rc < 0)
			return rc;
		(*tail)->key = key;
		tail = &(*tail)->next;
		v->count++;
		more = peek(r, 0) == ',';
		if (more)
			r->p++;
		else if (peek(r, 0) != close)
			return fail(r, object ? "expected ',' or '}'" : "expected ',' or ']'");
	}
	r->p++;
	r->depth--;
	const char *twice = object ? duplicate_key(v) : NULL;
	if (twice)
		return ERR_BAD(r->err, "not valid JSON: duplicate key '%.64s'", twice);
	return 0;
}

/* One value with the space around it. */
static int read_value(struct reader *r, struct json **ret)
{
	if (++r->nodes > JSON_MAX_NODES)
		return fail(r, "too many values");
	struct json *v = ARENA_NEW(r->arena, struct json);
	int rc = 0;
	skip_space(r);
	int c = peek(r, 0);
	if (c == '{' || c == '[') {
		rc = read_container(r, v);
	} else if (c == '"') {
		v->type = JSON_STRING;
		rc = read_string(r, &v->text);
	} else if (c == '-' || is_digit(c)) {
		rc = read_number(r, v);
	} else if (read_word(r, "true")) {
		v->type = JSON_BOOL;
		v->boolean = true;
	} else if (read_word(r, "false")) {
		v->type = JSON_BOOL;
	} else if (!read_word(r, "null")) {
		rc = fail(r, c < 0 ? "unexpected end" : "expected a value");
	}
	if (rc < 0)
		return rc;
	skip_space(r);
	*ret = v;
	return 0;
}

int json_parse(const char *bytes, size_t n, struct arena *a, struct json **ret, struct err *e)
{
	struct reader r = { .start = bytes, .p = bytes, .end = bytes + n, .arena = a, .err = e };
	struct json *v = NULL;
	int rc = read_value(&r, &v);
	if (rc < 0)
		return rc;
	if (r.p != r.end)
		return fail(&r, "unexpected bytes after the value");
	*ret = v;
	return 0;
}

const struct json *json_member(const struct json *object, const char *key)
{
	if (object->type == JSON_OBJECT)
		json_foreach (item, object)
			if (strcmp(item->key, key) == 0)
				return item;
	return NULL;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = { "null", "boolean", "number", "string", "array",
		"object" };
	return names[type];
}
