/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/layers.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "stage0/registry/answer.h"
#include "stage0/registry/internal.h"
#include "stage0/store/inbox.h"
#include "stage0/store/layer_file.h"

enum { AT_ONCE = 4, FDS_MAX = 16, CHALLENGES_MAX = 3, LOOK_MS = 100, PIPE_SIZE = 1024 * 1024 };
#define LAYER_MAX (64ULL << 30)

struct item {
	char hex[OCI_HEX_SIZE + 1];
	uint64_t size;
	size_t first; /* the layer with the same blob that stands for it */
	bool wanted;
	bool inherited; /* an earlier download, or part of one, was here */
	struct layer_file file;
	int64_t look_ms; /* somebody else's: when to look again */
	struct transfer *transfer;
	bool flows; /* not to the file, but to who unpacks it, and writes the file */
	bool sent;  /* … all of it */
	int pipe;   /* our end of that, which outlives a connection */
	int challenges;
	char *url;
	const char *authorization; /* the login's */
};

struct layers {
	struct registry *g;
	const struct registry_pull *p;
	struct item *v;
	size_t n, running;
	bool stale; /* layers_stale() */
	struct registry_layer *told;
};

int layers_new(struct registry *g, const struct oci_answer *manifest, const struct registry_pull *p,
	struct layers **ret, struct err *e)
{
	for (size_t i = 0; i < manifest->n_layers; i++)
		if (manifest->layers[i].size > LAYER_MAX)
			return ERR_BAD(e, "layer %zu has %llu bytes: more than is accepted", i + 1,
				(unsigned long long)manifest->layers[i].size);
	struct layers *l = xcalloc(1, sizeof *l);
	*l = (struct layers){ .g = g, .p = p, .n = manifest->n_layers };
	l->v = xcalloc(l->n, sizeof *l->v);
	l->told = xcalloc(l->n, sizeof *l->told);
	for (size_t i = 0; i < l->n; i++) {
		struct item *t = &l->v[i];
		*t = (struct item){
			.size = manifest->layers[i].size, .file = LAYER_FILE_INIT, .pipe = -1
		};
		oci_digest_hex(manifest->layers[i].digest, t->hex);
		while (strcmp(l->v[t->first].hex, t->hex) != 0)
			t->first++;
	}
	*ret = l;
	return 0;
}

/* --- one layer -------------------------------------------------------------------------------- */

static void stop(struct layers *l, struct item *t)
{
	if (!t->transfer)
		return;
	transfer_end(t->transfer);
	t->transfer = NULL;
	l->running--;
}

static int begin(struct layers *l, struct item *t, struct err *e)
{
	struct request q = { .body = t->flows ? t->pipe : t->file.fd,
		.progress = -1,
		.max_body = t->size,
		.offset = t->file.offset,
		.by_content = true };
	int r = registry_authorize(l->g, &q, e);
	if (r < 0)
		return r;
	_clean_(mem) char *digest = xasprintf("sha256:%s", t->hex);
	mem_cleanup(&t->url);
	q.url = t->url = registry_url(l->g, "blobs", digest);
	t->authorization = q.authorization;
	if (q.offset)
		dbg("registry: layer %s: going on at byte %llu", t->hex,
			(unsigned long long)q.offset);
	r = transfer_begin(l->g->o.remote, &q, &t->transfer, e);
	l->running += r >= 0;
	return r;
}

static int restart(struct item *t, uint64_t offset, struct err *e)
{
	t->file.offset = offset;
	return offset || ftruncate(t->file.fd, 0) == 0 ? 0 : ERR_SYS(e, "truncate the layer");
}

/* There is a status, and all of its body. */
static int take(struct layers *l, struct item *t, const struct fetch_http *http, struct err *e)
{
	if (http->status == 401 && t->challenges++ < CHALLENGES_MAX) {
		int r = login_challenged(
			l->g->login, *t->authorization ? t->authorization : NULL, http, e);
		return r < 0 ? r : restart(t, http->bytes, e);
	}
	/* What lies here is no part of it. What flowed was unpacked already. */
	if (http->status == 416 && t->file.offset && !t->flows)
		return restart(t, 0, e);
	if (http->status != 200 && http->status != 206)
		return answer_status(&l->g->ref, http, "blobs", t->hex, e);
	if (http->bytes != t->size) {
		layer_file_remove(&t->file, true);
		return ERR_BAD(e, "the registry sent %llu bytes of it, the manifest says %llu",
			(unsigned long long)http->bytes, (unsigned long long)t->size);
	}
	if (!t->flows)
		return layer_file_whole(&t->file, e);
	t->sent = true;
	t->pipe = fd_close(t->pipe);
	return 0;
}

/* What is not worth it is told of and forgotten: it comes from the registry. */
static int take_incoming(struct layers *l, struct item *t, struct err *e)
{
	struct err why = ERR_INIT;
	int r = inbox_take(l->g->o.remote->store, t->hex, t->size, t->file.fd, &why);
	if (r == 0)
		return 0;
	t->file.offset = 0;
	if (r > 0)
		return layer_file_whole(&t->file, e);
	if (l->p->warn)
		l->p->warn(l->p->ctx, &why);
	return restart(t, 0, e);
}

static int look(struct layers *l, struct item *t, struct err *e)
{
	if (now_ms() < t->look_ms)
		return 0;
	t->look_ms = now_ms() + LOOK_MS;
	int r = layer_file_open(l->g->o.remote->store, t->hex, t->size, &t->file, e);
	t->inherited |= r >= 0 && (t->file.state == LAYER_FILE_WHOLE || t->file.offset);
	return r < 0 || t->file.state != LAYER_FILE_OURS ? r : take_incoming(l, t, e);
}

static int step(struct layers *l, struct item *t, struct err *e)
{
	struct fetch_http http;
	int r = 0;
	if (t->transfer) {
		r = transfer_step(t->transfer, &http, e);
		if (r)
			stop(l, t);
		r = r > 0 ? take(l, t, &http, e) : answer_explain(r, e);
	} else if (t->file.state == LAYER_FILE_NONE || t->file.state == LAYER_FILE_THEIRS) {
		r = look(l, t, e);
	}
	if (r >= 0 && t->file.state == LAYER_FILE_OURS && !t->transfer && !t->sent &&
		l->running < AT_ONCE)
		r = begin(l, t, e);
	return r;
}

/* --- what the import asks --------------------------------------------------------------------- */

static struct item *item(struct layers *l, size_t i)
{
	return &l->v[l->v[i].first];
}

static int ready(void *ctx, size_t i, struct err *e)
{
	struct layers *l = ctx;
	struct item *t = item(l, i);
	t->wanted = true;
	int r = t->file.state == LAYER_FILE_WHOLE ? 0 : step(l, t, e);
	return r < 0 ? r : t->file.state == LAYER_FILE_WHOLE;
}

/* From the beginning only: what an earlier fetch has left is completed in its file. */
static int flow(void *ctx, size_t i, int *ret_input, int *ret_copy, struct err *e)
{
	struct layers *l = ctx;
	struct item *t = item(l, i);
	int ends[2], r = 0;
	t->wanted = true;
	if (t->file.state == LAYER_FILE_NONE || t->file.state == LAYER_FILE_THEIRS)
		r = look(l, t, e);
	if (r < 0 || t->file.state != LAYER_FILE_OURS || t->file.offset || t->transfer ||
		t->flows || l->running >= AT_ONCE)
		return r;
	if (lseek(t->file.fd, 0, SEEK_SET) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return ERR_SYS(e, "create a pipe");
	/* Fewer turns; who is not allowed that much gets along without. */
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	t->pipe = ends[1];
	t->flows = true;
	r = begin(l, t, e);
	if (r < 0) {
		fd_close(ends[0]);
		return r;
	}
	*ret_input = ends[0];
	*ret_copy = t->file.fd;
	return 1;
}

static int flowed(void *ctx, size_t i, bool whole, struct err *e)
{
	struct layers *l = ctx;
	struct item *t = item(l, i);
	struct stat st;
	int r = 0;
	stop(l, t);
	t->pipe = fd_close(t->pipe);
	t->flows = t->sent = false;
	if (t->file.state != LAYER_FILE_OURS)
		return 0;
	if (fstat(t->file.fd, &st) < 0)
		return ERR_SYS(e, "stat the layer");
	t->file.offset = (uint64_t)st.st_size;
	if (whole || t->file.offset == t->size)
		r = layer_file_whole(&t->file, e);
	else if (t->file.offset > t->size)
		r = restart(t, 0, e);
	return r < 0 ? r : t->file.state == LAYER_FILE_WHOLE;
}

static void tell(struct layers *l, bool done)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct item *t = &l->v[i];
		if (!t->wanted)
			continue;
		struct registry_layer *to = &l->told[n++];
		bool whole = t->file.state == LAYER_FILE_WHOLE || t->sent;
		to->hex = t->hex;
		to->total = t->size;
		to->bytes = whole	  ? t->size
			    : t->transfer ? transfer_bytes(t->transfer)
					  : t->file.offset;
		to->elsewhere = t->file.state == LAYER_FILE_THEIRS;
		to->active = t->transfer != NULL;
	}
	if (l->p->progress)
		l->p->progress(l->p->ctx, l->told, n, done);
}

static int wait_for_more(void *ctx, const int *fds, size_t n, struct err *e)
{
	struct layers *l = ctx;
	struct pollfd p[FDS_MAX + AT_ONCE];
	int timeout = -1;
	nfds_t used = 0;
	BUG_ON(n > FDS_MAX);
	for (size_t i = 0; i < n; i++)
		p[used++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	for (size_t i = 0; i < l->n; i++) {
		const struct item *t = &l->v[i];
		int ms = LOOK_MS;
		if (t->transfer)
			p[used++] = (struct pollfd){ .fd = transfer_wait(t->transfer, &ms),
				.events = POLLIN };
		if (t->wanted && t->file.state != LAYER_FILE_WHOLE && !t->sent)
			timeout = timeout < 0 || ms < timeout ? ms : timeout;
	}
	tell(l, timeout < 0);
	if (poll(p, used, timeout) < 0 && errno != EINTR)
		return ERR_SYS(e, "poll");
	return 0;
}

static int publish(void *ctx, size_t i, struct err *e)
{
	return layer_file_publish(&item(ctx, i)->file, e);
}

static void spoilt(void *ctx, size_t i, bool certain)
{
	struct layers *l = ctx;
	l->stale |= item(l, i)->inherited;
	layer_file_remove(&item(l, i)->file, certain);
}

struct layer_supply layers_supply(struct layers *l)
{
	return (struct layer_supply){ ready, flow, flowed, wait_for_more, publish, spoilt, l };
}

int layers_get(struct layers *l, struct err *e)
{
	for (;;) {
		size_t left = 0;
		for (size_t i = 0; i < l->n; i++) {
			int r = ready(l, i, e);
			if (r < 0)
				return err_wrap(e, r, "layer %zu", i + 1);
			left += r == 0;
		}
		int r = left ? wait_for_more(l, NULL, 0, e) : 0;
		if (r < 0 || !left)
			return r;
	}
}

bool layers_stale(const struct layers *l)
{
	return l && l->stale;
}

int layers_open(struct layers *l, const char *hex, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].hex, hex) && l->v[i].file.state == LAYER_FILE_WHOLE)
			return layer_file_reopen(&l->v[i].file, e);
	return ERR_NOENT(e, "layer '%s' is not here", hex);
}

void layers_free(struct layers *l, bool imported)
{
	if (!l)
		return;
	tell(l, true);
	for (size_t i = 0; i < l->n; i++) {
		struct item *t = &l->v[i];
		stop(l, t);
		fd_close(t->pipe);
		if (imported) {
			inbox_remove(l->g->o.remote->store, t->hex);
			layer_file_drop(&t->file);
		}
		layer_file_close(&t->file);
		free(t->url);
	}
	free(l->v);
	free(l->told);
	free(l);
}
