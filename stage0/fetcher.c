/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetcher.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "stage0/self.h"

enum { DEFAULT_TIMEOUT = 60, OPENPGP_HEX = 40, SPKI_HEX = 64 };
#define DEFAULT_BYTES (16ULL << 20)

_Static_assert((int)FETCH_FD_FIRST == (int)WORKER_FD_FIRST, "the worker's first descriptor");
_Static_assert((int)FETCH_FD_SOCKET == (int)WORKER_SOCKET, "the worker's socket");

bool fingerprint_valid(const char *text)
{
	const char *spki = str_after(text, "sha256-");
	size_t want = spki ? SPKI_HEX : OPENPGP_HEX;
	const char *hex = spki ? spki : text;
	return strlen(hex) == want && parse_hex(hex, want);
}

/* A text in an array of fixed size, which is ended here, come what may. */
#define END_TEXT(array) ((array)[sizeof(array) - 1] = '\0')

static bool check_signatures(struct fetch_answer *a)
{
	struct fetch_signatures *s = &a->signatures;
	if (s->mechanism >= _FETCH_MECHANISM_MAX || s->n == 0 || s->n > FETCH_SIGNATURES_MAX ||
		s->n_bad > FETCH_BAD_MAX)
		return false;
	for (size_t i = 0; i < s->n_bad; i++)
		END_TEXT(s->bad[i].why);
	for (size_t i = 0; i < s->n; i++) {
		struct fetch_signature *v = &s->v[i];
		END_TEXT(v->fingerprint);
		END_TEXT(v->detail);
		if (v->verdict >= _FETCH_SIG_MAX ||
			(!parse_hex(v->fingerprint, strlen(v->fingerprint)) &&
				!fingerprint_valid(v->fingerprint)))
			return false;
		if (v->verdict == FETCH_SIG_GOOD && !fingerprint_valid(v->fingerprint))
			return false;
	}
	return true;
}

static bool check_keys(struct fetch_answer *a)
{
	struct fetch_keys *k = &a->keys;
	if (k->n == 0 || k->n > FETCH_KEYS_MAX)
		return false;
	for (size_t i = 0; i < k->n; i++) {
		struct fetch_key *v = &k->v[i];
		END_TEXT(v->fingerprint);
		END_TEXT(v->algorithm);
		for (size_t u = 0; u < FETCH_UIDS_MAX; u++)
			END_TEXT(v->uids[u]);
		for (size_t u = 0; u < FETCH_SUBKEYS_MAX; u++) {
			END_TEXT(v->subkeys[u]);
			if (!parse_hex(v->subkeys[u], strlen(v->subkeys[u])))
				return false;
		}
		/* A key of another kind of fingerprint is told, but flagged. */
		if (v->type >= _FETCH_KEY_TYPE_MAX || (v->flags & ~_FETCH_KEY_FLAGS_ALL) ||
			(!(v->flags & FETCH_KEY_IS_WEAK) && !fingerprint_valid(v->fingerprint)))
			return false;
	}
	return true;
}

static bool check_http(struct fetch_answer *a)
{
	struct fetch_http *h = &a->http;
	END_TEXT(h->why);
	END_TEXT(h->url);
	END_TEXT(h->etag);
	END_TEXT(h->content_type);
	END_TEXT(h->digest);
	END_TEXT(h->challenge.realm);
	END_TEXT(h->challenge.service);
	END_TEXT(h->challenge.scope);
	END_TEXT(h->link);
	END_TEXT(h->filters_applied);
	return h->outcome < _FETCH_HTTP_OUTCOME_MAX && !(h->flags & ~_FETCH_HTTP_FLAGS_ALL) &&
	       !(h->challenge.flags & ~_FETCH_CHALLENGE_FLAGS_ALL) && h->status <= 999 &&
	       h->max_age >= 0 && h->retry_after >= -1;
}

static bool check_metas(struct fetch_answer *a)
{
	struct fetch_metas *m = &a->metas;
	if (m->n > FETCH_METAS_MAX)
		return false;
	for (size_t i = 0; i < m->n; i++) {
		END_TEXT(m->v[i].prefix);
		END_TEXT(m->v[i].template);
		if (m->v[i].kind >= _FETCH_META_KIND_MAX)
			return false;
	}
	return true;
}

static bool check_leads(struct fetch_answer *a)
{
	struct fetch_leads *l = &a->leads;
	if (l->n > FETCH_LEADS_MAX)
		return false;
	for (size_t i = 0; i < l->n; i++) {
		END_TEXT(l->v[i].signature);
		if (l->v[i].kind >= _FETCH_LEAD_KIND_MAX || l->v[i].size > FETCH_EVIDENCE_BYTES)
			return false;
	}
	return true;
}

static bool check_proof(struct fetch_proof *v, size_t n_documents)
{
	bool good = v->s.verdict == FETCH_SIG_GOOD;
	END_TEXT(v->s.fingerprint);
	END_TEXT(v->s.detail);
	END_TEXT(v->why);
	END_TEXT(v->repository);
	END_TEXT(v->tag);
	END_TEXT(v->named);
	return v->mechanism < _FETCH_MECHANISM_MAX && v->s.verdict < _FETCH_SIG_MAX &&
	       (parse_hex(v->s.fingerprint, strlen(v->s.fingerprint)) ||
		       fingerprint_valid(v->s.fingerprint)) &&
	       (!good || (fingerprint_valid(v->s.fingerprint) && v->document < n_documents));
}

static bool check_proofs(struct fetch_answer *a)
{
	struct fetch_proofs *p = &a->proofs;
	if (p->n > FETCH_PROOFS_MAX || p->n_bad > FETCH_BAD_MAX ||
		p->n_documents > FETCH_DOCUMENTS_MAX)
		return false;
	for (size_t i = 0; i < p->n_bad; i++)
		END_TEXT(p->bad[i].why);
	for (size_t i = 0; i < p->n; i++)
		if (!check_proof(&p->v[i], p->n_documents))
			return false;
	return true;
}

/* It becomes part of a header: visible ASCII. */
static bool check_token(struct fetch_answer *a)
{
	struct fetch_token *t = &a->token;
	END_TEXT(t->token);
	for (const char *p = t->token; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	return t->token[0] && t->expires_in >= -1 && t->issued_at >= -1;
}

static bool (*const checks[_FETCH_MODE_MAX])(struct fetch_answer *a) = {
	[FETCH_OPENPGP] = check_signatures,
	[FETCH_KEYINFO] = check_keys,
	[FETCH_HTTP] = check_http,
	[FETCH_HTML] = check_metas,
	[FETCH_LEADS] = check_leads,
	[FETCH_PROOFS] = check_proofs,
	[FETCH_TOKEN] = check_token,
};

static int check_answer(const struct fetch_request *q, struct fetch_answer *a, struct err *e)
{
	if (a->magic != FETCH_MAGIC || a->version != FETCH_VERSION || a->mode != q->mode ||
		a->result > 0 || a->result < -4095 || (a->result == 0 && !checks[a->mode](a)))
		return err_set(e, ERR_PEER, EPROTO, "the fetch worker gave a senseless answer");
	err_sanitize(&a->err);
	if (a->result == 0)
		return 0;
	*e = a->err;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_PEER, EPROTO, "the fetch worker failed and did not say why");
	return a->result;
}

int fetcher_start(const struct fetcher *f, struct fetcher_call *c, struct err *e)
{
	*c = (struct fetcher_call){ .worker = WORKER_INIT };
	int r = self_worker("fetch", &c->program, e);
	if (r < 0)
		return r;
	unsigned timeout = f->timeout_s ? f->timeout_s : DEFAULT_TIMEOUT;
	c->request = f->request;
	c->request.magic = FETCH_MAGIC;
	c->request.version = FETCH_VERSION;
	if (!c->request.max_bytes)
		c->request.max_bytes = DEFAULT_BYTES;
	if (!c->request.cpu_seconds)
		c->request.cpu_seconds = timeout;
	c->call = (struct worker_call){
		.program = c->program,
		.request = &c->request,
		.request_size = sizeof c->request,
		.answer = &c->answer,
		.answer_size = sizeof c->answer,
		.timeout_s = timeout,
		.tick = f->tick,
		.tick_ctx = f->tick_ctx,
	};
	memcpy(c->call.fds, f->fds, sizeof c->call.fds);
	return worker_start(&c->call, &c->worker, e);
}

int fetcher_finish(struct fetcher_call *c, struct err *e)
{
	int r = worker_finish(&c->worker, e);
	mem_cleanup(&c->program);
	return r < 0 ? r : check_answer(&c->request, &c->answer, e);
}

void fetcher_kill(struct fetcher_call *c)
{
	worker_kill(&c->worker);
	mem_cleanup(&c->program);
}

int fetcher_run(const struct fetcher *f, struct fetch_answer *ret, struct err *e)
{
	static struct fetcher_call c;
	int r = fetcher_start(f, &c, e);
	if (r >= 0)
		r = fetcher_finish(&c, e);
	fetcher_kill(&c);
	if (r >= 0)
		*ret = c.answer;
	return r;
}
