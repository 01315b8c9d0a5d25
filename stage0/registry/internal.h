/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the registry share, and nobody else sees. */
#pragma once

#include "stage0/registry/login.h"
#include "stage0/registry/registry.h"
#include "stage0/remote/request.h"

struct registry {
	struct registry_options o;
	struct registry_ref ref;
	const char *scheme;
	struct login *login;
};
/* ".../v2/REPOSITORY/KIND/NAME" */
char *registry_url(const struct registry *g, const char *kind, const char *name);
/* Says in q who asks; what it says is good until it is said the next time. */
int registry_authorize(struct registry *g, struct request *q, struct err *e);
