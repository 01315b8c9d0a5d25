/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/judge.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/docker_ref.h"
#include "stage0/fetch.h"
#include "stage0/registry/signatures.h"
#include "stage0/trust/accept.h"
#include "stage0/trust/lookaside.h"
#include "stage0/trust/policy_check.h"

static bool insecure(const struct session *s)
{
	return s->cli->insecure & INSECURE_IMAGE;
}

static int decided(void *ctx, const struct image_manifest *m, struct verified *ret, struct err *e)
{
	const struct judge *j = ctx;
	(void)m, (void)e;
	*ret = j->verified;
	return 0;
}

struct import_options judge_options(struct judge *j, const char *source)
{
	bool ask = !insecure(j->s);
	return (struct import_options){
		.insecure = !ask, .accept = ask ? decided : NULL, .ctx = j, .source = source
	};
}

/* --- the signature that the user names -------------------------------------------------------- */

static int collect_file(
	void *ctx, const struct signed_document *d, struct evidence *v, struct err *e)
{
	const struct judge *j = ctx;
	_clean_(str) struct str bytes = STR_INIT(FETCH_EVIDENCE_BYTES);
	(void)d;
	_clean_(fd) int fd = io_open_regular(j->signature, e);
	int r = fd < 0 ? fd : io_read_fd(fd, j->signature, &bytes, e);
	if (r >= 0)
		evidence_add(v, FETCH_EVIDENCE_ANY, NULL, str_text(&bytes), bytes.len);
	return r;
}

/* The policy, where the configuration has one: what the keystore says holds already. */
static int meets_policy(struct session *s, const struct layered_subject *subject,
	const struct signature_sources *sources, struct err *e)
{
	struct arena *a = &s->cli->arena;
	struct policy_file policy;
	if (!s->config.policy)
		return 0;
	int r = policy_load(s->config.policy, getenv("HOME"), a, &policy, e);
	return r < 0 ? r : policy_accept(&policy, subject, sources, a, e);
}

static int accept(struct judge *j, const struct layered_subject *subject,
	const struct signature_source *v, size_t n, struct err *e)
{
	const struct keystore ks = session_keystore(j->s);
	const struct signature_source file = {
		.what = j->signature,
		.pem = true,
		.openpgp = true,
		.once = true,
		.collect = collect_file,
		.ctx = j,
	};
	const struct signature_sources sources = { j->signature ? &file : v, j->signature ? 1 : n };
	int r = layered_accept(&ks, subject, &sources, &j->s->cli->arena, &j->verified, e);
	return r < 0 ? r : meets_policy(j->s, subject, &sources, e);
}

/* A good one is recorded. */
static int accept_archive(
	struct session *s, struct image *found, const char *signature, struct err *e)
{
	struct arena *a = &s->cli->arena;
	const struct keystore ks = session_keystore(s);
	const char *id;
	_clean_(fd) int archive = store_archive(&s->store, found->id, e);
	if (archive < 0)
		return archive;
	_clean_(fd) int fd = io_open_regular(signature, e);
	if (fd < 0)
		return err_wrap(e, fd, "error opening signature file");
	const struct accept_request q = {
		.source = found->source, .signature_fd = fd, .signature = signature
	};
	int r = accept_image(&s->store, &ks, archive, &q, a, &id, e);
	return r < 0 ? r : store_get(&s->store, id, a, found, e);
}

int judge_found(struct session *s, struct image *found, const char *signature, struct err *e)
{
	if (found->n_layers)
		return ERR_DENY(e,
			"--signature: it is in the store, and one with layers is judged when it is "
			"fetched: name it by docker:// or oci:, with --pull-policy=update");
	return accept_archive(s, found, signature, e);
}

/* --- layouts and archives --------------------------------------------------------------------- */

static int accept_local(void *ctx, const struct layered_subject *subject,
	const struct signature_source *own, struct err *e)
{
	return accept(ctx, subject, own, own ? 1 : 0, e);
}

struct oci_gate judge_gate(struct judge *j)
{
	return (struct oci_gate){ insecure(j->s) ? NULL : accept_local, j };
}

/* --- registries ------------------------------------------------------------------------------- */

static int subject_of(
	const struct registry_ref *ref, struct arena *a, struct layered_subject *ret, struct err *e)
{
	struct docker_ref name;
	if (!docker_ref_parse(str_after(ref->text, "docker://"), a, &name))
		return ERR_BAD(e, "'%s' is no reference that keys can be trusted for", ref->text);
	ret->name = name.name;
	ret->tag = ref->digest ? NULL : ref->tag;
	ret->repository = true;
	ret->transport = "docker";
	ret->digest = ref->digest;
	return 0;
}

int judge_registry(void *ctx, struct registry *g, const struct registry_candidate *c, struct err *e)
{
	struct judge *j = ctx;
	struct arena *a = &j->s->cli->arena;
	struct signed_document documents[FETCH_DOCUMENTS_MAX];
	struct signature_source sources[REGISTRY_SIGNATURE_SOURCES];
	struct registry_signatures from = {
		.g = g, .ref = c->ref, .remote = j->remote, .lookaside_dir = LOOKASIDE_DIR, .a = a
	};
	struct layered_subject subject = { .documents = documents, .n = c->n };
	if (insecure(j->s))
		return 0;
	if (c->n > FETCH_DOCUMENTS_MAX)
		return ERR_BAD(e, "indexes are nested too deep");
	for (size_t i = 0; i < c->n; i++)
		documents[i] = (struct signed_document){ str_text(&c->documents[i].bytes),
			c->documents[i].bytes.len, c->documents[i].digest };
	registry_signature_sources(&from, sources);
	int r = subject_of(c->ref, a, &subject, e);
	return r < 0 ? r : accept(j, &subject, sources, REGISTRY_SIGNATURE_SOURCES, e);
}

/* Without a signature: where none is asked for. */
static int stored_holds(struct session *s, const struct layered_subject *subject,
	const struct verified *v, struct err *e)
{
	const struct keystore ks = session_keystore(s);
	const struct signature_sources none = { NULL, 0 };
	struct verified ignored;
	bool same = v && str_eq(v->name, subject->name);
	/* What was verified for another tag says nothing of this one to a key of --match=exact. */
	if (same && (!subject->tag || str_eq(v->tag, subject->tag)))
		return 0;
	if (same) {
		int r = layered_is_exact(&ks, subject->name, v->key, &s->cli->arena, e);
		if (r > 0)
			return ERR_DENY(e,
				"it was not verified for the tag \"%s\", and key %s is trusted "
				"with "
				"--match=exact",
				subject->tag, v->key);
		return r;
	}
	if (layered_accept(&ks, subject, &none, &s->cli->arena, &ignored, e) < 0)
		return ERR_DENY(
			e, "nobody who is trusted for that name is known to have signed it");
	return 0;
}

bool judge_stored(struct session *s, const struct registry_ref *ref, const struct image *image,
	struct err *why)
{
	struct layered_subject subject = { .n = 0 };
	const struct signature_sources none = { NULL, 0 };
	if (insecure(s))
		return true;
	int r = subject_of(ref, &s->cli->arena, &subject, why);
	if (r >= 0)
		r = stored_holds(s, &subject, image->verified, why);
	/* Signatures that a policy asks for are not kept: they are asked for again. */
	if (r >= 0)
		r = meets_policy(s, &subject, &none, why);
	return r >= 0;
}

/* What the image is called in full; NULL: nobody knows. */
static const char *full_name(const struct image *i, struct arena *a)
{
	struct docker_ref ref;
	const char *from = i->source ? str_after(i->source, "docker://") : NULL;
	if (!i->n_layers)
		return i->name;
	if (i->verified)
		return i->verified->name;
	return from && docker_ref_parse(from, a, &ref) ? ref.name : NULL;
}

int judge_name(struct session *s, const struct image *found, struct err *e)
{
	struct arena *a = &s->cli->arena;
	const char *name = full_name(found, a);
	struct images all;
	if (insecure(s) || !name || str_eq(name, docker_ref_canonical(found->name, a)))
		return 0;
	int r = store_list(&s->store, a, &all, e);
	for (size_t i = 0; r >= 0 && i < all.n; i++) {
		const char *other = full_name(&all.v[i], a);
		if (str_eq(all.v[i].name, found->name) && other && !str_eq(other, name))
			return ERR_DENY(e,
				"image '%s': the store has images of \"%s\" and of \"%s\", which "
				"it "
				"calls the same: name one by docker:// or by its id",
				found->name, name, other);
	}
	return r < 0 ? r : 0;
}
