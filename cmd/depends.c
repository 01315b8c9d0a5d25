/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/depends.h"

#include <string.h>

#include "cmd/remote.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "stage0/depends.h"

/* What was found for a dependency: each is looked for once, whatever happens to the store. */
struct known {
	const struct dependency *d;
	struct depends_image image;
};
struct finding {
	struct session *s;
	const char *policy;
	struct known known[DEPENDS_STEPS_MAX];
	size_t n_known;
};

static bool same_labels(const struct nvlist *a, const struct nvlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i].value, nv_get(b, a->v[i].name)))
			return false;
	return true;
}

static bool same_dependency(const struct dependency *a, const struct dependency *b)
{
	return a->size == b->size && !strcmp(a->image_name, b->image_name) &&
	       str_eq(a->image_id, b->image_id) && same_labels(&a->labels, &b->labels);
}

/* As it is written on a command line. */
static int reference(struct arena *a, const struct dependency *d, const char **ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	const char *version = nv_get(&d->labels, "version");
	str_add(&text, d->image_name);
	if (version)
		str_addf(&text, ":%s", version);
	for (size_t i = 0; i < d->labels.n; i++) {
		const struct nv *label = &d->labels.v[i];
		if (strchr(label->value, ','))
			return ERR_BAD(e,
				"label \"%s\": no image can be asked for with the value \"%s\"",
				label->name, label->value);
		if (strcmp(label->name, "version") != 0)
			str_addf(&text, ",%s=%s", label->name, label->value);
	}
	if (!str_ok(&text))
		return ERR_BAD(e, "too many labels");
	*ret = arena_strdup(a, str_text(&text));
	return 0;
}

static int fetch(struct finding *f, const struct dependency *d, const char *ref, struct image *ret,
	struct err *e)
{
	if (str_eq(f->policy, "never"))
		return ERR_NOENT(e, "%s%s is not in the store: `rkt fetch` gets it",
			d->image_id ? "that image" : "an image of that name",
			d->labels.n ? " with these labels" : "");
	return remote_dependency(f->s, ref, d->size, ret, e);
}

static int look(struct finding *f, const struct dependency *d, struct image *ret, struct err *e)
{
	struct arena *a = &f->s->cli->arena;
	const char *ref = NULL;
	int r = reference(a, d, &ref, e);
	if (r < 0)
		return r;
	r = session_resolve(f->s, d->image_id ? d->image_id : ref, ret, e);
	if (r == -ENOENT)
		return fetch(f, d, ref, ret, e);
	if (r < 0)
		return r;
	dbg("image: using image from local store for dependency %s", ref);
	return d->image_id ? 0 : session_renew(f->s, ref, d, f->policy, ret, e);
}

static int load(void *ctx, const char *id, struct depends_image *ret, struct err *e)
{
	struct session *s = ctx;
	struct image image;
	struct image_manifest *m;
	int r = store_get(&s->store, id, &s->cli->arena, &image, e);
	if (r >= 0)
		r = store_manifest(&s->store, id, &s->cli->arena, &m, e);
	if (r >= 0)
		*ret = (struct depends_image){ image.id, m, image.size };
	return r < 0 ? r : 0;
}

static int check_archive(
	struct session *s, const struct dependency *d, const struct image *image, struct err *e)
{
	if (image->n_layers)
		return ERR_BAD(e,
			"it has the layers of an OCI image: `rkt image export` makes an appc image "
			"of it");
	int r = d->size ? store_has_size(&s->store, image->id, d->size, e) : 1;
	if (r == 0)
		return ERR_DENY(e, "its archive does not have the size that it should, %llu bytes",
			(unsigned long long)d->size);
	return r < 0 ? r : 0;
}

static int find(void *ctx, const struct dependency *d, struct depends_image *ret, struct err *e)
{
	struct finding *f = ctx;
	struct image image;
	for (size_t i = 0; i < f->n_known; i++) {
		if (same_dependency(f->known[i].d, d)) {
			*ret = f->known[i].image;
			return 0;
		}
	}
	int r = look(f, d, &image, e);
	if (r >= 0)
		r = check_archive(f->s, d, &image, e);
	if (r >= 0)
		r = load(f->s, image.id, ret, e);
	if (r < 0)
		return r;
	store_touch(&f->s->store, image.id);
	if (f->n_known < DEPENDS_STEPS_MAX)
		f->known[f->n_known++] = (struct known){ d, *ret };
	return 0;
}

int session_tree(struct session *s, const struct image *image, const struct image_manifest *m,
	const char *policy, const char **ret_tree, struct err *e)
{
	struct render_plan plan;
	struct arena *a = &s->cli->arena;
	const struct depends_image top = { image->id, m, image->size };
	*ret_tree = NULL;
	if (!depends_any(m))
		return 0;
	struct finding *f = ARENA_NEW(a, struct finding);
	f->s = s;
	f->policy = policy;
	const struct depends_source from = { find, f };
	int r = depends_plan(&top, &from, a, &plan, e);
	return r < 0 ? r : store_render(&s->store, &plan, a, ret_tree, e);
}

static int verify_one(struct session *s, const struct rendered *t, struct err *e)
{
	struct depends_image top;
	struct depends_replay replay = { .load = load, .ctx = s };
	struct render_plan plan;
	int r = load(s, t->images.v[t->images.n - 1], &top, e);
	depends_replay(&replay, &t->images);
	if (r >= 0)
		r = depends_plan(&top, &replay.source, &s->cli->arena, &plan, e);
	if (r == -ENOENT)
		return err_wrap(e, r,
			"what was put together of it cannot be compared: one of the images is "
			"gone");
	return r < 0 ? r : store_verify_rendered(&s->store, t->tree, &plan, e);
}

int session_verify_rendered(struct session *s, const struct image *image, struct err *e)
{
	struct rendered_list trees = { 0 };
	int sound = 1;
	int r = store_rendered(&s->store, image->id, &s->cli->arena, &trees, e);
	for (size_t i = 0; r >= 0 && i < trees.n; i++) {
		r = verify_one(s, &trees.v[i], e);
		sound &= r;
	}
	return r < 0 ? r : sound;
}
