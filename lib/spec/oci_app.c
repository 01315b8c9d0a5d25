/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of an OCI or Docker image as an appc image manifest: names of ports, mount
 * points and annotations as rkt 1.30 (docker2aci) gives them.
 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/json/jenc.h"
#include "lib/spec/oci.h"

struct container {
	const char *user, *working_dir, *stop_signal;
	struct strlist env, entrypoint, cmd;
	struct strlist exposed_ports, volumes; /* keys of objects */
	struct nvlist labels;
};
struct configuration {
	const char *os, *architecture, *variant, *created, *author;
	struct container *config;
};

static int decode_keys(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct strlist *l = target;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, at, "expected object, found %s", json_type_name(v->type));
	l->v = ARENA_ARRAY(c->arena, const char *, v->count + 1);
	json_foreach (item, v)
		l->v[l->n++] = item->key;
	return 0;
}

static const struct jfield container_fields[] = {
	{ "User", J_STRING, offsetof(struct container, user), 0 },
	{ "WorkingDir", J_STRING, offsetof(struct container, working_dir), 0 },
	{ "StopSignal", J_STRING, offsetof(struct container, stop_signal), 0 },
	{ "Env", J_STRING_ARRAY, offsetof(struct container, env), 0 },
	{ "Entrypoint", J_STRING_ARRAY, offsetof(struct container, entrypoint), 0 },
	{ "Cmd", J_STRING_ARRAY, offsetof(struct container, cmd), 0 },
	{ "ExposedPorts", J_CUSTOM, offsetof(struct container, exposed_ports),
		.decode = decode_keys },
	{ "Volumes", J_CUSTOM, offsetof(struct container, volumes), .decode = decode_keys },
	{ "Labels", J_CUSTOM, offsetof(struct container, labels), .decode = string_map_decode },
	{ 0 },
};
static const struct jfield configuration_fields[] = {
	{ "os", J_STRING, offsetof(struct configuration, os), J_REQUIRED },
	{ "architecture", J_STRING, offsetof(struct configuration, architecture), J_REQUIRED },
	{ "variant", J_STRING, offsetof(struct configuration, variant), 0 },
	{ "created", J_STRING, offsetof(struct configuration, created), 0 },
	{ "author", J_STRING, offsetof(struct configuration, author), 0 },
	{ "config", J_OBJECT, offsetof(struct configuration, config), 0, container_fields,
		sizeof(struct container) },
	{ 0 },
};

/* --- user ------------------------------------------------------------------------------------- */

/* A number is a number, however the image's /etc/passwd calls its users: "+N" is never looked up
 * (stage2/ident.h). One that does not fit is refused, not tried as a name. */
static int identity(struct jctx *c, const char *text, const char *what, const char **ret)
{
	uint32_t id;
	if (!*text || *text == '/' || *text == '+')
		return ERR_BAD(c->err, "config.User: '%.64s' is no %s", text, what);
	*ret = text;
	if (strspn(text, "0123456789") != strlen(text))
		return 0;
	if (!parse_u32(text, 0, INT32_MAX, &id))
		return ERR_BAD(c->err, "config.User: %s %.64s is out of range", what, text);
	*ret = id ? arena_printf(c->arena, "+%u", id) : "0";
	return 0;
}

static int convert_user(struct jctx *c, const char *text, struct app *app)
{
	app->user = app->group = "0";
	if (str_empty(text))
		return 0;
	char *user = arena_strdup(c->arena, text), *group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	int r = identity(c, user, "user", &app->user);
	return r < 0 || !group ? r : identity(c, group, "group", &app->group);
}

/* --- ports and volumes ------------------------------------------------------------------------ */

/* "80", "80/tcp", "8000-8010/udp". */
static int convert_port(struct jctx *c, const char *text, struct port *ret)
{
	char *number = arena_strdup(c->arena, text), *protocol = strchr(number, '/');
	if (protocol)
		*protocol++ = '\0';
	char *last = strchr(number, '-');
	if (last)
		*last++ = '\0';
	uint32_t from, to;
	if (!parse_u32(number, 1, UINT16_MAX, &from) ||
		!parse_u32(last ? last : number, from, UINT16_MAX, &to))
		return ERR_BAD(c->err, "config.ExposedPorts: '%.64s' is no port", text);
	*ret = (struct port){ .protocol = str_empty(protocol) ? "tcp" : protocol,
		.port = (uint16_t)from,
		.count = to - from + 1 };
	const char *name = arena_printf(c->arena, "%u-%s", from, ret->protocol);
	ret->name = ac_name_sanitize(c->arena, name);
	return 0;
}

static int convert_ports(struct jctx *c, const struct strlist *keys, struct app *app)
{
	app->ports = ARENA_ARRAY(c->arena, struct port, keys->n);
	for (size_t i = 0; i < keys->n; i++) {
		struct port port;
		int r = convert_port(c, keys->v[i], &port);
		if (r < 0)
			return r;
		bool known = false;
		for (size_t k = 0; k < app->n_ports; k++)
			known |= str_eq(app->ports[k].name, port.name);
		if (!known) /* "80" and "80/tcp" are one */
			app->ports[app->n_ports++] = port;
	}
	return 0;
}

static const char *free_name(struct arena *a, const struct app *app, const char *name)
{
	const char *candidate = name;
	for (size_t i = 0, tries = 2; i < app->n_mount_points;) {
		if (str_eq(app->mount_points[i++].name, candidate)) {
			candidate = arena_printf(a, "%s-%zu", name, tries++);
			i = 0;
		}
	}
	return candidate;
}

static int convert_volumes(struct jctx *c, const struct strlist *keys, struct app *app)
{
	app->mount_points = ARENA_ARRAY(c->arena, struct mount_point, keys->n);
	for (size_t i = 0; i < keys->n; i++) {
		const char *path = keys->v[i];
		if (!path_absolute_valid(path) || strstr(path, "/../") || str_ends(path, "/.."))
			return ERR_BAD(
				c->err, "config.Volumes: '%.64s' is not an absolute path", path);
		const char *name =
			ac_name_sanitize(c->arena, arena_printf(c->arena, "volume%.200s", path));
		app->mount_points[app->n_mount_points] =
			(struct mount_point){ .name = free_name(c->arena, app, name),
				.path = path };
		app->n_mount_points++;
	}
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Of names that appc does not allow none can be set; the others are kept. */
static void convert_env(struct jctx *c, const struct strlist *env, struct app *app)
{
	for (size_t i = 0; i < env->n; i++) {
		const char *equals = strchr(env->v[i], '=');
		if (!equals)
			continue;
		const char *name = arena_strndup(c->arena, env->v[i], (size_t)(equals - env->v[i]));
		if (env_name_valid(name))
			nv_set(c->arena, &app->environment, name, equals + 1);
	}
}

static int convert_exec(struct jctx *c, const struct container *k, struct app *app)
{
	for (size_t i = 0; i < k->entrypoint.n; i++)
		strlist_add(c->arena, &app->exec, k->entrypoint.v[i]);
	for (size_t i = 0; i < k->cmd.n; i++)
		strlist_add(c->arena, &app->exec, k->cmd.v[i]);
	if (app->exec.n && !*app->exec.v[0])
		return ERR_BAD(c->err, "config: the program to run is empty");
	return 0;
}

static int convert_app(struct jctx *c, const struct container *k, struct app *app)
{
	int r = convert_exec(c, k, app);
	if (r >= 0)
		r = convert_user(c, k->user, app);
	if (r >= 0)
		r = convert_ports(c, &k->exposed_ports, app);
	if (r >= 0)
		r = convert_volumes(c, &k->volumes, app);
	if (r < 0)
		return r;
	convert_env(c, &k->env, app);
	if (!str_empty(k->working_dir))
		app->working_directory = *k->working_dir == '/'
						 ? k->working_dir
						 : arena_printf(c->arena, "/%s", k->working_dir);
	app->user_labels = k->labels;
	return 0;
}

static const char *appc_arch(const struct configuration *f)
{
	static const struct {
		const char *arch, *variant, *appc;
	} table[] = {
		{ "386", NULL, "i386" },
		{ "arm64", NULL, "aarch64" },
		{ "arm", "v6", "armv6l" },
		{ "arm", NULL, "armv7l" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (str_eq(f->architecture, table[i].arch) &&
			(!table[i].variant || str_eq(f->variant, table[i].variant)))
			return table[i].appc;
	return f->architecture;
}

static const char *json_list(struct arena *a, const struct strlist *l)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_MANIFEST);
	struct jenc j = JENC_INIT(&out, false);
	strlist_encode(&j, l);
	return arena_strdup(a, str_text(&out));
}

static void annotate(
	struct jctx *c, const struct oci_query *q, const struct configuration *f, struct nvlist *to)
{
	const struct container *k = f->config;
	const struct {
		const char *name, *value;
	} table[] = {
		{ "authors", f->author },
		{ "created", f->created && rfc3339_valid(f->created) ? f->created : NULL },
		{ "appc.io/docker/originalname", q->original },
		{ "appc.io/docker/tag", q->tag },
		{ "appc.io/docker/entrypoint",
			k->entrypoint.n ? json_list(c->arena, &k->entrypoint) : NULL },
		{ "appc.io/docker/cmd", k->cmd.n ? json_list(c->arena, &k->cmd) : NULL },
		{ "appc.io/docker/stopsignal", k->stop_signal },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!str_empty(table[i].value))
			nv_set(c->arena, to, table[i].name, table[i].value);
}

int oci_app_encode(
	struct jctx *c, const struct oci_query *q, const struct json *config, struct str *out)
{
	static struct container nothing;
	struct configuration f = { 0 };
	struct app app = { 0 };
	struct image_manifest m = { .ac_version = "0.8.11", .name = q->name, .app = &app };
	int r = jdec_object(c, config, NULL, configuration_fields, J_UNKNOWN_IGNORED, &f);
	if (r < 0)
		return r;
	if (!f.config)
		f.config = &nothing;
	if (*q->arch && (!str_eq(f.os, q->os) || !str_eq(f.architecture, q->arch)))
		return ERR_BAD(c->err, "it is for %.20s/%.20s, this machine is %s/%s", f.os,
			f.architecture, q->os, q->arch);
	r = convert_app(c, f.config, &app);
	if (r < 0)
		return r;
	nv_set(c->arena, &m.labels, "version", *q->tag ? q->tag : "latest");
	nv_set(c->arena, &m.labels, "os", f.os);
	nv_set(c->arena, &m.labels, "arch", appc_arch(&f));
	annotate(c, q, &f, &m.annotations);
	image_manifest_encode(&m, false, out);
	/* What every later reader will demand of it is demanded here. */
	struct image_manifest *again;
	if (!str_ok(out))
		return ERR_BAD(c->err, "the image's manifest is too large");
	return image_manifest_decode(str_text(out), out->len, c->arena, &again, c->err);
}
