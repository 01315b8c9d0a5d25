/* SPDX-License-Identifier: Apache-2.0 */
/* What config.c and config_auth.c share, and nobody else sees: one configuration file. */
#pragma once

#include "lib/json/jdec.h"
#include "stage0/config.h"

struct credentials;
struct config_file {
	struct config config;
	struct strlist domains; /* or registries */
	const char *type;
	const struct credentials *credentials;
};

extern const struct jfield auth_fields[], docker_auth_fields[];
int auth_check(struct config_file *f, struct arena *a, struct err *e);
int docker_auth_check(struct config_file *f, struct arena *a, struct err *e);

/* exclusive: a domain that is there already is an error, which `twice` words; else it is replaced.
 */
int auths_merge(struct auths *into, const struct auths *from, const char *twice, bool exclusive,
	struct arena *a, struct err *e);

struct jenc;
void auths_encode(struct jenc *j, const struct config *c);
