/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/json/jdec.h"
#include "tests/unit/unit.h"

struct leaf {
	const char *path;
	bool on;
};
struct root {
	bool flag;
	const char *text;
	uint16_t u16;
	uint32_t u32;
	int64_t i64;
	struct strlist words;
	struct leaf *leaf;
	struct {
		struct leaf *v;
		size_t n;
	} leaves;
	const char *custom;
};

static int decode_custom(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	if (v->type != JSON_STRING || strcmp(v->text, "magic") != 0)
		return jdec_error(c, at, "expected magic");
	*(const char **)target = "done";
	return 0;
}

static int check_text(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	return *s ? 0 : jdec_error(c, at, "must not be empty");
}

static const struct jfield leaf_fields[] = {
	{ "path", J_STRING, offsetof(struct leaf, path), J_REQUIRED },
	{ "on", J_BOOL, offsetof(struct leaf, on) },
	{ 0 },
};
static const struct jfield root_fields[] = {
	{ "flag", J_BOOL, offsetof(struct root, flag) },
	{ "text", J_STRING, offsetof(struct root, text), .check = check_text },
	{ "u16", J_U16, offsetof(struct root, u16) },
	{ "u32", J_U32, offsetof(struct root, u32) },
	{ "i64", J_I64, offsetof(struct root, i64) },
	{ "words", J_STRING_ARRAY, offsetof(struct root, words) },
	{ "leaf", J_OBJECT, offsetof(struct root, leaf), 0, leaf_fields, sizeof(struct leaf) },
	{ "leaves", J_ARRAY, offsetof(struct root, leaves), 0, leaf_fields, sizeof(struct leaf) },
	{ "custom", J_CUSTOM, offsetof(struct root, custom), .decode = decode_custom },
	{ 0 },
};

static struct arena arena;
static struct err e;
static struct root root;

static int decode(const char *text, enum j_unknown unknown)
{
	struct json *v;
	struct jctx c = { &arena, &e };
	e = ERR_INIT;
	root = (struct root){ 0 };
	ck_assert_int_eq(json_parse(text, strlen(text), &arena, &v, &e), 0);
	return jdec_object(&c, v, NULL, root_fields, unknown, &root);
}

START_TEST(every_type)
{
	ck_assert_int_eq(
		decode("{\"flag\":true,\"text\":\"t\",\"u16\":65535,\"u32\":4294967295,"
		       "\"i64\":-9223372036854775808,\"words\":[\"a\",\"b\"],"
		       "\"leaf\":{\"path\":\"/\"},\"leaves\":[{\"path\":\"/1\",\"on\":true},"
		       "{\"path\":\"/2\"}],\"custom\":\"magic\",\"other\":1}",
			J_UNKNOWN_IGNORED),
		0);
	ck_assert(root.flag);
	ck_assert_str_eq(root.text, "t");
	ck_assert_uint_eq(root.u16, 65535);
	ck_assert_uint_eq(root.u32, 4294967295u);
	ck_assert_int_eq(root.i64, INT64_MIN);
	ck_assert_uint_eq(root.words.n, 2);
	ck_assert_str_eq(root.words.v[1], "b");
	ck_assert_ptr_null(root.words.v[2]);
	ck_assert_str_eq(root.leaf->path, "/");
	ck_assert_uint_eq(root.leaves.n, 2);
	ck_assert(root.leaves.v[0].on && !root.leaves.v[1].on);
	ck_assert_str_eq(root.leaves.v[1].path, "/2");
	ck_assert_str_eq(root.custom, "done");
}
END_TEST

START_TEST(null_is_absent)
{
	ck_assert_int_eq(decode("{\"flag\":null,\"text\":null,\"words\":null,\"leaf\":null,"
				"\"leaves\":null,\"custom\":null}",
				 J_UNKNOWN_REFUSED),
		0);
	ck_assert(!root.flag && !root.text && !root.leaf && !root.leaves.n && !root.custom);
}
END_TEST

static const struct {
	const char *text, *message;
} refused[] = {
	{ "[]", "expected object, found array" },
	{ "{\"flag\":1}", "flag: expected boolean, found number" },
	{ "{\"text\":{}}", "text: expected string, found object" },
	{ "{\"text\":\"\"}", "text: must not be empty" },
	{ "{\"u16\":65536}", "u16: expected an integer from 0 to 65535, found 65536" },
	{ "{\"u16\":-1}", "u16: expected an integer from 0 to 65535, found -1" },
	{ "{\"u16\":1.5}", "u16: expected an integer from 0 to 65535, found 1.5" },
	{ "{\"u16\":1e2}", "u16: expected an integer from 0 to 65535, found 1e2" },
	{ "{\"u16\":\"1\"}", "u16: expected number, found string" },
	{ "{\"u32\":4294967296}",
		"u32: expected an integer from 0 to 4294967295, found 4294967296" },
	{ "{\"i64\":9223372036854775808}",
		"i64: expected an integer from -9223372036854775808 to 9223372036854775807, found "
		"9223372036854775808" },
	{ "{\"words\":[\"a\",null]}", "words[1]: expected string, found null" },
	{ "{\"words\":\"a\"}", "words: expected array, found string" },
	{ "{\"leaf\":{}}", "leaf.path: missing" },
	{ "{\"leaf\":{\"path\":null}}", "leaf.path: missing" },
	{ "{\"leaves\":[{\"path\":\"\"},{\"path\":7}]}",
		"leaves[1].path: expected string, found number" },
	{ "{\"leaves\":[7]}", "leaves[0]: expected object, found number" },
	{ "{\"custom\":\"x\"}", "custom: expected magic" },
	{ "{\"flag\":true,\"Flag\":true}", "Flag: unknown key" },
	{ "{\"e\\u001bsc\":true}", "e\\x1bsc: unknown key" },
};

START_TEST(refusals)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		ck_assert_msg(decode(refused[i].text, J_UNKNOWN_REFUSED) == -EINVAL, "accepted: %s",
			refused[i].text);
		ck_assert_str_eq(unit_message(&e), refused[i].message);
	}
}
END_TEST

START_TEST(long_keys_leave_room_for_the_message)
{
	struct str text = STR_INIT(STR_MAX_LINE);
	str_add(&text, "{\"");
	for (int i = 0; i < 5000; i++)
		str_addc(&text, 'k');
	str_add(&text, "\":1}");
	ck_assert_int_eq(decode(str_text(&text), J_UNKNOWN_REFUSED), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "unknown key"));
	str_release(&text);
}
END_TEST

UNIT_MAIN("jdec", &every_type, &null_is_absent, &refusals, &long_keys_leave_room_for_the_message)
