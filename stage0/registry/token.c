/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/token.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "stage0/fetcher.h"
#include "stage0/remote/request.h"

enum { DEFAULT_LIFE_S = 60, LIFE_MAX_S = 86400, MARGIN_MAX_S = 30, SCOPES_MAX = 4 };
#define CLIENT "rkt"

int login_refused(
	const char *registry, const char *repository, const struct credential *c, struct err *e)
{
	if (!c->from)
		return ERR_DENY(e,
			"registry '%s' does not show '%s' to everybody (or has no such image), and "
			"there are no credentials for it: 'podman login %s', 'docker login %s' or "
			"a "
			"dockerAuth file in auth.d says who you are",
			registry, repository, registry, registry);
	return ERR_DENY(e,
		"registry '%s' refuses '%s' to %s%s%s from %s: log in again ('podman login %s', "
		"'docker login %s'), or correct it there",
		registry, repository, c->user ? "user '" : "the token", c->user ? c->user : "",
		c->user ? "'" : "", c->from, registry, registry);
}

/* --- what is asked for ------------------------------------------------------------------------ */

/* "TYPE:NAME:ACTION[,ACTION…]" with pull among the actions → "TYPE:NAME:pull" */
static const char *only_pull(const char *entry, struct arena *a)
{
	const char *first = strchr(entry, ':'), *last = strrchr(entry, ':');
	_clean_(strv) struct strv actions = STRV_INIT;
	if (!str_after(entry, "repository") || !first || first == last)
		return NULL;
	strv_split(&actions, last + 1, ',');
	if (!strv_has(&actions, "pull") && !strv_has(&actions, "*"))
		return NULL;
	return arena_printf(a, "%.*s:pull", (int)(last - entry), entry);
}

const char *token_scope(const char *asked, const char *repository, struct arena *a)
{
	_clean_(strv) struct strv entries = STRV_INIT;
	const char *scope = "";
	size_t n = 0;
	strv_split(&entries, asked, ' ');
	for (size_t i = 0; i < entries.n && n < SCOPES_MAX; i++) {
		const char *entry = only_pull(entries.v[i], a);
		if (!entry)
			continue;
		scope = arena_printf(a, "%s%s%s", scope, n ? " " : "", entry);
		n++;
	}
	return n ? scope : arena_printf(a, "repository:%s:pull", repository);
}

static void add_encoded(struct str *out, const char *key, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	if (!*value)
		return;
	if (out->len && !strchr("?&", out->buf[out->len - 1]))
		str_addc(out, '&');
	str_addf(out, "%s=", key);
	for (const char *p = value; *p; p++) {
		if (strchr(plain, *p))
			str_addc(out, *p);
		else
			str_addf(out, "%%%02X", (unsigned char)*p);
	}
}

/* RFC 6749, appendix A; spec/auth/oauth.md: one scope, a list. */
static void make_form(const struct token_query *q, const char *scope, struct str *form)
{
	add_encoded(form, "grant_type", "refresh_token");
	add_encoded(form, "client_id", CLIENT);
	add_encoded(form, "service", q->challenge->service);
	add_encoded(form, "scope", scope);
	add_encoded(form, "refresh_token", q->credential->identity);
}

/* spec/auth/token.md: a scope for each entry. */
static void make_url(const struct token_query *q, const char *scope, struct str *url)
{
	_clean_(strv) struct strv entries = STRV_INIT;
	const char *user = q->credential->user;
	str_add(url, q->challenge->realm);
	if (!strchr(q->challenge->realm, '?'))
		str_addc(url, '?');
	add_encoded(url, "account", user ? user : "");
	add_encoded(url, "client_id", CLIENT);
	add_encoded(url, "service", q->challenge->service);
	strv_split(&entries, scope, ' ');
	for (size_t i = 0; i < entries.n; i++)
		add_encoded(url, "scope", entries.v[i]);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Never over http: with --insecure-options=http the registry may be asked that way, but a password
 * is worth more than one image. */
static int check_realm(const struct token_query *q, struct err *e)
{
	const char *realm = q->challenge->realm;
	int r = url_check(q->remote, realm, e);
	if (r >= 0 && strchr(realm, '#'))
		r = ERR_BAD(e, "'%s' is not a URL to ask", realm);
	if (r >= 0 && q->credential->from && strncasecmp(realm, "https://", 8) != 0)
		r = ERR_DENY(e,
			"'%s' is not protected by TLS, and the credentials from %s are "
			"not sent there",
			realm, q->credential->from);
	return r < 0 ? err_wrap(e, r, "token server of registry '%s'", q->registry) : 0;
}

static int read_answer(int body, struct fetch_token *ret, struct err *e)
{
	_clean_(mem) struct fetch_answer *answer = xcalloc(1, sizeof *answer);
	const struct fetcher f = {
		.request = { .mode = FETCH_TOKEN },
		.fds = { body, -1, -1, -1 },
	};
	int r = fetcher_run(&f, answer, e);
	if (r >= 0)
		*ret = answer->token;
	explicit_bzero(answer, sizeof *answer);
	return r;
}

static int judge(const struct token_query *q, const struct fetch_http *http, struct err *e)
{
	if (http->status == 200)
		return 0;
	if (http->status == 401 || http->status == 403)
		return login_refused(q->registry, q->repository, q->credential, e);
	if (q->credential->identity && (http->status == 404 || http->status == 405))
		return ERR_BAD(e,
			"it takes no identity tokens, and %s has one: log in with a "
			"password ('podman login %s')",
			q->credential->from, q->registry);
	return ERR_BAD(e, "bad HTTP status code: %u", http->status);
}

static int ask(const struct token_query *q, struct fetch_token *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(secret) struct str form = STR_INIT(FETCH_FORM_SIZE);
	_clean_(secret) struct str header = STR_INIT(FETCH_SECRET_SIZE);
	_clean_(str) struct str url = STR_INIT(FETCH_URL_SIZE);
	const struct credential *c = q->credential;
	const char *scope = token_scope(q->challenge->scope, q->repository, &a);
	struct fetch_http http;
	if (c->identity) {
		str_add(&url, q->challenge->realm);
		make_form(q, scope, &form);
	} else {
		make_url(q, scope, &url);
	}
	if (c->user)
		credential_basic(c, &header);
	if (!str_ok(&url) || !str_ok(&form) || !str_ok(&header))
		return ERR_BAD(e, "more is to be asked for than fits into a request");
	_clean_(fd) int body = memory_file("token", e);
	if (body < 0)
		return body;
	const struct request request = { .url = str_text(&url),
		.accept = "application/json",
		.body = body,
		.progress = -1,
		.max_body = FETCH_TOKEN_BYTES,
		.authorization = str_text(&header),
		.form = c->identity ? str_text(&form) : NULL };
	dbg("login: asking '%s' for '%s'%s%s", q->challenge->realm, scope,
		c->from ? " with the credentials from " : "", c->from ? c->from : "");
	int r = request_get(q->remote, &request, &http, e);
	if (r >= 0)
		r = judge(q, &http, e);
	return r < 0 ? r : read_answer(body, ret, e);
}

/* Whose clock is right, nobody knows: an issue date counts where it makes sense with ours. */
int64_t token_life(const struct fetch_token *t, int64_t now)
{
	int64_t life = t->expires_in < 0 ? DEFAULT_LIFE_S : t->expires_in;
	int64_t age = t->issued_at < 0 ? 0 : now - t->issued_at;
	if (age > 0 && age < life)
		life -= age;
	return life > LIFE_MAX_S ? LIFE_MAX_S : life;
}

int token_get(const struct token_query *q, struct token *ret, struct err *e)
{
	static struct fetch_token answer;
	int64_t now = now_ms();
	int r = check_realm(q, e);
	if (r < 0)
		return r;
	r = ask(q, &answer, e);
	if (r == -EPERM)
		return r; /* which says it all */
	if (r < 0)
		return err_wrap(e, r, "token server of registry '%s'", q->registry);
	int64_t life = token_life(&answer, time(NULL)) * 1000;
	int64_t margin = life / 4 < MARGIN_MAX_S * 1000 ? life / 4 : MARGIN_MAX_S * 1000;
	*ret = (struct token){ .header = xasprintf("Bearer %s", answer.token),
		.made_ms = now,
		.renew_ms = now + life - margin,
		.expires_ms = now + life };
	explicit_bzero(&answer, sizeof answer);
	return 0;
}
