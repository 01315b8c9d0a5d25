/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/spec/oci.h"
#include "tests/unit/unit.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" A "\"]}"

static struct oci_answer answer;
static struct err err;

static int decode(enum oci_document what, const char *ref, const char *text, struct str *manifest)
{
	struct oci_query q = { .magic = OCI_MAGIC,
		.document = what,
		.os = "linux",
		.arch = "amd64",
		.variant = "v1",
		.name = "example.com/x",
		.tag = "v1",
		.original = "oci:x" };
	if (strcmp(ref, "arm") == 0) {
		memcpy(q.arch, "arm", 4);
		memcpy(q.variant, "v7", 3);
		ref = "";
	}
	memcpy(q.ref, ref, strlen(ref));
	return oci_decode(&q, text, strlen(text), &answer, manifest, &err);
}

static const char *chosen(void)
{
	static char hex[OCI_HEX_SIZE + 1];
	oci_digest_hex(answer.chosen.digest, hex);
	return hex;
}

START_TEST(digests)
{
	uint8_t d[OCI_DIGEST_SIZE];
	char hex[OCI_HEX_SIZE + 1];
	ck_assert(oci_digest_parse("sha256:" A, d));
	oci_digest_hex(d, hex);
	ck_assert_str_eq(hex, A);
	static const char *const bad[] = { A, "sha256:", "sha256:" A "a", "sha512:" A,
		"sha256:../" A, "SHA256:" A,
		"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!oci_digest_parse(bad[i], d), "%s", bad[i]);
}
END_TEST

START_TEST(names)
{
	static const struct {
		const char *ref, *name, *tag;
	} good[] = {
		{ "alpine", "registry-1.docker.io/library/alpine", "latest" },
		{ "alpine:3.18", "registry-1.docker.io/library/alpine", "3.18" },
		{ "docker.io/some/thing", "registry-1.docker.io/some/thing", "latest" },
		{ "quay.io/some/Thing_x:v1@sha256:" A, "quay.io/some/thing_x", "v1" },
		{ "localhost:80/x", "localhost-80/x", "latest" },
		{ "localhost/a__b", "localhost/a_b", "latest" },
		{ "some/thing:1", "registry-1.docker.io/some/thing", "1" },
	};
	_clean_(arena) struct arena a = ARENA_INIT;
	const char *name, *tag;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert(oci_reference_name(good[i].ref, &a, &name, &tag));
		ck_assert_str_eq(name, good[i].name);
		ck_assert_str_eq(tag, good[i].tag);
	}
	ck_assert(!oci_reference_name("", &a, &name, &tag));
	ck_assert(!oci_reference_name("x:", &a, &name, &tag));
	ck_assert(!oci_identifier(&a, "::/"));
}
END_TEST

#define ENTRY(hex, platform, more)                                                             \
	"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":1,\"digest\":" \
	"\"sha256:" hex "\"" platform more "}"
#define ON(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define ON_ARM(v) ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"" v "\"}"
#define CALLED(n) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" n "\"}"
#define INDEX(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"

START_TEST(choice_in_an_index)
{
	static const struct {
		const char *ref, *text, *want; /* NULL: refused */
	} cases[] = {
		{ "", INDEX(ENTRY(A, "", "")), A },
		{ "",
			INDEX(ENTRY(A, ON("linux", "s390x"), "") "," ENTRY(
				B, ON("linux", "amd64"), "")),
			B },
		{ "", INDEX(ENTRY(A, "", "") "," ENTRY(B, ON("linux", "amd64"), "")), B },
		{ "", INDEX(ENTRY(A, ON("windows", "amd64"), "")), NULL },
		{ "", INDEX(""), NULL },
		{ "two", INDEX(ENTRY(A, "", CALLED("one")) "," ENTRY(B, "", CALLED("two"))), B },
		{ "", INDEX(ENTRY(A, "", CALLED("one")) "," ENTRY(B, "", CALLED("two"))), NULL },
		{ "three", INDEX(ENTRY(A, "", CALLED("one"))), NULL },
		{ "arm", INDEX(ENTRY(A, ON_ARM("v6"), "") "," ENTRY(B, ON_ARM("v7"), "")), B },
		{ "arm", INDEX(ENTRY(A, ON_ARM("v6"), "") "," ENTRY(B, ON_ARM("v8"), "")), A },
		{ "arm", INDEX(ENTRY(B, ON_ARM("v8"), "")), NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = decode(OCI_INDEX, cases[i].ref, cases[i].text, NULL);
		ck_assert_msg((r == 0) == (cases[i].want != NULL), "%zu: %s", i, err.msg);
		if (cases[i].want)
			ck_assert_str_eq(chosen(), cases[i].want);
	}
}
END_TEST

START_TEST(confused_documents_are_refused)
{
	static const char *const bad[] = {
		"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}",
		"{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}",
		"{\"schemaVersion\":1,\"manifests\":[]}",
		"{\"manifests\":[]}",
		"{\"schemaVersion\":2,\"mediaType\":\"application/x\",\"manifests\":[]}",
		"[]",
		"",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(decode(OCI_INDEX, "", bad[i], NULL) < 0, "%s", bad[i]);
}
END_TEST

START_TEST(configuration_becomes_an_app)
{
	static const char text[] =
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2020-01-02T03:04:05Z\","
		"\"author\":\"me\",\"config\":{\"User\":\"1000:web\",\"Entrypoint\":[\"/bin/x\"],"
		"\"Cmd\":[\"a\"],\"Env\":[\"PATH=/bin\",\"1BAD=x\",\"E=a=b\",\"E=c\"],"
		"\"WorkingDir\":\"srv\",\"ExposedPorts\":{\"80/tcp\":{},\"80\":{},\"53-54/"
		"udp\":{}},"
		"\"Volumes\":{\"/data\":{},\"/DATA\":{}},\"Labels\":{\"k\":\"v\"},"
		"\"StopSignal\":\"SIGINT\"}," ROOTFS "}";
	static const char want[] =
		"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/x\","
		"\"labels\":[{\"name\":\"version\",\"value\":\"v1\"},"
		"{\"name\":\"os\",\"value\":\"linux\"},{\"name\":\"arch\",\"value\":\"amd64\"}],"
		"\"app\":{\"exec\":[\"/bin/x\",\"a\"],\"user\":\"+1000\",\"group\":\"web\","
		"\"workingDirectory\":\"/srv\",\"environment\":["
		"{\"name\":\"PATH\",\"value\":\"/bin\"},{\"name\":\"E\",\"value\":\"c\"}],"
		"\"mountPoints\":[{\"name\":\"volume-data\",\"path\":\"/data\"},"
		"{\"name\":\"volume-data-2\",\"path\":\"/DATA\"}],"
		"\"ports\":[{\"name\":\"80-tcp\",\"protocol\":\"tcp\",\"port\":80,\"count\":1,"
		"\"socketActivated\":false},{\"name\":\"53-udp\",\"protocol\":\"udp\",\"port\":53,"
		"\"count\":2,\"socketActivated\":false}],\"userLabels\":{\"k\":\"v\"}},"
		"\"annotations\":[{\"name\":\"authors\",\"value\":\"me\"},"
		"{\"name\":\"created\",\"value\":\"2020-01-02T03:04:05Z\"},"
		"{\"name\":\"appc.io/docker/originalname\",\"value\":\"oci:x\"},"
		"{\"name\":\"appc.io/docker/tag\",\"value\":\"v1\"},"
		"{\"name\":\"appc.io/docker/entrypoint\",\"value\":\"[\\\"/bin/x\\\"]\"},"
		"{\"name\":\"appc.io/docker/cmd\",\"value\":\"[\\\"a\\\"]\"},"
		"{\"name\":\"appc.io/docker/stopsignal\",\"value\":\"SIGINT\"}]}";
	_clean_(str) struct str out = STR_INIT(STR_MAX_MANIFEST);
	ck_assert_msg(decode(OCI_CONFIG, "", text, &out) == 0, "%s", err.msg);
	ck_assert_str_eq(str_text(&out), want);
	ck_assert_uint_eq(answer.n_layers, 1);
	ck_assert_uint_eq(answer.manifest_size, out.len);
	ck_assert_int_eq(oci_answer_check(&answer, &err), 0);
}
END_TEST

/* CVE-2024-40635, CVE-2026-46680: a number that does not fit is no name, and not 0. */
START_TEST(users_out_of_range_are_refused)
{
	static const char *const bad[] = { "2147483648", "4294967296", "18446744073709551616",
		"0:4294967295", "/etc/passwd", "+0", ":0", "web:" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		_clean_(str) struct str out = STR_INIT(STR_MAX_MANIFEST);
		_clean_(mem) char *text = xasprintf("{\"os\":\"linux\",\"architecture\":\"amd64\","
						    "\"config\":{\"User\":\"%s\"}," ROOTFS "}",
			bad[i]);
		ck_assert_msg(decode(OCI_CONFIG, "", text, &out) < 0, "%s", bad[i]);
	}
}
END_TEST

START_TEST(saved_images)
{
#define SAVED(tag) "{\"Config\":\"c.json\",\"RepoTags\":[\"" tag "\"],\"Layers\":[\"l/layer.tar\"]}"
	ck_assert_int_eq(decode(OCI_DOCKER_ARCHIVE, "", "[" SAVED("x:latest") "]", NULL), 0);
	ck_assert_str_eq(answer.paths[0], "l/layer.tar");
	ck_assert_str_eq(answer.paths[1], "c.json");
	ck_assert_str_eq(answer.ref_name, "x:latest");
	ck_assert_int_eq(decode(OCI_DOCKER_ARCHIVE, "x", "[" SAVED("x:latest") "]", NULL), 0);
	ck_assert_int_lt(decode(OCI_DOCKER_ARCHIVE, "y", "[" SAVED("x:latest") "]", NULL), 0);
	ck_assert_int_lt(
		decode(OCI_DOCKER_ARCHIVE, "", "[" SAVED("x:1") "," SAVED("y:1") "]", NULL), 0);
	ck_assert_int_lt(decode(OCI_DOCKER_ARCHIVE, "", "[]", NULL), 0);
}
END_TEST

START_TEST(answers_are_checked)
{
	struct oci_answer good = { .magic = OCI_MAGIC }, bad = good;
	ck_assert_int_eq(oci_answer_check(&good, &err), 0);
	bad.n_layers = OCI_LAYERS_MAX + 1;
	ck_assert_int_lt(oci_answer_check(&bad, &err), 0);
	bad = good;
	memset(bad.paths[OCI_LAYERS_MAX], 'x', OCI_TEXT_MAX);
	ck_assert_int_lt(oci_answer_check(&bad, &err), 0);
	bad = good;
	bad.manifest_size = UINT32_MAX;
	ck_assert_int_lt(oci_answer_check(&bad, &err), 0);
}
END_TEST

UNIT_MAIN("oci", &digests, &names, &choice_in_an_index, &confused_documents_are_refused,
	&configuration_becomes_an_app, &users_out_of_range_are_refused, &saved_images,
	&answers_are_checked)
