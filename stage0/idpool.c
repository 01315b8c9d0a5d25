/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/idpool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"

static int add(struct id_ranges *l, uint32_t first, uint32_t count, struct arena *a, struct err *e)
{
	if (l->n == l->cap) {
		if (l->n >= ID_RANGES_MAX)
			return ERR_BAD(e, "more than %d ranges of ids", ID_RANGES_MAX);
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct id_range *v = ARENA_ARRAY(a, struct id_range, cap);
		if (l->n)
			memcpy(v, l->v, l->n * sizeof *v);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct id_range){ first, count };
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

enum { LINE_SIZE = 512 };

/* Cuts the next line off, into buf; what does not fit, or has a NUL, becomes *ret_bad. */
static bool next_line(const char **at, const char *end, char buf[LINE_SIZE], bool *ret_bad)
{
	if (*at >= end)
		return false;
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	size_t n = (size_t)((stop ? stop : end) - *at);
	*ret_bad = n >= LINE_SIZE || memchr(*at, '\0', n);
	if (!*ret_bad)
		memcpy(buf, *at, n);
	buf[*ret_bad ? 0 : n] = '\0';
	*at += n + 1;
	return true;
}

/* "name:first:count" */
static bool parse_subid(char *line, const char **ret_name, struct id_range *ret)
{
	char *first = strchr(line, ':');
	if (!first || first == line)
		return false;
	*first++ = '\0';
	*ret_name = line;
	return id_range_parse(first, ret);
}

int id_pool_subids(const char *text, size_t len, const char *name, struct arena *a,
	struct id_ranges *mine, struct id_ranges *others, struct err *e)
{
	const char *at = text, *end = text + len, *owner;
	char line[LINE_SIZE];
	struct id_range range;
	bool bad;
	for (unsigned number = 1; next_line(&at, end, line, &bad); number++) {
		if (!bad && (line[0] == '\0' || line[0] == '#'))
			continue;
		if (bad || !parse_subid(line, &owner, &range))
			return ERR_BAD(e,
				"'%s', line %u: NAME:FIRST:COUNT wanted, of ids below 4294967295",
				name, number);
		int r = add(
			str_eq(owner, ID_OWNER) ? mine : others, range.first, range.count, a, e);
		if (r < 0)
			return err_wrap(e, r, "'%s'", name);
	}
	return 0;
}

int id_pool_accounts(
	const char *text, size_t len, struct arena *a, struct id_ranges *ret, struct err *e)
{
	const char *at = text, *end = text + len;
	char line[LINE_SIZE];
	uint32_t id;
	bool bad;
	for (const char *begin = at; next_line(&at, end, line, &bad); begin = at) {
		/* name:password:id… — a group may have more members than fit a line of ours */
		if (bad) {
			size_t n = (size_t)(at - 1 - begin);
			n = n < LINE_SIZE ? n : LINE_SIZE - 1;
			memcpy(line, begin, n);
			line[n] = '\0';
		}
		char *field = strchr(line, ':');
		if (!field || !(field = strchr(field + 1, ':')))
			continue;
		field++;
		field[strcspn(field, ":")] = '\0';
		if (parse_u32(field, 0, UINT32_MAX, &id)) {
			int r = add(ret, id, 1, a, e);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* --- the pool -------------------------------------------------------------------------------- */

static int by_first(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted, and those that touch made one. */
static void merge(struct id_ranges *l)
{
	size_t n = 0;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_first);
	for (size_t i = 0; i < l->n; i++) {
		const struct id_range *next = &l->v[i];
		struct id_range *last = n ? &l->v[n - 1] : NULL;
		if (last && next->first <= last->first + last->count) {
			uint32_t end = next->first + next->count;
			if (end > last->first + last->count)
				last->count = end - last->first;
		} else {
			l->v[n++] = *next;
		}
	}
	l->n = n;
}

/* What both have; both are merged. */
static int intersect(const struct id_ranges *x, const struct id_ranges *y, struct arena *a,
	struct id_ranges *ret, struct err *e)
{
	for (size_t i = 0, k = 0; i < x->n && k < y->n;) {
		const struct id_range *p = &x->v[i], *q = &y->v[k];
		uint32_t p_end = p->first + p->count, q_end = q->first + q->count;
		uint32_t first = p->first > q->first ? p->first : q->first;
		uint32_t end = p_end < q_end ? p_end : q_end;
		int r = first < end ? add(ret, first, end - first, a, e) : 0;
		if (r < 0)
			return r;
		if (p_end < q_end)
			i++;
		else
			k++;
	}
	return 0;
}

int id_pool_make(struct id_ranges *users, struct id_ranges *groups, const struct id_ranges *others,
	struct arena *a, struct id_pool *ret, struct err *e)
{
	struct id_pool p = { 0 };
	if (!users->n != !groups->n)
		return ERR_BAD(e,
			"'/etc/%s' gives ids to user '" ID_OWNER "', but '/etc/%s' does not: pods "
			"get the same numbers for users and groups",
			users->n ? "subuid" : "subgid", users->n ? "subgid" : "subuid");
	merge(users);
	merge(groups);
	int r;
	if (users->n) {
		r = intersect(users, groups, a, &p.free, e);
	} else {
		r = add(&p.free, ID_DEFAULT_FIRST, ID_DEFAULT_END - ID_DEFAULT_FIRST, a, e);
	}
	p.taken = *others;
	for (size_t i = 0; r >= 0 && i < p.free.n; i++)
		p.n_pieces += p.free.v[i].count / ID_COUNT;
	if (r >= 0 && !p.n_pieces)
		return ERR_BAD(e,
			"'/etc/subuid' and '/etc/subgid' give user '" ID_OWNER
			"' no %d ids in a row that are in both: a pod needs so many",
			ID_COUNT);
	struct id_range piece;
	size_t i = 0;
	while (r >= 0 && i < p.n_pieces && !id_pool_piece(&p, i, &piece))
		i++;
	if (r >= 0 && i == p.n_pieces)
		return ERR_BAD(e,
			"every range of %d ids that '/etc/subuid' and '/etc/subgid' leave to pods "
			"has some that others have, by these files, '/etc/passwd' or "
			"'/etc/group': give user '" ID_OWNER "' ids of its own",
			ID_COUNT);
	if (r >= 0)
		*ret = p;
	return r;
}

bool id_pool_piece(const struct id_pool *p, size_t i, struct id_range *ret)
{
	struct id_range piece = { 0 };
	for (size_t k = 0; k < p->free.n && !piece.count; k++) {
		size_t n = p->free.v[k].count / ID_COUNT;
		if (i < n)
			piece = (struct id_range){ p->free.v[k].first + (uint32_t)i * ID_COUNT,
				ID_COUNT };
		i -= n;
	}
	for (size_t k = 0; k < p->taken.n; k++)
		if (id_range_overlaps(&piece, &p->taken.v[k]))
			return false;
	*ret = piece;
	return piece.count != 0;
}

/* --- the machine's files --------------------------------------------------------------------- */

/* Absent ones are empty. They may be links where /etc is managed. */
static int read_etc(const char *path, struct str *out, struct err *e)
{
	_clean_(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "open '%s'", path);
	int r = io_read_regular(fd, path, out, e);
	if (r == -EFBIG)
		return ERR_BAD(e, "'%s' is larger than %d bytes", path, ID_FILE_MAX);
	return r;
}

static int read_subids(const char *path, struct arena *a, struct id_ranges *mine,
	struct id_ranges *others, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(ID_FILE_MAX);
	int r = read_etc(path, &text, e);
	return r < 0 ? r : id_pool_subids(str_text(&text), text.len, path, a, mine, others, e);
}

static int read_accounts(const char *path, struct arena *a, struct id_ranges *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(ID_FILE_MAX);
	int r = read_etc(path, &text, e);
	return r < 0 ? r : id_pool_accounts(str_text(&text), text.len, a, ret, e);
}

int id_pool_load(struct arena *a, struct id_pool *ret, struct err *e)
{
	struct id_ranges users = { 0 }, groups = { 0 }, others = { 0 };
	int r = read_subids("/etc/subuid", a, &users, &others, e);
	if (r >= 0)
		r = read_subids("/etc/subgid", a, &groups, &others, e);
	if (r >= 0)
		r = read_accounts("/etc/passwd", a, &others, e);
	if (r >= 0)
		r = read_accounts("/etc/group", a, &others, e);
	return r < 0 ? r : id_pool_make(&users, &groups, &others, a, ret, e);
}
