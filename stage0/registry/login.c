/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/login.h"

#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "stage0/registry/credentials.h"
#include "stage0/registry/token.h"
#include "stage0/remote/request.h"

/* A token that is refused so soon was never good; after so many in a row there is no hope. */
enum { YOUNG_MS = 2000, REFUSED_MAX = 2, REFUSED_EVER_MAX = 8 };

struct used_header { /* callers have pointers to it */
	struct used_header *next;
	char text[];
};

struct login {
	struct login_options o;
	struct arena secrets;
	struct credential credential;
	bool looked;	/* for credentials */
	bool is_plain;	/* the registry was asked over http */
	bool is_bearer; /* the header is a token that the challenge's realm made */
	struct fetch_challenge challenge;
	struct token token;	     /* its times; the header is in `headers` */
	struct used_header *headers; /* the first is the one to use */
	int refused;
};

struct login *login_open(const struct login_options *o)
{
	struct login *l = xcalloc(1, sizeof *l);
	l->o = *o;
	return l;
}

void login_close(struct login *l)
{
	if (!l)
		return;
	for (struct used_header *h = l->headers, *next; h; h = next) {
		next = h->next;
		explicit_bzero(h->text, strlen(h->text));
		free(h);
	}
	arena_wipe(&l->secrets);
	free(l);
}

static void set_header(struct login *l, const char *text)
{
	size_t n = strlen(text) + 1;
	struct used_header *h = xmalloc(sizeof *h + n);
	memcpy(h->text, text, n);
	h->next = l->headers;
	l->headers = h;
}

static int look_for_credentials(struct login *l, struct err *e)
{
	const struct login_options *o = &l->o;
	if (l->looked || l->is_plain)
		return 0;
	int r = credentials_find(o->registry, o->repository, o->docker_auths, o->auths, &l->secrets,
		&l->credential, e);
	if (r < 0)
		return err_wrap(e, r, "credentials for registry '%s'", o->registry);
	l->looked = true;
	return 0;
}

static int refused(struct login *l, struct err *e)
{
	if (l->is_plain)
		return ERR_DENY(e,
			"registry '%s' does not show '%s' to everybody, and is asked over http: "
			"credentials are only sent over TLS",
			l->o.registry, l->o.repository);
	return login_refused(l->o.registry, l->o.repository, &l->credential, e);
}

/* --- the header ------------------------------------------------------------------------------- */

static int make_token(struct login *l, struct err *e)
{
	const struct token_query q = { .remote = l->o.remote,
		.registry = l->o.registry,
		.repository = l->o.repository,
		.challenge = &l->challenge,
		.credential = &l->credential };
	struct token t;
	int r = token_get(&q, &t, e);
	if (r == -EPERM && l->is_plain)
		return refused(l, e);
	if (r < 0)
		return r;
	set_header(l, t.header);
	explicit_bzero(t.header, strlen(t.header));
	free(t.header);
	t.header = NULL;
	l->token = t;
	l->is_bearer = true;
	return 0;
}

int login_header(struct login *l, const char **ret, struct err *e)
{
	if (l->is_bearer && now_ms() >= l->token.renew_ms) {
		dbg("login: the token of registry '%s' is about to expire", l->o.registry);
		int r = make_token(l, e);
		/* What is still good is used as long as it is. */
		if (r < 0 && now_ms() >= l->token.expires_ms)
			return r;
	}
	*ret = l->headers ? l->headers->text : NULL;
	return 0;
}

static int send_token(struct login *l)
{
	_clean_(secret) struct str header = STR_INIT(FETCH_SECRET_SIZE);
	str_addf(&header, "Bearer %s", l->credential.token);
	set_header(l, str_text(&header));
	return 0;
}

static int send_password(struct login *l, struct err *e)
{
	_clean_(secret) struct str header = STR_INIT(FETCH_SECRET_SIZE);
	credential_basic(&l->credential, &header);
	if (!str_ok(&header))
		return ERR_BAD(e, "the password from %s is too long", l->credential.from);
	set_header(l, str_text(&header));
	return 0;
}

/* --- a challenge ------------------------------------------------------------------------------ */

/* Whoever the registry redirected us to is not the registry. */
static int check_origin(struct login *l, const struct fetch_http *answer, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	int r = url_check(l->o.remote, answer->url, e);
	if (r < 0)
		return r;
	l->is_plain = l->is_plain || strncasecmp(answer->url, "https://", 8) != 0;
	if (l->is_plain)
		l->credential = (struct credential){ 0 };
	const char *host = url_domain(answer->url, &a);
	if (strcasecmp(host, l->o.registry) != 0)
		return ERR_DENY(e,
			"'%s', where registry '%s' redirected to, wants credentials: those of a "
			"registry are for itself alone",
			host, l->o.registry);
	return 0;
}

static bool same_challenge(const struct fetch_challenge *a, const struct fetch_challenge *b)
{
	return str_eq(a->realm, b->realm) && str_eq(a->service, b->service) &&
	       str_eq(a->scope, b->scope);
}

/* Is another token worth asking for? */
static bool is_hopeless(struct login *l, const struct fetch_challenge *c)
{
	if (!l->is_bearer)
		return l->headers; /* it was everything that we have */
	bool young = now_ms() - l->token.made_ms < YOUNG_MS;
	l->refused = young ? l->refused + 1 : 1;
	return l->refused >= (same_challenge(c, &l->challenge) ? REFUSED_MAX : REFUSED_EVER_MAX);
}

int login_challenged(
	struct login *l, const char *used, const struct fetch_http *answer, struct err *e)
{
	const struct fetch_challenge *c = &answer->challenge;
	const char *current = l->headers ? l->headers->text : NULL;
	int r = check_origin(l, answer, e);
	if (r < 0)
		return r;
	if (!str_eq(used, current))
		return 0; /* another request has been there already */
	if (!c->flags)
		return ERR_BAD(e,
			"registry '%s' wants to know who we are in a way that rkt does not know",
			l->o.registry);
	r = look_for_credentials(l, e);
	if (r < 0)
		return r;
	if (is_hopeless(l, c))
		return refused(l, e);
	if (l->credential.token && !l->is_plain)
		return send_token(l);
	if (c->flags & FETCH_CHALLENGE_BEARER) {
		l->challenge = *c;
		return make_token(l, e);
	}
	return l->credential.user && !l->is_plain ? send_password(l, e) : refused(l, e);
}
