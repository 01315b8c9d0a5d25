/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges, tokens, credentials: what is pure of them, and helpers. The network is login.sh's. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/fetch/challenge.h"
#include "stage0/fetch/token.h"
#include "stage0/registry/authfile.h"
#include "stage0/registry/helper.h"
#include "stage0/registry/token.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct err e;

/* --- challenges ------------------------------------------------------------------------------- */

#define R "Bearer realm=\"https://r/\""
#define BOTH (FETCH_CHALLENGE_BASIC | FETCH_CHALLENGE_BEARER)
static const struct {
	const char *value;
	uint32_t flags;
	const char *realm, *service, *scope;
} challenges[] = {
	{ R ",service=\"s\",scope=\"repository:a/b:pull\"", 2, "https://r/", "s",
		"repository:a/b:pull" },
	{ "bEARER REALM=\"https://r/\" , Service = s", 2, "https://r/", "s", "" },
	{ "Basic realm=\"x\"", 1, "", "", "" },
	{ "basic", 1, "", "", "" },
	{ "Basic realm=\"x, Bearer realm=\\\"y\\\"\", " R, BOTH, "https://r/", "", "" },
	{ "Negotiate, Digest qop=\"auth,auth-int\", " R ",scope=\"a b\", Basic realm=q", BOTH,
		"https://r/", "", "a b" },
	{ "Negotiate YWJjZA==, Basic realm=x", 1, "", "", "" },
	{ "NTLM a/b+c, " R, 2, "https://r/", "", "" },
	{ ",, ,Basic ,," R ",", BOTH, "https://r/", "", "" },
	{ R ",service=\"a\\\"b\\\\\"", 2, "https://r/", "a\"b\\", "" },
	{ R ", " R ",service=second", 2, "https://r/", "", "" },
	/* nothing that one could be sure of */
	{ "", 0, "", "", "" },
	{ "Bearer", 0, "", "", "" },
	{ "Bearer service=\"s\"", 0, "", "", "" },
	{ "Bearer realm=\"\"", 0, "", "", "" },
	{ "Bearer realm=\"https://r/", 0, "", "", "" },
	{ "Bearer realm=\"https://r/\\", 0, "", "", "" },
	{ "Bearer realm=\"https://r/\" service=\"s\"", 0, "", "", "" },
	{ R ",realm=\"https://other/\"", 0, "", "", "" },
	{ R ",service=a,SERVICE=b", 0, "", "", "" },
	{ "Bearer realm=\"https://r/\x01\"", 0, "", "", "" },
	{ "Bearer realm=\"https://\xc3\xa4/\"", 0, "", "", "" },
	{ "Bearer=realm", 0, "", "", "" },
	{ "xBearer realm=\"https://r/\"", 0, "", "", "" },
	{ "\"Basic\"", 0, "", "", "" },
	/* what was said before the nonsense stands */
	{ "Basic realm=x, \"", 1, "", "", "" },
};

START_TEST(challenge_values)
{
	for (size_t i = 0; i < sizeof challenges / sizeof *challenges; i++) {
		struct fetch_challenge c = { 0 };
		challenge_add(&c, challenges[i].value);
		ck_assert_msg(
			c.flags == challenges[i].flags, "%s: %u", challenges[i].value, c.flags);
		ck_assert_str_eq(c.realm, challenges[i].realm);
		ck_assert_str_eq(c.service, challenges[i].service);
		ck_assert_str_eq(c.scope, challenges[i].scope);
	}
}
END_TEST

START_TEST(challenge_lines)
{
	char large[2000] = R ",service=\"";
	struct fetch_challenge c = { 0 };
	size_t n = strlen(large);
	memset(large + n, 'x', 300);
	large[n + 300] = '"';
	challenge_add(&c, "Basic realm=a");
	challenge_add(&c, large);
	ck_assert_uint_eq(c.flags, FETCH_CHALLENGE_BASIC);
	challenge_add(&c, R);
	challenge_add(&c, "Bearer realm=\"https://second/\"");
	ck_assert_uint_eq(c.flags, BOTH);
	ck_assert_str_eq(c.realm, "https://r/");
}
END_TEST

/* --- tokens ----------------------------------------------------------------------------------- */

static int read_token(const char *text, struct fetch_token *ret)
{
	memset(ret, 0, sizeof *ret);
	return token_read(text, strlen(text), ret, &e);
}

START_TEST(token_answers)
{
	static const struct {
		const char *text, *token;
		int64_t expires_in, issued_at;
	} good[] = {
		{ "{\"token\":\"a.b-c\"}", "a.b-c", -1, -1 },
		{ "{\"access_token\":\"x\",\"expires_in\":300}", "x", 300, -1 },
		{ "{\"token\":\"\",\"access_token\":\"x\",\"expires_in\":\"30\"}", "x", 30, -1 },
		{ "{\"token\":\"t\",\"expires_in\":60.5,\"issued_at\":\"1970-01-02T00:00:00Z\"}",
			"t", 60, 86400 },
		{ "{\"token\":\"t\",\"issued_at\":\"1970-01-02T00:00:01.123456+00:00\"}", "t", -1,
			86401 },
		{ "{\"token\":\"t\",\"expires_in\":-1,\"issued_at\":\"1970-01-02T00:00:00+01:00\"}",
			"t", -1, -1 },
		{ "{\"token\":\"t\",\"expires_in\":1e9,\"issued_at\":\"\"}", "t", -1, -1 },
	};
	static const char *const bad[] = { "", "{}", "[]", "null", "{\"token\":1}",
		"{\"token\":\"\"}", "{\"token\":\"a b\"}", "{\"token\":\"a\\r\\nX: y\"}",
		"{\"token\":\"\xc3\xa4\"}", "{\"token\":\"a\"", "{\"token\":\"a\"}x",
		"{\"token\":\"a\",\"token\":\"b\"}", "<html>" };
	struct fetch_token t;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_msg(read_token(good[i].text, &t) == 0, "%s", unit_message(&e));
		ck_assert_str_eq(t.token, good[i].token);
		ck_assert_int_eq(t.expires_in, good[i].expires_in);
		ck_assert_int_eq(t.issued_at, good[i].issued_at);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(read_token(bad[i], &t) < 0, "%s", bad[i]);
	char large[FETCH_TOKEN_SIZE + 64] = "{\"token\":\"";
	memset(large + 10, 'x', FETCH_TOKEN_SIZE);
	memcpy(large + 10 + FETCH_TOKEN_SIZE, "\"}", 3);
	ck_assert_int_lt(read_token(large, &t), 0);
}
END_TEST

START_TEST(token_lives)
{
	const int64_t now = 1000000;
	static const struct {
		int64_t expires_in, issued_at, life;
	} rows[] = { { -1, -1, 60 }, { 300, -1, 300 }, { 300, 1000000, 300 }, { 300, 999900, 200 },
		{ 300, 999000, 300 } /* clocks differ */, { 300, 1000500, 300 }, { 0, -1, 0 },
		{ 1000000, -1, 86400 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fetch_token t = { rows[i].expires_in, rows[i].issued_at, "" };
		ck_assert_int_eq(token_life(&t, now), rows[i].life);
	}
}
END_TEST

START_TEST(scopes)
{
	static const char *const rows[][2] = { { "", "repository:n/m:pull" },
		{ "repository:n/m:pull", "repository:n/m:pull" },
		{ "repository:other/m:pull,push", "repository:other/m:pull" },
		{ "repository:host:5000/m:push,pull", "repository:host:5000/m:pull" },
		{ "repository(plugin):a:*", "repository(plugin):a:pull" },
		{ "repository:a:pull repository:b:delete,pull",
			"repository:a:pull repository:b:pull" },
		{ "repository:a:push", "repository:n/m:pull" },
		{ "registry:catalog:*", "repository:n/m:pull" },
		{ "repository", "repository:n/m:pull" },
		{ "repository:x", "repository:n/m:pull" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(token_scope(rows[i][0], "n/m", &arena), rows[i][1]);
}
END_TEST

START_TEST(base64)
{
	static const char *const good[][2] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg", "foob" } };
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "Zm9v=", "Zh==", "Zm 9v",
		"Zg==Zg==", "Zm9-", "=", "Zm9v\n" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		_clean_(str) struct str s = STR_INIT(100);
		ck_assert_msg(base64_decode(&s, good[i][0]), "%s", good[i][0]);
		ck_assert_str_eq(str_text(&s), good[i][1]);
		str_clear(&s);
		base64_encode(&s, good[i][1], strlen(good[i][1]));
		ck_assert_int_eq(strncmp(str_text(&s), good[i][0], strlen(good[i][0])), 0);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		_clean_(str) struct str s = STR_INIT(100);
		ck_assert_msg(!base64_decode(&s, bad[i]), "%s", bad[i]);
	}
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

static int no_helper(const char *name, const char *server, struct arena *a, struct credential *ret,
	struct err *err)
{
	(void)a;
	if (str_eq(name, "broken"))
		return ERR_BAD(err, "broken");
	if (str_eq(name, "full"))
		*ret = (struct credential){ .user = name, .password = server, .from = "" };
	return 0;
}

static struct credential look(const char *registry, const char *repository, const char *text)
{
	const struct authfile_find f = { "FILE", registry, repository, no_helper };
	struct credential c = { 0 };
	e = ERR_INIT;
	int r = authfile_read(&f, text, strlen(text), &arena, &c, &e);
	if (r < 0)
		ck_assert_ptr_null(c.from);
	return c;
}

START_TEST(keys)
{
	static const struct {
		const char *key, *registry, *repository;
		size_t fit;
	} rows[] = { { "r.example", "r.example", "a/b", 2 },
		{ "r.example/", "r.example", "a/b", 2 }, { "R.example", "r.example", "a/b", 2 },
		{ "https://r.example", "r.example", "a/b", 1 },
		{ "https://r.example/v2/", "r.example", "a/b", 1 },
		{ "http://r.example/v1/", "r.example", "a/b", 1 },
		{ "r.example/a", "r.example", "a/b", 3 },
		{ "r.example/a/b", "r.example", "a/b", 5 },
		{ "r.example/a/b/c", "r.example", "a/b", 0 },
		{ "r.example/a/", "r.example", "a/b", 0 }, { "r.example/a", "r.example", "ab", 0 },
		{ "r.example:443", "r.example", "a/b", 0 },
		{ "r.example:5000", "r.example:5000", "a", 2 },
		{ "r.example.evil", "r.example", "a", 0 }, { "r.exampl", "r.example", "a", 0 },
		{ "", "r.example", "a", 0 },
		{ "https://index.docker.io/v1/", "registry-1.docker.io", "library/x", 1 },
		{ "docker.io", "registry-1.docker.io", "library/x", 2 },
		{ "docker.io/library", "registry-1.docker.io", "library/x", 9 },
		{ "registry-1.docker.io", "docker.io", "library/x", 2 },
		{ "docker.io", "quay.io", "a", 0 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(authfile_match(rows[i].key, rows[i].registry, rows[i].repository) ==
				      rows[i].fit,
			"%s", rows[i].key);
}
END_TEST

#define UP "\"auth\":\"dTpwOnc=\"" /* u:p:w */
START_TEST(files)
{
	struct credential c;
	c = look("r", "a/b", "{\"auths\":{\"r\":{" UP "},\"r/a\":{\"auth\":\"dTI6cA==\"}}}");
	ck_assert_str_eq(c.user, "u2");
	ck_assert_str_eq(c.password, "p");
	ck_assert_str_eq(c.from, "'FILE'");
	c = look("r", "ab", "{\"auths\":{\"r\":{" UP "},\"r/a\":{\"auth\":\"dTI6cA==\"}}}");
	ck_assert_str_eq(c.user, "u");
	ck_assert_str_eq(c.password, "p:w");
	/* an empty entry says nothing; what is not ours may be anything */
	c = look("r", "a",
		"{\"auths\":{\"r/a\":{},\"r\":{" UP "},\"q\":5,\"s\":{\"auth\":\"!\"}},\"x\":[]}");
	ck_assert_str_eq(c.user, "u");
	c = look("r", "a", "{\"auths\":{\"r\":{\"username\":\"u\",\"password\":\"p\"}}}");
	ck_assert_str_eq(c.password, "p");
	c = look("r", "a", "{\"auths\":{\"r\":{" UP ",\"identitytoken\":\"i\"}}}");
	ck_assert_str_eq(c.identity, "i");
	ck_assert_ptr_null(c.user);
	c = look("r", "a", "{\"auths\":{\"r\":{\"registrytoken\":\"t\"}}}");
	ck_assert_str_eq(c.token, "t");
	c = look("r", "a", "{\"auths\":{\"r\":{\"auth\":\"dTpwAAA=\"}}}"); /* "u:p\0\0" */
	ck_assert_str_eq(c.password, "p");
	static const char *const none[] = { "{}", "{\"auths\":{}}", "{\"auths\":{\"q\":{" UP "}}}",
		"{\"auths\":null}", "{\"auths\":{\"r\":{}}}", "{\"auths\":{\"r\":null}}",
		"{\"auths\":{\"r\":{\"auth\":\"\"}}}" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		ck_assert_ptr_null(look("r", "a", none[i]).from);
		ck_assert_msg(e.kind == ERR_NONE, "%s", none[i]);
	}
}
END_TEST

START_TEST(bad_files)
{
	static const char *const bad[] = { "", "[]", "{", "{\"auths\":{\"r\":5}}",
		"{\"auths\":{\"r\":{\"auth\":5}}}", "{\"auths\":{\"r\":{\"auth\":\"!!!!\"}}}",
		"{\"auths\":{\"r\":{\"auth\":\"dXA=\"}}}",     /* no colon */
		"{\"auths\":{\"r\":{\"auth\":\"dTpwAHg=\"}}}", /* a NUL within */
		"{\"auths\":{\"r\":{\"auth\":\"dTpwCng=\"}}}", /* a line feed */
		"{\"auths\":{\"r\":{\"identitytoken\":\"a\\nb\"}}}",
		"{\"auths\":{\"r\":{" UP "},\"r\":{" UP "}}}", "{\"credHelpers\":{\"r\":5}}",
		"{\"credHelpers\":{\"r\":\"broken\"}}", "{\"credsStore\":\"broken\"}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_ptr_null(look("r", "a", bad[i]).from);
		ck_assert_msg(e.kind != ERR_NONE, "%s", bad[i]);
		ck_assert_msg(strstr(unit_message(&e), "'FILE'"), "%s", unit_message(&e));
		ck_assert_msg(!strstr(unit_message(&e), "dTpw"), "%s", unit_message(&e));
	}
}
END_TEST

START_TEST(helpers_in_files)
{
	struct credential c;
	c = look("r", "a", "{\"auths\":{\"r\":{" UP "}},\"credHelpers\":{\"r\":\"full\"}}");
	ck_assert_str_eq(c.user, "full");
	ck_assert_str_eq(c.password, "r");
	ck_assert_str_eq(c.from, "docker-credential-full ('FILE')");
	/* a helper of one's own has the last word, a store for all has not */
	c = look("r", "a", "{\"auths\":{\"r\":{" UP "}},\"credHelpers\":{\"r\":\"empty\"}}");
	ck_assert_ptr_null(c.from);
	c = look("r", "a", "{\"auths\":{\"r\":{" UP "}},\"credsStore\":\"empty\"}");
	ck_assert_str_eq(c.user, "u");
	c = look("registry-1.docker.io", "library/x", "{\"credsStore\":\"full\"}");
	ck_assert_str_eq(c.password, "https://index.docker.io/v1/");
	c = look("docker.io", "library/x",
		"{\"credHelpers\":{\"https://index.docker.io/v1/"
		"\":\"full\"},\"credsStore\":\"broken\"}");
	ck_assert_str_eq(c.password, "https://index.docker.io/v1/");
	c = look("r", "a", "{\"credHelpers\":{\"q\":\"full\"}}");
	ck_assert_ptr_null(c.from);
}
END_TEST

/* --- helpers ---------------------------------------------------------------------------------- */

static char base[] = "/tmp/rkt-test-login-XXXXXX";

static void setup(void)
{
	memcpy(base + sizeof base - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(base));
	setenv("PATH", arena_printf(&arena, ".:%s:/usr/bin:/bin", base), 1);
}

static void teardown(void)
{
	(void)rmtree_at(AT_FDCWD, base, &e);
	arena_release(&arena);
}

static int helper(const char *body, struct credential *ret)
{
	const char *path = arena_printf(&arena, "%s/docker-credential-x", base);
	const char *script = arena_printf(&arena, "#!/bin/sh\n%s\n", body);
	unlink(path);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, script, strlen(script), 0755, &e), 0);
	*ret = (struct credential){ 0 };
	e = ERR_INIT;
	return helper_get("x", "reg.example:5000", &arena, ret, &e);
}

#define SAYS "echo '{\"ServerURL\":\"s\",\"Username\":\"u\",\"Secret\":\"hush\"}'"
START_TEST(helper_answers)
{
	struct credential c;
	setup();
	ck_assert_msg(
		helper("[ \"$*\" = get ] && [ \"$(cat)\" = reg.example:5000 ] && " SAYS, &c) == 0,
		"%s", unit_message(&e));
	ck_assert_str_eq(c.user, "u");
	ck_assert_str_eq(c.password, "hush");
	ck_assert_int_eq(helper("echo '{\"Username\":\"<token>\",\"Secret\":\"i\"}'", &c), 0);
	ck_assert_str_eq(c.identity, "i");
	ck_assert_ptr_null(c.user);
	ck_assert_int_eq(helper("echo credentials not found in native keychain; exit 1", &c), 0);
	ck_assert_ptr_null(c.from);
	/* it need not read what it is told */
	ck_assert_int_eq(helper("exec <&-; " SAYS, &c), 0);
	/* and has nothing of ours */
	setenv("RKT_TEST_SECRET", "1", 1);
	setenv("LD_LIBRARY_PATH", "/nowhere", 1);
	setenv("AWS_PROFILE", "p", 1);
	ck_assert_msg(
		helper("[ -z \"$RKT_TEST_SECRET$LD_LIBRARY_PATH\" ] && [ \"$AWS_PROFILE\" = p ] && "
		       "[ \"$(ls /proc/self/fd | wc -l)\" -le 4 ] && " SAYS,
			&c) == 0,
		"%s", unit_message(&e));
	unsetenv("LD_LIBRARY_PATH");
	teardown();
}
END_TEST

START_TEST(helper_failures)
{
	static const char *const bad[] = { "echo hush; exit 3", "echo hush", "kill -9 $$", "true",
		"echo '{\"Username\":\"hush\"}'",
		"echo '{\"Username\":\"u\",\"Secret\":[\"hush\"]}'",
		"echo '{\"Username\":\"u\",\"Secret\":\"hush\\nhush\"}'", SAYS "; " SAYS,
		"head -c 1048576 /dev/zero; echo hush", "yes hush" };
	struct credential c;
	setup();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_msg(helper(bad[i], &c) < 0, "%s", bad[i]);
		ck_assert_ptr_null(c.from);
		const char *text = unit_message(&e);
		ck_assert_msg(strstr(text, "docker-credential-x"), "%s", text);
		ck_assert_msg(strstr(text, "reg.example:5000"), "%s", text);
		ck_assert_msg(!strstr(text, "hush"), "%s", text);
	}
	helper_timeout_ms = 100;
	ck_assert_int_eq(helper("exec sleep 600", &c), -ETIME);
	helper_timeout_ms = 60000;
	teardown();
}
END_TEST

START_TEST(helper_names)
{
	static const char *const bad[] = { "", "../x", "a/b", "a b", "a;b", "none" };
	struct credential c = { 0 };
	setup();
	ck_assert_int_eq(helper(SAYS, &c), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_lt(helper_get(bad[i], "r", &arena, &c, &e), 0);
	/* not from the current directory, nor what cannot be executed */
	ck_assert_int_eq(chdir(base), 0);
	setenv("PATH", ".::bin", 1);
	ck_assert_int_eq(helper_get("x", "r", &arena, &c, &e), -ENOENT);
	ck_assert_int_eq(chdir("/"), 0);
	teardown();
}
END_TEST

UNIT_MAIN("login", &challenge_values, &challenge_lines, &token_answers, &token_lives, &scopes,
	&base64, &keys, &files, &bad_files, &helpers_in_files, &helper_answers, &helper_failures,
	&helper_names)
