/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/lookaside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/spec/docker_ref.h"
#include "stage0/trust/keystore.h"

enum { FILES_MAX = 1024 };

/* --- one file --------------------------------------------------------------------------------- */

struct line {
	size_t indent;
	const char *key, *value; /* value "": what is below */
};
enum section { NOTHING, DOCKER, DEFAULT };
struct reading {
	struct lookaside *l;
	struct arena *a;
	enum section section;
	size_t scope_indent; /* of the scopes; 0: not seen yet */
	const char *scope;   /* NULL: none is open, or not one of ours */
	bool given;	     /* this scope has its URL: `lookaside` goes before `sigstore` */
	bool by_lookaside;
};

static bool is_blank(const char *p)
{
	p += strspn(p, " \r");
	return !*p || *p == '#';
}

/* A scalar at *p, which is moved behind it. */
static const char *scalar(const char **p, bool key, struct arena *a)
{
	const char *begin = *p, *end;
	if (*begin == '"' || *begin == '\'') {
		end = strchr(begin + 1, *begin);
		if (!end || memchr(begin + 1, '\\', (size_t)(end - begin - 1)) || end[1] == *begin)
			return NULL;
		*p = end + 1;
		return arena_strndup(a, begin + 1, (size_t)(end - begin - 1));
	}
	if (strchr("-?:,[]{}#&*!|>%@`", *begin))
		return NULL;
	for (end = begin; *end; end++)
		if ((key && *end == ':' && strchr(" \r", end[1])) ||
			(end[0] == ' ' && end[1] == '#'))
			break;
	*p = end;
	while (end > begin && strchr(" \r", end[-1]))
		end--;
	return end > begin ? arena_strndup(a, begin, (size_t)(end - begin)) : NULL;
}

static bool line_parse(const char *text, struct arena *a, struct line *ret)
{
	struct line l = { .indent = strspn(text, " "), .value = "" };
	const char *p = text + l.indent;
	l.key = scalar(&p, true, a);
	if (!l.key || *p != ':' || (p[1] && !strchr(" \r", p[1])))
		return false;
	p += 1 + strspn(p + 1, " \r");
	if (*p && *p != '#' && strcmp(p, "{}") != 0) {
		l.value = scalar(&p, false, a);
		if (!l.value || !is_blank(p))
			return false;
	}
	*ret = l;
	return true;
}

static bool take_url(struct reading *r, const char *key, const char *value)
{
	bool lookaside = strcmp(key, "lookaside") == 0;
	size_t length = r->section == DEFAULT ? 0 : strlen(r->scope) + 1;
	if (!lookaside && strcmp(key, "sigstore") != 0)
		return true;
	if (r->given ? !lookaside || r->by_lookaside : r->l->base && r->l->length == length)
		return r->given && !lookaside; /* said before, or twice */
	r->given = true;
	r->by_lookaside = lookaside;
	if (r->l->base && r->l->length > length)
		return true;
	r->l->base = value;
	r->l->length = length;
	return true;
}

static bool take_line(struct reading *r, const struct line *l)
{
	if (l->indent == 0) {
		r->section = strcmp(l->key, "docker") == 0	     ? DOCKER
			     : strcmp(l->key, "default-docker") == 0 ? DEFAULT
								     : NOTHING;
		r->scope_indent = 0;
		r->scope = NULL;
		r->given = false;
		return !*l->value;
	}
	if (r->section == NOTHING)
		return true;
	if (!r->scope_indent)
		r->scope_indent = l->indent;
	if (r->section == DEFAULT)
		return l->indent == r->scope_indent && take_url(r, l->key, l->value);
	if (l->indent > r->scope_indent)
		return !r->scope || take_url(r, l->key, l->value);
	const char *scope = docker_ref_canonical(l->key, r->a);
	r->scope = prefix_covers(scope, r->l->name) ? scope : NULL;
	r->given = false;
	return l->indent == r->scope_indent && !*l->value;
}

int lookaside_read(
	struct lookaside *l, const char *text, const char *file, struct arena *a, struct err *e)
{
	struct reading r = { .l = l, .a = a };
	unsigned number = 0;
	while (*text) {
		struct line line;
		size_t n = strcspn(text, "\n");
		const char *one = arena_strndup(a, text, n);
		text += n + (text[n] == '\n');
		number++;
		if (is_blank(one) || strcmp(one, "---") == 0)
			continue;
		if (strchr(one, '\t') || !line_parse(one, a, &line) || !take_line(&r, &line))
			return ERR_BAD(e,
				"'%s', line %u: not what a file of registries.d consists of, or "
				"said before",
				file, number);
	}
	return 0;
}

/* --- the directory ---------------------------------------------------------------------------- */

static int only_yaml(const struct dirent *entry)
{
	return str_ends(entry->d_name, ".yaml");
}

static int read_one(
	const char *dir, const char *name, struct lookaside *l, struct arena *a, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	const char *path = arena_printf(a, "%s/%s", dir, name);
	_clean_(fd) int fd = io_open_regular(path, e);
	int r = fd < 0 ? fd : io_read_fd(fd, path, &text, e);
	return r < 0 ? r : lookaside_read(l, str_text(&text), path, a, e);
}

int lookaside_find(
	const char *dir, const char *name, struct arena *a, const char **ret, struct err *e)
{
	struct lookaside l = { .name = docker_ref_canonical(name, a) };
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, only_yaml, alphasort), r = 0;
	if (n < 0 && errno != ENOENT)
		return ERR_SYS(e, "read '%s'", dir);
	if (n > FILES_MAX)
		r = ERR_BAD(e, "more than %d files in '%s'", FILES_MAX, dir);
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = read_one(dir, entries[i]->d_name, &l, a, e);
		free(entries[i]);
	}
	free(entries);
	if (r >= 0)
		*ret = l.base ? l.base : LOOKASIDE_DEFAULT;
	return r;
}

const char *lookaside_url(
	const char *base, const char *name, const char *digest, unsigned n, struct arena *a)
{
	const char *slash = strchr(name, '/');
	size_t len = strlen(base);
	while (len && base[len - 1] == '/')
		len--;
	return arena_printf(a, "%.*s/%s@sha256=%s/signature-%u", (int)len, base,
		slash ? slash + 1 : name, digest + strlen("sha256:"), n);
}
