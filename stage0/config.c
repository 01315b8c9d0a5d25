/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "lib/json/jdec.h"
#include "lib/json/jenc.h"
#include "stage0/config_auth.h"

enum { CONFIG_FILE_MAX = 1024 * 1024 };

struct header {
	const char *kind, *version;
};
static const struct jfield header_fields[] = {
	{ "rktKind", J_STRING, offsetof(struct header, kind), 0 },
	{ "rktVersion", J_STRING, offsetof(struct header, version), 0 },
	{ 0 },
};

static const struct jfield paths_fields[] = {
	{ "data", J_STRING, offsetof(struct config_file, config.data), 0 },
	{ "stage1-images", J_STRING, offsetof(struct config_file, config.stage1_images), 0 },
	{ 0 },
};
static const struct jfield stage1_fields[] = {
	{ "name", J_STRING, offsetof(struct config_file, config.stage1_name), 0 },
	{ "version", J_STRING, offsetof(struct config_file, config.stage1_version), 0 },
	{ "location", J_STRING, offsetof(struct config_file, config.stage1_location), 0 },
	{ 0 },
};

static int decode_switch(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	const char **to = target;
	if (v->type != JSON_BOOL)
		return jdec_error(c, at, "expected boolean, found %s", json_type_name(v->type));
	*to = v->boolean ? "true" : "false";
	return 0;
}
static const struct jfield pods_fields[] = {
	{ "privateUsers", J_CUSTOM, offsetof(struct config_file, config.private_users), 0,
		.decode = decode_switch },
	{ 0 },
};

/* Go's decoder does not tell an empty string from an absent one; nor do we. */
static const char *set(const char *s)
{
	return str_empty(s) ? NULL : s;
}

static const struct jfield trust_fields[] = {
	{ "policy", J_STRING, offsetof(struct config_file, config.policy), 0 },
	{ 0 },
};

static int check_trust(struct config_file *f, struct arena *a, struct err *e)
{
	const char *policy = f->config.policy = set(f->config.policy);
	(void)a;
	/* A slip in the name must not mean that nothing is asked. */
	if (!policy)
		return ERR_BAD(e, "policy is missing: \"system\" or the path of a file");
	if (policy[0] == '/' || str_eq(policy, "system"))
		return 0;
	return ERR_BAD(e, "policy must be \"system\" or an absolute path");
}

/* Members that nobody knows are passed over, as in rkt's kinds. One that is spelt wrongly must not
 * leave pods with the host's users. */
static int check_pods(struct config_file *f, struct arena *a, struct err *e)
{
	(void)a;
	if (!f->config.private_users)
		return ERR_BAD(e, "privateUsers is missing: true or false");
	return 0;
}

static int check_paths(struct config_file *f, struct arena *a, struct err *e)
{
	struct config *c = &f->config;
	(void)a;
	c->data = set(c->data);
	c->stage1_images = set(c->stage1_images);
	if (c->data && c->data[0] != '/')
		return ERR_BAD(e, "data directory must be an absolute path");
	if (c->stage1_images && c->stage1_images[0] != '/')
		return ERR_BAD(e, "stage1 images directory must be an absolute path");
	return 0;
}

static int check_location(const char *location, struct err *e)
{
	static const char *const schemes[] = { "docker:", "file:", "http:", "https:" };
	if (!location || location[0] == '/')
		return 0;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (str_after(location, schemes[i]))
			return 0;
	if (!strchr(location, ':'))
		return ERR_BAD(e, "default stage1 image location is either a relative path or a "
				  "URL without scheme");
	return ERR_BAD(e, "default stage1 image location URL has invalid scheme, allowed schemes "
			  "are \"docker\", \"file\", \"http\", \"https\"");
}

static int check_stage1(struct config_file *f, struct arena *a, struct err *e)
{
	struct config *c = &f->config;
	(void)a;
	c->stage1_name = set(c->stage1_name);
	c->stage1_version = set(c->stage1_version);
	c->stage1_location = set(c->stage1_location);
	if (!c->stage1_name && c->stage1_version)
		return ERR_BAD(e, "default stage1 image version specified, but name is missing");
	if (c->stage1_name && !c->stage1_version)
		return ERR_BAD(e, "default stage1 image name specified, but version is missing");
	return check_location(c->stage1_location, e);
}

/* One kind of configuration: where it lies and what is in it. */
struct kind {
	const char *name, *dir;
	const struct jfield *fields;
	int (*check)(struct config_file *f, struct arena *a, struct err *e);
	bool secret;
};
/* Those of one directory next to each other. */
static const struct kind kinds[] = {
	{ "auth", "auth.d", auth_fields, auth_check, true },
	{ "dockerAuth", "auth.d", docker_auth_fields, docker_auth_check, true },
	{ "paths", "paths.d", paths_fields, check_paths },
	{ "pods", "pods.d", pods_fields, check_pods },
	{ "stage1", "stage1.d", stage1_fields, check_stage1 },
	{ "trust", "trust.d", trust_fields, check_trust },
};

/* Every value of struct config, with what is said when one directory gives it twice. */
static const struct value {
	size_t offset;
	const char *twice;
} values[] = {
	{ offsetof(struct config, data), "data directory is already specified" },
	{ offsetof(struct config, stage1_images), "stage1 images directory is already specified" },
	{ offsetof(struct config, stage1_name),
		"name and version of a default stage1 image are already specified" },
	{ offsetof(struct config, stage1_version),
		"name and version of a default stage1 image are already specified" },
	{ offsetof(struct config, stage1_location),
		"location of a default stage1 image is already specified" },
	{ offsetof(struct config, private_users), "privateUsers is already specified" },
	{ offsetof(struct config, policy), "policy is already specified" },
};

static const char **value_of(struct config *c, const struct value *v)
{
	return (const char **)(void *)((char *)c + v->offset);
}

/* exclusive: a value that is there already is an error; else it is replaced. */
static int merge(
	struct config *into, struct config *from, bool exclusive, struct arena *a, struct err *e)
{
	int r = auths_merge(&into->auths, &from->auths, "auth for domain", exclusive, a, e);
	if (r >= 0)
		r = auths_merge(&into->docker_auths, &from->docker_auths,
			"credentials for docker registry", exclusive, a, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		const char **to = value_of(into, &values[i]), **v = value_of(from, &values[i]);
		if (!*v)
			continue;
		if (*to && exclusive)
			return ERR_BAD(e, "%s", values[i].twice);
		*to = *v;
	}
	return 0;
}

/* The kind of that name that lies where `k` does. */
static const struct kind *kind_of(const struct kind *k, const char *name)
{
	const char *dir = k->dir;
	for (; k < kinds + sizeof kinds / sizeof *kinds && str_eq(k->dir, dir); k++)
		if (str_eq(k->name, name))
			return k;
	return NULL;
}

static int decode(const struct kind *k, const char *dir, const char *name, const struct str *bytes,
	struct arena *a, struct config *ret, struct err *e)
{
	struct json *v;
	int r = json_parse(str_text(bytes), bytes->len, a, &v, e);
	if (r < 0)
		return r;
	struct jctx c = { .arena = a, .err = e };
	struct header h = { 0 };
	r = jdec_object(&c, v, NULL, header_fields, J_UNKNOWN_IGNORED, &h);
	if (r < 0)
		return r;
	if (str_empty(h.kind))
		return ERR_BAD(e, "no rktKind specified");
	if (str_empty(h.version))
		return ERR_BAD(e, "no rktVersion specified");
	const struct kind *expected = k;
	k = kind_of(expected, h.kind);
	if (!k)
		return ERR_BAD(e,
			"the configuration directory \"%s/%s\" expects to have configuration files "
			"of kinds \"%s\", but \"%s\" has kind of \"%s\"",
			dir, expected->dir, expected->name, name, h.kind);
	if (strcmp(h.version, "v1") != 0)
		return ERR_BAD(e,
			"no parser available for configuration of kind \"%s\" and version \"%s\"",
			h.kind, h.version);
	struct config_file found = { 0 };
	r = jdec_object(&c, v, NULL, k->fields, J_UNKNOWN_IGNORED, &found);
	if (r >= 0)
		r = k->check(&found, a, e);
	return r < 0 ? r : merge(ret, &found.config, true, a, e);
}

static bool is_regular(int dirfd, const struct dirent *ent)
{
	struct stat st;
	if (ent->d_type != DT_UNKNOWN)
		return ent->d_type == DT_REG;
	return fstatat(dirfd, ent->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Credentials are root's, or of whoever may read them. Who may not, goes without. */
static bool is_for_us(int dirfd, const char *name)
{
	if (geteuid() == 0 || faccessat(dirfd, name, R_OK, AT_EACCESS) == 0 || errno != EACCES)
		return true;
	dbg("config: '%s' is for others", name);
	return false;
}

static int load_kind(int base, const char *dir, const struct kind *k, struct arena *a,
	struct config *ret, struct err *e)
{
	int fd = openat(base, k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || (errno == EACCES && k->secret && geteuid() != 0)))
		return 0;
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = ERR_SYS(e, "open '%s/%s'", dir, k->dir);
		fd_close(fd);
		return r;
	}
	errno = 0;
	for (struct dirent *ent; (ent = readdir(d)); errno = 0) {
		if (!str_ends(ent->d_name, ".json") || !is_regular(fd, ent) ||
			(k->secret && !is_for_us(fd, ent->d_name)))
			continue;
		_clean_(str) struct str bytes = STR_INIT(CONFIG_FILE_MAX);
		int r = io_read_file(fd, ent->d_name, &bytes, e);
		if (r >= 0)
			r = decode(k, dir, ent->d_name, &bytes, a, ret, e);
		if (r < 0)
			return err_wrap(
				e, r, "failed to parse \"%s/%s/%s\"", dir, k->dir, ent->d_name);
	}
	return errno ? ERR_SYS(e, "read '%s/%s'", dir, k->dir) : 0;
}

static int load_dir(const char *dir, struct arena *a, struct config *ret, struct err *e)
{
	struct config own = { 0 };
	if (str_empty(dir))
		return 0;
	_clean_(fd) int base = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "open configuration directory '%s'", dir);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (i && str_eq(kinds[i].dir, kinds[i - 1].dir))
			continue;
		int r = load_kind(base, dir, &kinds[i], a, &own, e);
		if (r < 0)
			return r;
	}
	return merge(ret, &own, false, a, e);
}

int config_load(const char *vendor, const char *local, const char *user, struct arena *a,
	struct config *ret, struct err *e)
{
	const char *const dirs[] = { vendor, local, user };
	struct config c = { 0 };
	for (size_t i = 0; i < 3; i++) {
		int r = load_dir(dirs[i], a, &c, e);
		if (r < 0)
			return r;
	}
	*ret = c;
	return 0;
}

static void member(struct jenc *j, const char *key, const char *value)
{
	jenc_key(j, key);
	jenc_string(j, value ? value : "");
}

void config_encode(const struct config *c, bool pretty, struct str *out)
{
	struct jenc j = JENC_INIT(out, pretty);
	jenc_open(&j, '{');
	jenc_key(&j, "stage0");
	jenc_open(&j, '[');
	auths_encode(&j, c);
	jenc_open(&j, '{');
	member(&j, "rktVersion", "v1");
	member(&j, "rktKind", "paths");
	member(&j, "data", c->data);
	member(&j, "stage1-images", c->stage1_images);
	jenc_close(&j, '}');
	if (c->private_users) {
		jenc_open(&j, '{');
		member(&j, "rktVersion", "v1");
		member(&j, "rktKind", "pods");
		jenc_key(&j, "privateUsers");
		jenc_bool(&j, str_eq(c->private_users, "true"));
		jenc_close(&j, '}');
	}
	jenc_open(&j, '{');
	member(&j, "rktVersion", "v1");
	member(&j, "rktKind", "stage1");
	member(&j, "name", c->stage1_name);
	member(&j, "version", c->stage1_version);
	member(&j, "location", c->stage1_location);
	jenc_close(&j, '}');
	if (c->policy) {
		jenc_open(&j, '{');
		member(&j, "rktVersion", "v1");
		member(&j, "rktKind", "trust");
		member(&j, "policy", c->policy);
		jenc_close(&j, '}');
	}
	jenc_close(&j, ']');
	jenc_close(&j, '}');
}
