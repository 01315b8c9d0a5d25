/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/pod.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/json/jenc.h"

/* --- decoding --------------------------------------------------------------------------------- */

static int decode_app_volume(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = ARENA_NEW(c->arena, struct volume);
	int r = volume_decode(c, v, at, volume);
	if (r >= 0)
		memcpy(target, &volume, sizeof volume);
	return r;
}

static int decode_pod_port(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct port *port = ARENA_NEW(c->arena, struct port);
	int r = port_decode(c, v, at, port);
	if (r >= 0)
		memcpy(target, &port, sizeof port);
	return r;
}

static int decode_volumes(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	struct volume *volumes = ARENA_ARRAY(c->arena, struct volume, v->count);
	size_t n = 0;
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = n };
		int r = volume_decode(c, item, &here, &volumes[n++]);
		if (r < 0)
			return r;
	}
	struct jslice slice = { volumes, n };
	memcpy(target, &slice, sizeof slice);
	return 0;
}

static int check_host_ip(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	struct in6_addr ip; /* large enough for either */
	if (!*s || inet_pton(AF_INET, s, &ip) == 1 || inet_pton(AF_INET6, s, &ip) == 1)
		return 0;
	return jdec_error(c, at, "'%.64s' is not an IP address", s);
}

static int check_host_port(struct jctx *c, const struct jpath *at, const void *target)
{
	return *(const uint16_t *)target ? 0 : jdec_error(c, at, "port 0 cannot be exposed");
}

static int check_kind(struct jctx *c, const struct jpath *at, const void *target)
{
	const char *s = *(const char *const *)target;
	if (strcmp(s, "PodManifest") == 0)
		return 0;
	return jdec_error(c, at, "expected 'PodManifest', found '%.64s'", s);
}

static const struct jfield mount_fields[] = {
	{ "volume", J_STRING, offsetof(struct mount, volume), J_REQUIRED, .check = check_ac_name },
	{ "path", J_STRING, offsetof(struct mount, path), J_REQUIRED,
		.check = check_absolute_path },
	{ "appVolume", J_CUSTOM, offsetof(struct mount, app_volume), .decode = decode_app_volume },
	{ 0 },
};

static const struct jfield image_fields[] = {
	{ "name", J_STRING, offsetof(struct runtime_image, name), .check = check_ac_identifier },
	{ "id", J_STRING, offsetof(struct runtime_image, id), J_REQUIRED, .check = check_image_id },
	{ "labels", J_CUSTOM, offsetof(struct runtime_image, labels), .decode = labels_decode },
	{ 0 },
};

static int decode_image(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	return jdec_object(c, v, at, image_fields, J_UNKNOWN_IGNORED, target);
}

static const struct jfield runtime_app_fields[] = {
	{ "name", J_STRING, offsetof(struct runtime_app, name), J_REQUIRED,
		.check = check_ac_name },
	{ "image", J_CUSTOM, offsetof(struct runtime_app, image), J_REQUIRED,
		.decode = decode_image },
	{ "app", J_CUSTOM, offsetof(struct runtime_app, app), .decode = app_decode },
	{ "readOnlyRootFS", J_BOOL, offsetof(struct runtime_app, read_only_root_fs) },
	{ "mounts", J_ARRAY, SLICE_OF(struct runtime_app, mounts, n_mounts), 0, mount_fields,
		sizeof(struct mount) },
	{ "annotations", J_CUSTOM, offsetof(struct runtime_app, annotations),
		.decode = annotations_decode },
	{ 0 },
};

static const struct jfield exposed_port_fields[] = {
	{ "name", J_STRING, offsetof(struct exposed_port, name), J_REQUIRED,
		.check = check_ac_name },
	{ "hostPort", J_U16, offsetof(struct exposed_port, host_port), J_REQUIRED,
		.check = check_host_port },
	{ "hostIP", J_STRING, offsetof(struct exposed_port, host_ip), .check = check_host_ip },
	{ "podPort", J_CUSTOM, offsetof(struct exposed_port, pod_port), .decode = decode_pod_port },
	{ 0 },
};

/* acKind is checked, not kept: it lands in `kind`. */
struct pod_document {
	const char *kind;
	struct pod_manifest m;
};
#define IN(field) offsetof(struct pod_document, field)
#define LIST(array, count) IN(m) + SLICE_OF(struct pod_manifest, array, count)

static const struct jfield pod_fields[] = {
	{ "acVersion", J_STRING, IN(m.ac_version), J_REQUIRED, .check = check_semver },
	{ "acKind", J_STRING, IN(kind), J_REQUIRED, .check = check_kind },
	{ "apps", J_ARRAY, LIST(apps, n_apps), J_REQUIRED, runtime_app_fields,
		sizeof(struct runtime_app) },
	{ "volumes", J_CUSTOM, LIST(volumes, n_volumes), .decode = decode_volumes },
	{ "isolators", J_CUSTOM, IN(m.isolators), .decode = isolators_decode },
	{ "annotations", J_CUSTOM, IN(m.annotations), .decode = annotations_decode },
	{ "ports", J_ARRAY, LIST(ports, n_ports), 0, exposed_port_fields,
		sizeof(struct exposed_port) },
	{ "userAnnotations", J_CUSTOM, IN(m.user_annotations), .decode = string_map_decode },
	{ "userLabels", J_CUSTOM, IN(m.user_labels), .decode = string_map_decode },
	{ 0 },
};

static int check_unique(struct jctx *c, const struct pod_manifest *m)
{
	int r = refuse_duplicates(c, NULL, "apps", "app name", m->apps, m->n_apps, sizeof *m->apps);
	if (r >= 0)
		r = refuse_duplicates(c, NULL, "volumes", "volume name", m->volumes, m->n_volumes,
			sizeof *m->volumes);
	if (r >= 0)
		r = refuse_duplicates(
			c, NULL, "ports", "port name", m->ports, m->n_ports, sizeof *m->ports);
	return r;
}

int pod_manifest_decode(
	const char *bytes, size_t n, struct arena *a, struct pod_manifest **ret, struct err *e)
{
	struct jctx c = { a, e };
	struct json *v = NULL;
	struct pod_document *doc = ARENA_NEW(a, struct pod_document);
	if (n > STR_MAX_MANIFEST)
		return ERR_BAD(e, "pod manifest is larger than %d bytes", STR_MAX_MANIFEST);
	int r = json_parse(bytes, n, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, pod_fields, J_UNKNOWN_IGNORED, doc);
	if (r >= 0)
		r = check_unique(&c, &doc->m);
	if (r < 0)
		return err_wrap(e, r, "pod manifest");
	for (size_t i = 0; i < doc->m.n_ports; i++)
		if (str_empty(doc->m.ports[i].host_ip))
			doc->m.ports[i].host_ip = NULL;
	*ret = &doc->m;
	return 0;
}

const struct runtime_app *pod_app(const struct pod_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_apps; i++)
		if (strcmp(m->apps[i].name, name) == 0)
			return &m->apps[i];
	return NULL;
}

const struct volume *pod_volume(const struct pod_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (strcmp(m->volumes[i].name, name) == 0)
			return &m->volumes[i];
	return NULL;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void encode_image(struct jenc *j, const struct runtime_image *image)
{
	jenc_key(j, "image");
	jenc_open(j, '{');
	jenc_member(j, "name", image->name);
	jenc_key(j, "id");
	jenc_string(j, image->id);
	if (image->labels.n) {
		jenc_key(j, "labels");
		nvlist_encode(j, &image->labels);
	}
	jenc_close(j, '}');
}

static void encode_mounts(struct jenc *j, const struct runtime_app *app)
{
	if (!app->n_mounts)
		return;
	jenc_key(j, "mounts");
	jenc_open(j, '[');
	for (size_t i = 0; i < app->n_mounts; i++) {
		jenc_open(j, '{');
		jenc_key(j, "volume");
		jenc_string(j, app->mounts[i].volume);
		jenc_key(j, "path");
		jenc_string(j, app->mounts[i].path);
		if (app->mounts[i].app_volume) {
			jenc_key(j, "appVolume");
			volume_encode(j, app->mounts[i].app_volume);
		}
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

static void encode_runtime_app(struct jenc *j, const struct runtime_app *app)
{
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, app->name);
	encode_image(j, &app->image);
	if (app->app) {
		jenc_key(j, "app");
		app_encode(j, app->app);
	}
	if (app->read_only_root_fs) {
		jenc_key(j, "readOnlyRootFS");
		jenc_bool(j, true);
	}
	encode_mounts(j, app);
	if (app->annotations.n) {
		jenc_key(j, "annotations");
		nvlist_encode(j, &app->annotations);
	}
	jenc_close(j, '}');
}

static void encode_exposed_port(struct jenc *j, const struct exposed_port *port)
{
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, port->name);
	jenc_key(j, "hostPort");
	jenc_i64(j, port->host_port);
	jenc_member(j, "hostIP", port->host_ip);
	if (port->pod_port) {
		jenc_key(j, "podPort");
		port_encode(j, port->pod_port);
	}
	jenc_close(j, '}');
}

/* Opens the list of a key; an empty one is null, as the appc schema (Go's nil slices) writes it. */
static bool open_list(struct jenc *j, const char *key, size_t n)
{
	jenc_key(j, key);
	if (n)
		jenc_open(j, '[');
	else
		jenc_null(j);
	return n > 0;
}

void pod_manifest_encode(const struct pod_manifest *m, bool pretty, struct str *out)
{
	struct jenc j = JENC_INIT(out, pretty);
	jenc_open(&j, '{');
	jenc_member(&j, "acVersion", m->ac_version);
	jenc_member(&j, "acKind", "PodManifest");
	jenc_key(&j, "apps");
	jenc_open(&j, '[');
	for (size_t i = 0; i < m->n_apps; i++)
		encode_runtime_app(&j, &m->apps[i]);
	jenc_close(&j, ']');
	if (open_list(&j, "volumes", m->n_volumes)) {
		for (size_t i = 0; i < m->n_volumes; i++)
			volume_encode(&j, &m->volumes[i]);
		jenc_close(&j, ']');
	}
	jenc_key(&j, "isolators");
	if (m->isolators.n)
		isolators_encode(&j, &m->isolators);
	else
		jenc_null(&j);
	jenc_key(&j, "annotations");
	if (m->annotations.n)
		nvlist_encode(&j, &m->annotations);
	else
		jenc_null(&j);
	if (open_list(&j, "ports", m->n_ports)) {
		for (size_t i = 0; i < m->n_ports; i++)
			encode_exposed_port(&j, &m->ports[i]);
		jenc_close(&j, ']');
	}
	if (m->user_annotations.n) {
		jenc_key(&j, "userAnnotations");
		string_map_encode(&j, &m->user_annotations);
	}
	if (m->user_labels.n) {
		jenc_key(&j, "userLabels");
		string_map_encode(&j, &m->user_labels);
	}
	jenc_close(&j, '}');
}

static void add_shared(const struct volume *v, struct arena *a, struct strlist *ret)
{
	if (v && v->kind == VOLUME_HOST && v->propagation == PROPAGATION_SHARED &&
		!strlist_has(ret, v->source))
		strlist_add(a, ret, v->source);
}

void pod_shared_sources(const struct pod_manifest *m, struct arena *a, struct strlist *ret)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		add_shared(&m->volumes[i], a, ret);
	for (size_t i = 0; i < m->n_apps; i++)
		for (size_t k = 0; k < m->apps[i].n_mounts; k++)
			add_shared(m->apps[i].mounts[k].app_volume, a, ret);
}
