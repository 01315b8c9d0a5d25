/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/remote/request.h"

#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage0/fetcher.h"
#include "stage0/remote/environment.h"

/* A failure that brought nothing new is tried again after 1/4, 1/2 and 1 second; as long as there
 * is progress, patience begins anew. */
enum { TRIES_MAX = 4, RESUMES_MAX = 10000, FIRST_WAIT_MS = 250, RESUME_WAIT_MS = 50 };
enum { RETRY_AFTER_MAX_S = 60, CONNECT_S = 30, STALL_S = 30, TIMEOUT_S = 6 * 3600 };

int memory_file(const char *name, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "create a file in memory") : fd;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static const char *after_scheme(const char *url)
{
	const char *rest = strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
	return rest ? rest : strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

static bool is_host(const char *s, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._:[]";
	return n > 0 && n < 300 && strspn(s, letters) >= n && *s != ':';
}

int url_check(const struct remote *r, const char *url, struct err *e)
{
	const char *rest = after_scheme(url);
	if (!rest)
		return ERR_BAD(e, "'%s' is neither an https:// nor an http:// URL", url);
	if (strlen(url) >= FETCH_URL_SIZE)
		return ERR_BAD(e, "a URL of more than %d bytes", FETCH_URL_SIZE - 1);
	for (const unsigned char *p = (const unsigned char *)rest; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
			return ERR_BAD(e, "'%s' is not a URL", url);
	if (!is_host(rest, strcspn(rest, "/?#")))
		return ERR_BAD(e, "'%s' has no host, or more than one", url);
	if (strncasecmp(url, "http://", 7) == 0 && !r->allow_http)
		return ERR_DENY(
			e, "'%s' is not protected by TLS; --insecure-options=http accepts it", url);
	return 0;
}

const char *url_domain(const char *url, struct arena *a)
{
	const char *rest = after_scheme(url);
	return arena_strndup(a, rest, strcspn(rest, "/?#"));
}

/* --- the job ---------------------------------------------------------------------------------- */

static int put(char *dst, size_t size, const char *value, const char *what, struct err *e)
{
	if (value && strlen(value) >= size)
		return ERR_BAD(e, "%s is too long", what);
	snprintf(dst, size, "%s", value ? value : "");
	return 0;
}

static void put_base64(struct str *out, const char *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)bytes[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)bytes[i + 2];
		str_addc(out, digits[v >> 18]);
		str_addc(out, digits[v >> 12 & 63]);
		str_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		str_addc(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

static int put_secrets(
	const struct remote *r, const char *url, struct fetch_http_job *job, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str value = STR_INIT(STR_MAX_LINE);
	_clean_(str) struct str pair = STR_INIT(STR_MAX_LINE);
	const char *domain = url_domain(url, &a);
	const struct auth *auth = r->auths ? auth_for(r->auths, domain) : NULL;
	if (!auth)
		return 0;
	if (auth->access_key_id) {
		job->flags |= FETCH_HTTP_AWS;
		int s = put(job->user, sizeof job->user, auth->access_key_id, "accessKeyID", e);
		if (s >= 0)
			s = put(job->password, sizeof job->password, auth->secret_access_key,
				"secretAccessKey", e);
		return s < 0 ? s
			     : put(job->region, sizeof job->region, auth->aws_region, "awsRegion",
				       e);
	}
	if (auth->token) {
		str_addf(&value, "Bearer %s", auth->token);
	} else {
		str_addf(&pair, "%s:%s", auth->user, auth->password);
		str_add(&value, "Basic ");
		put_base64(&value, str_text(&pair), pair.len);
	}
	return put(job->authorization, sizeof job->authorization, str_text(&value),
		"the credential", e);
}

static int make_job(
	const struct remote *r, const struct request *q, struct fetch_http_job *job, struct err *e)
{
	*job = (struct fetch_http_job){
		.flags = (r->allow_http ? FETCH_HTTP_ALLOW_PLAIN : 0u) |
			 (r->no_tls_check ? FETCH_HTTP_NO_TLS_CHECK : 0u),
		.connect_s = CONNECT_S,
		.stall_s = STALL_S,
		.max_body = q->max_body,
		.offset = q->validator ? q->offset : 0,
	};
	int s = put(job->url, sizeof job->url, q->url, "the URL", e);
	if (s >= 0)
		s = put(job->etag, sizeof job->etag, q->etag, "the ETag", e);
	if (s >= 0)
		s = put(job->accept, sizeof job->accept, q->accept, "the type", e);
	if (s >= 0)
		s = put(job->validator, sizeof job->validator, q->validator, "the ETag", e);
	if (s >= 0)
		s = put_secrets(r, q->url, job, e);
	return s < 0 ? s : environment_proxies(job, e);
}

/* --- asking ----------------------------------------------------------------------------------- */

struct watch {
	const struct remote *r;
	const struct request *q;
};

static bool read_progress(int fd, struct fetch_http_progress *ret)
{
	if (fd < 0 || pread(fd, ret, sizeof *ret, 0) != (ssize_t)sizeof *ret ||
		ret->magic != FETCH_MAGIC || ret->version != FETCH_VERSION)
		return false;
	ret->validator[sizeof ret->validator - 1] = '\0';
	return true;
}

static void watch(void *ctx)
{
	const struct watch *w = ctx;
	struct fetch_http_progress p;
	if (w->q->tell && w->r->progress && read_progress(w->q->progress, &p))
		w->r->progress(w->r->ctx, w->q->url, p.bytes, p.total, false);
}

static int ask_once(
	const struct remote *r, const struct request *q, struct fetch_answer *answer, struct err *e)
{
	static struct fetch_http_job job;
	struct watch w = { r, q };
	_clean_(fd) int authorities = -1;
	int s = make_job(r, q, &job, e);
	if (s >= 0)
		s = environment_authorities(&authorities, e);
	if (s < 0)
		return s;
	_clean_(fd) int job_fd = memory_file("job", e);
	if (job_fd < 0)
		return job_fd;
	s = io_write_all(job_fd, &job, sizeof job, e);
	if (s >= 0 && lseek(job_fd, 0, SEEK_SET) < 0)
		s = ERR_SYS(e, "seek");
	if (s < 0)
		return s;
	const struct fetcher f = {
		.request = { .mode = FETCH_HTTP, .max_bytes = q->max_body },
		.fds = { job_fd, q->body, authorities, q->progress },
		.timeout_s = TIMEOUT_S,
		.tick = watch,
		.tick_ctx = &w,
	};
	s = fetcher_run(&f, answer, e);
	if (s >= 0 && answer->http.bytes > q->max_body)
		s = err_set(e, ERR_PEER, EPROTO, "the fetch worker gave a senseless answer");
	return s;
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

int request_bad_status(const struct fetch_http *http, struct err *e)
{
	if (http->status == 401 || http->status == 403)
		return ERR_DENY(e, "bad HTTP status code: %u: does auth.d have credentials for it?",
			http->status);
	return ERR_BAD(e, "bad HTTP status code: %u", http->status);
}

static int failed(const struct fetch_http *http, struct err *e)
{
	if (http->outcome == FETCH_HTTP_DONE)
		return request_bad_status(http, e);
	return err_set(e, ERR_PEER, EIO, "%s", http->why);
}

static void wait_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* What is in the file now goes on there, if it can be said what it is a part of. */
static void resume_at(
	struct request *q, const struct fetch_http *http, struct fetch_http_progress *p)
{
	bool known = read_progress(q->progress, p) && *p->validator;
	if (http->bytes == q->offset)
		return; /* nothing came */
	q->offset = known ? http->bytes : 0;
	q->validator = known ? p->validator : NULL;
}

static int ask(
	const struct remote *r, const struct request *first, struct fetch_http *ret, struct err *e)
{
	static struct fetch_answer answer;
	struct request q = *first;
	struct fetch_http_progress p = { 0 };
	struct fetch_http *http = &answer.http;
	for (int tries = 1, all = 1;; all++) {
		int s = ask_once(r, &q, &answer, e);
		if (s < 0)
			return s;
		if (!is_passing(http)) {
			*ret = *http;
			return http->outcome == FETCH_HTTP_DONE ? 0 : failed(http, e);
		}
		bool further = http->bytes > q.offset;
		resume_at(&q, http, &p);
		further = further && q.offset;
		tries = further ? 1 : tries + 1;
		if (tries > TRIES_MAX || all > RESUMES_MAX || http->retry_after > RETRY_AFTER_MAX_S)
			return failed(http, e);
		int64_t wait = further ? RESUME_WAIT_MS : FIRST_WAIT_MS << (tries - 2);
		if (http->retry_after >= 0)
			wait = http->retry_after * 1000;
		dbg("image: %s: %s (HTTP status %u), asking again in %lld ms", q.url, http->why,
			http->status, (long long)wait);
		wait_ms(wait);
	}
}

int request_get(
	const struct remote *r, const struct request *q, struct fetch_http *ret, struct err *e)
{
	int s = url_check(r, q->url, e);
	if (s < 0)
		return s;
	_clean_(fd) int own = -1;
	struct request mine = *q;
	if (mine.progress < 0)
		mine.progress = own = memory_file("progress", e);
	if (mine.progress < 0)
		return mine.progress;
	s = ask(r, &mine, ret, e);
	return s < 0 ? err_wrap(e, s, "'%s'", q->url) : 0;
}
