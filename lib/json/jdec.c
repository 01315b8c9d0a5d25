/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/jdec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"

/* Keys come from the document: what is kept of them is short. */
static void path_print(const struct jpath *at, struct str *out)
{
	if (!at)
		return;
	path_print(at->up, out);
	if (!at->key)
		str_addf(out, "[%zu]", at->index);
	else
		str_addf(out, "%s%.64s", out->len ? "." : "", at->key);
}

int jdec_error(struct jctx *c, const struct jpath *at, const char *fmt, ...)
{
	char text[sizeof c->err->msg];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	int r = ERR_BAD(c->err, "%s", text);
	_clean_(str) struct str path = STR_INIT(sizeof text / 2);
	path_print(at, &path);
	return path.len ? err_wrap(c->err, r, "%s", str_text(&path)) : r;
}

static int expected(struct jctx *c, const struct jpath *at, const char *what, const struct json *v)
{
	return jdec_error(c, at, "expected %s, found %s", what, json_type_name(v->type));
}

static int decode_integer(struct jctx *c, const struct json *v, const struct jpath *at, int64_t min,
	int64_t max, int64_t *ret)
{
	if (v->type != JSON_NUMBER)
		return expected(c, at, "number", v);
	if (!parse_i64(v->text, min, max, ret))
		return jdec_error(c, at, "expected an integer from %lld to %lld, found %.40s",
			(long long)min, (long long)max, v->text);
	return 0;
}

static int decode_strings(
	struct jctx *c, const struct json *v, const struct jpath *at, struct strlist *ret)
{
	if (v->type != JSON_ARRAY)
		return expected(c, at, "array", v);
	ret->v = ARENA_ARRAY(c->arena, const char *, v->count + 1);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = ret->n };
		if (item->type != JSON_STRING)
			return expected(c, &here, "string", item);
		ret->v[ret->n++] = item->text;
	}
	return 0;
}

static int decode_array(struct jctx *c, const struct json *v, const struct jpath *at,
	const struct jfield *f, struct jslice *ret)
{
	if (v->type != JSON_ARRAY)
		return expected(c, at, "array", v);
	ret->items = arena_alloc(c->arena, v->count, f->size);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = ret->n };
		int r = jdec_object(c, item, &here, f->fields, J_UNKNOWN_IGNORED,
			(char *)ret->items + ret->n * f->size);
		if (r < 0)
			return r;
		ret->n++;
	}
	return 0;
}

/* Targets are written with memcpy where the table's idea of their type (struct jslice) is not the
 * declared one (a typed pointer and a count). */
int jdec_value(struct jctx *c, const struct json *v, const struct jpath *at, const struct jfield *f,
	void *target)
{
	int64_t number;
	int r = 0;
	switch (f->type) {
	case J_BOOL:
		if (v->type != JSON_BOOL)
			return expected(c, at, "boolean", v);
		*(bool *)target = v->boolean;
		break;
	case J_STRING:
		if (v->type != JSON_STRING)
			return expected(c, at, "string", v);
		*(const char **)target = v->text;
		break;
	case J_U16:
		r = decode_integer(c, v, at, 0, UINT16_MAX, &number);
		if (r >= 0)
			*(uint16_t *)target = (uint16_t)number;
		break;
	case J_U32:
		r = decode_integer(c, v, at, 0, UINT32_MAX, &number);
		if (r >= 0)
			*(uint32_t *)target = (uint32_t)number;
		break;
	case J_I64:
		r = decode_integer(c, v, at, INT64_MIN, INT64_MAX, &number);
		if (r >= 0)
			*(int64_t *)target = number;
		break;
	case J_STRING_ARRAY: return decode_strings(c, v, at, target);
	case J_OBJECT: {
		void *object = arena_alloc(c->arena, 1, f->size);
		r = jdec_object(c, v, at, f->fields, J_UNKNOWN_IGNORED, object);
		memcpy(target, &object, sizeof object);
		break;
	}
	case J_ARRAY: {
		struct jslice slice = { 0 };
		r = decode_array(c, v, at, f, &slice);
		memcpy(target, &slice, sizeof slice);
		break;
	}
	case J_CUSTOM: return f->decode(c, v, at, target);
	}
	return r;
}

static const struct jfield *field_find(const struct jfield *fields, const char *key)
{
	for (const struct jfield *f = fields; f->key; f++)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

int jdec_object(struct jctx *c, const struct json *v, const struct jpath *at,
	const struct jfield *fields, enum j_unknown unknown, void *target)
{
	if (v->type != JSON_OBJECT)
		return expected(c, at, "object", v);
	for (const struct jfield *f = fields; f->key; f++) {
		struct jpath here = { .up = at, .key = f->key };
		const struct json *member = json_member(v, f->key);
		/* null is what Go writes for an empty slice or map: the same as absent. */
		if (!member || member->type == JSON_NULL) {
			if (f->flags & J_REQUIRED)
				return jdec_error(c, &here, "missing");
			continue;
		}
		void *to = (char *)target + f->offset;
		int r = jdec_value(c, member, &here, f, to);
		if (r >= 0 && f->check)
			r = f->check(c, &here, to);
		if (r < 0)
			return r;
	}
	if (unknown == J_UNKNOWN_REFUSED)
		json_foreach (item, v)
			if (!field_find(fields, item->key)) {
				struct jpath here = { .up = at, .key = item->key };
				return jdec_error(c, &here, "unknown key");
			}
	return 0;
}
