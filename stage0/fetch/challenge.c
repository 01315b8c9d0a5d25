/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/challenge.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
static const char token_chars[] = LETTERS "!#$%&'*+-.^_`|~";
static const char token68_chars[] = LETTERS "-._~+/";
static const char blanks[] = " \t";

/* One challenge as it is read. */
struct draft {
	bool broken;
	bool seen[3];
	struct fetch_challenge c;
};

static const struct {
	const char *name;
	size_t offset, size;
} parameters[] = {
	{ "realm", offsetof(struct fetch_challenge, realm), FETCH_HEADER_SIZE },
	{ "service", offsetof(struct fetch_challenge, service),
		sizeof((struct fetch_challenge *)0)->service },
	{ "scope", offsetof(struct fetch_challenge, scope),
		sizeof((struct fetch_challenge *)0)->scope },
};
_Static_assert(sizeof parameters / sizeof *parameters == 3, "struct draft has seen each");

static bool skip_list_separator(const char **at)
{
	const char *begin = *at;
	*at += strspn(*at, " \t,");
	return *at != begin;
}

/* "abc" or "\"a\\\"b\"" → out. false: it ends somewhere else. */
static bool read_value(const char **at, struct str *out)
{
	const char *p = *at;
	if (*p != '"') {
		size_t n = strspn(p, token_chars);
		str_addn(out, p, n);
		*at = p + n;
		return n > 0;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		str_addc(out, *p);
	}
	*at = p + (*p == '"');
	return *p == '"';
}

static void keep(struct draft *d, const char *name, size_t n, const struct str *value)
{
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
		if (strlen(parameters[i].name) != n ||
			strncasecmp(parameters[i].name, name, n) != 0)
			continue;
		const char *text = str_text(value);
		bool plain = true;
		for (const char *p = text; *p; p++)
			plain = plain && *p >= ' ' && *p < 0x7f;
		if (d->seen[i] || !plain || !str_ok(value) || value->len >= parameters[i].size)
			d->broken = true;
		else
			memcpy((char *)&d->c + parameters[i].offset, text, value->len + 1);
		d->seen[i] = true;
	}
}

/* 1: there was one; 0: what comes is no parameter, but may be the next challenge; -1: neither. */
static int read_parameter(const char **at, struct draft *d)
{
	_clean_(str) struct str value = STR_INIT(FETCH_HEADER_SIZE);
	const char *name = *at;
	size_t n = strspn(name, token_chars);
	const char *p = name + n;
	p += strspn(p, blanks);
	if (!n || *p != '=')
		return 0;
	p += 1;
	p += strspn(p, blanks);
	if (!read_value(&p, &value))
		return -1;
	const char *behind = p + strspn(p, blanks);
	if (*behind && *behind != ',')
		return -1;
	keep(d, name, n, &value);
	*at = p;
	return 1;
}

/* "Negotiate YWJj==": only a comma or the end follows it. */
static bool skip_token68(const char **at)
{
	size_t n = strspn(*at, token68_chars);
	const char *p = *at + n;
	p += strspn(p, "=");
	p += strspn(p, blanks);
	if (!n || (*p && *p != ','))
		return false;
	*at = p;
	return true;
}

static void take(struct fetch_challenge *to, const char *scheme, size_t n, const struct draft *d)
{
	if (d->broken)
		return;
	if (n == strlen("basic") && strncasecmp(scheme, "basic", n) == 0)
		to->flags |= FETCH_CHALLENGE_BASIC;
	if (n != strlen("bearer") || strncasecmp(scheme, "bearer", n) != 0 || !d->c.realm[0] ||
		(to->flags & FETCH_CHALLENGE_BEARER))
		return;
	uint32_t flags = to->flags | FETCH_CHALLENGE_BEARER;
	*to = d->c;
	to->flags = flags;
}

void challenge_add(struct fetch_challenge *to, const char *value)
{
	const char *at = value;
	for (skip_list_separator(&at); *at; skip_list_separator(&at)) {
		struct draft d = { 0 };
		const char *scheme = at;
		size_t n = strspn(at, token_chars);
		int r = 1;
		at += n;
		if (!n || (*at && !strchr(" \t,", *at)))
			return;
		at += strspn(at, blanks);
		if (!skip_token68(&at))
			while ((r = read_parameter(&at, &d)) > 0 && skip_list_separator(&at))
				;
		if (r < 0)
			return;
		take(to, scheme, n, &d);
	}
}
