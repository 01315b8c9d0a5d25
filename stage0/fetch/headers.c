/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/headers.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "stage0/fetch/challenge.h"

enum { VALUE_MAX = 8192 };

void headers_reset(struct headers *h, struct fetch_http *to)
{
	*h = (struct headers){ .length = -1, .range_first = -1, .range_total = -1, .to = to };
	to->flags = 0;
	to->max_age = 0;
	to->retry_after = -1;
	to->etag[0] = to->content_type[0] = to->digest[0] = '\0';
	to->link[0] = to->filters_applied[0] = '\0';
	to->challenge = (struct fetch_challenge){ 0 };
}

static void keep(char *dst, size_t size, const char *value)
{
	if (strlen(value) < size)
		snprintf(dst, size, "%s", value);
}

static int64_t number(const char *text)
{
	int64_t v;
	return parse_i64(text, 0, INT64_MAX, &v) ? v : -1;
}

static void on_length(struct headers *h, const char *v)
{
	h->length = number(v);
}

/* "bytes 5-9/10", "bytes 5-9/" and a star, "bytes " and a star and "/10" */
static void on_range(struct headers *h, const char *v)
{
	const char *range = str_after(v, "bytes ");
	if (!range)
		return;
	_clean_(strv) struct strv parts = STRV_INIT;
	_clean_(strv) struct strv bounds = STRV_INIT;
	strv_split(&parts, range, '/');
	if (parts.n != 2)
		return;
	strv_split(&bounds, parts.v[0], '-');
	h->range_total = number(parts.v[1]);
	if (bounds.n == 2)
		h->range_first = number(bounds.v[0]);
}

static void on_cache_control(struct headers *h, const char *v)
{
	_clean_(strv) struct strv parts = STRV_INIT;
	strv_split(&parts, v, ',');
	for (size_t i = 0; i < parts.n; i++) {
		const char *p = parts.v[i] + strspn(parts.v[i], " \t");
		const char *age = strncasecmp(p, "max-age=", 8) == 0 ? p + 8 : NULL;
		if (!strcasecmp(p, "no-store") || !strcasecmp(p, "no-cache"))
			h->to->flags |= FETCH_HTTP_NO_STORE;
		if (age && number(age) >= 0) {
			h->to->max_age = number(age);
			h->to->flags |= FETCH_HTTP_HAS_MAX_AGE;
		}
	}
}

/* Seconds, or a date. */
static void on_retry_after(struct headers *h, const char *v)
{
	h->to->retry_after = number(v);
	if (h->to->retry_after >= 0)
		return;
	time_t when = curl_getdate(v, NULL), now = time(NULL);
	if (when >= 0)
		h->to->retry_after = when > now ? when - now : 0;
}

static void on_etag(struct headers *h, const char *v)
{
	keep(h->to->etag, sizeof h->to->etag, v);
}

static void on_modified(struct headers *h, const char *v)
{
	keep(h->modified, sizeof h->modified, v);
}

static void on_type(struct headers *h, const char *v)
{
	keep(h->to->content_type, sizeof h->to->content_type, v);
}

static void on_digest(struct headers *h, const char *v)
{
	keep(h->to->digest, sizeof h->to->digest, v);
}

static void on_link(struct headers *h, const char *v)
{
	keep(h->to->link, sizeof h->to->link, v);
}

static void on_filters(struct headers *h, const char *v)
{
	keep(h->to->filters_applied, sizeof h->to->filters_applied, v);
}

/* There may be several, in one line or in lines of their own. */
static void on_challenge(struct headers *h, const char *v)
{
	challenge_add(&h->to->challenge, v);
}

static const struct {
	const char *name;
	void (*on)(struct headers *h, const char *value);
} known[] = {
	{ "content-length", on_length },
	{ "content-range", on_range },
	{ "cache-control", on_cache_control },
	{ "retry-after", on_retry_after },
	{ "etag", on_etag },
	{ "last-modified", on_modified },
	{ "content-type", on_type },
	{ "docker-content-digest", on_digest },
	{ "www-authenticate", on_challenge },
	{ "link", on_link },
	{ "oci-filters-applied", on_filters },
};

void headers_line(struct headers *h, const char *line, size_t n)
{
	char value[VALUE_MAX];
	const char *colon = memchr(line, ':', n);
	if (!colon || memchr(line, '\0', n))
		return;
	size_t name = (size_t)(colon - line);
	const char *begin = colon + 1, *end = line + n;
	while (begin < end && (*begin == ' ' || *begin == '\t'))
		begin++;
	while (end > begin && strchr(" \t\r\n", end[-1]))
		end--;
	if ((size_t)(end - begin) >= sizeof value)
		return;
	snprintf(value, sizeof value, "%.*s", (int)(end - begin), begin);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].name) == name && !strncasecmp(known[i].name, line, name))
			known[i].on(h, value);
}
