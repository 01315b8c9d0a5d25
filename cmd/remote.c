/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/remote.h"

#include <fcntl.h>
#include <string.h>

#include "cmd/progress.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "stage0/remote/remote.h"
#include "stage0/trust/accept.h"

int pull_policy(const struct cli *cli, const char **ret, struct err *e)
{
	if (cli->no_store + cli->store_only + (cli->pull_policy != NULL) > 1)
		return ERR_BAD(
			e, "only one of --pull-policy, --no-store and --store-only may be given");
	*ret = cli->no_store	  ? "update"
	       : cli->store_only  ? "never"
	       : cli->pull_policy ? cli->pull_policy
				  : "new";
	return 0;
}

struct fetching {
	struct session *s;
	struct keystore ks;
	struct remote remote;
	struct progress progress;
};

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
	return accept_image(&f->s->store, &f->ks, d->fd, &q, &f->s->cli->arena, ret_id, e);
}

static void show(void *ctx, const char *url, uint64_t bytes, uint64_t total, bool done)
{
	struct fetching *f = ctx;
	progress_show(&f->progress, url, bytes, total, done);
}

static int some_unsigned(struct fetching *f, bool *ret, struct err *e)
{
	struct trust_entries all;
	int r = keystore_list(&f->ks, &f->s->cli->arena, &all, e);
	*ret = false;
	for (size_t i = 0; r >= 0 && i < all.n; i++)
		*ret |= all.v[i].kind == TRUST_UNSIGNED && !all.v[i].mask && !all.v[i].masked;
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

int remote_image_by_name(struct session *s, const char *name, const char *signature,
	struct image *ret, struct err *e)
{
	int r = fetch(s, name, signature, remote_fetch_name, ret, e);
	return r < 0 ? err_wrap(e, r, "unable to fetch app image from name \"%s\"", name) : r;
}

int remote_image_by_url(
	struct session *s, const char *url, const char *signature, struct image *ret, struct err *e)
{
	const char *policy = "new";
	int r = pull_policy(s->cli, &policy, e);
	if (r < 0)
		return r;
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
