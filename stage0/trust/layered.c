/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/layered.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "stage0/fetch.h"
#include "stage0/trust/keys.h"

struct layered {
	const struct layered_subject *subject;
	struct trust_keys k;
	struct trust_entries in_force;
	struct err refusal; /* of the signature that came closest */
	int rank;	    /* how close: 0: there was none */
	struct err failure; /* of a source that could not be asked; the others are */
};

/* --- the decision ----------------------------------------------------------------------------- */

/* The signature is as it should be. */
static int condition_good(const struct layered *l, const struct fetch_proof *p, struct err *e)
{
	const struct fetch_signature *s = &p->s;
	const char *text = trust_verdict_text(s->verdict);
	const char *where = trust_keys_where(&l->k, s->fingerprint);
	const char *why = *p->why ? p->why : s->detail;
	why = *why ? arena_printf(l->k.a, " (%s)", why) : "";
	if (s->verdict == FETCH_SIG_GOOD)
		return 0;
	const char *by =
		*s->fingerprint ? arena_printf(l->k.a, "key %s", s->fingerprint) : "no trusted key";
	if (s->verdict != FETCH_SIG_UNKNOWN_KEY)
		return ERR_DENY(e, "signature%s%s: %s%s", *s->fingerprint ? " by " : "",
			*s->fingerprint ? by : "", text, why);
	if (*where)
		return ERR_DENY(e, "%s: %s is trusted for %s", text, by, where);
	return ERR_DENY(e,
		"%s: it is by %s%s; `rkt trust --prefix=%s FILE` trusts the public key in FILE",
		text, by, why, l->subject->name);
}

/* The key counts for the name that was asked for. */
static int condition_key(const struct layered *l, const struct fetch_proof *p, struct err *e)
{
	if (trust_entries_have(&l->in_force, TRUST_KEY, p->s.fingerprint))
		return 0;
	return trust_keys_deny(&l->k, p->s.fingerprint, l->subject->name, e);
}

/* What the signature says that it is for is what was asked for. */
static int condition_identity(const struct layered *l, const struct fetch_proof *p, struct err *e)
{
	const struct layered_subject *s = l->subject;
	bool exact = trust_entries_have(&l->in_force, TRUST_EXACT, p->s.fingerprint);
	if (s->repository && *p->repository && strcmp(p->repository, s->name) != 0)
		return ERR_DENY(e, "signature by key %s: it is for \"%s\", not for \"%s\"",
			p->s.fingerprint, p->repository, s->name);
	if (!exact)
		return 0;
	if (!s->repository || !*p->repository)
		return ERR_DENY(e,
			"signature by key %s: it does not say for which tag it is, and the key is "
			"trusted with --match=exact",
			p->s.fingerprint);
	/* A digest that was asked for says more than any tag. */
	if (s->tag && strcmp(p->tag, s->tag) != 0)
		return ERR_DENY(e,
			"signature by key %s: it is for \"%s%s%s\", not for \"%s:%s\", and the key "
			"is trusted with --match=exact",
			p->s.fingerprint, p->repository, *p->tag ? ":" : "", p->tag, s->name,
			s->tag);
	return 0;
}

/* All must hold for one signature; a further condition goes here. What refuses later came closer.
 */
static int layered_decide(struct layered *l, const struct fetch_proof *p)
{
	static int (*const conditions[])(
		const struct layered *l, const struct fetch_proof *p, struct err *e) = {
		condition_good,
		condition_key,
		condition_identity,
	};
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		struct err why = ERR_INIT;
		if (conditions[i](l, p, &why) >= 0)
			continue;
		/* Of those that are not good, an unknown key says least. */
		int rank = i ? (int)i + 2 : p->s.verdict == FETCH_SIG_UNKNOWN_KEY ? 1 : 2;
		if (rank > l->rank) {
			l->rank = rank;
			l->refusal = why;
		}
		return 0;
	}
	return 1;
}

/* --- asking the worker ------------------------------------------------------------------------ */

static int verify(struct layered *l, const struct evidence *evidence, struct fetch_answer *answer,
	struct err *e)
{
	const struct layered_subject *s = l->subject;
	const struct fetch_proofs *p = &answer->proofs;
	_clean_(fd) int keys = trust_keys_file(&l->k, e);
	if (keys < 0)
		return keys;
	int r = proofs_ask(s->documents, s->n, evidence, keys, answer, e);
	return r < 0 ? r : trust_keys_check(&l->k, &l->in_force, p->bad, p->n_bad, e);
}

static void fill(const struct layered *l, const struct fetch_proof *p, struct verified *ret)
{
	static const char *const names[_FETCH_MECHANISM_MAX] = {
		[FETCH_BY_OPENPGP] = "openpgp",
		[FETCH_BY_PEM] = "pem",
		[FETCH_BY_COSIGN] = "cosign",
		[FETCH_BY_BUNDLE] = "sigstore-bundle",
		[FETCH_BY_SIMPLE] = "simple-signing",
	};
	const char *digest = l->subject->documents[p->document].digest;
	*ret = (struct verified){
		.mechanism = names[p->mechanism],
		.key = arena_strdup(l->k.a, p->s.fingerprint),
		.digest = arena_printf(l->k.a, "sha256-%s", digest + strlen("sha256:")),
		.name = l->subject->name,
		.tag = l->subject->repository ? l->subject->tag : NULL,
		.time_ns = now_unix_ns(),
	};
}

/* 1: accepted. */
static int judge(
	struct layered *l, const struct evidence *evidence, struct verified *ret, struct err *e)
{
	_clean_(mem) struct fetch_answer *answer = xcalloc(1, sizeof *answer);
	if (!evidence->n)
		return 0;
	int r = verify(l, evidence, answer, e);
	for (size_t i = 0; r >= 0 && i < answer->proofs.n; i++) {
		const struct fetch_proof *p = &answer->proofs.v[i];
		if (layered_decide(l, p) > 0) {
			fill(l, p, ret);
			return 1;
		}
	}
	return r < 0 ? r : 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool has_key(const struct trust_entries *all, bool pem, bool openpgp)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct trust_entry *v = &all->v[i];
		bool is_pem = str_after(v->fingerprint, "sha256-");
		if (v->kind == TRUST_KEY && !v->mask && !v->masked && (is_pem ? pem : openpgp))
			return true;
	}
	return false;
}

static int refuse(struct layered *l, const struct signature_sources *sources, struct err *e)
{
	const struct layered_subject *s = l->subject;
	const char *name = s->name;
	const char *digest = s->n ? s->documents[s->n - 1].digest : "which has no manifest";
	_clean_(str) struct str looked = STR_INIT(STR_MAX_PATH);
	if (l->rank) {
		*e = l->refusal;
		return -EPERM;
	}
	if (l->failure.kind != ERR_NONE) {
		*e = l->failure;
		return -EPERM;
	}
	if (!has_key(&l->in_force, true, true))
		return ERR_DENY(e,
			"no key is trusted to sign \"%s\": `rkt trust --prefix=%s FILE` trusts the "
			"public key in FILE, --insecure-options=image accepts the image as it is",
			name, name);
	for (size_t i = 0; i < sources->n; i++)
		if (has_key(&l->in_force, sources->v[i].pem, sources->v[i].openpgp))
			str_addf(&looked, "%s%s", looked.len ? ", " : "", sources->v[i].what);
	return ERR_DENY(e,
		"no signature of \"%s\" (%s) was found%s%s: --signature=FILE names one, `rkt trust "
		"--prefix=%s --allow-unsigned` asks for none, --insecure-options=image accepts the "
		"image as it is",
		name, digest, looked.len ? "; looked at: " : "", str_text(&looked), name);
}

static int ask(struct layered *l, const struct signature_source *source, struct verified *ret,
	struct err *e)
{
	const struct layered_subject *s = l->subject;
	for (size_t i = 0; i < s->n; i++) {
		_clean_(evidence) struct evidence evidence = EVIDENCE_INIT;
		int r = source->collect(source->ctx, &s->documents[i], &evidence, &l->failure);
		if (r < 0)
			(void)err_wrap(&l->failure, r, "signatures: %s", source->what);
		dbg("trust: %zu signatures of %s: %s", evidence.n, s->documents[i].digest,
			source->what);
		r = judge(l, &evidence, ret, e);
		if (r != 0 || source->once)
			return r;
	}
	return 0;
}

int layered_accept(const struct keystore *ks, const struct layered_subject *subject,
	const struct signature_sources *sources, struct arena *a, struct verified *ret,
	struct err *e)
{
	_clean_(mem) struct layered *l = xcalloc(1, sizeof *l);
	l->subject = subject;
	l->k.a = a;
	*ret = (struct verified){ 0 };
	int r = keystore_list(ks, a, &l->k.all, e);
	if (r < 0)
		return r;
	keystore_for(&l->k.all, subject->name, a, &l->in_force);
	r = trust_keys_check(&l->k, &l->in_force, NULL, 0, e);
	bool unsigned_ok = trust_entries_unsigned(&l->in_force);
	if (r < 0 || (unsigned_ok && !has_key(&l->in_force, true, true)))
		return r;
	for (size_t i = 0; r == 0 && subject->n && i < sources->n; i++)
		if (has_key(&l->k.all, sources->v[i].pem, sources->v[i].openpgp))
			r = ask(l, &sources->v[i], ret, e);
	if (r != 0 || unsigned_ok)
		return r < 0 ? r : 0;
	return refuse(l, sources, e);
}

int layered_is_exact(const struct keystore *ks, const char *name, const char *fingerprint,
	struct arena *a, struct err *e)
{
	struct trust_entries all, in_force;
	int r = keystore_list(ks, a, &all, e);
	if (r < 0)
		return r;
	keystore_for(&all, name, a, &in_force);
	return trust_entries_have(&in_force, TRUST_EXACT, fingerprint);
}
