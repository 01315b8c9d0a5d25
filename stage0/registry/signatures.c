/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/signatures.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/docker_ref.h"
#include "stage0/remote/request.h"
#include "stage0/trust/leads.h"
#include "stage0/trust/lookaside.h"

enum { LOOKASIDE_MAX = 16, PAGES_MAX = 4 };

static int read_manifest(void *ctx, const char *hex, struct str *ret, struct err *e)
{
	const struct registry_signatures *s = ctx;
	_clean_(registry_document) struct registry_document d = REGISTRY_DOCUMENT_INIT;
	char digest[REGISTRY_DIGEST_SIZE];
	snprintf(digest, sizeof digest, "sha256:%.64s", hex);
	int r = registry_get_manifest(s->g, digest, NULL, &d, e);
	if (r >= 0)
		str_addn(ret, str_text(&d.bytes), d.bytes.len);
	return r;
}

static int read_blob(void *ctx, const char *hex, struct str *ret, struct err *e)
{
	const struct registry_signatures *s = ctx;
	char digest[REGISTRY_DIGEST_SIZE];
	snprintf(digest, sizeof digest, "sha256:%.64s", hex);
	return registry_get_blob(s->g, digest, ret->max, ret, e);
}

static struct lead_reader reader(struct registry_signatures *s)
{
	return (struct lead_reader){ read_manifest, read_blob, s };
}

static int collect_tag(
	void *ctx, const struct signed_document *d, struct evidence *v, struct err *e)
{
	struct registry_signatures *s = ctx;
	const struct lead_reader from = reader(s);
	_clean_(registry_document) struct registry_document found = REGISTRY_DOCUMENT_INIT;
	const char *tag = arena_printf(s->a, "sha256-%s.sig", d->digest + strlen("sha256:"));
	int r = registry_get_manifest(s->g, tag, NULL, &found, e);
	if (r == -ENOENT) {
		*e = ERR_INIT;
		return 0;
	}
	return r < 0 ? r : leads_follow(&found.bytes, &from, v, e);
}

static int collect_referrers(
	void *ctx, const struct signed_document *d, struct evidence *v, struct err *e)
{
	struct registry_signatures *s = ctx;
	const struct lead_reader from = reader(s);
	const char *page = NULL;
	for (int i = 0; i < PAGES_MAX; i++) {
		_clean_(registry_document) struct registry_document found = REGISTRY_DOCUMENT_INIT;
		int r = registry_get_referrers(s->g, d->digest, NULL, page, &found, e);
		if (r == -ENOENT) {
			*e = ERR_INIT;
			return 0;
		}
		if (r >= 0)
			r = leads_follow(&found.bytes, &from, v, e);
		if (r < 0 || !*found.next)
			return r;
		page = arena_strdup(s->a, found.next);
	}
	return 0;
}

/* --- lookaside -------------------------------------------------------------------------------- */

/* 1: *ret has it; 0: there is none. */
static int read_file(const char *path, struct str *ret, struct err *e)
{
	_clean_(fd) int fd = io_open_regular(path, e);
	if (fd == -ENOENT || fd == -ENOTDIR) {
		*e = ERR_INIT;
		return 0;
	}
	int r = fd < 0 ? fd : io_read_fd(fd, path, ret, e);
	return r < 0 ? r : 1;
}

static int read_url(const struct remote *remote, const char *url, struct str *ret, struct err *e)
{
	struct fetch_http http;
	_clean_(fd) int fd = memory_file("signature", e);
	const struct request q = {
		.url = url, .body = fd, .progress = -1, .max_body = FETCH_SIGNATURES_BYTES
	};
	int r = fd < 0 ? fd : url_check(remote, url, e);
	if (r >= 0)
		r = request_get(remote, &q, &http, e);
	if (r >= 0 && http.status == 404)
		return 0;
	if (r >= 0 && http.status != 200)
		r = request_bad_status(&http, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	if (r >= 0)
		r = io_read_fd(fd, url, ret, e);
	return r < 0 ? r : 1;
}

static int collect_lookaside(
	void *ctx, const struct signed_document *d, struct evidence *v, struct err *e)
{
	struct registry_signatures *s = ctx;
	struct docker_ref ref;
	const char *base = NULL;
	if (!docker_ref_parse(str_after(s->ref->text, "docker://"), s->a, &ref))
		return ERR_BAD(e, "'%s' is no reference", s->ref->text);
	int r = lookaside_find(s->lookaside_dir, ref.name, s->a, &base, e);
	for (unsigned n = 1; r >= 0 && n <= LOOKASIDE_MAX; n++) {
		_clean_(str) struct str bytes = STR_INIT(FETCH_SIGNATURES_BYTES);
		const char *url = lookaside_url(base, ref.name, d->digest, n, s->a);
		const char *path = str_after(url, "file://");
		r = path ? read_file(path, &bytes, e) : read_url(s->remote, url, &bytes, e);
		if (r <= 0)
			return r < 0 ? err_wrap(e, r, "'%s'", url) : 0;
		evidence_add(v, FETCH_EVIDENCE_SIMPLE, NULL, str_text(&bytes), bytes.len);
	}
	return r < 0 ? r : 0;
}

void registry_signature_sources(
	struct registry_signatures *s, struct signature_source ret[REGISTRY_SIGNATURE_SOURCES])
{
	ret[0] = (struct signature_source){
		.what = "the tag sha256-<digest>.sig", .pem = true, .collect = collect_tag, .ctx = s
	};
	ret[1] = (struct signature_source){
		.what = "referrers", .pem = true, .collect = collect_referrers, .ctx = s
	};
	ret[2] = (struct signature_source){
		.what = "lookaside", .openpgp = true, .collect = collect_lookaside, .ctx = s
	};
}
