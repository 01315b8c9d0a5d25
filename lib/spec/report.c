/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/json/jenc.h"

static const char *const state_names[_REPORT_STATE_MAX] = {
#define X(name, text) [REPORT_##name] = text,
	REPORT_STATES(X)
#undef X
};

const char *report_state_name(enum report_state state)
{
	return state_names[state];
}

/* --- saying ---------------------------------------------------------------------------------- */

const struct report_line *report_find(const struct report *r, const char *isolator)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].isolator, isolator) == 0)
			return &r->v[i];
	return NULL;
}

const struct report_line *report_loose(const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].state != REPORT_ENFORCED)
			return &r->v[i];
	return NULL;
}

static struct report_line *line_of(struct report *r, const char *isolator)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].isolator, isolator) == 0)
			return &r->v[i];
	struct report_line *grown = ARENA_ARRAY(r->arena, struct report_line, r->n + 1);
	if (r->n)
		memcpy(grown, r->v, r->n * sizeof *grown);
	r->v = grown;
	r->v[r->n].isolator = arena_strdup(r->arena, isolator);
	return &r->v[r->n++];
}

__attribute__((format(printf, 4, 0))) static void say(struct report *r, const char *isolator,
	enum report_state state, const char *fmt, va_list args)
{
	struct report_line *line = line_of(r, isolator);
	char why[512];
	line->state = state;
	line->why = NULL;
	if (!fmt)
		return;
	vsnprintf(why, sizeof why, fmt, args);
	line->why = arena_strdup(r->arena, why);
}

void report_set(
	struct report *r, const char *isolator, enum report_state state, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say(r, isolator, state, fmt, args);
	va_end(args);
}

void report_worsen(
	struct report *r, const char *isolator, enum report_state state, const char *fmt, ...)
{
	const struct report_line *line = report_find(r, isolator);
	if (line && line->state >= state)
		return;
	va_list args;
	va_start(args, fmt);
	say(r, isolator, state, fmt, args);
	va_end(args);
}

const struct report *pod_report_app(const struct pod_report *r, const char *app)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (strcmp(r->apps[i].name, app) == 0)
			return &r->apps[i].report;
	return NULL;
}

/* --- the file -------------------------------------------------------------------------------- */

void report_encode(struct jenc *j, const struct report *r)
{
	jenc_open(j, '[');
	for (size_t i = 0; i < r->n; i++) {
		jenc_open(j, '{');
		jenc_member(j, "isolator", r->v[i].isolator);
		jenc_member(j, "state", report_state_name(r->v[i].state));
		jenc_member(j, "why", r->v[i].why);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

void pod_report_encode(const struct pod_report *r, struct str *out)
{
	struct jenc j = JENC_INIT(out, false);
	jenc_open(&j, '{');
	jenc_key(&j, "pod");
	report_encode(&j, &r->pod);
	jenc_key(&j, "apps");
	jenc_open(&j, '{');
	for (size_t i = 0; i < r->n_apps; i++) {
		jenc_key(&j, r->apps[i].name);
		report_encode(&j, &r->apps[i].report);
	}
	jenc_close(&j, '}');
	jenc_close(&j, '}');
	str_addc(out, '\n');
}

static int decode_state(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	for (int i = 0; v->type == JSON_STRING && i < _REPORT_STATE_MAX; i++)
		if (strcmp(v->text, state_names[i]) == 0) {
			*(enum report_state *)target = (enum report_state)i;
			return 0;
		}
	return jdec_error(c, at, "expected \"enforced\", \"changed\" or \"ignored\"");
}

static int check_name(struct jctx *c, const struct jpath *at, const void *target)
{
	return **(const char *const *)target ? 0 : jdec_error(c, at, "empty");
}

static const struct jfield line_fields[] = {
	{ "isolator", J_STRING, offsetof(struct report_line, isolator), J_REQUIRED,
		.check = check_name },
	{ "state", J_CUSTOM, offsetof(struct report_line, state), J_REQUIRED,
		.decode = decode_state },
	{ "why", J_STRING, offsetof(struct report_line, why) },
	{ 0 },
};

static int decode_report(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct report *r = target;
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	r->arena = c->arena;
	r->v = ARENA_ARRAY(c->arena, struct report_line, v->count);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = r->n };
		int res = jdec_object(c, item, &here, line_fields, J_UNKNOWN_IGNORED, &r->v[r->n]);
		if (res < 0)
			return res;
		r->n++;
	}
	return 0;
}

static int decode_apps(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct pod_report *r = target;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, at, "expected object, found %s", json_type_name(v->type));
	r->apps = ARENA_ARRAY(c->arena, struct report_app, v->count);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .key = item->key };
		struct report_app *app = &r->apps[r->n_apps];
		app->name = item->key;
		int res = decode_report(c, item, &here, &app->report);
		if (res < 0)
			return res;
		r->n_apps++;
	}
	return 0;
}

static const struct jfield file_fields[] = {
	{ "pod", J_CUSTOM, offsetof(struct pod_report, pod), 0, .decode = decode_report },
	{ "apps", J_CUSTOM, 0, 0, .decode = decode_apps },
	{ 0 },
};

int pod_report_decode(
	const char *bytes, size_t n, struct arena *a, struct pod_report *ret, struct err *e)
{
	struct json *v;
	struct jctx c = { .arena = a, .err = e };
	struct pod_report r = { 0 };
	int res = json_parse(bytes, n, a, &v, e);
	if (res >= 0)
		res = jdec_object(&c, v, NULL, file_fields, J_UNKNOWN_IGNORED, &r);
	if (res < 0)
		return res;
	*ret = r;
	return 0;
}
