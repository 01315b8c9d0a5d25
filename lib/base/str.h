/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a growing byte string that carries its ceiling.
 *
 *	_clean_(str) struct str s = STR_INIT(STR_MAX_MANIFEST);
 *	str_add(&s, "hello"); str_addf(&s, " %d", 1);
 *	if (!str_ok(&s)) ...                   // sticky: the ceiling was hit once
 *
 * The bytes are always terminated by NUL (not counted), buf is NULL only while nothing was added;
 * str_text() never returns NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All ceilings, in bytes. */
enum {
	STR_MAX_PATH = 4096,
	STR_MAX_LINE = 64 * 1024,
	STR_MAX_MANIFEST = 4 * 1024 * 1024,
	STR_MAX_OUTPUT = 64 * 1024 * 1024,
};

struct str {
	char *buf;
	size_t len, cap, max;
	bool overflow;
};
#define STR_INIT(ceiling) ((struct str){ .max = (ceiling) })

void str_addn(struct str *s, const void *bytes, size_t n);
void str_add(struct str *s, const char *text);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_clear(struct str *s); /* empties, keeps the memory */
void str_release(struct str *s);
void str_wipe(struct str *s); /* the same, of what was secret */

static inline bool str_ok(const struct str *s)
{
	return !s->overflow;
}
static inline const char *str_text(const struct str *s)
{
	return s->buf ? s->buf : "";
}
static inline void str_cleanup(struct str *s)
{
	str_release(s);
}
static inline void secret_cleanup(struct str *s)
{
	str_wipe(s);
}

/* strv: a growing NULL-terminated vector of owned strings, ready for execve. */
struct strv {
	char **v; /* NULL while empty */
	size_t n, cap;
};
#define STRV_INIT ((struct strv){ 0 })

void strv_add(struct strv *sv, const char *s); /* copies */
void strv_addf(struct strv *sv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *sv, const char *s);
void strv_release(struct strv *sv);
static inline void strv_cleanup(struct strv *sv)
{
	strv_release(sv);
}
/* Splits s at each `sep`; empty parts are kept. */
void strv_split(struct strv *sv, const char *s, char sep);

/* Small predicates. */
static inline bool str_empty(const char *s)
{
	return !s || !*s;
}
bool str_eq(const char *a, const char *b);		  /* NULL equals NULL only */
const char *str_after(const char *s, const char *prefix); /* what follows prefix, or NULL */
bool str_is_one_line(const char *s); /* no control characters, as what becomes part of a header */
bool str_ends(const char *s, const char *suffix);
/* How many letters to insert, delete or replace: for suggestions. SIZE_MAX for long words. */
size_t text_distance(const char *a, size_t n, const char *b, size_t m);
/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when it is not one or s is empty. */
size_t utf8_length(const char *s);
bool utf8_valid(const char *s);
const char *path_base(const char *path); /* the part after the last '/', never modified */
