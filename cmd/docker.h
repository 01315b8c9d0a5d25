/* SPDX-License-Identifier: Apache-2.0 */
/* docker: images of registries, for session_image(). */
#pragma once

#include "cmd/session.h"

/* ref: docker:… */
int docker_image(struct session *s, const char *ref, const char *signature, struct image *ret,
	struct err *e);
