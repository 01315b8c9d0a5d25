/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/policy.h"

#include <string.h>

#include "lib/base/str.h"
#include "tests/unit/unit.h"

#define ANY "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"
#define DEFAULT(requirements) "{\"default\":" requirements "}"
#define TRANSPORTS(text) "{\"default\":" REJECT ",\"transports\":{" text "}}"
#define SIGNED(text) DEFAULT("[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"," text "}]")
#define SIGSTORE(text) DEFAULT("[{\"type\":\"sigstoreSigned\"," text "}]")
#define IDENTITY(text) SIGSTORE("\"keyPath\":\"/k\",\"signedIdentity\":{" text "}")

/* --- the grammar ------------------------------------------------------------------------------ */

static const struct {
	const char *text, *error; /* NULL: it is one */
} grammar[] = {
	{ DEFAULT(ANY), NULL },
	{ DEFAULT("[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}]"), NULL },
	{ TRANSPORTS(""), NULL },
	{ TRANSPORTS("\"docker\":{},\"future\":{\"x\":" ANY "}"), NULL },
	{ TRANSPORTS("\"docker\":{\"\":" ANY ",\"*.example.com\":" REJECT "}"), NULL },
	{ TRANSPORTS("\"oci\":{\"/a/b\":" ANY ",\"/a\":" ANY ",\"\":" ANY "}"), NULL },
	{ TRANSPORTS("\"docker-archive\":{\"\":" ANY "}"), NULL },
	{ SIGNED("\"keyPath\":\"/k\""), NULL },
	{ SIGNED("\"keyPaths\":[\"/k\",\"/l\"]"), NULL },
	{ SIGNED("\"keyData\":\"AAAA\""), NULL },
	{ SIGSTORE("\"keyPath\":\"/k\""), NULL },
	{ SIGSTORE("\"keyDatas\":[\"AAAA\"]"), NULL },
	{ SIGSTORE("\"keyPath\":\"/k\",\"rekorPublicKeyPath\":\"/r\""), NULL },
	{ SIGSTORE("\"fulcio\":{\"caPath\":\"/c\"},\"rekorPublicKeyData\":\"AAAA\""), NULL },
	{ SIGSTORE("\"pki\":{}"), NULL },
	{ IDENTITY("\"type\":\"matchExact\""), NULL },
	{ IDENTITY("\"type\":\"exactReference\",\"dockerReference\":\"busybox:1\""), NULL },
	{ IDENTITY("\"type\":\"exactRepository\",\"dockerRepository\":\"busybox\""), NULL },
	{ IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"a.example:5000\",\"signedPrefix\":"
		   "\"b.example/c\""),
		NULL },

	{ "", "" },
	{ "[]", "expected object" },
	{ "{}", "'default' is missing" },
	{ "{\"default\":null}", "null" },
	{ DEFAULT("[]"), "empty" },
	{ DEFAULT("{}"), "expected array" },
	{ DEFAULT("[[]]"), "expected object" },
	{ DEFAULT("[{}]"), "'type' is missing" },
	{ DEFAULT("[{\"type\":\"insecureacceptanything\"}]"), "not known" },
	{ DEFAULT("[{\"type\":\"reject\",\"type\":\"reject\"}]"), "" },
	{ DEFAULT("[{\"type\":\"reject\",\"keyPath\":\"/k\"}]"), "keyPath" },
	{ DEFAULT("[{\"type\":\"insecureAcceptAnything\",\"why\":\"x\"}]"), "why" },
	{ "{\"default\":" ANY ",\"Transports\":{}}", "Transports" },
	{ "{\"default\":" ANY ",\"transports\":[]}", "expected object" },
	{ "{\"default\":" ANY ",\"default\":" ANY "}", "" },
	{ TRANSPORTS("\"docker\":[]"), "expected object" },
	{ TRANSPORTS("\"docker\":null"), "expected object" },
	{ TRANSPORTS("\"docker\":{\"\":[]}"), "transports.docker" },
	{ TRANSPORTS("\"docker\":{\"a\":" ANY ",\"a\":" REJECT "}"), "" },
	{ TRANSPORTS("\"oci\":{\"/\":" ANY "}"), "absolute path" },
	{ TRANSPORTS("\"oci\":{\"a\":" ANY "}"), "absolute path" },
	{ TRANSPORTS("\"oci\":{\"/a/\":" ANY "}"), "absolute path" },
	{ TRANSPORTS("\"oci\":{\"/a/../b\":" ANY "}"), "absolute path" },
	{ TRANSPORTS("\"oci-archive\":{\"/a//b\":" ANY "}"), "absolute path" },
	{ TRANSPORTS("\"docker-archive\":{\"/a\":" ANY "}"), "no scopes" },
	{ SIGNED("\"keyPath\":\"/k\",\"keyData\":\"AAAA\""), "exactly one" },
	{ SIGNED("\"signedIdentity\":{\"type\":\"matchExact\"}"), "exactly one" },
	{ SIGNED("\"keyPaths\":[]"), "empty" },
	{ SIGNED("\"keyPaths\":[1]"), "expected string" },
	{ SIGNED("\"keyPath\":1"), "expected string" },
	{ SIGNED("\"keyPath\":null"), "null" },
	{ SIGNED("\"keyDatas\":[\"AAAA\"]"), "keyDatas" },
	{ SIGNED("\"keyPath\":\"/k\",\"fulcio\":{}"), "fulcio" },
	{ DEFAULT("[{\"type\":\"signedBy\",\"keyPath\":\"/k\"}]"), "'keyType' is missing" },
	{ DEFAULT("[{\"type\":\"signedBy\",\"keyType\":\"gpg\",\"keyPath\":\"/k\"}]"), "gpg" },
	{ SIGSTORE("\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\""), "keyType" },
	{ SIGSTORE("\"rekorPublicKeyPath\":\"/k\""), "exactly one" },
	{ SIGSTORE("\"fulcio\":{},\"keyPath\":\"/k\""), "exactly one" },
	{ IDENTITY("\"type\":\"matchAll\""), "not known" },
	{ IDENTITY("\"type\":\"matchExact\",\"prefix\":\"x\""), "prefix" },
	{ IDENTITY("\"type\":\"exactReference\""), "'dockerReference' is missing" },
	{ IDENTITY("\"type\":\"exactReference\",\"dockerReference\":\"busybox\""), "no reference" },
	{ IDENTITY("\"type\":\"exactRepository\",\"dockerRepository\":\"A B\""), "no repository" },
	{ IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"busybox\",\"signedPrefix\":\"a.b\""),
		"spelt in full" },
	{ IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"\",\"signedPrefix\":\"a.b\""),
		"spelt in full" },
	{ IDENTITY("\"type\":\"remapIdentity\",\"prefix\":\"a.b/c:1\",\"signedPrefix\":\"a.b\""),
		"spelt in full" },
	{ SIGSTORE("\"keyPath\":\"/k\",\"signedIdentity\":\"matchExact\""), "expected object" },
};

START_TEST(the_grammar)
{
	for (size_t i = 0; i < sizeof grammar / sizeof *grammar; i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct policy p;
		const char *text = grammar[i].text, *error = grammar[i].error;
		int r = policy_parse(text, strlen(text), &a, &p, &e);
		ck_assert_msg((r < 0) == (error != NULL), "%s: %s", text, unit_message(&e));
		ck_assert_msg(!error || strstr(unit_message(&e), error), "%s: %s", text,
			unit_message(&e));
		arena_release(&a);
	}
}
END_TEST

/* What is known, and cannot be verified here, is not passed over. */
START_TEST(what_is_not_supported)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ SIGSTORE("\"fulcio\":{},\"rekorPublicKeyData\":\"AAAA\""), "" },
		{ SIGSTORE("\"keyPath\":\"/k\",\"rekorPublicKeyPaths\":[\"/r\"]"),
			"rekorPublicKeyPaths" },
		{ SIGSTORE("\"pki\":{}"), "pki" },
		{ DEFAULT("[{\"type\":\"signedBy\",\"keyType\":\"X509Certificates\",\"keyPath\":\"/"
			  "k\"}]"),
			"X509Certificates" },
		{ SIGSTORE("\"keyPath\":\"/k\""), NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct policy p;
		int r = policy_parse(rows[i].text, strlen(rows[i].text), &a, &p, &e);
		ck_assert_msg(r == 0, "%s", unit_message(&e));
		const char *what = p.otherwise.v[0].unsupported;
		ck_assert_msg(!what == !rows[i].what, "%s", rows[i].text);
		ck_assert_msg(!what || strstr(what, rows[i].what), "%s", what);
		arena_release(&a);
	}
}
END_TEST

/* --- the scope -------------------------------------------------------------------------------- */

#define D "\"docker\":{"
static const struct {
	const char *transports;
	struct policy_image image;
	const char *where;
} scopes[] = {
	{ "", { "docker", "r.example/a/b", "1", NULL }, "default" },
	{ D "\"\":" ANY "}", { "docker", "r.example/a/b", "1", NULL }, "docker scope \"\"" },
	{ D "\"\":" ANY "}", { "oci", "/a", NULL, NULL }, "default" },
	{ D "\"r.example\":" ANY ",\"r.example/a\":" ANY ",\"r.example/a/b\":" ANY
	    ",\"r.example/a/b:1\":" ANY "}",
		{ "docker", "r.example/a/b", "1", NULL }, "docker scope \"r.example/a/b:1\"" },
	{ D "\"r.example\":" ANY ",\"r.example/a\":" ANY ",\"r.example/a/b\":" ANY
	    ",\"r.example/a/b:1\":" ANY "}",
		{ "docker", "r.example/a/b", "2", NULL }, "docker scope \"r.example/a/b\"" },
	{ D "\"r.example/a/b@sha256:x\":" ANY ",\"r.example/a/b:1\":" ANY "}",
		{ "docker", "r.example/a/b", NULL, "sha256:x" },
		"docker scope \"r.example/a/b@sha256:x\"" },
	{ D "\"r.example\":" ANY ",\"r.example/a\":" ANY "}",
		{ "docker", "r.example/ab", "1", NULL }, "docker scope \"r.example\"" },
	{ D "\"r.example/a\":" ANY "}", { "docker", "r.example:5000/a", "1", NULL }, "default" },
	{ D "\"*.example.com\":" ANY ",\"*.com\":" ANY "}",
		{ "docker", "a.b.example.com:5000/x", "1", NULL },
		"docker scope \"*.example.com\"" },
	{ D "\"*.example.com\":" ANY "}", { "docker", "example.com/x", "1", NULL }, "default" },
	{ D "\"*.example.com\":" ANY ",\"a.example.com\":" ANY "}",
		{ "docker", "a.example.com/x", "1", NULL }, "docker scope \"a.example.com\"" },
	{ D "\"*.example.com\":" ANY ",\"a.example.com:5000\":" ANY "}",
		{ "docker", "a.example.com/x", "1", NULL }, "docker scope \"*.example.com\"" },
	{ D "\"*.lo\":" ANY "}", { "docker", "localhost/x.lo", "1", NULL }, "default" },
	{ "\"oci\":{\"/a\":" ANY ",\"/a/b\":" ANY "}", { "oci", "/a/b/c", NULL, NULL },
		"oci scope \"/a/b\"" },
	{ "\"oci\":{\"/a\":" ANY "}", { "oci", "/ab", NULL, NULL }, "default" },
	{ "\"oci\":{\"/a\":" ANY "}", { "oci-archive", "/a", NULL, NULL }, "default" },
	{ "\"docker-archive\":{\"\":" ANY "}", { "docker-archive", "/x", NULL, NULL },
		"docker-archive scope \"\"" },
};

START_TEST(the_most_specific_scope)
{
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct policy p;
		const char *where;
		const char *text = arena_printf(
			&a, "{\"default\":" REJECT ",\"transports\":{%s}}", scopes[i].transports);
		ck_assert_msg(policy_parse(text, strlen(text), &a, &p, &e) == 0, "%s: %s", text,
			unit_message(&e));
		const struct policy_scope *s = policy_for(&p, &scopes[i].image, &a, &where);
		ck_assert_str_eq(where, scopes[i].where);
		bool otherwise = strcmp(where, "default") == 0;
		ck_assert_uint_eq(s->v[0].kind, otherwise ? POLICY_REJECT : POLICY_ACCEPT);
		arena_release(&a);
	}
}
END_TEST

/* --- identities ------------------------------------------------------------------------------- */

#define N "r.example/a/b"
static const struct policy_image tagged = { "docker", N, "1", NULL };
static const struct policy_image digested = { "docker", N, NULL, "sha256:d" };
static const struct policy_image layout = { "oci", "/x", NULL, NULL };

static const struct {
	struct policy_identity identity;
	const struct policy_image *image;
	struct policy_reference is_signed;
	bool matches;
} matching[] = {
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { N, "1", "" }, true },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { N, "2", "" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { N, "", "" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { N, "1", "sha256:d" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { N "c", "1", "" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &tagged, { "", "", "" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &digested, { N, "2", "" }, true },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &digested, { N, "", "" }, true },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &digested, { "r.example/a", "2", "" }, false },
	{ { .kind = POLICY_EXACT }, &tagged, { N, "1", "" }, true },
	{ { .kind = POLICY_EXACT }, &tagged, { N, "", "" }, false },
	{ { .kind = POLICY_EXACT }, &digested, { N, "1", "" }, false },
	{ { .kind = POLICY_EXACT }, &digested, { N, "", "sha256:d" }, true },
	{ { .kind = POLICY_EXACT }, &digested, { N, "", "sha256:e" }, false },
	{ { .kind = POLICY_REPOSITORY }, &tagged, { N, "", "" }, true },
	{ { .kind = POLICY_REPOSITORY }, &tagged, { N, "9", "" }, true },
	{ { .kind = POLICY_REPOSITORY }, &tagged, { N "c", "1", "" }, false },
	{ { .kind = POLICY_REPOSITORY }, &layout, { N, "1", "" }, false },
	{ { .kind = POLICY_REPO_DIGEST_OR_EXACT }, &layout, { N, "1", "" }, false },
	{ { .kind = POLICY_EXACT_REFERENCE, .reference = "busybox:1" }, &tagged,
		{ "docker.io/library/busybox", "1", "" }, true },
	{ { .kind = POLICY_EXACT_REFERENCE, .reference = "busybox:1" }, &layout,
		{ "docker.io/library/busybox", "1", "" }, true },
	{ { .kind = POLICY_EXACT_REFERENCE, .reference = "busybox:1" }, &tagged,
		{ "docker.io/library/busybox", "", "" }, false },
	{ { .kind = POLICY_EXACT_REPOSITORY, .reference = "busybox" }, &layout,
		{ "docker.io/library/busybox", "7", "" }, true },
	{ { .kind = POLICY_EXACT_REPOSITORY, .reference = "busybox" }, &tagged, { N, "1", "" },
		false },
	{ { .kind = POLICY_REMAP, .prefix = "r.example", .becomes = "s.example/m" }, &tagged,
		{ "s.example/m/a/b", "1", "" }, true },
	{ { .kind = POLICY_REMAP, .prefix = "r.example", .becomes = "s.example/m" }, &tagged,
		{ "s.example/m/a/b", "2", "" }, false },
	{ { .kind = POLICY_REMAP, .prefix = "r.example", .becomes = "s.example/m" }, &tagged,
		{ N, "1", "" }, false },
	{ { .kind = POLICY_REMAP, .prefix = "r.exam", .becomes = "s.example/m" }, &tagged,
		{ N, "1", "" }, true },
	{ { .kind = POLICY_REMAP, .prefix = N, .becomes = "s.example/z" }, &digested,
		{ "s.example/z", "", "" }, true },
	{ { .kind = POLICY_REMAP, .prefix = N, .becomes = "s.example/z" }, &layout,
		{ "s.example/z", "1", "" }, false },
};

START_TEST(identities)
{
	for (size_t i = 0; i < sizeof matching / sizeof *matching; i++) {
		struct arena a = ARENA_INIT;
		bool is = policy_matches(
			&matching[i].identity, matching[i].image, &matching[i].is_signed, &a);
		ck_assert_msg(is == matching[i].matches, "%zu", i);
		arena_release(&a);
	}
}
END_TEST

UNIT_MAIN("policy", &the_grammar, &what_is_not_supported, &the_most_specific_scope, &identities)
