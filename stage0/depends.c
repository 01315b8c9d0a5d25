/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/depends.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum { WAY_TEXT_MAX = 160 };

/* --- whitelists ------------------------------------------------------------------------------- */

/* "/etc//./file/", in the form that archives have: "etc/file". */
static const char *plain_path(struct arena *a, const char *path)
{
	char *out = arena_alloc(a, strlen(path) + 1, 1);
	size_t len = 0;
	for (const char *p = path + strspn(path, "/"); *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (len && out[len - 1] != '/')
				len--;
			len -= len > 0;
		} else if (!(n == 1 && p[0] == '.')) {
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	out[len] = '\0';
	return out;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has(const struct strlist *sorted, const char *path)
{
	return sorted->n && bsearch(&path, sorted->v, sorted->n, sizeof *sorted->v, by_text);
}

/* What of an image counts. */
struct filter {
	bool all;
	struct strlist paths; /* sorted, each once */
};

static struct filter narrow(
	struct arena *a, const struct filter *above, const struct strlist *whitelist)
{
	struct filter f = { .paths.v = ARENA_ARRAY(a, const char *, whitelist->n + 1) };
	const char **v = f.paths.v;
	size_t n = 0;
	if (!whitelist->n)
		return *above;
	for (size_t i = 0; i < whitelist->n; i++) {
		const char *path = plain_path(a, whitelist->v[i]);
		if (*path && (above->all || has(&above->paths, path)))
			v[n++] = path;
	}
	if (n)
		qsort(v, n, sizeof *v, by_text);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(v[i], v[i - 1]) != 0)
			v[f.paths.n++] = v[i];
	return f;
}

static bool same_filter(const struct render_step *a, const struct render_step *b)
{
	if (a->all || b->all)
		return a->all && b->all;
	if (a->paths.n != b->paths.n)
		return false;
	for (size_t i = 0; i < a->paths.n && a->paths.v != b->paths.v; i++)
		if (strcmp(a->paths.v[i], b->paths.v[i]) != 0)
			return false;
	return true;
}

/* --- the walk --------------------------------------------------------------------------------- */

struct way { /* from the image in question up to the top */
	const struct way *up;
	const struct depends_image *image;
	unsigned depth;
};

struct walk {
	const struct depends_source *from;
	struct arena *arena;
	struct render_step *steps; /* the last one first */
	size_t n, visits;
	uint64_t bytes;
	struct err *e;
};

/* "a -> b -> c", the middle left out where it is long: the reason must still fit behind it. */
static const char *way_text(struct arena *a, const struct way *way, const char *last)
{
	const char *text = last;
	for (; way; way = way->up) {
		const char *name = way->image->manifest->name;
		if (way->up && strlen(text) + strlen(name) > WAY_TEXT_MAX) {
			while (way->up)
				way = way->up;
			return arena_printf(a, "%.64s -> ... -> %.*s", way->image->manifest->name,
				WAY_TEXT_MAX, text);
		}
		text = arena_printf(a, "%s -> %s", name, text);
	}
	return text;
}

static int check_labels(const struct dependency *d, const struct image_manifest *m, struct err *e)
{
	for (size_t i = 0; i < d->labels.n; i++) {
		const struct nv *want = &d->labels.v[i];
		const char *label = nv_get(&m->labels, want->name);
		if (!str_eq(label, want->value))
			return ERR_DENY(e,
				"it must have the label \"%s\" with the value \"%s\", but has "
				"%s%s%s",
				want->name, want->value, label ? "\"" : "none", label ? label : "",
				label ? "\"" : "");
	}
	return 0;
}

static int check(const struct dependency *d, const struct depends_image *image, struct err *e)
{
	if (strcmp(d->image_name, image->manifest->name) != 0)
		return ERR_DENY(e, "image '%.20s...' has another name: \"%s\"", image->id,
			image->manifest->name);
	if (d->image_id && !str_after(image->id, d->image_id))
		return ERR_DENY(e, "it must be image %.39s, but the one of that name is %.39s",
			d->image_id, image->id);
	return check_labels(d, image->manifest, e);
}

/* Before anything is fetched for it. */
static int enter(struct walk *w, const struct way *way)
{
	const struct depends_image *image = way->image;
	for (const struct way *up = way->up; up; up = up->up)
		if (strcmp(up->image->id, image->id) == 0)
			return ERR_BAD(w->e, "images depend on each other in a circle");
	if (way->depth > DEPENDS_DEPTH_MAX)
		return ERR_BAD(
			w->e, "images depend on each other more than %d deep", DEPENDS_DEPTH_MAX);
	if (++w->visits > DEPENDS_STEPS_MAX)
		return ERR_BAD(
			w->e, "more than %d images would be put together", DEPENDS_STEPS_MAX);
	w->bytes += image->size < DEPENDS_BYTES_MAX ? image->size : DEPENDS_BYTES_MAX + 1;
	if (w->bytes > DEPENDS_BYTES_MAX)
		return err_set(w->e, ERR_INPUT, EFBIG,
			"the images together have more than %llu bytes", DEPENDS_BYTES_MAX);
	return 0;
}

static int visit(struct walk *w, const struct way *way, const struct filter *above);

static int visit_dependency(struct walk *w, const struct way *way, const struct dependency *d,
	const struct filter *filter)
{
	struct depends_image *found = ARENA_NEW(w->arena, struct depends_image);
	const struct way next = { way, found, way->depth + 1 };
	int r = w->from->find(w->from->ctx, d, found, w->e);
	if (r >= 0)
		r = check(d, found, w->e);
	if (r >= 0)
		r = enter(w, &next);
	if (r < 0)
		return err_wrap(w->e, r, "dependency %s", way_text(w->arena, way, d->image_name));
	return visit(w, &next, filter);
}

/* Backwards: the image itself is the last step, and its last dependency's come before it. */
static int visit(struct walk *w, const struct way *way, const struct filter *above)
{
	const struct image_manifest *m = way->image->manifest;
	const struct filter filter = narrow(w->arena, above, &m->path_whitelist);
	w->steps[w->n++] = (struct render_step){ way->image->id, filter.all, filter.paths };
	for (size_t i = m->n_dependencies; i-- > 0;) {
		int r = visit_dependency(w, way, &m->dependencies[i], &filter);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool comes_again(const struct render_step *steps, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(steps[k].id, steps[i].id) == 0 && same_filter(&steps[k], &steps[i]))
			return true;
	return false;
}

int depends_plan(const struct depends_image *top, const struct depends_source *from,
	struct arena *a, struct render_plan *ret, struct err *e)
{
	struct walk w = { .from = from,
		.arena = a,
		.steps = ARENA_ARRAY(a, struct render_step, DEPENDS_STEPS_MAX),
		.e = e };
	const struct way way = { .image = top };
	const struct filter everything = { .all = true };
	int r = enter(&w, &way);
	if (r >= 0)
		r = visit(&w, &way, &everything);
	if (r < 0)
		return r;
	struct render_plan plan = { .steps = ARENA_ARRAY(a, struct render_step, w.n) };
	for (size_t i = w.n; i-- > 0;) {
		strlist_add(a, &plan.images, w.steps[i].id);
		if (!comes_again(w.steps, i))
			plan.steps[plan.n++] = w.steps[i];
	}
	*ret = plan;
	return 0;
}

bool depends_any(const struct image_manifest *m)
{
	return m->n_dependencies || m->path_whitelist.n;
}

/* --- the same once more ----------------------------------------------------------------------- */

static int find_again(
	void *ctx, const struct dependency *d, struct depends_image *ret, struct err *e)
{
	struct depends_replay *r = ctx;
	if (!r->at)
		return ERR_BAD(e, "no image is recorded for '%s'", d->image_name);
	return r->load(r->ctx, r->images->v[--r->at], ret, e);
}

void depends_replay(struct depends_replay *r, const struct strlist *images)
{
	r->images = images;
	r->at = images->n ? images->n - 1 : 0; /* the last one is the top */
	r->source = (struct depends_source){ find_again, r };
}
