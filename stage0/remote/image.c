/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/remote/image.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "stage0/remote/request.h"
#include "stage0/store/inbox.h"
#include "stage0/store/remote.h"
#include "stage0/trust/accept.h"

enum { SIGNATURE_MAX = FETCH_SIGNATURES_BYTES };
#define IMAGE_MAX (64ULL << 30)
#define SECOND 1000000000LL

/* One fetch of one image. */
struct job {
	const struct remote *r;
	const char *url, *asc_url;
	const struct wanted *wanted;
	struct arena *a;
	int64_t started_ns;
	struct part part;
	int asc_fd;
	bool deferred;
	bool has_note;
	struct remote_note note;
};

/* --- what is here ----------------------------------------------------------------------------- */

/* The image of the note, when it may be used for what is asked now. */
static int stored(struct job *j, struct image *ret, struct err *e)
{
	struct image_manifest *m;
	struct image image;
	int s = store_get(j->r->store, j->note.image, j->a, &image, e);
	if (s >= 0)
		s = store_manifest(j->r->store, image.id, j->a, &m, e);
	if (s >= 0)
		s = accept_check_name(m, j->wanted ? j->wanted->name : NULL,
			j->wanted ? &j->wanted->labels : NULL, e);
	if (s >= 0)
		*ret = image;
	return s;
}

static void read_note(struct job *j)
{
	struct err ignored = ERR_INIT;
	struct image image;
	j->has_note = store_note_read(j->r->store, j->url, j->a, &j->note, &ignored) >= 0 &&
		      store_get(j->r->store, j->note.image, j->a, &image, &ignored) >= 0 &&
		      /* Nobody has looked at a signature of it, but somebody must now. */
		      (j->r->insecure || !image.insecure);
}

static bool is_fresh(const struct job *j)
{
	int64_t age = (now_unix_ns() - j->note.fetched_ns) / SECOND;
	return j->has_note && j->note.fetched_ns <= now_unix_ns() && age < j->note.max_age_s;
}

static int write_note(struct job *j, const struct fetch_http *http, const char *id, struct err *e)
{
	bool keeps = (http->flags & FETCH_HTTP_HAS_MAX_AGE) && !(http->flags & FETCH_HTTP_NO_STORE);
	const char *etag = *http->etag ? http->etag : NULL;
	if (!etag && http->status == 304)
		etag = j->note.etag;
	const struct remote_note note = {
		.url = j->url,
		.etag = etag,
		.image = id,
		.fetched_ns = now_unix_ns(),
		.max_age_s = keeps ? http->max_age : 0,
	};
	return store_note_write(j->r->store, &note, e);
}

/* --- the signature ---------------------------------------------------------------------------- */

static int get_signature(struct job *j, struct err *e)
{
	struct fetch_http http;
	if (j->r->signature_fd >= 0)
		return 0;
	_clean_(fd) int fd = memory_file("signature", e);
	if (fd < 0)
		return fd;
	const struct request q = {
		.url = j->asc_url, .body = fd, .progress = -1, .max_body = SIGNATURE_MAX
	};
	int s = request_get(j->r, &q, &http, e);
	if (s >= 0 && http.status == 202 && !j->deferred) {
		dbg("image: server requested deferring the signature download");
		j->deferred = true;
		return 0;
	}
	if (s >= 0 && http.status == 404 && j->r->unsigned_too) {
		j->deferred = false;
		return 0;
	}
	if (s >= 0 && http.status != 200) {
		s = request_bad_status(&http, e);
		err_wrap(e, s, "'%s'", j->asc_url);
	}
	if (s < 0)
		return err_wrap(e, s, "error downloading the signature file");
	j->deferred = false;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	j->asc_fd = take_fd(&fd);
	return 0;
}

/* --- the image -------------------------------------------------------------------------------- */

/* What an earlier attempt left behind, if it says of what it is a part. */
static void resume(struct job *j, struct fetch_http_progress *p, struct request *q)
{
	struct stat st;
	if (fstat(j->part.fd, &st) < 0 || st.st_size == 0 ||
		pread(j->part.info_fd, p, sizeof *p, 0) != (ssize_t)sizeof *p ||
		p->magic != FETCH_MAGIC || p->version != FETCH_VERSION)
		return;
	p->validator[sizeof p->validator - 1] = '\0';
	if (!*p->validator)
		return;
	q->offset = (uint64_t)st.st_size;
	q->validator = p->validator;
	dbg("image: resuming the download of %s at byte %llu", j->url,
		(unsigned long long)q->offset);
}

/* What cannot be compressed grows a little by the attempt. */
static uint64_t most_bytes(const struct remote *r)
{
	uint64_t size = r->size;
	return size && size < IMAGE_MAX / 2 ? size + size / 16 + 65536 : IMAGE_MAX;
}

static int get_image(struct job *j, struct fetch_http *ret, struct err *e)
{
	struct fetch_http_progress p;
	struct request q = {
		.url = j->url,
		.etag = j->has_note ? j->note.etag : NULL,
		.body = j->part.fd,
		.progress = j->part.info_fd,
		.max_body = most_bytes(j->r),
		.tell = true,
	};
	resume(j, &p, &q);
	int s = request_get(j->r, &q, ret, e);
	if (s >= 0 && ret->status == 416) {
		/* It was whole, or is another one now; which of both, only the whole tells. */
		q.offset = 0;
		q.validator = NULL;
		s = request_get(j->r, &q, ret, e);
	}
	if (s < 0)
		return s;
	if (ret->status != 200 && ret->status != 206 && !(ret->status == 304 && q.etag)) {
		s = request_bad_status(ret, e);
		return err_wrap(e, s, "'%s'", j->url);
	}
	if (j->r->progress)
		j->r->progress(j->r->ctx, j->url, ret->bytes, ret->total, true);
	return 0;
}

static int signature_of(const struct job *j)
{
	return j->r->signature_fd >= 0 ? j->r->signature_fd : j->asc_fd;
}

/* What is there now goes to the caller. */
static int hand_over(const struct job *j, const char **ret_id, struct err *e)
{
	const struct download d = {
		.fd = j->part.fd,
		.asc_fd = signature_of(j),
		.asc_url = j->asc_url,
		.url = j->url,
		.wanted = j->wanted,
	};
	if (lseek(j->part.fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	return j->r->import(j->r->ctx, &d, ret_id, e);
}

static int import(struct job *j, const struct fetch_http *http, struct image *ret, struct err *e)
{
	const char *id = NULL;
	int s = hand_over(j, &id, e);
	if (s >= 0)
		s = write_note(j, http, id, e);
	return s < 0 ? s : store_get(j->r->store, id, j->a, ret, e);
}

struct incoming {
	struct job *j;
	struct image *ret;
};

static int use_incoming(void *ctx, struct err *e)
{
	const struct incoming *i = ctx;
	const struct fetch_http none = { .status = 200 };
	return import(i->j, &none, i->ret, e);
}

/* What a member of the group rkt has downloaded from there. The signature is the one that the
 * server has now: what it is over is what the server has. 1: it is that, and imported; 0: it comes
 * from the network. */
static int import_incoming(struct job *j, struct image *ret, struct err *e)
{
	struct err why = ERR_INIT;
	struct incoming i = { j, ret };
	int signature = signature_of(j);
	if (j->r->insecure || signature < 0)
		return 0;
	int s = inbox_take_url(
		j->r->store, j->url, most_bytes(j->r), j->part.fd, use_incoming, &i, &why);
	if (s >= 0)
		return s;
	if (j->r->warn)
		j->r->warn(j->r->ctx, &why);
	if (ftruncate(j->part.info_fd, 0) < 0 || lseek(signature, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "begin the download anew");
	return 0;
}

static int transfer(struct job *j, struct image *ret, struct err *e)
{
	struct fetch_http http;
	dbg("image: fetching image from %s", j->url);
	int s = j->r->insecure ? 0 : get_signature(j, e);
	if (s >= 0)
		s = import_incoming(j, ret, e);
	if (s > 0) {
		store_part_remove(&j->part);
		return 0;
	}
	if (s >= 0)
		s = get_image(j, &http, e);
	if (s < 0)
		return s;
	if (http.status == 304) {
		s = stored(j, ret, e);
		if (s >= 0)
			s = write_note(j, &http, ret->id, e);
	} else {
		if (j->deferred)
			s = get_signature(j, e);
		if (s >= 0)
			s = import(j, &http, ret, e);
	}
	/* Good or bad, it is all that there is at this URL. */
	store_part_remove(&j->part);
	return s;
}

/* Whoever wants the same URL waits. */
static int fetch_alone(struct job *j, struct image *ret, struct err *e)
{
	struct stat st;
	int s = store_part_open(j->r->store, j->url, &j->part, e);
	if (s >= 0 && j->part.waited) {
		dbg("image: somebody else has just fetched %s", j->url);
		read_note(j);
	}
	if (s >= 0 && j->part.waited && j->has_note && j->note.fetched_ns >= j->started_ns) {
		s = stored(j, ret, e);
		store_part_remove(&j->part);
	} else if (s >= 0) {
		s = transfer(j, ret, e);
	}
	if (s < 0 && j->part.fd >= 0 && fstat(j->part.fd, &st) == 0 && st.st_size == 0)
		store_part_remove(&j->part); /* nothing to resume */
	return s;
}

static int fetch(struct job *j, struct image *ret, struct err *e)
{
	read_note(j);
	if (!is_fresh(j))
		return fetch_alone(j, ret, e);
	dbg("image: image for %s isn't expired, not fetching.", j->url);
	return stored(j, ret, e);
}

/* --- for root ----------------------------------------------------------------------------------
 */

/* For a member of the group rkt. The caller's import looks at it, and says its id. */
static int download(struct job *j, struct image *ret, struct err *e)
{
	struct fetch_http http;
	int s = get_signature(j, e);
	if (s >= 0)
		s = get_image(j, &http, e);
	if (s >= 0 && j->deferred)
		s = get_signature(j, e);
	*ret = (struct image){ 0 };
	return s < 0 ? s : hand_over(j, &ret->id, e);
}

static int prefetch(struct job *j, struct image *ret, struct err *e)
{
	char tmp[24];
	struct image image;
	struct err ignored = ERR_INIT;
	struct store *store = j->r->store;
	if (j->r->insecure)
		return ERR_DENY(e,
			"what is downloaded for root counts by its signature alone: fetch it "
			"without --insecure-options=image, or as root");
	j->part.fd = inbox_new(store, tmp, e);
	if (j->part.fd < 0)
		return j->part.fd;
	int s = j->part.info_fd = memory_file("progress", e);
	if (s >= 0)
		s = download(j, ret, e);
	bool wanted = s >= 0 && store_get(store, ret->id, j->a, &image, &ignored) < 0;
	if (wanted)
		return inbox_keep_url(store, tmp, j->url, e);
	inbox_discard(store, tmp);
	return s;
}

/* ---------------------------------------------------------------------------------------------- */

int remote_image(const struct remote *r, const char *url, const char *asc_url,
	const struct wanted *wanted, struct arena *a, struct image *ret, struct err *e)
{
	struct job j = { .r = r,
		.url = url,
		.asc_url = asc_url,
		.wanted = wanted,
		.a = a,
		.started_ns = now_unix_ns(),
		.part = PART_INIT,
		.asc_fd = -1 };
	int s = url_check(r, url, e);
	if (s < 0)
		return s;
	/* What is noted here is root's: a member gets the whole of it. */
	s = r->store->member ? prefetch(&j, ret, e) : fetch(&j, ret, e);
	store_part_close(&j.part);
	j.asc_fd = fd_close(j.asc_fd);
	return s;
}

int remote_stored_url(
	const struct remote *r, const char *url, struct arena *a, struct image *ret, struct err *e)
{
	struct remote_note note;
	int s = store_note_read(r->store, url, a, &note, e);
	return s < 0 ? s : store_get(r->store, note.image, a, ret, e);
}

int remote_fetch_small(
	const struct remote *r, const char *url, uint64_t max, int *ret_fd, struct err *e)
{
	struct fetch_http http;
	_clean_(fd) int fd = memory_file("download", e);
	if (fd < 0)
		return fd;
	const struct request q = { .url = url, .body = fd, .progress = -1, .max_body = max };
	int s = request_get(r, &q, &http, e);
	if (s >= 0 && http.status != 200) {
		s = request_bad_status(&http, e);
		return err_wrap(e, s, "'%s'", url);
	}
	if (s >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		s = ERR_SYS(e, "seek");
	if (s >= 0)
		*ret_fd = take_fd(&fd);
	return s;
}
