/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/app.h"

#include <string.h>

#include "lib/json/jenc.h"

static int check_handler_name(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (strcmp(s, "pre-start") == 0 || strcmp(s, "post-stop") == 0)
		return 0;
	return jdec_error(c, at, "'%.64s' is not 'pre-start' or 'post-stop'", s);
}

static int check_exec(struct jctx *c, const struct jpath *at, const void *target)
{
	const struct strlist *exec = target;
	return exec->n && !*exec->v[0] ? jdec_error(c, at, "the program must not be empty") : 0;
}

static int check_handler_exec(struct jctx *c, const struct jpath *at, const void *target)
{
	const struct strlist *exec = target;
	return exec->n ? check_exec(c, at, target) : jdec_error(c, at, "must not be empty");
}

static const struct jfield event_handler_fields[] = {
	{ "name", J_STRING, offsetof(struct event_handler, name), J_REQUIRED,
		.check = check_handler_name },
	{ "exec", J_STRING_ARRAY, offsetof(struct event_handler, exec), J_REQUIRED,
		.check = check_handler_exec },
	{ 0 },
};

static const struct jfield mount_point_fields[] = {
	{ "name", J_STRING, offsetof(struct mount_point, name), J_REQUIRED,
		.check = check_ac_name },
	{ "path", J_STRING, offsetof(struct mount_point, path), J_REQUIRED,
		.check = check_absolute_path },
	{ "readOnly", J_BOOL, offsetof(struct mount_point, read_only) },
	{ 0 },
};

static const struct jfield port_fields[] = {
	{ "name", J_STRING, offsetof(struct port, name), J_REQUIRED, .check = check_ac_name },
	{ "protocol", J_STRING, offsetof(struct port, protocol), J_REQUIRED,
		.check = check_not_empty },
	{ "port", J_U16, offsetof(struct port, port), J_REQUIRED },
	{ "count", J_U32, offsetof(struct port, count) },
	{ "socketActivated", J_BOOL, offsetof(struct port, socket_activated) },
	{ 0 },
};

int port_decode(struct jctx *c, const struct json *v, const struct jpath *at, struct port *port)
{
	int r = jdec_object(c, v, at, port_fields, J_UNKNOWN_IGNORED, port);
	if (r < 0)
		return r;
	if (port->count == 0)
		port->count = 1;
	if (port->port == 0 || port->count > 65536u - port->port)
		return jdec_error(c, at, "ports %u and the %u after it are not all from 1 to 65535",
			port->port, port->count - 1);
	return 0;
}

static int decode_ports(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	struct port *ports = ARENA_ARRAY(c->arena, struct port, v->count);
	size_t n = 0;
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = n };
		int r = port_decode(c, item, &here, &ports[n++]);
		if (r < 0)
			return r;
	}
	struct jslice slice = { ports, n };
	memcpy(target, &slice, sizeof slice);
	return 0;
}

static int decode_gids(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	static const struct jfield element = { "gid", J_U32, 0, J_REQUIRED };
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	uint32_t *gids = ARENA_ARRAY(c->arena, uint32_t, v->count);
	size_t n = 0;
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = n };
		int r = jdec_value(c, item, &here, &element, &gids[n++]);
		if (r < 0)
			return r;
		/* (gid_t)-1 means "unchanged" to the kernel. */
		if (gids[n - 1] == UINT32_MAX)
			return jdec_error(c, &here, "%u is not a group id", gids[n - 1]);
	}
	struct jslice slice = { gids, n };
	memcpy(target, &slice, sizeof slice);
	return 0;
}

static const struct jfield app_fields[] = {
	{ "exec", J_STRING_ARRAY, offsetof(struct app, exec), .check = check_exec },
	{ "user", J_STRING, offsetof(struct app, user), J_REQUIRED, .check = check_not_empty },
	{ "group", J_STRING, offsetof(struct app, group), J_REQUIRED, .check = check_not_empty },
	{ "supplementaryGIDs", J_CUSTOM,
		SLICE_OF(struct app, supplementary_gids, n_supplementary_gids),
		.decode = decode_gids },
	{ "eventHandlers", J_ARRAY, SLICE_OF(struct app, event_handlers, n_event_handlers), 0,
		event_handler_fields, sizeof(struct event_handler) },
	{ "workingDirectory", J_STRING, offsetof(struct app, working_directory) },
	{ "environment", J_CUSTOM, offsetof(struct app, environment),
		.decode = environment_decode },
	{ "mountPoints", J_ARRAY, SLICE_OF(struct app, mount_points, n_mount_points), 0,
		mount_point_fields, sizeof(struct mount_point) },
	{ "ports", J_CUSTOM, SLICE_OF(struct app, ports, n_ports), .decode = decode_ports },
	{ "isolators", J_CUSTOM, offsetof(struct app, isolators), .decode = isolators_decode },
	{ "userAnnotations", J_CUSTOM, offsetof(struct app, user_annotations),
		.decode = string_map_decode },
	{ "userLabels", J_CUSTOM, offsetof(struct app, user_labels), .decode = string_map_decode },
	{ 0 },
};

int app_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct app *app = ARENA_NEW(c->arena, struct app);
	int r = jdec_object(c, v, at, app_fields, J_UNKNOWN_IGNORED, app);
	if (r < 0)
		return r;
	const char *cwd = app->working_directory;
	if (cwd && !*cwd)
		app->working_directory = NULL; /* the empty one is the absent one to appc */
	else if (cwd && !path_absolute_valid(cwd)) {
		struct jpath here = { .up = at, .key = "workingDirectory" };
		return jdec_error(c, &here, "'%.64s' is not an absolute path", cwd);
	}
	r = refuse_duplicates(c, at, "eventHandlers", "event handler", app->event_handlers,
		app->n_event_handlers, sizeof *app->event_handlers);
	if (r >= 0)
		r = refuse_duplicates(c, at, "mountPoints", "mount point", app->mount_points,
			app->n_mount_points, sizeof *app->mount_points);
	if (r >= 0)
		r = refuse_duplicates(
			c, at, "ports", "port", app->ports, app->n_ports, sizeof *app->ports);
	if (r >= 0)
		memcpy(target, &app, sizeof app);
	return r;
}

const struct event_handler *app_event_handler(const struct app *app, const char *name)
{
	for (size_t i = 0; i < app->n_event_handlers; i++)
		if (strcmp(app->event_handlers[i].name, name) == 0)
			return &app->event_handlers[i];
	return NULL;
}

/* --- copies ----------------------------------------------------------------------------------- */

static void *copy_array(struct arena *a, const void *src, size_t n, size_t size)
{
	void *dst = arena_alloc(a, n, size);
	return n ? memcpy(dst, src, n * size) : dst;
}

static void copy_strlist(struct arena *a, struct strlist *l)
{
	const char **v = ARENA_ARRAY(a, const char *, l->n + 1);
	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	l->v = v;
	l->room = 0;
}

struct app *app_clone(struct arena *a, const struct app *app)
{
	struct app *copy = ARENA_NEW(a, struct app);
	*copy = *app;
	copy_strlist(a, &copy->exec);
#define COPY(array, count) copy->array = copy_array(a, app->array, app->count, sizeof *app->array)
	COPY(supplementary_gids, n_supplementary_gids);
	COPY(event_handlers, n_event_handlers);
	COPY(environment.v, environment.n);
	COPY(mount_points, n_mount_points);
	COPY(ports, n_ports);
	COPY(isolators.v, isolators.n);
	COPY(user_annotations.v, user_annotations.n);
	COPY(user_labels.v, user_labels.n);
#undef COPY
	copy->environment.room = copy->user_annotations.room = copy->user_labels.room = 0;
	for (size_t i = 0; i < copy->n_event_handlers; i++)
		copy_strlist(a, &copy->event_handlers[i].exec);
	return copy;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void encode_event_handlers(struct jenc *j, const struct app *app)
{
	if (!app->n_event_handlers)
		return;
	jenc_key(j, "eventHandlers");
	jenc_open(j, '[');
	for (size_t i = 0; i < app->n_event_handlers; i++) {
		jenc_open(j, '{');
		jenc_key(j, "name");
		jenc_string(j, app->event_handlers[i].name);
		jenc_key(j, "exec");
		strlist_encode(j, &app->event_handlers[i].exec);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

static void encode_gids(struct jenc *j, const struct app *app)
{
	if (!app->n_supplementary_gids)
		return;
	jenc_key(j, "supplementaryGIDs");
	jenc_open(j, '[');
	for (size_t i = 0; i < app->n_supplementary_gids; i++)
		jenc_i64(j, app->supplementary_gids[i]);
	jenc_close(j, ']');
}

static void encode_mount_points(struct jenc *j, const struct app *app)
{
	if (!app->n_mount_points)
		return;
	jenc_key(j, "mountPoints");
	jenc_open(j, '[');
	for (size_t i = 0; i < app->n_mount_points; i++) {
		const struct mount_point *m = &app->mount_points[i];
		jenc_open(j, '{');
		jenc_key(j, "name");
		jenc_string(j, m->name);
		jenc_key(j, "path");
		jenc_string(j, m->path);
		if (m->read_only) {
			jenc_key(j, "readOnly");
			jenc_bool(j, true);
		}
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

void port_encode(struct jenc *j, const struct port *port)
{
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, port->name);
	jenc_key(j, "protocol");
	jenc_string(j, port->protocol);
	jenc_key(j, "port");
	jenc_i64(j, port->port);
	jenc_key(j, "count");
	jenc_i64(j, port->count);
	jenc_key(j, "socketActivated");
	jenc_bool(j, port->socket_activated);
	jenc_close(j, '}');
}

static void encode_ports(struct jenc *j, const struct app *app)
{
	if (!app->n_ports)
		return;
	jenc_key(j, "ports");
	jenc_open(j, '[');
	for (size_t i = 0; i < app->n_ports; i++)
		port_encode(j, &app->ports[i]);
	jenc_close(j, ']');
}

void app_encode(struct jenc *j, const struct app *app)
{
	jenc_open(j, '{');
	jenc_key(j, "exec");
	strlist_encode(j, &app->exec);
	encode_event_handlers(j, app);
	jenc_key(j, "user");
	jenc_string(j, app->user);
	jenc_key(j, "group");
	jenc_string(j, app->group);
	encode_gids(j, app);
	jenc_member(j, "workingDirectory", app->working_directory);
	if (app->environment.n) {
		jenc_key(j, "environment");
		nvlist_encode(j, &app->environment);
	}
	encode_mount_points(j, app);
	encode_ports(j, app);
	if (app->isolators.n) {
		jenc_key(j, "isolators");
		isolators_encode(j, &app->isolators);
	}
	if (app->user_annotations.n) {
		jenc_key(j, "userAnnotations");
		string_map_encode(j, &app->user_annotations);
	}
	if (app->user_labels.n) {
		jenc_key(j, "userLabels");
		string_map_encode(j, &app->user_labels);
	}
	jenc_close(j, '}');
}
