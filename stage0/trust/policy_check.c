/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/policy_check.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage0/trust/keys.h"
#include "stage0/trust/pubkey.h"

enum { POLICY_KEYS_MAX = 256 };

/* --- the file --------------------------------------------------------------------------------- */

static int read_policy(const char *path, struct arena *a, struct policy_file *ret, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	_clean_(fd) int fd = io_open_regular(path, e);
	int r = fd < 0 ? fd : io_read_fd(fd, path, &bytes, e);
	if (r >= 0)
		r = policy_parse(str_text(&bytes), bytes.len, a, &ret->policy, e);
	ret->path = path;
	return r < 0 ? err_wrap(e, r, "policy '%s'", path) : 0;
}

int policy_load(const char *configured, const char *home, struct arena *a, struct policy_file *ret,
	struct err *e)
{
	if (!str_eq(configured, POLICY_SYSTEM))
		return read_policy(configured, a, ret, e);
	const char *own = home ? arena_printf(a, "%s/" POLICY_HOME_FILE, home) : NULL;
	if (!own || (access(own, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)))
		own = POLICY_FILE;
	return read_policy(own, a, ret, e);
}

struct policy_image policy_image_of(const struct layered_subject *s)
{
	return (struct policy_image){ .transport = s->transport,
		.name = str_eq(s->transport, "docker") ? s->name : s->path,
		.tag = s->digest ? NULL : s->tag,
		.digest = s->digest };
}

/* --- the keys of one requirement -------------------------------------------------------------- */

struct policy_keys {
	int fd; /* FETCH_FD_KEYS */
	size_t n;
};

static int add_keys(struct policy_keys *k, const struct pubkeys *from, struct err *e)
{
	for (size_t i = 0; i < from->keys.n; i++) {
		const struct fetch_key *key = &from->keys.v[i];
		struct fetch_keyfile head = { .size = (uint32_t)key->size };
		if (k->n++ == POLICY_KEYS_MAX)
			return ERR_BAD(e, "more than %d keys", POLICY_KEYS_MAX);
		memcpy(head.fingerprint, key->fingerprint, sizeof head.fingerprint);
		int r = io_write_all(k->fd, &head, sizeof head, e);
		if (r >= 0)
			r = io_write_all(k->fd, str_text(&from->bytes) + key->offset, key->size, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_file(struct policy_keys *k, const char *path, struct err *e)
{
	struct pubkeys keys;
	int r = pubkeys_read_file(path, &keys, e);
	if (r >= 0)
		r = add_keys(k, &keys, e);
	pubkeys_release(&keys);
	return r;
}

static int add_data(struct policy_keys *k, const char *base64, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(FETCH_KEYFILE_MAX);
	struct pubkeys keys;
	if (!base64_decode(&bytes, base64) || !str_ok(&bytes))
		return ERR_BAD(e, "keyData is not base64, or too large");
	_clean_(fd) int fd = memfd_create("keys", MFD_CLOEXEC);
	int r = fd < 0 ? ERR_SYS(e, "memfd_create")
		       : io_write_all(fd, str_text(&bytes), bytes.len, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	if (r < 0)
		return r;
	r = pubkeys_read(fd, &keys, e);
	if (r >= 0)
		r = add_keys(k, &keys, e);
	pubkeys_release(&keys);
	return r;
}

static int keys_of(const struct policy_requirement *q, struct err *e)
{
	struct policy_keys k = { .n = 0 };
	_clean_(fd) int fd = memfd_create("keys", MFD_CLOEXEC);
	int r = fd < 0 ? ERR_SYS(e, "memfd_create") : 0;
	k.fd = fd;
	for (size_t i = 0; r >= 0 && i < q->paths.n; i++)
		r = add_file(&k, q->paths.v[i], e);
	for (size_t i = 0; r >= 0 && i < q->data.n; i++)
		r = add_data(&k, q->data.v[i], e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	return r < 0 ? r : take_fd(&fd);
}

/* --- one requirement -------------------------------------------------------------------------- */

struct checking {
	const struct layered_subject *subject;
	const struct signed_document *manifest;
	struct policy_image image;
	struct evidence evidence;
	struct err failure; /* of a source that could not be asked; the others are */
	struct arena *a;
};

static int refuse_proof(const struct checking *c, const struct fetch_proof *p, struct err *e)
{
	const char *why = *p->why ? p->why : p->s.detail;
	if (p->s.verdict == FETCH_SIG_GOOD)
		return ERR_DENY(e, "the signature by key %s is for \"%s%s%s%s%s\"",
			p->s.fingerprint, *p->repository ? p->repository : "no repository",
			*p->tag ? ":" : "", p->tag, *p->named ? "@" : "", p->named);
	return ERR_DENY(e, "signature: %s%s", trust_verdict_text(p->s.verdict),
		*why ? arena_printf(c->a, " (%s)", why) : "");
}

/* 1: one of them will do; 0: *e says of the one that came closest why not. */
static int judge(const struct checking *c, const struct policy_requirement *q,
	const struct fetch_proofs *found, struct err *e)
{
	uint32_t mechanism = q->kind == POLICY_SIGNED_BY ? FETCH_BY_SIMPLE : FETCH_BY_COSIGN;
	int closest = 0;
	for (size_t i = 0; i < found->n; i++) {
		const struct fetch_proof *p = &found->v[i];
		const struct policy_reference is_signed = { p->repository, p->tag, p->named };
		bool good = p->s.verdict == FETCH_SIG_GOOD;
		int rank = good ? 3 : p->s.verdict == FETCH_SIG_UNKNOWN_KEY ? 1 : 2;
		if (p->mechanism != mechanism)
			continue;
		if (good && policy_matches(&q->identity, &c->image, &is_signed, c->a))
			return 1;
		if (rank > closest)
			(void)refuse_proof(c, p, e);
		closest = rank > closest ? rank : closest;
	}
	if (!closest)
		(void)(c->failure.kind != ERR_NONE ? (*e = c->failure, 0)
						   : ERR_DENY(e, "there is no such signature"));
	return 0;
}

static int is_signed(const struct checking *c, const struct policy_requirement *q, struct err *e)
{
	_clean_(mem) struct fetch_answer *answer = xcalloc(1, sizeof *answer);
	if (q->unsupported)
		return ERR_DENY(e, "'%s' is not supported here", q->unsupported);
	if (!c->manifest)
		return ERR_DENY(e, "the image has no manifest that could be signed");
	_clean_(fd) int keys = keys_of(q, e);
	if (keys < 0)
		return keys;
	int r = c->evidence.n ? proofs_ask(c->manifest, 1, &c->evidence, keys, answer, e) : 0;
	if (r >= 0 && answer->proofs.n_bad)
		r = ERR_BAD(e, "its keys: %s", answer->proofs.bad[0].why);
	if (r < 0)
		return r;
	return judge(c, q, &answer->proofs, e) ? 0 : -EPERM;
}

static int meets(const struct checking *c, const struct policy_requirement *q, struct err *e)
{
	switch (q->kind) {
	case POLICY_ACCEPT: return 0;
	case POLICY_REJECT: return ERR_DENY(e, "such images are rejected");
	case POLICY_SIGNED_BY:
	case POLICY_SIGSTORE: return is_signed(c, q, e);
	}
	return ERR_DENY(e, "a requirement of an unknown kind");
}

/* --- all of them ------------------------------------------------------------------------------ */

static void collect(struct checking *c, const struct policy_scope *scope,
	const struct signature_sources *sources)
{
	bool pem = false, openpgp = false;
	for (size_t i = 0; i < scope->n; i++) {
		pem |= scope->v[i].kind == POLICY_SIGSTORE;
		openpgp |= scope->v[i].kind == POLICY_SIGNED_BY;
	}
	for (size_t i = 0; c->manifest && i < sources->n; i++) {
		const struct signature_source *s = &sources->v[i];
		if (!(s->pem && pem) && !(s->openpgp && openpgp))
			continue;
		int r = s->collect(s->ctx, c->manifest, &c->evidence, &c->failure);
		if (r < 0)
			(void)err_wrap(&c->failure, r, "signatures: %s", s->what);
	}
	dbg("policy: %zu signatures", c->evidence.n);
}

const char *policy_text(const struct policy_requirement *q, struct arena *a)
{
	static const char *const kinds[] = { [POLICY_ACCEPT] = "insecureAcceptAnything",
		[POLICY_REJECT] = "reject",
		[POLICY_SIGNED_BY] = "signedBy",
		[POLICY_SIGSTORE] = "sigstoreSigned" };
	return q->unsupported ? arena_printf(a, "%s, %s, which is not supported here",
					kinds[q->kind], q->unsupported)
	       : q->paths.n   ? arena_printf(a, "%s with the keys of '%s'%s", kinds[q->kind],
					q->paths.v[0], q->paths.n > 1 ? " and others" : "")
	       : q->data.n    ? arena_printf(a, "%s with keys in the policy", kinds[q->kind])
			      : kinds[q->kind];
}

int policy_accept(const struct policy_file *p, const struct layered_subject *subject,
	const struct signature_sources *sources, struct arena *a, struct err *e)
{
	struct checking c = { .subject = subject,
		.manifest = subject->n ? &subject->documents[subject->n - 1] : NULL,
		.image = policy_image_of(subject),
		.evidence = EVIDENCE_INIT,
		.a = a };
	const char *where;
	const struct policy_scope *scope = policy_for(&p->policy, &c.image, a, &where);
	int r = 0;
	collect(&c, scope, sources);
	for (size_t i = 0; r >= 0 && i < scope->n; i++) {
		r = meets(&c, &scope->v[i], e);
		if (r < 0)
			r = err_wrap(e, r, "policy '%s', %s: %s", p->path, where,
				policy_text(&scope->v[i], a));
	}
	evidence_cleanup(&c.evidence);
	return r;
}
