/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/remote/request.h"

#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "stage0/remote/environment.h"

enum { CONNECT_S = 30, STALL_S = 30 };

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

static int put_secrets(
	const struct remote *r, const char *url, struct fetch_http_job *job, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(secret) struct str value = STR_INIT(STR_MAX_LINE);
	_clean_(secret) struct str pair = STR_INIT(STR_MAX_LINE);
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
		base64_encode(&value, str_text(&pair), pair.len);
	}
	return put(job->authorization, sizeof job->authorization, str_text(&value),
		"the credential", e);
}

int request_job(
	const struct remote *r, const struct request *q, struct fetch_http_job *job, struct err *e)
{
	*job = (struct fetch_http_job){
		.flags = (r->allow_http ? FETCH_HTTP_ALLOW_PLAIN : 0u) |
			 (r->no_tls_check ? FETCH_HTTP_NO_TLS_CHECK : 0u),
		.connect_s = CONNECT_S,
		.stall_s = STALL_S,
		.max_body = q->max_body,
		.offset = q->validator || q->by_content ? q->offset : 0,
	};
	int s = put(job->url, sizeof job->url, q->url, "the URL", e);
	if (s >= 0)
		s = put(job->etag, sizeof job->etag, q->etag, "the ETag", e);
	if (s >= 0)
		s = put(job->accept, sizeof job->accept, q->accept, "the type", e);
	if (s >= 0)
		s = put(job->validator, sizeof job->validator, q->validator, "the ETag", e);
	if (s >= 0)
		s = put(job->form, sizeof job->form, q->form, "the form", e);
	if (s >= 0)
		s = q->authorization ? put(job->authorization, sizeof job->authorization,
					       q->authorization, "the credential", e)
				     : put_secrets(r, q->url, job, e);
	return s < 0 ? s : environment_proxies(job, e);
}

int request_bad_status(const struct fetch_http *http, struct err *e)
{
	if (http->status == 401 || http->status == 403)
		return ERR_DENY(e, "bad HTTP status code: %u: does auth.d have credentials for it?",
			http->status);
	return ERR_BAD(e, "bad HTTP status code: %u", http->status);
}
