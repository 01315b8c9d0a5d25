/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/remote.h"

#include <fcntl.h>
#include <string.h>

#include "cmd/progress.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "stage0/remote/remote.h"
#include "stage0/trust/accept.h"
#include "stage0/trust/pubkey.h"

const char *pull_policy(const struct cli *cli)
{
	return cli->pull_policy ? cli->pull_policy : "new";
}

struct fetching {
	struct session *s;
	struct keystore ks;
	struct remote remote;
	struct progress progress;
};

/* For a member of the group rkt: root will do the rest. */
static int look_at(struct fetching *f, int fd, const struct accept_request *q, const char **ret_id,
	struct err *e)
{
	struct image image;
	struct err ignored = ERR_INIT;
	struct arena *a = &f->s->cli->arena;
	int r = accept_look(&f->ks, fd, q, a, ret_id, e);
	f->s->downloaded |= r >= 0 && store_get(&f->s->store, *ret_id, a, &image, &ignored) < 0;
	return r;
}

static int import(void *ctx, const struct download *d, const char **ret_id, struct err *e)
{
	struct fetching *f = ctx;
	const struct accept_request q = {
		.source = d->url,
		.signature_fd = d->asc_fd,
		.signature = d->asc_url,
		.insecure = f->remote.insecure,
		.name = d->wanted ? d->wanted->name : NULL,
		.labels = d->wanted ? &d->wanted->labels : NULL,
	};
	int r = f->s->store.member ? look_at(f, d->fd, &q, ret_id, e)
				   : accept_image(&f->s->store, &f->ks, d->fd, &q,
					     &f->s->cli->arena, ret_id, e);
	f->s->judged |= r >= 0;
	return r;
}

static void show(void *ctx, const char *url, uint64_t bytes, uint64_t total, bool done)
{
	struct fetching *f = ctx;
	progress_show(&f->progress, url, bytes, total, done);
}

static void warn(void *ctx, const struct err *why)
{
	const struct fetching *f = ctx;
	cli_report(f->s->cli, why);
}

static int some_unsigned(struct fetching *f, bool *ret, struct err *e)
{
	struct trust_entries all;
	int r = keystore_list(&f->ks, &f->s->cli->arena, &all, e);
	*ret = r >= 0 && trust_entries_unsigned(&all);
	return r;
}

/* f->remote.signature_fd is the caller's to close. */
static int begin(struct fetching *f, struct session *s, const char *signature, struct err *e)
{
	unsigned insecure = s->cli->insecure;
	*f = (struct fetching){ .s = s,
		.ks = session_keystore(s),
		.progress = progress_begin(s->cli->quiet),
		.remote = {
			.store = &s->store,
			.auths = &s->config.auths,
			.allow_http = insecure & INSECURE_HTTP,
			.no_tls_check = insecure & INSECURE_TLS,
			.insecure = insecure & INSECURE_IMAGE,
			.signature_fd = -1,
			.import = import,
			.progress = show,
			.warn = warn,
		} };
	f->remote.ctx = f;
	int r = f->remote.insecure ? 0 : some_unsigned(f, &f->remote.unsigned_too, e);
	if (r >= 0 && signature && !f->remote.insecure) {
		f->remote.signature_fd = open(signature, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		if (f->remote.signature_fd < 0)
			r = ERR_SYS(e, "error opening signature file: open '%s'", signature);
	}
	return r;
}

typedef int (*fetch_fn)(const struct remote *r, const char *what, struct arena *a,
	struct image *ret, struct err *e);

static int fetch(struct session *s, const char *what, const char *signature, fetch_fn how,
	struct image *ret, struct err *e)
{
	struct fetching f;
	int r = begin(&f, s, signature, e);
	if (r >= 0)
		r = how(&f.remote, what, &s->cli->arena, ret, e);
	fd_close(f.remote.signature_fd);
	return r;
}

/* --- keys ------------------------------------------------------------------------------------- */

static struct remote keys_remote(struct session *s)
{
	return (struct remote){
		.auths = &s->config.auths,
		.allow_http = s->cli->insecure_allow_http,
		.no_tls_check = s->cli->insecure & INSECURE_TLS,
		.signature_fd = -1,
	};
}

int remote_keys_discover(struct session *s, const char *name, struct strlist *ret, struct err *e)
{
	const struct remote remote = keys_remote(s);
	return remote_discover_keys(&remote, name, &s->cli->arena, ret, e);
}

int remote_keys_fetch(struct session *s, const char *url, struct pubkeys *ret, struct err *e)
{
	const struct remote remote = keys_remote(s);
	_clean_(fd) int fd = -1;
	int r = remote_fetch_small(&remote, url, FETCH_KEYFILE_MAX, &fd, e);
	if (r < 0)
		return r;
	r = pubkeys_read(fd, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", url) : 0;
}

static int trust_keys(struct session *s, const struct keystore *ks, const char *name,
	const char *url, struct err *e)
{
	struct pubkeys keys = { 0 };
	const char *path;
	int r = remote_keys_fetch(s, url, &keys, e);
	for (size_t i = 0; r >= 0 && i < keys.keys.n; i++) {
		const struct fetch_key *key = &keys.keys.v[i];
		if (pubkey_objection(key))
			continue;
		r = keystore_add(ks, name, key->fingerprint, str_text(&keys.bytes) + key->offset,
			key->size, &s->cli->arena, &path, e);
		if (r >= 0)
			fprintf(stderr, "Added key for prefix \"%s\" at \"%s\"\n", name, path);
	}
	pubkeys_release(&keys);
	return r;
}

/* --trust-keys-from-https, where no key is trusted for the name yet. That it fails is no reason not
 * to look at the signature. */
static void trust_what_is_there(struct session *s, const char *ref)
{
	const struct keystore ks = session_keystore(s);
	struct arena *a = &s->cli->arena;
	struct trust_entries all, in_force;
	struct strlist urls = { 0 };
	struct nvlist labels;
	struct err e = ERR_INIT;
	const char *name;
	if (!s->cli->trust_keys_from_https || (s->cli->insecure & (INSECURE_IMAGE | INSECURE_TLS)))
		return;
	int r = store_parse_name(ref, a, &name, &labels, &e);
	if (r >= 0)
		r = keystore_list(&ks, a, &all, &e);
	if (r >= 0) {
		keystore_for(&all, name, a, &in_force);
		if (in_force.n)
			return;
		r = remote_keys_discover(s, name, &urls, &e);
	}
	for (size_t i = 0; r >= 0 && i < urls.n; i++)
		r = trust_keys(s, &ks, name, urls.v[i], &e);
	if (r < 0)
		cli_report(s->cli, &e);
}

/* --- images ----------------------------------------------------------------------------------- */

int remote_image_by_name(struct session *s, const char *name, const char *signature,
	struct image *ret, struct err *e)
{
	trust_what_is_there(s, name);
	int r = fetch(s, name, signature, remote_fetch_name, ret, e);
	return r < 0 ? err_wrap(e, r, "unable to fetch app image from name \"%s\"", name) : r;
}

int remote_dependency(
	struct session *s, const char *name, uint64_t size, struct image *ret, struct err *e)
{
	struct fetching f;
	trust_what_is_there(s, name);
	int r = begin(&f, s, NULL, e);
	f.remote.any_platform = true;
	f.remote.size = size;
	if (r >= 0)
		r = remote_fetch_name(&f.remote, name, &s->cli->arena, ret, e);
	return r < 0 ? err_wrap(e, r, "unable to fetch image from name \"%s\"", name) : r;
}

int remote_image_by_url(
	struct session *s, const char *url, const char *signature, struct image *ret, struct err *e)
{
	const char *policy = pull_policy(s->cli);
	int r;
	if (!str_eq(policy, "update")) {
		const struct remote here = { .store = &s->store };
		r = remote_stored_url(&here, url, &s->cli->arena, ret, e);
		if (r >= 0)
			dbg("image: using image from local store for url %s", url);
		if (r >= 0)
			return r;
		if (str_eq(policy, "never"))
			return ERR_NOENT(e,
				"image '%s' is not in the store, and nothing else may be asked",
				url);
	}
	r = fetch(s, url, signature, remote_fetch_url, ret, e);
	return r < 0 ? err_wrap(e, r, "unable to fetch app image from url \"%s\"", url) : r;
}
