/* SPDX-License-Identifier: Apache-2.0 */
/* docker: images of registries, for session_image() and the commands of images in the store. */
#pragma once

#include "cmd/session.h"

/* ref: docker:… */
int docker_image(struct session *s, const char *ref, const char *signature, struct image *ret,
	struct err *e);
/* The image that it gave when it was fetched last, whoever vouches for it; -ENOENT where the store
 * has none. */
int docker_stored(struct session *s, const char *ref, struct image *ret, struct err *e);
