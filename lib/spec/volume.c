/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes and mounts of pod manifests: in JSON and as --volume and --mount have them. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/json/jenc.h"
#include "lib/spec/isolator.h"
#include "lib/spec/pod.h"

enum { VOLUME_MODE_MAX = 07777 };

/* A volume as text has it, before its kind says which of it has a meaning. NULL: not given. */
struct volume_text {
	const char *name, *kind, *source, *mode, *size;
	const char *read_only, *recursive, *propagation, *idmap, *uid, *gid;
};

/* What has a meaning for which kind. */
enum {
	HAS_SOURCE = 1,
	HAS_MOUNT = 2, /* recursive, propagation, idmap */
	HAS_OWNER = 4, /* mode, uid, gid */
	HAS_SIZE = 8,
	ALWAYS_READ_ONLY = 16,
};
static const struct {
	const char *name, *article;
	unsigned has;
	uint32_t mode;
} kinds[] = {
	[VOLUME_HOST] = { "host", "a host", HAS_SOURCE | HAS_MOUNT, 0 },
	[VOLUME_EMPTY] = { "empty", "an empty", HAS_OWNER, 0755 },
	[VOLUME_TMPFS] = { "tmpfs", "a tmpfs", HAS_OWNER | HAS_SIZE, 01777 },
	[VOLUME_IMAGE] = { "image", "an image", HAS_SOURCE | ALWAYS_READ_ONLY, 0 },
};

static const char *const propagations[] = {
	[PROPAGATION_SLAVE] = "slave",
	[PROPAGATION_PRIVATE] = "private",
	[PROPAGATION_SHARED] = "shared",
};

static bool parse_id(const char *s, uint32_t *ret)
{
	return parse_u32(s, 0, UINT32_MAX - 1, ret); /* (uid_t)-1 means "unchanged" */
}

/* What a volume of its kind must and must not have. Texts are the arena's. */
static const char *volume_contradiction(const struct volume *v, struct arena *a)
{
	const struct {
		bool given;
		unsigned bit;
		const char *what;
	} members[] = {
		{ v->source, HAS_SOURCE, "source" },
		{ v->has_recursive, HAS_MOUNT, "recursive" },
		{ v->has_propagation, HAS_MOUNT, "propagation" },
		{ v->has_idmap, HAS_MOUNT, "idmap" },
		{ v->has_mode, HAS_OWNER, "mode" },
		{ v->has_uid, HAS_OWNER, "uid" },
		{ v->has_gid, HAS_OWNER, "gid" },
		{ v->size.set, HAS_SIZE, "size" },
	};
	const unsigned has = kinds[v->kind].has;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (members[i].given && !(has & members[i].bit))
			return arena_printf(
				a, "%s volume has no %s", kinds[v->kind].article, members[i].what);
	if ((has & HAS_SOURCE) && str_empty(v->source))
		return arena_printf(a, "%s volume needs a source", kinds[v->kind].article);
	if (v->kind == VOLUME_HOST && !path_absolute_valid(v->source))
		return "the source of a host volume must be an absolute path";
	if (v->size.set && v->size.value <= 0)
		return "the size of a tmpfs must be above zero";
	if ((has & ALWAYS_READ_ONLY) && v->has_read_only && !v->read_only)
		return arena_printf(a, "%s volume is always read-only", kinds[v->kind].article);
	return NULL;
}

static bool parse_kind(const char *s, enum volume_kind *ret)
{
	for (int i = 0; i < _VOLUME_KIND_MAX; i++)
		if (str_eq(s, kinds[i].name)) {
			*ret = (enum volume_kind)i;
			return true;
		}
	return false;
}

/* "rslave" and so on, as podman and mount(8) write what holds for all mounts below: here it always
 * does. */
static bool parse_propagation(const char *s, enum propagation *ret)
{
	for (int i = 0; i < _PROPAGATION_MAX; i++)
		if (str_eq(s + (*s == 'r'), propagations[i])) {
			*ret = (enum propagation)i;
			return true;
		}
	return false;
}

static void set_defaults(struct volume *v)
{
	if (!v->has_mode)
		v->mode = kinds[v->kind].mode;
	if (v->kind == VOLUME_HOST && !v->has_recursive)
		v->recursive = true;
	if (kinds[v->kind].has & ALWAYS_READ_ONLY)
		v->read_only = true;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static int decode_kind(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	if (v->type != JSON_STRING || !parse_kind(v->text, target))
		return jdec_error(c, at, "expected 'host', 'empty', 'tmpfs' or 'image'");
	return 0;
}

static int decode_mode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	if (v->type != JSON_STRING || !parse_octal(v->text, VOLUME_MODE_MAX, &volume->mode))
		return jdec_error(c, at, "expected a string of octal digits up to 7777");
	volume->has_mode = true;
	return 0;
}

static int decode_id(
	struct jctx *c, const struct json *v, const struct jpath *at, uint32_t *id, bool *has)
{
	if (v->type != JSON_NUMBER || !parse_id(v->text, id))
		return jdec_error(c, at, "expected a number from 0 to 4294967294");
	*has = true;
	return 0;
}

static int decode_uid(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	return decode_id(c, v, at, &volume->uid, &volume->has_uid);
}

static int decode_gid(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	return decode_id(c, v, at, &volume->gid, &volume->has_gid);
}

static int decode_flag(
	struct jctx *c, const struct json *v, const struct jpath *at, bool *flag, bool *has)
{
	if (v->type != JSON_BOOL)
		return jdec_error(c, at, "expected boolean, found %s", json_type_name(v->type));
	*flag = v->boolean;
	*has = true;
	return 0;
}

static int decode_read_only(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	return decode_flag(c, v, at, &volume->read_only, &volume->has_read_only);
}

static int decode_recursive(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	return decode_flag(c, v, at, &volume->recursive, &volume->has_recursive);
}

static int decode_idmap(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	return decode_flag(c, v, at, &volume->idmap, &volume->has_idmap);
}

static int decode_propagation(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	if (v->type != JSON_STRING || !parse_propagation(v->text, &volume->propagation))
		return jdec_error(c, at, "expected 'slave', 'private' or 'shared'");
	volume->has_propagation = true;
	return 0;
}

static int decode_size(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct volume *volume = target;
	struct err e = ERR_INIT;
	if (v->type != JSON_STRING)
		return jdec_error(c, at, "expected string, found %s", json_type_name(v->type));
	if (quantity_parse(v->text, false, c->arena, &volume->size, &e) < 0)
		return jdec_error(c, at, "%s", e.msg);
	return 0;
}

/* Rows at offset 0 write two members of the struct: the value, and that it was given. */
static const struct jfield volume_fields[] = {
	{ "name", J_STRING, offsetof(struct volume, name), J_REQUIRED, .check = check_ac_name },
	{ "kind", J_CUSTOM, offsetof(struct volume, kind), J_REQUIRED, .decode = decode_kind },
	{ "source", J_STRING, offsetof(struct volume, source) },
	{ "readOnly", J_CUSTOM, 0, .decode = decode_read_only },
	{ "recursive", J_CUSTOM, 0, .decode = decode_recursive },
	{ "propagation", J_CUSTOM, 0, .decode = decode_propagation },
	{ "idmap", J_CUSTOM, 0, .decode = decode_idmap },
	{ "size", J_CUSTOM, 0, .decode = decode_size },
	{ "mode", J_CUSTOM, 0, .decode = decode_mode },
	{ "uid", J_CUSTOM, 0, .decode = decode_uid },
	{ "gid", J_CUSTOM, 0, .decode = decode_gid },
	{ 0 },
};

int volume_decode(struct jctx *c, const struct json *v, const struct jpath *at, struct volume *ret)
{
	int r = jdec_object(c, v, at, volume_fields, J_UNKNOWN_IGNORED, ret);
	if (r < 0)
		return r;
	if (str_empty(ret->source))
		ret->source = NULL;
	const char *wrong = volume_contradiction(ret, c->arena);
	if (wrong)
		return jdec_error(c, at, "%s", wrong);
	set_defaults(ret);
	return 0;
}

static void encode_flag(struct jenc *j, const char *key, bool value, bool has)
{
	if (!has && !value)
		return;
	jenc_key(j, key);
	jenc_bool(j, value);
}

static void encode_id(struct jenc *j, const char *key, uint32_t value, bool has)
{
	if (!has)
		return;
	jenc_key(j, key);
	jenc_i64(j, value);
}

void volume_encode(struct jenc *j, const struct volume *v)
{
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, v->name);
	jenc_key(j, "kind");
	jenc_string(j, kinds[v->kind].name);
	jenc_member(j, "source", v->source);
	encode_flag(j, "readOnly", v->read_only, v->has_read_only);
	if (v->kind == VOLUME_HOST && v->has_recursive) {
		jenc_key(j, "recursive");
		jenc_bool(j, v->recursive);
	}
	if (v->has_idmap) {
		jenc_key(j, "idmap");
		jenc_bool(j, v->idmap);
	}
	if (v->has_propagation)
		jenc_member(j, "propagation", propagations[v->propagation]);
	if (v->size.set)
		jenc_member(j, "size", v->size.text);
	if (v->has_mode) {
		char mode[16];
		snprintf(mode, sizeof mode, "%04o", v->mode);
		jenc_member(j, "mode", mode);
	}
	encode_id(j, "uid", v->uid, v->has_uid);
	encode_id(j, "gid", v->gid, v->has_gid);
	jenc_close(j, '}');
}

/* --- the command line ------------------------------------------------------------------------- */

struct parameter {
	const char *key;
	size_t offset; /* of a const char * */
};

static int unknown_parameter(const char *key, const struct parameter *rows, struct err *e)
{
	_clean_(str) struct str known = STR_INIT(STR_MAX_LINE);
	for (const struct parameter *p = rows; p->key; p++)
		str_addf(&known, "%s%s", known.len ? ", " : "", p->key);
	return ERR_BAD(e, "unknown parameter '%.64s': there are %s", key, str_text(&known));
}

/* "key=value,key=value" into the struct that the rows describe. Each key once. */
static int parse_parameters(const char *text, const struct parameter *rows, struct arena *a,
	void *target, struct err *e)
{
	char *rest = arena_strdup(a, text), *part;
	while ((part = strsep(&rest, ","))) {
		char *value = strchr(part, '=');
		if (!value)
			return ERR_BAD(e, "'%.64s' is not KEY=VALUE", part);
		*value++ = '\0';
		const struct parameter *p = rows;
		while (p->key && strcmp(p->key, part) != 0)
			p++;
		if (!p->key)
			return unknown_parameter(part, rows, e);
		const char **to = (const char **)((char *)target + p->offset);
		if (*to)
			return ERR_BAD(e, "'%s' is given twice", p->key);
		*to = value;
	}
	return 0;
}

static const struct parameter volume_parameters[] = {
	{ "kind", offsetof(struct volume_text, kind) },
	{ "source", offsetof(struct volume_text, source) },
	{ "readOnly", offsetof(struct volume_text, read_only) },
	{ "recursive", offsetof(struct volume_text, recursive) },
	{ "propagation", offsetof(struct volume_text, propagation) },
	{ "idmap", offsetof(struct volume_text, idmap) },
	{ "size", offsetof(struct volume_text, size) },
	{ "mode", offsetof(struct volume_text, mode) },
	{ "uid", offsetof(struct volume_text, uid) },
	{ "gid", offsetof(struct volume_text, gid) },
	{ 0 },
};

static const char *switches_from_text(const struct volume_text *t, struct volume *v)
{
	if ((v->has_read_only = t->read_only) && !parse_bool(t->read_only, &v->read_only))
		return "readOnly=true or false";
	if ((v->has_recursive = t->recursive) && !parse_bool(t->recursive, &v->recursive))
		return "recursive=true or false";
	if ((v->has_idmap = t->idmap) && !parse_bool(t->idmap, &v->idmap))
		return "idmap=true or false";
	return NULL;
}

/* Fills *v from t; what is wanted instead, or NULL. */
static const char *volume_from_text(const struct volume_text *t, struct arena *a, struct volume *v)
{
	struct err ignored = ERR_INIT;
	*v = (struct volume){ .name = t->name, .source = t->source };
	if (str_empty(v->source))
		v->source = NULL;
	if (!ac_name_valid(t->name))
		return "a name of lower-case letters, digits and '-'";
	if (!t->kind || !parse_kind(t->kind, &v->kind))
		return "kind=host, empty, tmpfs or image";
	const char *wrong = switches_from_text(t, v);
	if (wrong)
		return wrong;
	if ((v->has_propagation = t->propagation) &&
		!parse_propagation(t->propagation, &v->propagation))
		return "propagation=slave, private or shared";
	if (t->size && quantity_parse(t->size, false, a, &v->size, &ignored) < 0)
		return "size=BYTES (as 64M)";
	if ((v->has_mode = t->mode) && !parse_octal(t->mode, VOLUME_MODE_MAX, &v->mode))
		return "mode=MODE (octal, up to 7777)";
	if ((v->has_uid = t->uid) && !parse_id(t->uid, &v->uid))
		return "uid=NUMBER";
	if ((v->has_gid = t->gid) && !parse_id(t->gid, &v->gid))
		return "gid=NUMBER";
	return NULL;
}

int volume_parse(const char *text, struct arena *a, struct volume *ret, struct err *e)
{
	const char *comma = strchrnul(text, ',');
	struct volume_text t = { .name = arena_strndup(a, text, (size_t)(comma - text)) };
	struct volume v;
	if (!*comma)
		return ERR_BAD(e, "NAME,kind=host|empty|tmpfs|image,… wanted");
	int r = parse_parameters(comma + 1, volume_parameters, a, &t, e);
	if (r < 0)
		return r;
	const char *wrong = volume_from_text(&t, a, &v);
	if (wrong)
		return ERR_BAD(e, "%s wanted", wrong);
	wrong = volume_contradiction(&v, a);
	if (wrong)
		return ERR_BAD(e, "%s", wrong);
	set_defaults(&v);
	*ret = v;
	return 0;
}

static const struct parameter mount_parameters[] = {
	{ "volume", offsetof(struct mount, volume) },
	{ "target", offsetof(struct mount, path) },
	{ 0 },
};

int mount_parse(const char *text, struct arena *a, struct mount *ret, struct err *e)
{
	struct mount m = { 0 };
	int r = parse_parameters(text, mount_parameters, a, &m, e);
	if (r < 0)
		return r;
	if (!m.volume || !ac_name_valid(m.volume))
		return ERR_BAD(e, "volume=NAME wanted");
	if (!m.path || !path_absolute_valid(m.path))
		return ERR_BAD(e, "target=PATH wanted, an absolute path");
	*ret = m;
	return 0;
}
