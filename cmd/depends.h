/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depends: appc images that are put together from several, for commands.
 *
 * A dependency is looked for as an image on the command line is, by the same pull policy: one that
 * names an image's id is content with what the store has; else the store's newest of that name, or
 * what discovery gives. It is verified by its own signature, for its own name.
 */
#pragma once

#include "cmd/session.h"

/* The tree of the image's root filesystem: NULL where that is the image's own, else the name of the
 * one that was put together, now or earlier. policy: new, update or never. */
int session_tree(struct session *s, const struct image *image, const struct image_manifest *m,
	const char *policy, const char **ret_tree, struct err *e);
/* Compares all that was put together of an image with what it was made of. 1: sound; 0: some of it
 * was not, and is now. */
int session_verify_rendered(struct session *s, const struct image *image, struct err *e);
