/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of images: manifests, one a line, of which the first is the top; a dependency finds the
 * first other one that has its name. */
#include "lib/spec/image.h"
#include "stage0/depends.h"
#include "tests/fuzz/fuzz.h"

enum { IMAGES = 16 };

static struct depends_image images[IMAGES];
static size_t n_images;

static int find(void *ctx, const struct dependency *d, struct depends_image *ret, struct err *e)
{
	(void)ctx;
	for (size_t i = 0; i < n_images; i++) {
		if (!strcmp(images[i].manifest->name, d->image_name)) {
			*ret = images[i];
			return 0;
		}
	}
	return ERR_NOENT(e, "none");
}

static int load(void *ctx, const char *id, struct depends_image *ret, struct err *e)
{
	(void)ctx;
	for (size_t i = 0; i < n_images; i++) {
		if (!strcmp(images[i].id, id)) {
			*ret = images[i];
			return 0;
		}
	}
	return ERR_NOENT(e, "none");
}

static void same(const struct render_plan *a, const struct render_plan *b)
{
	FUZZ_HOLDS(a->n == b->n && a->images.n == b->images.n);
	for (size_t i = 0; i < a->n; i++) {
		const struct render_step *x = &a->steps[i], *y = &b->steps[i];
		FUZZ_HOLDS(!strcmp(x->id, y->id) && x->all == y->all && x->paths.n == y->paths.n);
		for (size_t k = 0; k < x->paths.n; k++) {
			const char *path = x->paths.v[k];
			FUZZ_HOLDS(!strcmp(path, y->paths.v[k]));
			FUZZ_HOLDS(*path && *path != '/' && path[strlen(path) - 1] != '/');
			FUZZ_HOLDS(!k || strcmp(x->paths.v[k - 1], path) < 0);
		}
	}
}

static void check(struct arena *a)
{
	static const struct depends_source from = { find, NULL };
	struct depends_replay replay = { .load = load };
	struct render_plan plan, again;
	struct err e = ERR_INIT;
	if (depends_plan(&images[0], &from, a, &plan, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	FUZZ_HOLDS(plan.n && plan.n <= plan.images.n && plan.images.n <= DEPENDS_STEPS_MAX);
	FUZZ_HOLDS(!strcmp(plan.images.v[plan.images.n - 1], images[0].id));
	FUZZ_HOLDS(!strcmp(plan.steps[plan.n - 1].id, images[0].id));
	depends_replay(&replay, &plan.images);
	FUZZ_HOLDS(depends_plan(&images[0], &replay.source, a, &again, &e) == 0);
	same(&plan, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	char *rest = text;
	n_images = 0;
	for (char *line; n_images < IMAGES && (line = strsep(&rest, "\n"));) {
		struct image_manifest *m;
		struct err e;
		if (image_manifest_decode(line, strlen(line), &a, &m, &e) < 0)
			continue;
		images[n_images] =
			(struct depends_image){ arena_printf(&a, "sha512-%0128zx", n_images), m,
				strlen(line) };
		n_images++;
	}
	if (n_images)
		check(&a);
	return 0;
}
