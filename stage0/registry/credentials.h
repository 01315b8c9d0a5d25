/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials: what the user has for a registry. The first place that has something counts:
 *
 *	dockerAuth in auth.d			rkt's own, by registry
 *	auth in auth.d				likewise, basic and oauth: by HOST[:PORT]
 *	$REGISTRY_AUTH_FILE			containers-auth.json(5); must exist when it is set
 *	$XDG_RUNTIME_DIR/containers/auth.json	without that variable: /run/containers/UID/auth.json
 *	$XDG_CONFIG_HOME/containers/auth.json	without it: ~/.config
 *	$DOCKER_CONFIG/config.json		without it: ~/.docker
 *
 * The files are the user's own and trusted like configuration, but bounded (authfile.h). Docker Hub
 * goes by many names; each of them means it.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "stage0/config.h"

struct credential {
	const char *user, *password; /* both or none; or… */
	const char *identity; /* an OAuth2 refresh token, for the token server alone; or… */
	const char *token;    /* a bearer token, for the registry itself */
	const char *from;     /* where it was found, for errors; NULL: there is none */
};
/* Texts are the arena's, which holds secrets: arena_wipe(). */
int credentials_find(const char *registry, const char *repository, const struct auths *docker_auths,
	const struct auths *auths, struct arena *a, struct credential *ret, struct err *e);
/* "Basic …" of a credential with a user (RFC 7617), appended. */
void credential_basic(const struct credential *c, struct str *header);
