/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login: who we are for one repository of one registry. distribution's spec/auth/token.md and
 * oauth.md; RFC 7617.
 *
 *	l = login_open(&o);
 *	for (;;) {
 *		login_header(l, &header, e);            // NULL the first time
 *		... ask, with `Authorization: header` ...
 *		if (http.status != 401)
 *			break;
 *		login_challenged(l, header, &http, e);  // < 0: that is the end
 *	}
 *	login_close(l);
 *
 * Nothing is looked up, asked or sent before a registry challenges us: a public image costs no
 * file, and a helper is only started by who needs it.
 *
 * Where secrets go. A challenge is answered only when it came from the registry itself, not from
 * where it redirected us to. Passwords, identity tokens and fixed tokens are for the registry and
 * for the token server (realm) that it names in a challenge that came over TLS; both get them over
 * TLS only. --insecure-options=http lets a registry and its realm be http, and then nobody is told
 * who we are: tokens for everybody work, credentials are an error. What is asked for is never more
 * than `pull`. Redirects take no secret along (stage0/fetch/http.c).
 *
 * Secrets are never in an argument, an environment, an error or a debug line, and their memory is
 * wiped by login_close().
 */
#pragma once

#include "stage0/config.h"
#include "stage0/fetch.h"
#include "stage0/remote/remote.h"

struct login;
struct login_options { /* everything that is given lives until login_close() */
	const struct remote *remote;
	const struct auths *docker_auths; /* rkt's dockerAuth; NULL: none */
	const struct auths *auths;	  /* rkt's auth; NULL: none */
	const char *registry;		  /* HOST[:PORT] that is asked */
	const char *repository;		  /* NAME */
};
struct login *login_open(const struct login_options *o);
/* Value of the Authorization header for the next request to the registry, valid until
 * login_close(); NULL: none (yet). Renews a token that is about to expire. */
int login_header(struct login *l, const char **ret, struct err *e);
/* A request with the header `used` (NULL: none) was answered by 401. 0: there is another header,
 * ask again. Else it is of no use, and *e says which registry, whose credentials, and what to do.
 * Of several requests at once, only the first to be challenged makes a new token. */
int login_challenged(
	struct login *l, const char *used, const struct fetch_http *answer, struct err *e);
void login_close(struct login *l); /* NULL is fine */
