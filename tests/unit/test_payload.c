/* SPDX-License-Identifier: Apache-2.0 */
/* What signatures of images say, and everything that they must not. */
#include "stage0/fetch/payload.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/docker_ref.h"
#include "tests/unit/unit.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define COSIGN(reference, digest, type)                                              \
	"{\"critical\":{\"identity\":{\"docker-reference\":\"" reference             \
	"\"},\"image\":{\"docker-manifest-digest\":\"" digest "\"},\"type\":\"" type \
	"\"},\"optional\":"
#define COSIGN_TYPE "cosign container image signature"
#define SIMPLE_TYPE "atomic container signature"

static struct err e;
static struct payload p;

static int cosign(const char *text)
{
	e = ERR_INIT;
	return payload_cosign(text, strlen(text), &p, &e);
}
static int simple(const char *text)
{
	e = ERR_INIT;
	return payload_simple(text, strlen(text), &p, &e);
}

START_TEST(cosign_payloads)
{
	ck_assert_msg(cosign(COSIGN("quay.io/a/b", "sha256:" HEX, COSIGN_TYPE) "null}") == 0, "%s",
		unit_message(&e));
	ck_assert_str_eq(p.repository, "quay.io/a/b");
	ck_assert_str_eq(p.tag, "");
	ck_assert_int_eq(p.digest[1], 0x11);
	ck_assert_int_eq(cosign(COSIGN("debian:12", "sha256:" HEX, COSIGN_TYPE) "{\"a\":1}}"), 0);
	ck_assert_str_eq(p.repository, "docker.io/library/debian");
	ck_assert_str_eq(p.tag, "12");
	ck_assert_int_eq(cosign(COSIGN("", "sha256:" HEX, COSIGN_TYPE) "null}"), 0);
	ck_assert_str_eq(p.repository, "");
	ck_assert_int_eq(
		cosign("{\"Critical\":{\"Identity\":{\"docker-reference\":\"\"},\"Image\":{"
		       "\"Docker-manifest-digest\":\"sha256:" HEX "\"},\"Type\":\"" COSIGN_TYPE
		       "\"},\"Optional\":null}"),
		0);
}
END_TEST

START_TEST(refused_cosign_payloads)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"null",
		"{\"critical\":null}",
		"{\"critical\":{}}",
		COSIGN("quay.io/a/b", "sha256:" HEX, SIMPLE_TYPE) "null}",
		COSIGN("quay.io/a/b", "sha512:" HEX, COSIGN_TYPE) "null}",
		COSIGN("quay.io/a/b", "sha256:" HEX "00", COSIGN_TYPE) "null}",
		COSIGN("not a reference", "sha256:" HEX, COSIGN_TYPE) "null}",
		COSIGN("quay.io/a/b", "sha256:" HEX, COSIGN_TYPE) "null} ,",
		COSIGN("quay.io/a/b", "sha256:" HEX, COSIGN_TYPE) "null,\"more\":1}",
		/* twice, in one spelling and in two */
		COSIGN("", "sha256:" HEX "\",\"docker-manifest-digest\":\"sha256:" OTHER,
			COSIGN_TYPE) "null}",
		COSIGN("", "sha256:" HEX "\",\"Docker-manifest-digest\":\"sha256:" OTHER,
			COSIGN_TYPE) "null}",
		COSIGN("", "sha256:" HEX, COSIGN_TYPE) "null,\"Critical\":{}}",
		/* a member that is not known changes the meaning of the others */
		COSIGN("\",\"docker-namespace\":\"x", "sha256:" HEX, COSIGN_TYPE) "null}",
		COSIGN("", "sha256:" HEX, COSIGN_TYPE "\",\"expires\":\"now") "null}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(cosign(bad[i]) < 0, "%zu: %s", i, bad[i]);
}
END_TEST

START_TEST(simple_signing)
{
	ck_assert_msg(simple(COSIGN("localhost:5001/a:1", "sha256:" HEX, SIMPLE_TYPE) "{}}") == 0,
		"%s", unit_message(&e));
	ck_assert_str_eq(p.repository, "localhost:5001/a");
	ck_assert_str_eq(p.tag, "1");
	static const char *const bad[] = {
		COSIGN("localhost:5001/a:1", "sha256:" HEX, COSIGN_TYPE) "{}}",
		COSIGN("localhost:5001/a:1", "sha256:" HEX, SIMPLE_TYPE) "null}",
		COSIGN("localhost:5001/a:1", "sha256:" HEX, SIMPLE_TYPE) "{},\"x\":{}}",
		COSIGN("", "sha256:" HEX, SIMPLE_TYPE) "{}}",
		COSIGN("a", "sha256:" HEX, SIMPLE_TYPE "\",\"unknown\":\"") "{}}",
		"{\"Critical\":{},\"Optional\":{}}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:" HEX "\"},\"type\":\"" SIMPLE_TYPE "\"}}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"Docker-manifest-digest\":\"sha256:" HEX "\"},\"type\":\"" SIMPLE_TYPE
		"\"},\"optional\":{}}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(simple(bad[i]) < 0, "%zu: %s", i, bad[i]);
}
END_TEST

#define STATEMENT(type, subjects, predicate)                                          \
	"{\"_type\":\"https://in-toto.io/Statement/" type "\",\"subject\":[" subjects \
	"],\"predicateType\":\"" predicate "\",\"predicate\":{}}"
#define SUBJECT(hex) "{\"name\":\"x\",\"digest\":{\"sha256\":\"" hex "\"}}"
#define SIGN "https://sigstore.dev/cosign/sign/v1"

static int statement(const char *text)
{
	static const uint8_t digests[1][FETCH_DIGEST_SIZE] = { { 0xff, 0x11, 0x22, 0x33, 0x44, 0x55,
		0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff } };
	e = ERR_INIT;
	return payload_statement(text, strlen(text), digests, 1, &p, &e);
}

START_TEST(statements)
{
	ck_assert_msg(statement(STATEMENT("v1", SUBJECT(HEX), SIGN)) == 0, "%s", unit_message(&e));
	ck_assert_int_eq(p.digest[0], 0);
	ck_assert_int_eq(statement(STATEMENT("v0.1", SUBJECT(HEX) "," SUBJECT(OTHER), SIGN)), 0);
	ck_assert_int_eq(p.digest[0], 0xff);
	static const char *const bad[] = {
		"[]",
		"{}",
		STATEMENT("v2", SUBJECT(HEX), SIGN),
		STATEMENT("v1", "", SIGN),
		STATEMENT("v1", "{}", SIGN),
		STATEMENT("v1", SUBJECT(HEX "0"), SIGN),
		STATEMENT("v1", "{\"digest\":{\"sha512\":\"" HEX "\"}}", SIGN),
		STATEMENT("v1", SUBJECT(HEX), "https://slsa.dev/provenance/v1"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(statement(bad[i]) < 0, "%zu: %s", i, bad[i]);
}
END_TEST

#define DATA "tests/unit/data/signatures/"

START_TEST(bundles_of_the_sigstore_packages)
{
	static const char *const names[] = { "dsse-p256", "dsse-p384", "dsse-rsa", "dsse-ed25519",
		"message-p256", "message-p384", "message-rsa", "message-ed25519" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		_clean_(arena) struct arena a = ARENA_INIT;
		_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
		struct bundle b;
		const char *path = arena_printf(&a, DATA "%s.sigstore.json", names[i]);
		e = ERR_INIT;
		ck_assert_int_eq(io_read_file(AT_FDCWD, path, &text, &e), 0);
		ck_assert(bundle_looks_like(str_text(&text), text.len));
		ck_assert_msg(bundle_decode(str_text(&text), text.len, &a, &b, &e) == 0, "%s: %s",
			names[i], unit_message(&e));
		ck_assert_int_eq(b.dsse, names[i][0] == 'd');
		ck_assert(b.signature.n >= 64 && !b.certificate);
	}
}
END_TEST

#define BUNDLE(type, material, rest)                                \
	"{\"mediaType\":\"application/vnd.dev.sigstore.bundle" type \
	"\",\"verificationMaterial\":{" material "}," rest "}"
#define KEYED "\"publicKey\":{\"hint\":\"x\"},\"tlogEntries\":[]"
#define ENVELOPE(signatures)                                                   \
	"\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"x\",\"signa" \
	"tures\":[" signatures "]}"
#define MESSAGE                                                                             \
	"\"messageSignature\":{\"messageDigest\":{\"algorithm\":\"SHA2_256\",\"digest\":\"" \
	"AA==\"},\"signature\":\"AA==\"}"
#define ONE "{\"sig\":\"AAAA\"}"

START_TEST(bundles)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{ BUNDLE("+json;version=0.1", KEYED, ENVELOPE(ONE)), 0 },
		{ BUNDLE("+json;version=0.2", KEYED, MESSAGE), 0 },
		{ BUNDLE("+json;version=0.3", KEYED, MESSAGE), 0 },
		{ BUNDLE(".v0.3+json", "\"certificate\":{}", ENVELOPE(ONE)), 0 },
		{ BUNDLE(".v0.4+json", KEYED, MESSAGE), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, MESSAGE "," ENVELOPE(ONE)), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, "\"x\":1"), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, ENVELOPE("")), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, ENVELOPE(ONE "," ONE)), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, ENVELOPE("{\"sig\":\"AA\"}")), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, ENVELOPE("{\"sig\":\"\"}")), -EINVAL },
		{ BUNDLE(".v0.3+json", KEYED, ENVELOPE("{\"sig\":\"AA==\",\"sig\":\"AAAA\"}")),
			-EINVAL },
		{ "{}", -EINVAL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct bundle b;
		e = ERR_INIT;
		ck_assert_msg(
			bundle_decode(rows[i].text, strlen(rows[i].text), &a, &b, &e) == rows[i].r,
			"%zu: %s", i, unit_message(&e));
	}
}
END_TEST

START_TEST(base64)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	static const char *const bad[] = { "", "A", "AA", "AAA", "AA=A", "A===", "====", "AA==AAAA",
		"AB==", "AAB=", "AA-_", "AAA\n", " AAA" };
	struct bytes b;
	ck_assert(bytes_decode("aGVsbG8=", &a, &b) && b.n == 5 && !memcmp(b.v, "hello", 5));
	ck_assert(bytes_decode("aGVsbG8h", &a, &b) && b.n == 6 && !memcmp(b.v, "hello!", 6));
	ck_assert(bytes_decode("aA==", &a, &b) && b.n == 1 && *b.v == 'h');
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!bytes_decode(bad[i], &a, &b), "%s", bad[i]);
}
END_TEST

#define LEAD(more) "{\"digest\":\"sha256:" HEX "\",\"size\":9," more "}"
#define BUNDLE_ARTIFACT "\"artifactType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\""
#define SIMPLE_LAYER "\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\""

START_TEST(leads)
{
	static const struct {
		const char *text;
		int n;
		unsigned kind;
	} rows[] = {
		{ "{\"layers\":[" LEAD(SIMPLE_LAYER ",\"annotations\":{\"dev.cosignproject.cosign/"
						    "signature\":\"AAAA\"}") "]}",
			1, FETCH_LEAD_PAYLOAD },
		{ "{\"layers\":[" LEAD(SIMPLE_LAYER) "]}", 0, 0 },
		{ "{\"layers\":[" LEAD("\"mediaType\":\"application/"
				       "vnd.dev.sigstore.bundle.v0.3+json\"") "]}",
			1, FETCH_LEAD_BUNDLE },
		{ "{\"manifests\":[" LEAD(BUNDLE_ARTIFACT) "]}", 1, FETCH_LEAD_REFERRER },
		{ "{\"manifests\":[" LEAD(BUNDLE_ARTIFACT ",\"annotations\":{\"dev.sigstore.bundle."
							  "predicateType\":\"x\"}") "]}",
			0, 0 },
		{ "{\"manifests\":[" LEAD("\"artifactType\":\"application/"
					  "vnd.dev.cosign.artifact.sig.v1+json\"") "]}",
			1, FETCH_LEAD_SIGNATURES },
		{ "{\"manifests\":[" LEAD("\"annotations\":{\"kind\":\"dev.cosignproject.cosign/"
					  "sigs\"}") "]}",
			1, FETCH_LEAD_SIGNATURES },
		{ "{\"manifests\":[" LEAD("\"annotations\":{\"org.opencontainers.image.ref.name\":"
					  "\"a.example/b:sha256-" HEX ".sig\"}") "]}",
			1, FETCH_LEAD_SIGNATURES },
		{ "{\"manifests\":[" LEAD("\"artifactType\":\"application/spdx\"") "]}", 0, 0 },
		{ "{\"manifests\":[{\"digest\":\"sha256:../x\",\"size\":9," BUNDLE_ARTIFACT "}]}",
			0, 0 },
		{ "{\"manifests\":[{\"digest\":\"sha256:" HEX
		  "\",\"size\":99999999," BUNDLE_ARTIFACT "}]}",
			0, 0 },
		{ "{\"manifests\":[{\"digest\":\"sha256:" HEX "\",\"size\":-1," BUNDLE_ARTIFACT
		  "}]}",
			0, 0 },
		{ "{}", 0, 0 },
		{ "[]", -EINVAL, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct fetch_leads l;
		e = ERR_INIT;
		int r = leads_decode(rows[i].text, strlen(rows[i].text), &l, &e);
		ck_assert_msg(r == (rows[i].n < 0 ? rows[i].n : 0), "%zu: %s", i, unit_message(&e));
		ck_assert_msg(rows[i].n < 0 || l.n == (unsigned)rows[i].n, "%zu: %u", i, l.n);
		ck_assert_msg(!l.n || l.v[0].kind == rows[i].kind, "%zu", i);
	}
}
END_TEST

START_TEST(references)
{
	static const struct {
		const char *text, *name, *tag, *digest;
	} rows[] = {
		{ "debian", "docker.io/library/debian", "latest", NULL },
		{ "debian:12", "docker.io/library/debian", "12", NULL },
		{ "a/b", "docker.io/a/b", "latest", NULL },
		{ "docker.io/debian", "docker.io/library/debian", "latest", NULL },
		{ "registry-1.docker.io/library/debian", "docker.io/library/debian", "latest",
			NULL },
		{ "index.docker.io/a/b:1", "docker.io/a/b", "1", NULL },
		{ "localhost/x", "localhost/x", "latest", NULL },
		{ "localhost:5001/x:y", "localhost:5001/x", "y", NULL },
		{ "ghcr.io/a/b__c@sha256:" HEX, "ghcr.io/a/b__c", NULL, "sha256:" HEX },
		{ "ghcr.io/a:1@sha256:" HEX, "ghcr.io/a", "1", "sha256:" HEX },
	};
	static const char *const bad[] = { "", "/", "a/", "/a", "A", "a//b", "a/../b",
		"a:", "a:b c", "a@", "a@sha256:0", ("a@sha512:" HEX), "example.com:0/a",
		"example.com:99999/a", "..com/a", "-x.com/a", "a/-b", "a b", "a:.x", "x.y:z/a",
		"\xff" };
	_clean_(arena) struct arena a = ARENA_INIT;
	struct docker_ref r;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_msg(docker_ref_parse(rows[i].text, &a, &r), "%s", rows[i].text);
		ck_assert_str_eq(r.name, rows[i].name);
		ck_assert_msg(str_eq(r.tag, rows[i].tag) && str_eq(r.digest, rows[i].digest), "%s",
			rows[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!docker_ref_parse(bad[i], &a, &r), "%s", bad[i]);
	ck_assert_str_eq(docker_ref_canonical("registry-1.docker.io", &a), "docker.io");
	ck_assert_str_eq(docker_ref_canonical("index.docker.io/a", &a), "docker.io/a");
	ck_assert_str_eq(docker_ref_canonical("index.docker.iox/a", &a), "index.docker.iox/a");
}
END_TEST

UNIT_MAIN("payload", &cosign_payloads, &refused_cosign_payloads, &simple_signing, &statements,
	&bundles_of_the_sigstore_packages, &bundles, &base64, &leads, &references)
