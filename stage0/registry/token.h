/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: from a Bearer challenge to a token, by asking the realm: distribution's spec/auth/token.md
 * (GET, with the password if there is one) and oauth.md (POST, with an identity token).
 */
#pragma once

#include "stage0/fetch.h"
#include "stage0/registry/credentials.h"
#include "stage0/remote/remote.h"

struct token_query {
	const struct remote *remote;
	const char *registry, *repository;
	const struct fetch_challenge *challenge;
	const struct credential *credential; /* from NULL: none */
};
struct token {
	char *header;			       /* "Bearer …"; the caller wipes and frees it */
	int64_t made_ms, renew_ms, expires_ms; /* by now_ms() */
};
/* -EPERM: the token server says no; *e says who was refused, and what to do. */
int token_get(const struct token_query *q, struct token *ret, struct err *e);

/* "repository:NAME:pull"; or what the challenge asks for, and of that only `pull`: entries joined
 * by one space. Pure. */
const char *token_scope(const char *asked, const char *repository, struct arena *a);
/* How long a token lives from now on, by what the server says, in seconds; `now` is unix time.
 * Pure. */
int64_t token_life(const struct fetch_token *t, int64_t now);

/* What every refusal ends with. */
int login_refused(
	const char *registry, const char *repository, const struct credential *c, struct err *e);
