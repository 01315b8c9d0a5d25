/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

/* json-c's name for its own enum is one of ours. */
#define json_type jsonc_type
#include <json-c/json.h>
#undef json_type

#include "lib/base/parse.h"
#include "lib/json/jenc.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct err e;

static int parse_n(const char *bytes, size_t n, struct json **ret)
{
	e = ERR_INIT;
	return json_parse(bytes, n, &arena, ret, &e);
}

static const struct json *parse(const char *text)
{
	struct json *v = NULL;
	ck_assert_msg(parse_n(text, strlen(text), &v) == 0, "'%s': %s", text, unit_message(&e));
	return v;
}

START_TEST(values)
{
	ck_assert_int_eq(parse(" null ")->type, JSON_NULL);
	ck_assert(parse("true")->boolean);
	ck_assert(!parse("false")->boolean);
	ck_assert_str_eq(parse("-0.5e+10")->text, "-0.5e+10");
	ck_assert_str_eq(
		parse("123456789012345678901234567890")->text, "123456789012345678901234567890");
	const struct json *v = parse("{\"a\":[1,\"x\",{}],\"b\":{\"c\":[]},\"\":null}");
	ck_assert_uint_eq(v->count, 3);
	const struct json *a = json_member(v, "a");
	ck_assert_uint_eq(a->count, 3);
	ck_assert_str_eq(a->first->next->text, "x");
	ck_assert_ptr_null(a->first->key);
	ck_assert_ptr_nonnull(json_member(v, ""));
	ck_assert_ptr_null(json_member(v, "c"));
	ck_assert_ptr_null(json_member(a, "a"));
}
END_TEST

START_TEST(strings)
{
	ck_assert_str_eq(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")->text, "\"\\/\b\f\n\r\t");
	ck_assert_str_eq(parse("\"\\u0041\\u00e9\\u20ac\\uD83D\\uDE00\"")->text,
		"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	ck_assert_str_eq(parse("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"")->text,
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f");
	ck_assert_str_eq(
		parse("\"\\uffff\xf4\x8f\xbf\xbf\"")->text, "\xef\xbf\xbf\xf4\x8f\xbf\xbf");
}
END_TEST

/* What json-c's strict mode and other readers let pass, and what no reader should. */
static const struct {
	const char *bytes;
	size_t n;
	const char *why;
} refused[] = {
#define R(text, reason)                        \
	{                                      \
		text, sizeof(text) - 1, reason \
	}
	R("", "unexpected end"),
	R("  ", "unexpected end"),
	R("{\"a\":1,\"a\":2}", "duplicate key 'a'"),
	R("{\"a\":1,\"b\":2,\"\\u0061\":3}", "duplicate key 'a'"),
	R("NaN", "expected a value"),
	R("Infinity", "expected a value"),
	R("-Infinity", "expected a digit"),
	R("1.", "after the decimal point"),
	R(".5", "expected a value"),
	R("01", "leading zero"),
	R("-01", "leading zero"),
	R("+1", "expected a value"),
	R("-", "expected a digit"),
	R("1e", "in the exponent"),
	R("1e+", "in the exponent"),
	R("0x10", "after the value"),
	R("'a'", "expected a value"),
	R("{'a':1}", "key in quotes"),
	R("{a:1}", "key in quotes"),
	R("{\"a\" 1}", "expected ':'"),
	R("{\"a\":}", "expected a value"),
	R("{\"a\":1,}", "key in quotes"),
	R("{,}", "key in quotes"),
	R("{\"a\":1 \"b\":2}", "',' or '}'"),
	R("[1,]", "expected a value"),
	R("[,1]", "expected a value"),
	R("[1 2]", "',' or ']'"),
	R("[1}", "',' or ']'"),
	R("[", "unexpected end"),
	R("{", "key in quotes"),
	R("]", "expected a value"),
	R("\"a\nb\"", "control character"),
	R("\"a\tb\"", "control character"),
	R("\"a\0b\"", "control character"),
	R("\"a\\u0000b\"", "NUL"),
	R("{\"a\\u0000b\":1}", "NUL"),
	R("\"\\ud800\"", "lone surrogate"),
	R("\"\\ud800x\"", "lone surrogate"),
	R("\"\\ud800\\u0041\"", "lone surrogate"),
	R("\"\\udc00\"", "lone surrogate"),
	R("\"\\ud800\\ud800\"", "lone surrogate"),
	R("\"\\u12g4\"", "hexadecimal"),
	R("\"\\u12", "hexadecimal"),
	R("\"\\x41\"", "unknown escape"),
	R("\"\\'\"", "unknown escape"),
	R("\"\\", "unknown escape"),
	R("\"abc", "unterminated"),
	R("\"\xc0\x80\"", "UTF-8"),
	R("\"\xc1\xbf\"", "UTF-8"),
	R("\"\xe0\x80\x80\"", "UTF-8"),
	R("\"\xe0\x9f\xbf\"", "UTF-8"),
	R("\"\xed\xa0\x80\"", "UTF-8"),
	R("\"\xf0\x80\x80\x80\"", "UTF-8"),
	R("\"\xf4\x90\x80\x80\"", "UTF-8"),
	R("\"\xf5\x80\x80\x80\"", "UTF-8"),
	R("\"\x80\"", "UTF-8"),
	R("\"\xe2\x82\"", "UTF-8"),
	R("\"\xe2\x82", "UTF-8"),
	R("\"\xff\"", "UTF-8"),
	R("true false", "after the value"),
	R("{} x", "after the value"),
	R("1\0", "after the value"),
	R("tru", "expected a value"),
	R("True", "expected a value"),
	R("nullx", "after the value"),
	R("/* c */ 1", "expected a value"),
	R("1 // c", "after the value"),
	R("\xef\xbb\xbf{}", "expected a value"),
	R("\f1", "expected a value"),
#undef R
};

START_TEST(refusals)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct json *v;
		ck_assert_msg(parse_n(refused[i].bytes, refused[i].n, &v) == -EINVAL,
			"accepted: %s", refused[i].bytes);
		ck_assert_msg(strstr(e.msg, refused[i].why) != NULL, "'%s': %s, not %s",
			refused[i].bytes, e.msg, refused[i].why);
	}
}
END_TEST

START_TEST(bounds)
{
	char deep[2 * JSON_MAX_DEPTH + 3];
	struct json *v;
	for (int depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
		memset(deep, '[', (size_t)depth);
		memset(deep + depth, ']', (size_t)depth);
		ck_assert_int_eq(parse_n(deep, 2 * (size_t)depth, &v),
			depth <= JSON_MAX_DEPTH ? 0 : -EINVAL);
	}
	ck_assert_ptr_nonnull(strstr(e.msg, "too deeply"));

	struct str many = STR_INIT(STR_MAX_MANIFEST);
	str_addc(&many, '[');
	for (int i = 0; i < JSON_MAX_NODES - 2; i++)
		str_add(&many, "1,");
	str_add(&many, "1]");
	ck_assert_int_eq(parse_n(many.buf, many.len, &v), 0);
	many.buf[many.len - 1] = ',';
	str_add(&many, "1]");
	ck_assert_int_eq(parse_n(many.buf, many.len, &v), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "too many"));
	str_release(&many);
}
END_TEST

/* A quadratic search for duplicates would take minutes here. */
START_TEST(many_keys)
{
	struct str many = STR_INIT(STR_MAX_MANIFEST);
	for (int i = 0; i < 150000; i++)
		str_addf(&many, "%c\"k%d\":1", i ? ',' : '{', i);
	str_add(&many, ",\"k77777\":2}");
	struct json *v;
	ck_assert_int_eq(parse_n(many.buf, many.len, &v), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "duplicate key 'k77777'"));
	str_release(&many);
}
END_TEST

/* --- json-c is the oracle: what we accept, it accepts, with the same value ----------------------
 */

static bool same(const struct json *v, struct json_object *o)
{
	int64_t number;
	switch (v->type) {
	case JSON_NULL: return o == NULL;
	case JSON_BOOL:
		return json_object_is_type(o, json_type_boolean) &&
		       json_object_get_boolean(o) == v->boolean;
	case JSON_NUMBER:
		if (parse_i64(v->text, INT64_MIN, INT64_MAX, &number) && strcmp(v->text, "-0"))
			return json_object_is_type(o, json_type_int) &&
			       json_object_get_int64(o) == number;
		return json_object_is_type(o, json_type_int) || /* beyond 64 bits: saturated */
		       json_object_get_double(o) == strtod(v->text, NULL);
	case JSON_STRING:
		return json_object_is_type(o, json_type_string) &&
		       (size_t)json_object_get_string_len(o) == strlen(v->text) &&
		       strcmp(json_object_get_string(o), v->text) == 0;
	case JSON_ARRAY: {
		size_t i = 0;
		json_foreach (item, v)
			if (!same(item, json_object_array_get_idx(o, i++)))
				return false;
		return json_object_is_type(o, json_type_array) && json_object_array_length(o) == i;
	}
	case JSON_OBJECT:
		json_foreach (item, v) {
			struct json_object *member;
			if (!json_object_object_get_ex(o, item->key, &member) ||
				!same(item, member))
				return false;
		}
		return (size_t)json_object_object_length(o) == v->count;
	}
	return false;
}

/* True when we accepted. */
static bool compare_with_oracle(const char *bytes, size_t n)
{
	struct json *v;
	if (parse_n(bytes, n, &v) < 0)
		return false;
	struct json_tokener *t = json_tokener_new_ex(JSON_MAX_DEPTH * 2);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* The NUL is part of what it reads: else a number at the end could go on. */
	struct str copy = STR_INIT(STR_MAX_MANIFEST);
	str_addn(&copy, bytes, n);
	struct json_object *o = json_tokener_parse_ex(t, str_text(&copy), (int)n + 1);
	ck_assert_msg(json_tokener_get_error(t) == json_tokener_success,
		"json-c refuses '%.*s': %s", (int)n, bytes,
		json_tokener_error_desc(json_tokener_get_error(t)));
	ck_assert_msg(same(v, o), "json-c reads '%.*s' as %s", (int)n, bytes,
		json_object_to_json_string(o));
	json_object_put(o);
	json_tokener_free(t);
	str_release(&copy);
	return true;
}

static const char *const seeds[] = {
	"{\"labels\":[{\"name\":\"os\",\"value\":\"linux\"}],\"n\":-1.5e3}",
	"[1,-0,0.5,1e5,\"\\u00e9\\ud83d\\ude00\\n\",true,false,null,[[]],{},{\"a\":{\"b\":[1]}}]",
	"\"plain \\\\ text \xe2\x82\xac with \xf0\x9f\x98\x80\"",
	" { \"a\" : [ 1 , 2 ] , \"b\" : \"\" } ",
	"9223372036854775807",
	"-9223372036854775808",
	"123456789012345678901234567890",
};

START_TEST(oracle)
{
	static const char alphabet[] = "{}[]\",:\\u0d8eE+-.1 tfn\t\x80\xe2\xf0/'";
	unsigned random = 20261123, accepted = 0;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
		ck_assert(compare_with_oracle(seeds[i], strlen(seeds[i])));
	for (int round = 0; round < 60000; round++) {
		char text[256];
		const char *seed = seeds[(unsigned)round % (sizeof seeds / sizeof *seeds)];
		size_t n = strlen(seed);
		memcpy(text, seed, n);
		for (int change = 0; change <= round % 3; change++) {
			random = random * 1103515245 + 12345;
			text[(random >> 8) % n] = alphabet[(random >> 20) % (sizeof alphabet - 1)];
		}
		accepted += compare_with_oracle(text, n);
		arena_release(&arena);
	}
	/* Or the mutations prove nothing. */
	ck_assert_uint_gt(accepted, 1000);
}
END_TEST

/* --- the writer ---------------------------------------------------------------------------------
 */

static const char *written(const char *text, bool pretty)
{
	static struct str out = STR_INIT(STR_MAX_LINE);
	str_clear(&out);
	struct jenc j = JENC_INIT(&out, pretty);
	jenc_value(&j, parse(text));
	return str_text(&out);
}

START_TEST(writer)
{
	ck_assert_str_eq(written(" { \"b\" : [ 1 , { } , [ ] , \"x\" ] , \"a\" : null } ", false),
		"{\"b\":[1,{},[],\"x\"],\"a\":null}");
	ck_assert_str_eq(written("{\"b\":[1,{},[],{\"c\":true}],\"a\":null}", true),
		"{\n\t\"b\": [\n\t\t1,\n\t\t{},\n\t\t[],\n\t\t{\n\t\t\t\"c\": true\n\t\t}\n\t],\n"
		"\t\"a\": null\n}");
	ck_assert_str_eq(written("[]", true), "[]");
	ck_assert_str_eq(written("\"x\"", true), "\"x\"");
}
END_TEST

START_TEST(writer_escapes_as_go_does)
{
	ck_assert_str_eq(
		written("\"<a href=\\\"x\\\">&\\\\/\\u2028\\u2029\\n\\r\\t\\b\\f\\u001f\\u007f"
			"\\u00e9\"",
			false),
		"\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\/\\u2028\\u2029\\n\\r\\t\\u0008\\u000c"
		"\\u001f\x7f\xc3\xa9\"");
}
END_TEST

START_TEST(writer_members)
{
	struct str out = STR_INIT(STR_MAX_LINE);
	struct jenc j = JENC_INIT(&out, false);
	jenc_open(&j, '{');
	jenc_member(&j, "none", NULL);
	jenc_member(&j, "empty", "");
	jenc_member(&j, "text", "x");
	jenc_member(&j, "bytes", "a\xff\xc3\xa9\xc3");
	jenc_key(&j, "n");
	jenc_i64(&j, INT64_MIN);
	jenc_key(&j, "t");
	jenc_bool(&j, true);
	jenc_key(&j, "z");
	jenc_null(&j);
	jenc_close(&j, '}');
	ck_assert_str_eq(str_text(&out), "{\"text\":\"x\",\"bytes\":\"a\\ufffd\xc3\xa9\\ufffd\","
					 "\"n\":-9223372036854775808,\"t\":true,\"z\":null}");
	str_release(&out);
}
END_TEST

UNIT_MAIN("json", &values, &strings, &refusals, &bounds, &many_keys, &oracle, &writer,
	&writer_escapes_as_go_does, &writer_members)
