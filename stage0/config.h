/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: rkt's configuration directories.
 *
 * VENDOR (/usr/lib/rkt) < LOCAL (/etc/rkt) < USER: a value of a later directory replaces that of an
 * earlier one. Each kind has a sub-directory of its own (`auth.d`, `paths.d`, `pods.d`,
 * `stage1.d`, `trust.d`), of which regular files named *.json are read, no deeper. Every file has
 * rktKind and rktVersion. One value given by two files of one directory is an error, as in rkt:
 * nothing says which is meant.
 *
 * The format is that of rkt's Documentation/configuration.md; the kinds "pods" and "trust" are
 * ours.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* How to ask one domain ("host" or "host:port", as URLs have it). */
struct auth {
	const char *domain;
	const char *type;					    /* basic, oauth, aws */
	const char *user, *password;				    /* basic */
	const char *token;					    /* oauth */
	const char *access_key_id, *secret_access_key, *aws_region; /* aws */
};
struct auths {
	struct auth *v;
	size_t n;
};
const struct auth *auth_for(const struct auths *auths, const char *domain); /* or NULL */

struct config { /* NULL: not configured. Strings are owned by the arena. */
	const char *data, *stage1_images;
	const char *stage1_name, *stage1_version; /* both or none */
	const char *stage1_location;		  /* absolute path or URL */
	const char *private_users;		  /* "true" or "false" */
	const char *policy;			  /* stage0/trust/policy_check.h */
	struct auths auths;			  /* one a domain */
	struct auths docker_auths;		  /* one a registry, all of them basic */
};

/* Directories may be NULL, empty or absent. */
int config_load(const char *vendor, const char *local, const char *user, struct arena *a,
	struct config *ret, struct err *e);
/* {"stage0":[{"rktVersion":"v1","rktKind":"paths",…},…]}, as `rkt config` prints it. */
void config_encode(const struct config *c, bool pretty, struct str *out);
