/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "stage0/registry/answer.h"
#include "stage0/registry/registry.h"
#include "tests/unit/unit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DOTS "docker:x@sha256:../456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HUB "registry-1.docker.io"

START_TEST(references)
{
	static const struct {
		const char *text, *canonical, *name, *version;
	} good[] = {
		{ "docker:alpine", "docker://" HUB "/library/alpine:latest", HUB "/library/alpine",
			"latest" },
		{ "docker://alpine", "docker://" HUB "/library/alpine:latest",
			HUB "/library/alpine", "latest" },
		{ "docker://docker.io/a/b:v1_2.3-x", "docker://" HUB "/a/b:v1_2.3-x", HUB "/a/b",
			"v1_2.3-x" },
		{ "docker://index.docker.io/alpine", "docker://" HUB "/library/alpine:latest",
			HUB "/library/alpine", "latest" },
		{ "docker:quay.io/coreos/etcd:v3", "docker://quay.io/coreos/etcd:v3",
			"quay.io/coreos/etcd", "v3" },
		{ "docker://localhost/x", "docker://localhost/x:latest", "localhost/x", "latest" },
		{ "docker://localhost:5001/a__b/c--d:1", "docker://localhost:5001/a__b/c--d:1",
			"localhost-5001/a_b/c-d", "1" },
		{ "docker://[::1]:5000/x", "docker://[::1]:5000/x:latest", "1-5000/x", "latest" },
		{ "docker://q.io/x@" DIGEST, "docker://q.io/x@" DIGEST, "q.io/x",
			"sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "docker://q.io/x:v1@" DIGEST, "docker://q.io/x@" DIGEST, "q.io/x", "v1" },
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct registry_ref ref;
		struct err e = ERR_INIT;
		ck_assert_msg(registry_is_ref(good[i].text), "%s", good[i].text);
		ck_assert_msg(registry_ref_parse(good[i].text, &a, &ref, &e) == 0, "%s: %s",
			good[i].text, e.msg);
		ck_assert_str_eq(ref.text, good[i].canonical);
		ck_assert_str_eq(ref.name, good[i].name);
		ck_assert_str_eq(ref.version, good[i].version);
	}
	ck_assert(!registry_is_ref("docker-archive:x"));
}
END_TEST

START_TEST(wrong_references)
{
	static const char *const bad[] = { "docker:", "docker://", "docker:///x",
		"docker:x:", "docker:x@", "docker:x@sha256:0", "docker:x@md5:00", "docker:X",
		"docker:a//b", "docker:a/../b", "docker:../../etc", "docker:-a", "docker:a-",
		"docker:a___b", "docker:a..b", "docker:x:-v", "docker:x:a/b", "docker:x:a b",
		"docker:x?y", "docker://u:p@q.io/x", "docker://q.io:0/x", "docker://q.io:99999/x",
		"docker://q.io:/x", "docker://[::1/x", "docker://q_x.io/x", "docker://.io/x",
		DOTS };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct registry_ref ref;
		struct err e = ERR_INIT;
		ck_assert_msg(registry_ref_parse(bad[i], &a, &ref, &e) < 0, "%s", bad[i]);
		ck_assert(e.len > 0);
		/* The caller says which it was. */
		ck_assert_msg(!strstr(e.msg, "docker:"), "%s", e.msg);
	}
}
END_TEST

START_TEST(kinds_of_documents)
{
	static const struct {
		const char *type;
		int kind;
	} rows[] = {
		{ "application/vnd.oci.image.index.v1+json", OCI_INDEX },
		{ "application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX },
		{ "application/vnd.oci.image.manifest.v1+json", OCI_MANIFEST },
		{ "application/vnd.docker.distribution.manifest.v2+json", OCI_MANIFEST },
		{ "application/vnd.docker.distribution.manifest.v1+prettyjws", -EINVAL },
		{ "text/html", -EINVAL },
		{ "", -EINVAL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct registry_document d = REGISTRY_DOCUMENT_INIT;
		struct err e = ERR_INIT;
		snprintf(d.type, sizeof d.type, "%s", rows[i].type);
		ck_assert_int_eq(registry_document_kind(&d, &e), rows[i].kind);
	}
}
END_TEST

START_TEST(refusals_say_what_helps)
{
	static const struct {
		uint32_t status;
		int64_t retry_after;
		int r;
		const char *says;
	} rows[] = {
		{ 401, -1, -EPERM, "podman login q.io" },
		{ 403, -1, -EPERM, "podman login q.io" },
		{ 404, -1, -ENOENT, "no tag 'v1'" },
		{ 429, 30, -EBUSY, "in 30 seconds" },
		{ 429, -1, -EBUSY, "later" },
		{ 503, -1, -EIO, "try again later" },
		{ 418, -1, -EINVAL, "is it a registry?" },
	};
	const struct registry_ref ref = { .host = "q.io", .repository = "x" };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct fetch_http http = { .status = rows[i].status,
			.retry_after = rows[i].retry_after };
		struct err e = ERR_INIT;
		ck_assert_int_eq(answer_status(&ref, &http, "manifests", "v1", &e), rows[i].r);
		ck_assert_msg(strstr(e.msg, rows[i].says) != NULL, "%s", e.msg);
	}
}
END_TEST

START_TEST(failures_say_what_helps)
{
	static const char *const rows[][2] = {
		{ "SSL certificate problem: unable to get local issuer certificate",
			"SSL_CERT_FILE" },
		{ "error:0A00010B:SSL routines::wrong version number", "--insecure-options=http" },
		{ "Could not resolve host: q.io", "name" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e = ERR_INIT;
		int r = err_set(&e, ERR_PEER, EAGAIN, "%s", rows[i][0]);
		ck_assert_int_eq(answer_explain(r, &e), -EAGAIN);
		ck_assert_msg(strstr(e.msg, rows[i][0]) && strstr(e.msg, rows[i][1]), "%s", e.msg);
	}
}
END_TEST

START_TEST(lists_go_on_at_home)
{
	static const struct {
		const char *link, *next;
		int r;
	} rows[] = {
		{ "", "", 0 },
		{ "</v2/x/referrers/" DIGEST "?last=1>; rel=\"next\"",
			"https://q.io/v2/x/referrers/" DIGEST "?last=1", 0 },
		{ "<https://q.io/v2/x/referrers/" DIGEST "?last=1>; rel=next",
			"https://q.io/v2/x/referrers/" DIGEST "?last=1", 0 },
		{ "</v2/x/referrers/" DIGEST "?last=1>; rel=\"prev\"", "", 0 },
		{ "<https://q.io.evil.example/v2/x/referrers/" DIGEST "?a>; rel=\"next\"", "",
			-EINVAL },
		{ "<http://q.io/v2/x/referrers/" DIGEST "?a>; rel=\"next\"", "", -EINVAL },
		{ "</v2/y/referrers/" DIGEST "?a>; rel=\"next\"", "", -EINVAL },
		{ "<//evil.example/>; rel=\"next\"", "", -EINVAL },
	};
	const struct registry_ref ref = { .host = "q.io", .repository = "x" };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char next[FETCH_URL_SIZE];
		struct err e = ERR_INIT;
		ck_assert_int_eq(
			answer_next("https", &ref, rows[i].link, DIGEST, next, &e), rows[i].r);
		ck_assert_str_eq(next, rows[i].next);
	}
}
END_TEST

UNIT_MAIN("registry", &references, &wrong_references, &kinds_of_documents, &refusals_say_what_helps,
	&failures_say_what_helps, &lists_go_on_at_home)
