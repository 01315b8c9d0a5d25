/* SPDX-License-Identifier: Apache-2.0 */
/* One GET that may take several requests: what is worth asking again, when, and from where on. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "stage0/fetcher.h"
#include "stage0/remote/environment.h"
#include "stage0/remote/request.h"

/* A failure that brought nothing new is tried again after 1/4, 1/2 and 1 second; as long as there
 * is progress, patience begins anew. */
enum { TRIES_MAX = 4, RESUMES_MAX = 10000, FIRST_WAIT_MS = 250, RESUME_WAIT_MS = 50 };
enum { RETRY_AFTER_MAX_S = 60, TIMEOUT_S = 6 * 3600, TICK_MS = 200 };

struct transfer {
	const struct remote *r;
	struct request q;
	struct fetch_http_progress progress;
	int own_progress;
	int tries, all;
	int64_t again_ms; /* when it is asked again; 0: the worker works */
	struct fetcher_call call;
};

static bool read_progress(int fd, struct fetch_http_progress *ret)
{
	if (fd < 0 || pread(fd, ret, sizeof *ret, 0) != (ssize_t)sizeof *ret ||
		ret->magic != FETCH_MAGIC || ret->version != FETCH_VERSION)
		return false;
	ret->validator[sizeof ret->validator - 1] = '\0';
	return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask(struct transfer *t, struct err *e)
{
	static struct fetch_http_job job;
	_clean_(fd) int authorities = -1;
	int s = request_job(t->r, &t->q, &job, e);
	if (s >= 0)
		s = environment_authorities(&authorities, e);
	if (s < 0)
		return s;
	_clean_(fd) int job_fd = memory_file("job", e);
	if (job_fd < 0)
		return job_fd;
	s = io_write_all(job_fd, &job, sizeof job, e);
	explicit_bzero(&job, sizeof job);
	if (s >= 0 && lseek(job_fd, 0, SEEK_SET) < 0)
		s = ERR_SYS(e, "seek");
	if (s < 0)
		return s;
	const struct fetcher f = {
		.request = { .mode = FETCH_HTTP, .max_bytes = t->q.max_body },
		.fds = { job_fd, t->q.body, authorities, t->q.progress },
		.timeout_s = TIMEOUT_S,
	};
	t->again_ms = 0;
	return fetcher_start(&f, &t->call, e);
}

static bool is_passing(const struct fetch_http *http)
{
	static const uint32_t codes[] = { 408, 425, 429, 500, 502, 503, 504 };
	if (http->outcome != FETCH_HTTP_DONE)
		return http->outcome == FETCH_HTTP_AGAIN;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (http->status == codes[i])
			return true;
	return false;
}

/* What is in the file now goes on there, if it can be said what it is a part of. */
static void resume_at(
	struct request *q, const struct fetch_http *http, struct fetch_http_progress *p)
{
	bool known = read_progress(q->progress, p) && *p->validator;
	if (http->bytes == q->offset)
		return; /* nothing came */
	q->offset = known || q->by_content ? http->bytes : 0;
	q->validator = known && !q->by_content ? p->validator : NULL;
}

/* The milliseconds until it is asked again; -1: it is not. */
static int64_t patience(struct transfer *t)
{
	const struct fetch_http *http = &t->call.answer.http;
	if (t->q.once || !is_passing(http))
		return -1;
	bool further = http->bytes > t->q.offset;
	resume_at(&t->q, http, &t->progress);
	further = further && t->q.offset;
	t->tries = further ? 1 : t->tries + 1;
	if (t->tries > TRIES_MAX || ++t->all > RESUMES_MAX || http->retry_after > RETRY_AFTER_MAX_S)
		return -1;
	if (http->retry_after >= 0)
		return http->retry_after * 1000;
	return further ? RESUME_WAIT_MS : FIRST_WAIT_MS << (t->tries - 2);
}

/* The worker has answered. */
static int judge(struct transfer *t, struct fetch_http *ret, struct err *e)
{
	const struct fetch_http *http = &t->call.answer.http;
	int s = fetcher_finish(&t->call, e);
	if (s < 0)
		return s;
	if (http->bytes > t->q.max_body)
		return err_set(e, ERR_PEER, EPROTO, "the fetch worker gave a senseless answer");
	int64_t wait = patience(t);
	if (wait >= 0) {
		dbg("image: %s: %s (HTTP status %u), asking again in %lld ms", t->q.url, http->why,
			http->status, (long long)wait);
		t->again_ms = now_ms() + wait;
		return 0;
	}
	if (http->outcome != FETCH_HTTP_DONE)
		return err_set(e, ERR_PEER, http->outcome == FETCH_HTTP_AGAIN ? EAGAIN : EIO, "%s",
			http->why);
	*ret = *http;
	return 1;
}

/* --- several at once -------------------------------------------------------------------------- */

int transfer_begin(
	const struct remote *r, const struct request *q, struct transfer **ret, struct err *e)
{
	int s = url_check(r, q->url, e);
	if (s < 0)
		return s;
	struct transfer *t = xcalloc(1, sizeof *t);
	*t = (struct transfer){
		.r = r, .q = *q, .own_progress = -1, .tries = 1, .call = { .worker = WORKER_INIT }
	};
	if (q->progress < 0)
		t->q.progress = t->own_progress = memory_file("progress", e);
	s = t->q.progress < 0 ? t->q.progress : ask(t, e);
	if (s >= 0)
		*ret = t;
	else
		transfer_end(t);
	return s < 0 ? err_wrap(e, s, "'%s'", q->url) : 0;
}

int transfer_step(struct transfer *t, struct fetch_http *ret, struct err *e)
{
	int s = 0;
	if (t->again_ms)
		s = now_ms() < t->again_ms ? 0 : ask(t, e);
	else if (worker_is_done(&t->call.worker))
		s = judge(t, ret, e);
	return s < 0 ? err_wrap(e, s, "'%s'", t->q.url) : s;
}

int transfer_wait(const struct transfer *t, int *ret_ms)
{
	int64_t left = t->again_ms ? t->again_ms - now_ms() : TICK_MS;
	*ret_ms = left < 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left;
	return t->again_ms ? -1 : t->call.worker.socket;
}

uint64_t transfer_bytes(const struct transfer *t)
{
	struct fetch_http_progress p;
	return read_progress(t->q.progress, &p) ? p.bytes : t->q.offset;
}

void transfer_end(struct transfer *t)
{
	if (!t)
		return;
	fetcher_kill(&t->call);
	fd_close(t->own_progress);
	free(t);
}

/* --- one -------------------------------------------------------------------------------------- */

static void tell(const struct transfer *t)
{
	struct fetch_http_progress p;
	if (t->q.tell && t->r->progress && read_progress(t->q.progress, &p))
		t->r->progress(t->r->ctx, t->q.url, p.bytes, p.total, false);
}

int request_get(
	const struct remote *r, const struct request *q, struct fetch_http *ret, struct err *e)
{
	struct transfer *t;
	int s = transfer_begin(r, q, &t, e);
	if (s < 0)
		return s;
	while ((s = transfer_step(t, ret, e)) == 0) {
		int ms;
		struct pollfd p = { .fd = transfer_wait(t, &ms), .events = POLLIN };
		if (poll(&p, 1, ms) == 0)
			tell(t);
	}
	transfer_end(t);
	return s < 0 ? s : 0;
}
