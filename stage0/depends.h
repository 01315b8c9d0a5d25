/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depends: images that appc images depend on, and what of them counts. Pure, but for asking `find`.
 * appc 0.8.11, spec/aci.md "Dependency Matching", spec/ace.md "Filesystem Setup".
 *
 * The graph is walked depth first, each image after all that it depends on: A → [B, C], C → [D] is
 * extracted as B, D, C, A, each replacing what earlier ones have under the same path. An image that
 * is reached in two ways counts twice, each time with the whitelist of that way: the paths that it
 * and all that depend on it on that way list, where they list any. Once is enough where the later
 * time takes the same paths.
 *
 * Images are written by others: cycles, depth, number and size are bounded, and what is wrong is
 * told with the way that leads to it: "a -> b -> c".
 */
#pragma once

#include "lib/spec/image.h"
#include "stage0/store/store.h"

enum { DEPENDS_DEPTH_MAX = 32, DEPENDS_STEPS_MAX = 256 };
#define DEPENDS_BYTES_MAX (64ULL << 30) /* of all steps' archives and trees together */

struct depends_image {
	const char *id;
	const struct image_manifest *manifest;
	uint64_t size; /* bytes that it takes */
};

struct depends_source {
	/* The image that is meant by a dependency. Asked once for each time that it is met, in the
	 * order of the walk: each before what it depends on itself. Whether name, labels and id are
	 * as they should be is checked here, the size of the archive is not. */
	int (*find)(
		void *ctx, const struct dependency *d, struct depends_image *ret, struct err *e);
	void *ctx;
};

/* True when its own archive is not all of what its app sees. */
bool depends_any(const struct image_manifest *m);

/* How to put the image together. Everything is owned by the arena, or by the manifests. */
int depends_plan(const struct depends_image *top, const struct depends_source *from,
	struct arena *a, struct render_plan *ret, struct err *e);

/* A plan's images again, out of render_plan.images: a source that finds the same ones. `load` gives
 * the image of an id. */
struct depends_replay {
	struct depends_source source;
	const struct strlist *images;
	size_t at; /* images left, to be read from the end */
	int (*load)(void *ctx, const char *id, struct depends_image *ret, struct err *e);
	void *ctx;
};
void depends_replay(struct depends_replay *r, const struct strlist *images);
