/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET, or one POST. Redirects are followed here and not by libcurl, so that it is plain to see
 * where they may lead and what goes along: to https (and http where that is allowed), and no secret
 * to anyone but the scheme, host and port that it was meant for.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/fetch/headers.h"
#include "stage0/fetch/mode.h"

enum { PROGRESS_STEP = 256 * 1024, HEADERS_MAX = 64 * 1024, BUFFER = 256 * 1024 };
#define USER_AGENT "rkt/" RKT_VERSION
/* Of the hashed kind: reading one file of it is 50 ms cheaper than reading the bundle. */
#define CA_DIRECTORY "/etc/ssl/certs"

struct http {
	const struct fetch_http_job *job;
	struct fetch_http *to;
	struct headers headers;
	CURL *curl;
	struct curl_slist *lines; /* of the request */
	struct curl_blob ca;
	struct str ca_text;
	bool has_body, has_progress;
	bool is_pipe;	/* BODY: what was written there stays written */
	uint64_t piped; /* bytes of the body that went into it, earlier requests' included */
	bool began;	/* the body of this answer */
	bool secrets;	/* may go to where the request goes */
	size_t header_bytes;
	uint64_t told;	     /* PROGRESS knows of so many bytes */
	const char *stopped; /* why we ended the transfer ourselves */
	bool stopped_for_good;
};

int http_prepare(struct err *e)
{
	/* Who reads BODY may end first. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return ERR_SYS(e, "signal");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ERR_BAD(e, "libcurl does not work");
	CURL *curl = curl_easy_init(); /* loads what OpenSSL and name services need */
	curl_easy_cleanup(curl);
	return curl ? 0 : ERR_BAD(e, "libcurl does not work");
}

/* --- what comes ------------------------------------------------------------------------------- */

static void tell(struct http *h)
{
	struct fetch_http_progress p = { .magic = FETCH_MAGIC,
		.version = FETCH_VERSION,
		.bytes = h->to->bytes,
		.total = h->to->total };
	const char *etag = h->to->etag;
	if (!h->has_progress)
		return;
	/* A weak one does not promise the same bytes. */
	snprintf(p.validator, sizeof p.validator, "%s",
		*etag == '"' ? etag
		: *etag	     ? ""
			     : h->headers.modified);
	/* Whoever asks sees an old number if this fails, and a download that cannot be resumed. */
	(void)!pwrite(FETCH_FD_PROGRESS, &p, sizeof p, 0);
	h->told = h->to->bytes;
}

static int stop(struct http *h, const char *why)
{
	h->stopped = why;
	h->stopped_for_good = true;
	return -1;
}

/* Before the first byte of a body: where does it belong? */
static int begin_body(struct http *h, long status)
{
	bool partial = status == 206;
	h->began = true;
	h->to->bytes = 0;
	if (partial) {
		if (h->headers.range_first < 0 ||
			(uint64_t)h->headers.range_first != h->job->offset)
			return stop(h, "the server sent another part than the one asked for");
		h->to->flags |= FETCH_HTTP_RESUMED;
		h->to->bytes = h->job->offset;
	}
	if (partial && h->headers.range_total >= 0)
		h->to->total = (uint64_t)h->headers.range_total;
	else if (h->headers.length >= 0)
		h->to->total = h->to->bytes + (uint64_t)h->headers.length;
	if (h->to->total > h->job->max_body)
		return stop(h, "it is larger than what is accepted");
	struct stat st;
	bool is_file = h->has_body && !h->is_pipe;
	if (is_file && (fstat(FETCH_FD_BODY, &st) < 0 || (uint64_t)st.st_size < h->to->bytes))
		return stop(h, "the file that it goes to is not what was said");
	if (is_file && ftruncate(FETCH_FD_BODY, (off_t)h->to->bytes) < 0)
		return stop(h, "cannot truncate the file that it goes to");
	tell(h);
	return 0;
}

static ssize_t put(const struct http *h, const char *bytes, size_t n, uint64_t at)
{
	return h->is_pipe ? write(FETCH_FD_BODY, bytes, n)
			  : pwrite(FETCH_FD_BODY, bytes, n, (off_t)at);
}

/* Into a pipe goes what has not gone there: a server that begins anew sends the same again. */
static int put_body(struct http *h, const char *bytes, size_t n)
{
	uint64_t skip = h->is_pipe && h->piped > h->to->bytes ? h->piped - h->to->bytes : 0;
	for (size_t at = skip < n ? (size_t)skip : n; at < n;) {
		ssize_t w = put(h, bytes + at, n - at, h->to->bytes + at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return stop(h, errno == ENOSPC	? "no space left on the store's device"
				       : errno == EPIPE ? "nobody reads it any more"
							: "cannot write the file that it goes to");
		at += (size_t)w;
		h->piped += h->is_pipe ? (size_t)w : 0;
	}
	return 0;
}

static bool is_body(long status)
{
	return status == 200 || status == 206;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
	struct http *h = ctx;
	long status = 0;
	(void)one;
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!is_body(status))
		return n;
	if (!h->began && begin_body(h, status) < 0)
		return 0;
	if (n > h->job->max_body - h->to->bytes) {
		stop(h, "it is larger than what is accepted");
		return 0;
	}
	if (h->has_body && put_body(h, bytes, n) < 0)
		return 0;
	h->to->bytes += n;
	if (h->to->bytes - h->told >= PROGRESS_STEP)
		tell(h);
	return n;
}

static size_t on_header(char *line, size_t one, size_t n, void *ctx)
{
	struct http *h = ctx;
	(void)one;
	h->header_bytes += n;
	if (h->header_bytes > HEADERS_MAX) {
		stop(h, "the server sends headers without end");
		return 0;
	}
	if (n > 5 && !strncmp(line, "HTTP/", 5)) /* also behind 1xx, and a proxy's own answer */
		headers_reset(&h->headers, h->to);
	headers_line(&h->headers, line, n);
	return n;
}

/* --- what goes -------------------------------------------------------------------------------- */

static void add_line(struct http *h, const char *name, const char *value)
{
	_clean_(str) struct str line = STR_INIT(STR_MAX_LINE);
	if (!*value)
		return;
	str_addf(&line, "%s: %s", name, value);
	h->lines = curl_slist_append(h->lines, str_text(&line));
}

static void set_lines(struct http *h)
{
	const struct fetch_http_job *job = h->job;
	char range[48];
	curl_slist_free_all(h->lines);
	h->lines = NULL;
	add_line(h, "Accept", job->accept);
	add_line(h, "If-None-Match", job->etag);
	/* Not the size that libcurl asks permission for first. */
	if (*job->form)
		h->lines = curl_slist_append(h->lines, "Expect:");
	if (job->offset) {
		snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)job->offset);
		add_line(h, "Range", range);
		add_line(h, "If-Range", job->validator);
	}
	if (h->secrets)
		add_line(h, "Authorization", job->authorization);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->lines);
}

static void set_secrets(struct http *h)
{
	const struct fetch_http_job *job = h->job;
	bool given = h->secrets && *job->user;
	char aws[128];
	curl_easy_setopt(h->curl, CURLOPT_USERNAME, given ? job->user : NULL);
	curl_easy_setopt(h->curl, CURLOPT_PASSWORD, given ? job->password : NULL);
	snprintf(aws, sizeof aws, "aws:amz:%s:s3", job->region);
	if (job->flags & FETCH_HTTP_AWS)
		curl_easy_setopt(h->curl, CURLOPT_AWS_SIGV4, given ? aws : NULL);
}

static void set_tls(struct http *h)
{
	if (h->job->flags & FETCH_HTTP_NO_TLS_CHECK) {
		curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL);
	if (!h->ca_text.len) {
		curl_easy_setopt(h->curl, CURLOPT_CAPATH, CA_DIRECTORY);
		return;
	}
	h->ca = (struct curl_blob){ h->ca_text.buf, h->ca_text.len, CURL_BLOB_NOCOPY };
	curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &h->ca);
}

static void set_options(struct http *h)
{
	const struct fetch_http_job *job = h->job;
	bool plain = job->flags & FETCH_HTTP_ALLOW_PLAIN;
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 }, /* one transfer: all it needs */
		{ CURLOPT_CONNECTTIMEOUT, job->connect_s },
		{ CURLOPT_LOW_SPEED_TIME, job->stall_s },
		{ CURLOPT_LOW_SPEED_LIMIT, 64 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_BUFFERSIZE, BUFFER },
		{ CURLOPT_HTTP_TRANSFER_DECODING, 1 },
	};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		curl_easy_setopt(h->curl, numbers[i].option, numbers[i].value);
	/* By what the server says; what it does not say is counted. */
	curl_easy_setopt(h->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)job->max_body);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, plain ? "https,http" : "https");
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, USER_AGENT);
	curl_easy_setopt(h->curl, CURLOPT_NOPROXY, job->no_proxy);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (*job->form)
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, job->form);
}

/* --- where to --------------------------------------------------------------------------------- */

static void curl_text_cleanup(char **text)
{
	curl_free(*text);
	*text = NULL;
}

static void curl_url_handle_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
	*url = NULL;
}

/* "https://host:port", or nothing. */
static bool origin(const char *text, char *ret, size_t size)
{
	_clean_(curl_url_handle) CURLU *url = curl_url();
	_clean_(curl_text) char *scheme = NULL;
	_clean_(curl_text) char *host = NULL;
	_clean_(curl_text) char *port = NULL;
	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) ||
		curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return false;
	int n = snprintf(ret, size, "%s://%s:%s", scheme, host, port);
	return n > 0 && (size_t)n < size;
}

static bool same_origin(const char *a, const char *b)
{
	char x[FETCH_URL_SIZE], y[FETCH_URL_SIZE];
	return origin(a, x, sizeof x) && origin(b, y, sizeof y) && !strcasecmp(x, y);
}

static int give_up(struct http *h, enum fetch_http_outcome outcome, const char *why)
{
	h->to->outcome = outcome;
	snprintf(h->to->why, sizeof h->to->why, "%s", why);
	return 0;
}

/* 1: there is another place to ask; 0: there is an answer. */
static int next_place(struct http *h)
{
	char *url = NULL;
	curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &url);
	if (h->to->status < 300 || h->to->status > 399 || h->to->status == 304 || !url)
		return 0;
	if (*h->job->form)
		return give_up(h, FETCH_HTTP_FAILED, "refused to send a form on after a redirect");
	if (h->to->redirects == FETCH_REDIRECTS_MAX)
		return give_up(h, FETCH_HTTP_FAILED, "too many redirects");
	bool plain = h->job->flags & FETCH_HTTP_ALLOW_PLAIN;
	if (strncasecmp(url, "https://", 8) != 0 &&
		!(plain && strncasecmp(url, "http://", 7) == 0)) {
		char why[160];
		snprintf(why, sizeof why, "refused to follow a redirect to '%.100s'", url);
		return give_up(h, FETCH_HTTP_FAILED, why);
	}
	if (strlen(url) >= FETCH_URL_SIZE)
		return give_up(h, FETCH_HTTP_FAILED, "redirected to a URL that is too long");
	h->secrets = h->secrets && same_origin(url, h->job->url);
	snprintf(h->to->url, FETCH_URL_SIZE, "%s", url);
	h->to->redirects++;
	return 1;
}

/* What may be over the next time; everything else is the server's or our opinion. */
static bool worth_retrying(CURLcode code)
{
	static const CURLcode codes[] = { CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
		CURLE_COULDNT_CONNECT, CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT,
		CURLE_SSL_CONNECT_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR };
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int judge(struct http *h, CURLcode code, const char *detail)
{
	if (h->stopped)
		return give_up(
			h, h->stopped_for_good ? FETCH_HTTP_FAILED : FETCH_HTTP_AGAIN, h->stopped);
	if (code == CURLE_FILESIZE_EXCEEDED)
		return give_up(h, FETCH_HTTP_FAILED, "it is larger than what is accepted");
	if (code != CURLE_OK)
		return give_up(h, worth_retrying(code) ? FETCH_HTTP_AGAIN : FETCH_HTTP_FAILED,
			*detail ? detail : curl_easy_strerror(code));
	h->to->outcome = FETCH_HTTP_DONE;
	if (is_body(h->to->status) && !h->began && begin_body(h, h->to->status) < 0)
		return give_up(h, FETCH_HTTP_FAILED, h->stopped);
	if (h->to->status == 416 && h->job->offset &&
		h->headers.range_total == (int64_t)h->job->offset)
		h->to->flags |= FETCH_HTTP_COMPLETE;
	if (is_body(h->to->status) && h->to->total && h->to->bytes != h->to->total)
		return give_up(h, FETCH_HTTP_AGAIN, "the connection was closed too early");
	return next_place(h);
}

/* 1: again, elsewhere. */
static int ask(struct http *h)
{
	const struct fetch_http_job *job = h->job;
	char detail[CURL_ERROR_SIZE] = "";
	bool https = strncasecmp(h->to->url, "https:", 6) == 0;
	long status = 0;
	h->began = false;
	h->to->total = 0;
	h->header_bytes = 0;
	headers_reset(&h->headers, h->to);
	set_lines(h);
	set_secrets(h);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(h->curl, CURLOPT_PROXY, https ? job->https_proxy : job->http_proxy);
	curl_easy_setopt(h->curl, CURLOPT_URL, h->to->url);
	CURLcode code = curl_easy_perform(h->curl);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	h->to->status = status > 0 && status < 1000 ? (uint32_t)status : 0;
	return judge(h, code, detail);
}

#define ENDED(text) (memchr((text), '\0', sizeof(text)) != NULL)

static int read_job(struct fetch_http_job *job, struct err *e)
{
	ssize_t n = io_read_full(FETCH_FD_JOB, job, sizeof *job, e);
	if (n < 0)
		return (int)n;
	if ((size_t)n != sizeof *job || (job->flags & ~_FETCH_HTTP_JOB_FLAGS_ALL) ||
		job->offset > job->max_body || !ENDED(job->url) || !ENDED(job->validator) ||
		!ENDED(job->etag) || !ENDED(job->accept) || !ENDED(job->authorization) ||
		!ENDED(job->user) || !ENDED(job->password) || !ENDED(job->region) ||
		!ENDED(job->form) || !ENDED(job->https_proxy) || !ENDED(job->http_proxy) ||
		!ENDED(job->no_proxy))
		return ERR_BAD(e, "a senseless job");
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_fifo(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

int http_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	static struct fetch_http_job job;
	struct http h = { .job = &job,
		.to = &ret->http,
		.ca_text = STR_INIT(FETCH_CA_MAX),
		.has_body = is_open(FETCH_FD_BODY),
		.has_progress = is_open(FETCH_FD_PROGRESS),
		.is_pipe = is_fifo(FETCH_FD_BODY),
		.secrets = true };
	(void)request;
	int r = read_job(&job, e);
	if (r >= 0 && is_open(FETCH_FD_CA))
		r = io_read_fd(FETCH_FD_CA, "certificate authorities", &h.ca_text, e);
	if (r >= 0 && !(h.curl = curl_easy_init()))
		r = ERR_BAD(e, "libcurl does not work");
	if (r >= 0) {
		set_options(&h);
		set_tls(&h);
		snprintf(h.to->url, sizeof h.to->url, "%s", job.url);
		h.to->bytes = h.piped = job.offset;
		while (ask(&h) > 0)
			;
		/* Where it goes on. */
		if (h.to->outcome != FETCH_HTTP_DONE && h.is_pipe)
			h.to->bytes = h.piped;
		if (h.began)
			tell(&h);
	}
	curl_slist_free_all(h.lines);
	curl_easy_cleanup(h.curl);
	str_release(&h.ca_text);
	return r;
}
