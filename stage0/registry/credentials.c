/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/credentials.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage0/registry/authfile.h"
#include "stage0/registry/helper.h"

/* --- auth.d ----------------------------------------------------------------------------------- */

static const struct auth *docker_auth(const struct auths *auths, const char *registry)
{
	for (size_t i = 0; auths && i < auths->n; i++)
		if (registry_same(auths->v[i].domain, registry))
			return &auths->v[i];
	return NULL;
}

static bool from_config(const char *registry, const struct auths *docker_auths,
	const struct auths *auths, struct credential *ret)
{
	const struct auth *docker = docker_auth(docker_auths, registry);
	const struct auth *plain = auths ? auth_for(auths, registry) : NULL;
	if (docker)
		*ret = (struct credential){ .user = docker->user,
			.password = docker->password,
			.from = "a dockerAuth file in auth.d" };
	else if (plain && plain->token)
		*ret = (struct credential){ .token = plain->token,
			.from = "an auth file in auth.d" };
	else if (plain && plain->user)
		*ret = (struct credential){ .user = plain->user,
			.password = plain->password,
			.from = "an auth file in auth.d" };
	return ret->from;
}

/* --- files of docker and podman --------------------------------------------------------------- */

/* One file: in the first variable that is set, or below the second, or in the last resort. */
static const struct place {
	const char *variable, *name;
	const char *fallback, *fallback_name; /* without `variable` */
	bool must_exist;		      /* when `variable` is set */
} places[] = {
	{ "REGISTRY_AUTH_FILE", "", NULL, NULL, true },
	{ "XDG_RUNTIME_DIR", "/containers/auth.json", NULL, NULL, false },
	{ "XDG_CONFIG_HOME", "/containers/auth.json", "HOME", "/.config/containers/auth.json",
		false },
	{ "DOCKER_CONFIG", "/config.json", "HOME", "/.docker/config.json", false },
};

static const char *path_of(const struct place *p, struct arena *a)
{
	const char *v = getenv(p->variable);
	if (!str_empty(v))
		return arena_printf(a, "%s%s", v, p->name);
	if (str_eq(p->variable, "XDG_RUNTIME_DIR")) /* where podman has it then */
		return arena_printf(
			a, "/run/containers/%u%s", getuid(), p->name + strlen("/containers"));
	const char *home = p->fallback ? getenv(p->fallback) : NULL;
	return str_empty(home) ? NULL : arena_printf(a, "%s%s", home, p->fallback_name);
}

/* -ENOENT: there is none. */
static int read_file(const char *path, struct str *text, struct err *e)
{
	_clean_(fd) int fd = io_open_regular(path, e);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -EACCES ? -ENOENT : fd;
	return io_read_regular(fd, path, text, e);
}

static int from_file(const struct place *p, const char *registry, const char *repository,
	struct arena *a, struct credential *ret, struct err *e)
{
	const char *path = path_of(p, a);
	if (!path)
		return 0;
	_clean_(secret) struct str text = STR_INIT(AUTHFILE_MAX);
	int r = read_file(path, &text, e);
	if (r == -ENOENT && p->must_exist && getenv(p->variable))
		r = err_wrap(e, r, "%s", p->variable);
	else if (r == -ENOENT)
		r = 0;
	else if (r >= 0) {
		const struct authfile_find f = { path, registry, repository, helper_get };
		dbg("login: looking for '%s' in '%s'", registry, path);
		r = authfile_read(&f, str_text(&text), text.len, a, ret, e);
	}
	return r;
}

int credentials_find(const char *registry, const char *repository, const struct auths *docker_auths,
	const struct auths *auths, struct arena *a, struct credential *ret, struct err *e)
{
	struct credential found = { 0 };
	int r = 0;
	bool done = from_config(registry, docker_auths, auths, &found);
	for (size_t i = 0; !done && i < sizeof places / sizeof *places; i++) {
		r = from_file(&places[i], registry, repository, a, &found, e);
		done = r < 0 || found.from;
	}
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}

void credential_basic(const struct credential *c, struct str *header)
{
	_clean_(secret) struct str pair = STR_INIT(STR_MAX_LINE);
	str_addf(&pair, "%s:%s", c->user, c->password);
	str_add(header, "Basic ");
	base64_encode(header, str_text(&pair), pair.len);
	header->overflow = header->overflow || !str_ok(&pair);
}
