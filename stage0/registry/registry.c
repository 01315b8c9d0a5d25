/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/registry.h"

#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage0/registry/answer.h"
#include "stage0/registry/internal.h"

enum { CHALLENGES_MAX = 3 };

static const char accept_types[] = "application/vnd.oci.image.index.v1+json, "
				   "application/vnd.docker.distribution.manifest.list.v2+json, "
				   "application/vnd.oci.image.manifest.v1+json, "
				   "application/vnd.docker.distribution.manifest.v2+json";

/* --- who is asked ----------------------------------------------------------------------------- */

/* With http allowed it is http where TLS is not answered. That a certificate is wrong is no reason:
 * whoever answers then speaks TLS. */
static void choose_scheme(struct registry *g)
{
	struct fetch_http http;
	struct err why = ERR_INIT;
	g->scheme = "https";
	if (!g->o.remote->allow_http)
		return;
	_clean_(mem) char *url = xasprintf("https://%s/v2/", g->ref.host);
	const struct request q = { .url = url,
		.body = -1,
		.progress = -1,
		.max_body = STR_MAX_LINE,
		.once = true,
		.authorization = "" };
	int r = request_get(g->o.remote, &q, &http, &why);
	if (r == -EAGAIN) {
		dbg("registry: %s does not answer over TLS: asking over http", g->ref.host);
		g->scheme = "http";
	}
}

struct registry *registry_open(const struct registry_options *o, const struct registry_ref *ref)
{
	struct registry *g = xcalloc(1, sizeof *g);
	g->o = *o;
	g->ref = *ref;
	const struct login_options l = { .remote = o->remote,
		.docker_auths = o->docker_auths,
		.auths = o->remote->auths,
		.registry = ref->host,
		.repository = ref->repository };
	choose_scheme(g);
	g->login = login_open(&l);
	return g;
}

void registry_close(struct registry *g)
{
	if (g)
		login_close(g->login);
	free(g);
}

char *registry_url(const struct registry *g, const char *kind, const char *name)
{
	return xasprintf(
		"%s://%s/v2/%s/%s/%s", g->scheme, g->ref.host, g->ref.repository, kind, name);
}

int registry_authorize(struct registry *g, struct request *q, struct err *e)
{
	const char *header;
	int r = login_header(g->login, &header, e);
	if (r >= 0)
		q->authorization = header ? header : "";
	return r;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask(struct registry *g, struct request *q, struct fetch_http *ret, struct err *e)
{
	for (int i = 0; i < CHALLENGES_MAX; i++) {
		int r = registry_authorize(g, q, e);
		if (r >= 0)
			r = request_get(g->o.remote, q, ret, e);
		if (r < 0)
			return answer_explain(r, e);
		if (ret->status != 401)
			return 0;
		r = login_challenged(g->login, *q->authorization ? q->authorization : NULL, ret, e);
		if (r < 0)
			return r;
	}
	return 0; /* and the status is what the caller tells */
}

/* A small body. */
static int get_text(struct registry *g, struct request *q, struct fetch_http *ret, struct str *text,
	struct err *e)
{
	_clean_(fd) int body = memory_file("document", e);
	if (body < 0)
		return body;
	q->body = body;
	q->progress = -1;
	int r = ask(g, q, ret, e);
	if (r < 0 || ret->status != 200)
		return r;
	if (lseek(body, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	return io_read_fd(body, "document", text, e);
}

/* By the unpack worker, which never sees the network. */
static int compute_digest(const struct str *bytes, char ret[REGISTRY_DIGEST_SIZE], struct err *e)
{
	const struct oci_query q = { .magic = OCI_MAGIC, .document = OCI_ANY };
	_clean_(mem) struct oci_answer *a = xcalloc(1, sizeof *a);
	char hex[OCI_HEX_SIZE + 1];
	int r = store_read_document(&q, str_text(bytes), bytes->len, a, NULL, e);
	if (r < 0)
		return r;
	oci_digest_hex(a->sha256, hex);
	snprintf(ret, REGISTRY_DIGEST_SIZE, "sha256:%s", hex);
	return 0;
}

static bool is_digest(const char *text)
{
	uint8_t ignored[OCI_DIGEST_SIZE];
	return oci_digest_parse(text, ignored);
}

/* --- manifests -------------------------------------------------------------------------------- */

void registry_document_release(struct registry_document *d)
{
	str_release(&d->bytes);
}

static void put_type(struct registry_document *d, const char *type)
{
	snprintf(d->type, sizeof d->type, "%.*s", (int)strcspn(type, "; \t"), type);
}

static int check_digest(const struct registry_document *d, const char *asked,
	const struct fetch_http *http, struct err *e)
{
	if (asked && strcmp(asked, d->digest) != 0)
		return ERR_BAD(e, "what the registry sent as %s is %s", asked, d->digest);
	/* Of another algorithm it tells us nothing. */
	if (str_after(http->digest, "sha256:") && strcmp(http->digest, d->digest) != 0)
		return ERR_BAD(e,
			"the registry says that it sent %.80s (Docker-Content-Digest), and sent %s",
			http->digest, d->digest);
	return 0;
}

static int get_manifest(struct registry *g, const char *reference, const char *known,
	struct registry_document *ret, struct err *e)
{
	struct fetch_http http;
	_clean_(mem) char *url = registry_url(g, "manifests", reference);
	_clean_(mem) char *etag = known ? xasprintf("\"%s\"", known) : NULL;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	struct request q = {
		.url = url, .etag = etag, .accept = accept_types, .max_body = STR_MAX_MANIFEST
	};
	int r = get_text(g, &q, &http, &bytes, e);
	if (r < 0)
		return r;
	if (known && http.status == 304)
		return 1;
	if (http.status != 200)
		return answer_status(&g->ref, &http, "manifests", reference, e);
	struct registry_document d = { .bytes = bytes };
	put_type(&d, http.content_type);
	r = compute_digest(&bytes, d.digest, e);
	if (r >= 0)
		r = check_digest(&d, is_digest(reference) ? reference : NULL, &http, e);
	if (r < 0)
		return r;
	if (known && strcmp(known, d.digest) == 0)
		return 1;
	registry_document_release(ret);
	*ret = d;
	bytes = STR_INIT(0);
	return 0;
}

int registry_get_manifest(struct registry *g, const char *reference, const char *known,
	struct registry_document *ret, struct err *e)
{
	int r = get_manifest(g, reference, known, ret, e);
	return r < 0 ? err_wrap(e, r, "manifest '%s'", reference) : r;
}

int registry_document_kind(const struct registry_document *d, struct err *e)
{
	static const struct {
		const char *type;
		enum oci_document kind;
	} kinds[] = {
		{ "application/vnd.oci.image.index.v1+json", OCI_INDEX },
		{ "application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX },
		{ "application/vnd.oci.image.manifest.v1+json", OCI_MANIFEST },
		{ "application/vnd.docker.distribution.manifest.v2+json", OCI_MANIFEST },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcasecmp(d->type, kinds[i].type))
			return (int)kinds[i].kind;
	if (str_after(d->type, "application/vnd.docker.distribution.manifest.v1"))
		return ERR_BAD(e,
			"it is an image of Docker before 1.10 (manifest schema 1), of a kind that "
			"cannot be verified: push it anew with a newer Docker or skopeo");
	return ERR_BAD(e, "the registry sent '%s', which is no image", d->type);
}

/* --- blobs ------------------------------------------------------------------------------------ */

static int get_blob(
	struct registry *g, const char *digest, uint64_t max, struct str *ret, struct err *e)
{
	struct fetch_http http;
	char got[REGISTRY_DIGEST_SIZE];
	if (!is_digest(digest))
		return ERR_BAD(e, "'%.80s' is not 'sha256:' and 64 hex digits", digest);
	_clean_(mem) char *url = registry_url(g, "blobs", digest);
	_clean_(str) struct str bytes = STR_INIT(max < ret->max ? max : ret->max);
	struct request q = { .url = url, .max_body = bytes.max };
	int r = get_text(g, &q, &http, &bytes, e);
	if (r >= 0 && http.status != 200)
		r = answer_status(&g->ref, &http, "blobs", digest, e);
	if (r >= 0)
		r = compute_digest(&bytes, got, e);
	if (r >= 0 && strcmp(got, digest) != 0)
		r = ERR_BAD(e, "what the registry sent is %s", got);
	if (r >= 0)
		str_addn(ret, str_text(&bytes), bytes.len);
	return r;
}

int registry_get_blob(
	struct registry *g, const char *digest, uint64_t max, struct str *ret, struct err *e)
{
	int r = get_blob(g, digest, max, ret, e);
	return r < 0 ? err_wrap(e, r, "blob '%.80s'", digest) : r;
}

/* --- referrers -------------------------------------------------------------------------------- */

static int get_page(struct registry *g, const char *url, const char *digest,
	const char *artifact_type, struct registry_document *ret, struct err *e)
{
	struct fetch_http http;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	struct request q = { .url = url,
		.accept = "application/vnd.oci.image.index.v1+json",
		.max_body = STR_MAX_MANIFEST };
	struct registry_document d = { 0 };
	int r = get_text(g, &q, &http, &bytes, e);
	if (r < 0)
		return r;
	/* Those that do not know the API are not at one in how they say so. */
	if (http.status == 400 || http.status == 405 || http.status == 501)
		http.status = 404;
	if (http.status != 200)
		return answer_status(&g->ref, &http, "referrers", digest, e);
	put_type(&d, http.content_type);
	d.filtered = artifact_type && strstr(http.filters_applied, "artifactType");
	r = compute_digest(&bytes, d.digest, e);
	if (r >= 0)
		r = answer_next(g->scheme, &g->ref, http.link, digest, d.next, e);
	if (r < 0)
		return r;
	d.bytes = bytes;
	registry_document_release(ret);
	*ret = d;
	bytes = STR_INIT(0);
	return 0;
}

static void add_escaped(struct str *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr("-._~", *p))
			str_addc(out, (char)*p);
		else
			str_addf(out, "%%%02X", *p);
}

/* By the API; -ENOENT: the registry does not have it, or has nothing. */
static int ask_api(struct registry *g, const char *digest, const char *artifact_type,
	struct registry_document *ret, struct err *e)
{
	_clean_(str) struct str url = STR_INIT(FETCH_URL_SIZE - 1);
	_clean_(mem) char *plain = registry_url(g, "referrers", digest);
	str_add(&url, plain);
	if (artifact_type) {
		str_add(&url, "?artifactType=");
		add_escaped(&url, artifact_type);
	}
	if (!str_ok(&url))
		return ERR_BAD(e, "the type is too long");
	return get_page(g, str_text(&url), digest, artifact_type, ret, e);
}

int registry_get_referrers(struct registry *g, const char *digest, const char *artifact_type,
	const char *page, struct registry_document *ret, struct err *e)
{
	char tag[REGISTRY_DIGEST_SIZE];
	if (!is_digest(digest))
		return ERR_BAD(e, "'%.80s' is not 'sha256:' and 64 hex digits", digest);
	int r = page ? get_page(g, page, digest, artifact_type, ret, e)
		     : ask_api(g, digest, artifact_type, ret, e);
	if (r == -ENOENT && !page) {
		/* distribution-spec "Referrers Tag Schema" */
		snprintf(tag, sizeof tag, "sha256-%s", str_after(digest, "sha256:"));
		r = registry_get_manifest(g, tag, NULL, ret, e);
	}
	return r < 0 ? err_wrap(e, r, "what refers to '%s'", digest) : 0;
}
