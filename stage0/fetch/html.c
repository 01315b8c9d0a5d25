/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/html.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/fetch/mode.h"

enum { VALUE_MAX = FETCH_PREFIX_SIZE + FETCH_TEMPLATE_SIZE };

struct scan {
	const char *at, *end;
};

struct word {
	const char *at;
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool word_is(struct word w, const char *lower)
{
	return w.n == strlen(lower) && strncasecmp(w.at, lower, w.n) == 0;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end && is_space(*s->at))
		s->at++;
}

/* Moves behind the next `text`, in any case, or to the end. */
static void skip_past(struct scan *s, const char *text)
{
	size_t n = strlen(text);
	while ((size_t)(s->end - s->at) >= n) {
		if (strncasecmp(s->at, text, n) == 0) {
			s->at += n;
			return;
		}
		s->at++;
	}
	s->at = s->end;
}

/* --- attributes ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	char c;
} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
	{ "&apos;", '\'' }, { "&#39;", '\'' }, { "&#34;", '"' }, { "&#38;", '&' } };

/* Copies with the entities that URLs are written with; false: too long, or not a text. */
static bool copy_value(struct word w, char *dst, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < w.n;) {
		char c = w.at[i];
		size_t used = 1;
		for (size_t k = 0; c == '&' && k < sizeof entities / sizeof *entities; k++) {
			size_t len = strlen(entities[k].name);
			if (w.n - i >= len && memcmp(w.at + i, entities[k].name, len) == 0) {
				c = entities[k].c;
				used = len;
				break;
			}
		}
		if (n + 1 >= size || c == '\0')
			return false;
		dst[n++] = c;
		i += used;
	}
	dst[n] = '\0';
	return true;
}

static struct word take_bare(struct scan *s, const char *until)
{
	struct word w = { s->at, 0 };
	while (s->at < s->end && !is_space(*s->at) && *s->at && !strchr(until, *s->at))
		s->at++;
	w.n = (size_t)(s->at - w.at);
	return w;
}

static struct word take_value(struct scan *s)
{
	if (s->at == s->end || (*s->at != '"' && *s->at != '\''))
		return take_bare(s, ">");
	char quote = *s->at++;
	const char *close = memchr(s->at, quote, (size_t)(s->end - s->at));
	struct word w = { s->at, (size_t)((close ? close : s->end) - s->at) };
	s->at = close ? close + 1 : s->end;
	return w;
}

/* The next attribute before '>'; false when there is none. */
static bool next_attribute(struct scan *s, struct word *name, struct word *value)
{
	for (;;) {
		skip_space(s);
		if (s->at == s->end || *s->at == '>')
			return false;
		if (*s->at != '/' && *s->at != '=' && *s->at)
			break;
		s->at++;
	}
	*name = take_bare(s, "=/>");
	*value = (struct word){ s->at, 0 };
	skip_space(s);
	if (s->at < s->end && *s->at == '=') {
		s->at++;
		skip_space(s);
		*value = take_value(s);
	}
	return true;
}

/* --- elements --------------------------------------------------------------------------------- */

static void add_meta(struct fetch_metas *ret, enum fetch_meta_kind kind, struct word content)
{
	char text[VALUE_MAX];
	if (ret->n == FETCH_METAS_MAX || !copy_value(content, text, sizeof text))
		return;
	struct scan s = { text, text + strlen(text) };
	skip_space(&s);
	const struct word prefix = take_bare(&s, "");
	skip_space(&s);
	const struct word template = take_bare(&s, "");
	skip_space(&s);
	struct fetch_meta *m = &ret->v[ret->n];
	if (!template.n || s.at != s.end || prefix.n >= sizeof m->prefix ||
		template.n >= sizeof m->template)
		return;
	m->kind = kind;
	memcpy(m->prefix, prefix.at, prefix.n);
	m->prefix[prefix.n] = '\0';
	memcpy(m->template, template.at, template.n);
	m->template[template.n] = '\0';
	ret->n++;
}

static void read_meta(struct scan *s, struct fetch_metas *ret)
{
	struct word name, value, what = { 0 }, content = { 0 };
	while (next_attribute(s, &name, &value)) {
		if (!what.at && word_is(name, "name"))
			what = value;
		if (!content.at && word_is(name, "content"))
			content = value;
	}
	if (!what.at || !content.at)
		return;
	if (word_is(what, "ac-discovery"))
		add_meta(ret, FETCH_META_DISCOVERY, content);
	else if (word_is(what, "ac-discovery-pubkeys"))
		add_meta(ret, FETCH_META_PUBKEYS, content);
}

/* Elements whose contents are no markup. */
static const struct {
	const char *name, *end;
} raw[] = { { "script", "</script" }, { "style", "</style" }, { "title", "</title" },
	{ "textarea", "</textarea" }, { "noscript", "</noscript" }, { "template", "</template" },
	{ "xmp", "</xmp" }, { "iframe", "</iframe" }, { "noframes", "</noframes" } };

/* Behind '<'. false: what follows is no concern of ours. */
static bool read_tag(struct scan *s, struct fetch_metas *ret)
{
	struct word name, value;
	if (s->end - s->at >= 3 && memcmp(s->at, "!--", 3) == 0) {
		s->at += 3;
		skip_past(s, "-->");
		return true;
	}
	if (s->at == s->end || !is_letter(*s->at)) /* an end, <!doctype, <?xml, or text */
		return true;
	const struct word element = take_bare(s, "/>");
	if (word_is(element, "body"))
		return false;
	if (word_is(element, "meta"))
		read_meta(s, ret);
	else
		while (next_attribute(s, &name, &value))
			;
	for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
		if (word_is(element, raw[i].name))
			skip_past(s, raw[i].end);
	return true;
}

void html_metas(const char *text, size_t n, struct fetch_metas *ret)
{
	struct scan s = { text, text + n };
	ret->n = 0;
	while (s.at < s.end) {
		const char *tag = memchr(s.at, '<', (size_t)(s.end - s.at));
		if (!tag)
			return;
		s.at = tag + 1;
		if (!read_tag(&s, ret))
			return;
	}
}

int html_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(FETCH_DOCUMENT_MAX);
	(void)request;
	if (lseek(FETCH_FD_DOCUMENT, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	int r = io_read_fd(FETCH_FD_DOCUMENT, "the page", &text, e);
	if (r >= 0)
		html_metas(str_text(&text), text.len, &ret->metas);
	return r;
}
