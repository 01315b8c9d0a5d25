/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/accept.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "stage0/fetcher.h"
#include "stage0/trust/keys.h"
#include "stage0/trust/pubkey.h"

enum { VERIFY_TIMEOUT = 600 };

struct acceptance {
	const struct accept_request *q;
	struct trust_keys k;
	bool verified; /* signatures holds the worker's judgement */
	struct fetch_signatures signatures;
};

/* --- one image -------------------------------------------------------------------------------- */

/* Why there is no good signature: of the first one that says most. */
static int refuse_signatures(const struct acceptance *c, struct err *e)
{
	const struct fetch_signature *v = &c->signatures.v[0];
	for (size_t i = 1; i < c->signatures.n && v->verdict == FETCH_SIG_UNKNOWN_KEY; i++)
		v = &c->signatures.v[i];
	const char *where = trust_keys_where(&c->k, v->fingerprint);
	const char *name = c->q->name ? c->q->name : "PREFIX";
	const char *detail = *v->detail ? arena_printf(c->k.a, " (%s)", v->detail) : "";
	if (v->verdict != FETCH_SIG_UNKNOWN_KEY)
		return ERR_DENY(e, "signature by key %s: %s%s", v->fingerprint,
			trust_verdict_text(v->verdict), detail);
	if (!*v->fingerprint) /* a bare signature says not by whom it is */
		return ERR_DENY(e,
			"%s: it is by no trusted key; `rkt trust --prefix=%s FILE` trusts the "
			"public key in FILE",
			trust_verdict_text(v->verdict), name);
	if (*where)
		return ERR_DENY(e, "%s: key %s is trusted for %s", trust_verdict_text(v->verdict),
			v->fingerprint, where);
	return ERR_DENY(e,
		"%s: key %s is not trusted; `rkt trust --prefix=%s FILE` trusts the public key in "
		"FILE",
		trust_verdict_text(v->verdict), v->fingerprint, name);
}

static int refuse_unsigned(const struct acceptance *c, struct err *e)
{
	return err_set(e, ERR_REFUSED, ENOENT,
		"error opening signature file: there is no '%s': --signature=FILE names another, "
		"--insecure-options=image accepts the image as it is",
		c->q->signature);
}

static int check_bytes(void *ctx, int fd, struct err *e)
{
	struct acceptance *c = ctx;
	static struct fetch_answer answer;
	if (c->q->signature_fd < 0)
		return trust_entries_unsigned(&c->k.all) ? 0 : refuse_unsigned(c, e);
	_clean_(fd) int keys = trust_keys_file(&c->k, e);
	if (keys < 0)
		return keys;
	const struct fetcher f = {
		.request = { .mode = FETCH_OPENPGP },
		.fds = { fd, c->q->signature_fd, keys, -1 },
		.timeout_s = VERIFY_TIMEOUT,
	};
	int r = fetcher_run(&f, &answer, e);
	if (r < 0)
		return err_wrap(e, r, "signature '%s'", c->q->signature);
	c->signatures = answer.signatures;
	c->verified = true;
	for (size_t i = 0; i < c->signatures.n; i++)
		if (c->signatures.v[i].verdict == FETCH_SIG_GOOD)
			return 0;
	return err_wrap(e, refuse_signatures(c, e), "signature '%s'", c->q->signature);
}

static void fill(const struct acceptance *c, const struct fetch_signature *v, struct verified *ret)
{
	char hex[2 * FETCH_DIGEST_SIZE + 1];
	for (size_t i = 0; i < FETCH_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->signatures.digest[i]);
	*ret = (struct verified){
		.mechanism = c->signatures.mechanism == FETCH_BY_PEM ? "pem" : "openpgp",
		.key = arena_strdup(c->k.a, v->fingerprint),
		.digest = arena_printf(c->k.a, "sha256-%s", hex),
		.time_ns = now_unix_ns(),
	};
}

static int accept_manifest(
	void *ctx, const struct image_manifest *m, struct verified *ret, struct err *e)
{
	struct acceptance *c = ctx;
	struct trust_entries in_force;
	int r = accept_check_name(m, c->q->name, c->q->labels, e);
	if (r < 0 || c->q->insecure)
		return r;
	keystore_for(&c->k.all, m->name, c->k.a, &in_force);
	r = trust_keys_check(&c->k, &in_force, c->signatures.bad, c->signatures.n_bad, e);
	if (r < 0)
		return r;
	const struct fetch_signature *good = NULL;
	for (size_t i = 0; i < c->signatures.n && c->verified; i++) {
		const struct fetch_signature *v = &c->signatures.v[i];
		if (v->verdict != FETCH_SIG_GOOD)
			continue;
		good = v;
		if (trust_entries_have(&in_force, TRUST_KEY, v->fingerprint)) {
			fill(c, v, ret);
			return 0;
		}
	}
	if (good)
		return trust_keys_deny(&c->k, good->fingerprint, m->name, e);
	return trust_entries_unsigned(&in_force) ? 0 : refuse_unsigned(c, e);
}

int accept_check_name(const struct image_manifest *m, const char *name, const struct nvlist *labels,
	struct err *e)
{
	if (name && strcmp(name, m->name) != 0)
		return ERR_DENY(e, "requested name: \"%s\" differs from fetched aci name: \"%s\"",
			name, m->name);
	for (size_t i = 0; labels && i < labels->n; i++) {
		const struct nv *want = &labels->v[i];
		const char *has = nv_get(&m->labels, want->name);
		if (!has)
			return ERR_DENY(e,
				"requested label \"%s\" not provided by the image manifest",
				want->name);
		if (strcmp(has, want->value) != 0)
			return ERR_DENY(e,
				"requested value for label \"%s\": \"%s\" differs from fetched aci "
				"label value: \"%s\"",
				want->name, want->value, has);
	}
	return 0;
}

int accept_image(struct store *s, const struct keystore *ks, int fd, const struct accept_request *q,
	struct arena *a, const char **ret_id, struct err *e)
{
	struct acceptance *c = ARENA_NEW(a, struct acceptance);
	c->q = q;
	c->k.a = a;
	const struct import_options o = {
		.source = q->source,
		.check = q->insecure ? NULL : check_bytes,
		.accept = accept_manifest,
		.ctx = c,
		.max_bytes = q->max_bytes,
		.max_entries = q->max_entries,
	};
	if (geteuid() != 0)
		return ERR_DENY(e, "cannot be unpacked as unprivileged user, only as root");
	int r = q->insecure ? 0 : keystore_list(ks, a, &c->k.all, e);
	return r < 0 ? r : store_import(s, fd, &o, a, ret_id, e);
}

int accept_look(const struct keystore *ks, int fd, const struct accept_request *q, struct arena *a,
	const char **ret_id, struct err *e)
{
	struct acceptance *c = ARENA_NEW(a, struct acceptance);
	c->q = q;
	c->k.a = a;
	if (q->insecure || q->signature_fd < 0)
		return ERR_DENY(e,
			"what is downloaded for root counts by its signature alone, and there is "
			"no '%s'",
			q->signature);
	int r = keystore_list(ks, a, &c->k.all, e);
	if (r >= 0)
		r = check_bytes(c, fd, e);
	return r < 0 ? r : store_image_id(fd, a, ret_id, e);
}

/* --- files ------------------------------------------------------------------------------------ */

/* As rkt has it: "X.aci" and "X" are signed in "X.aci.asc". */
static const char *beside(const char *path, struct arena *a)
{
	size_t n = strlen(path) - (str_ends(path, ".aci") ? strlen(".aci") : 0);
	return arena_printf(a, "%.*s.aci.asc", (int)n, path);
}

int accept_image_file(struct store *s, const struct keystore *ks, const struct accept_file *file,
	struct arena *a, const char **ret_id, struct err *e)
{
	_clean_(fd) int fd = io_open_regular(file->path, e);
	if (fd < 0)
		return fd;
	_clean_(mem) char *absolute = realpath(file->path, NULL);
	const char *source = absolute ? absolute : file->path;
	struct accept_request q = {
		/* What is not UTF-8 cannot be written down, and is no more than a hint. */
		.source = utf8_valid(source) ? arena_printf(a, "file://%s", source) : NULL,
		.signature_fd = -1,
		.signature = file->signature ? file->signature : beside(file->path, a),
		.insecure = file->insecure,
		.name = file->name,
		.labels = file->labels,
	};
	if (!file->insecure) {
		q.signature_fd = io_open_regular(q.signature, e);
		if (q.signature_fd < 0 && (q.signature_fd != -ENOENT || file->signature))
			return err_wrap(e, q.signature_fd, "error opening signature file");
	}
	int r = accept_image(s, ks, fd, &q, a, ret_id, e);
	fd_close(q.signature_fd);
	return r;
}

int accept_still_holds(
	const struct keystore *ks, const struct image *image, struct arena *a, struct err *e)
{
	struct trust_entries all, in_force;
	const struct verified *v = image->verified;
	const char *name = v->name ? v->name : image->name;
	int r = keystore_list(ks, a, &all, e);
	if (r < 0)
		return r;
	keystore_for(&all, name, a, &in_force);
	const struct trust_entry *entry = trust_entries_find(&in_force, TRUST_KEY, v->key);
	if (!entry) {
		ERR_DENY(e, "it was signed by key %s, which is not trusted for \"%s\" any more",
			v->key, name);
		return 0;
	}
	struct pubkeys keys;
	r = pubkeys_read_file(entry->path, &keys, e);
	const char *objection = r < 0 ? NULL : pubkey_objection(&keys.keys.v[0]);
	pubkeys_release(&keys);
	if (r < 0)
		return r;
	if (!objection)
		return 1;
	ERR_DENY(e, "it was signed by key %s, which is %s now", v->key, objection);
	return 0;
}
