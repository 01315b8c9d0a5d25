/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: a sink that makes of one layer's archive what overlayfs takes as a lower directory.
 * image-spec 1.1 layer.md.
 *
 *	.wh.NAME        a device 0:0 called NAME; an own directory NAME becomes opaque instead
 *	.wh..wh..opq    trusted.overlay.opaque on its directory; on the top: layer->opaque_top
 *	.wh..wh.*       of aufs, means nothing here
 *
 * Later entries replace earlier ones. An entry's parent directories are followed through symbolic
 * links, of this layer and of those below it, as if the tree were "/": with `lib -> usr/lib` below,
 * lib/foo becomes usr/lib/foo, where overlayfs alone would show a directory lib and hide the link.
 * A directory that the layer needs and does not list gets the attributes that it has below. A hard
 * link to a file of a layer below copies that file up.
 *
 * So a layer may depend on those below it. `lower` is what they are when merged, or -1. Most layers
 * list each directory that they use and do not depend on anything: with `alone` they are made
 * without knowing what is below, and only a layer that turns out to need it ends with needs_lower,
 * to be read once more. Without both the layer is the lowest.
 */
#pragma once

#include "stage0/unpack/tree.h"

struct layer {
	struct tree tree;
	struct sink inner; /* of tree */
	struct dirs lower;
	bool has_lower, alone;
	bool needs_lower, opaque_top; /* results */
	uint64_t copies_max, copied;  /* bytes of files that were copied up */

	/* The last directory, as the archive calls it and as it is. */
	char asked[ENTRY_PATH_MAX], found[ENTRY_PATH_MAX];
	bool is_found;

	struct entry entry; /* the current one, in its place */
	char path[ENTRY_PATH_MAX], target[ENTRY_PATH_MAX];
	bool skip;	  /* it makes nothing by itself */
	bool make_opaque; /* it takes the place of a whiteout */
};

/* copies_max: a link costs the archive nothing, a copy the disk all of the file. */
int layer_init(
	struct layer *l, int root, int lower, bool alone, uint64_t copies_max, struct err *e);
void layer_release(struct layer *l);
struct sink layer_sink(struct layer *l);
int layer_finish(struct layer *l, struct err *e);
