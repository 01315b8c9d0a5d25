/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/session.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"

#define DATA_DIR "/var/lib/rkt"

/* Whoever is not root may only be told to become it: the directories are root's. */
static int explain_denial(int r, struct err *e)
{
	if (r != -EACCES || geteuid() == 0)
		return r;
	return err_wrap(e, r, "cannot be done as unprivileged user, only as root");
}

int session_open(struct session *s, struct cli *cli, unsigned needs, struct err *e)
{
	s->cli = cli;
	int r = config_load(cli->system_config, cli->local_config, cli->user_config, &cli->arena,
		&s->config, e);
	if (r < 0)
		return r;
	s->data_dir = cli->dir ? cli->dir : s->config.data ? s->config.data : DATA_DIR;
	if (*s->data_dir != '/') { /* pods outlive our working directory */
		char cwd[PATH_MAX];
		if (!getcwd(cwd, sizeof cwd))
			return ERR_SYS(e, "getcwd");
		s->data_dir = arena_printf(&cli->arena, "%s/%s", cwd, s->data_dir);
	}
	if (needs & WITH_STORE) {
		r = store_open(&s->store, s->data_dir, e);
		if (r < 0)
			return explain_denial(r, e);
		s->has_store = true;
	}
	if (needs & (WITH_PODS | CREATE_PODS)) {
		r = pods_open(&s->pods, s->data_dir, needs & CREATE_PODS, e);
		if (r < 0)
			return explain_denial(r, e);
		s->has_pods = true;
	}
	return 0;
}

void session_close(struct session *s)
{
	if (s->has_pods)
		pods_close(&s->pods);
	if (s->has_store)
		store_close(&s->store);
	*s = SESSION_INIT;
}

static bool is_regular_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The path that `ref` means, or NULL when it is a name. */
static const char *as_path(const char *ref)
{
	const char *after = str_after(ref, "file://");
	if (after)
		return after;
	if (*ref == '/' || is_regular_file(ref))
		return ref;
	if (strchr(ref, ':'))
		return NULL;
	if (strstr(ref, "./") || str_ends(ref, ".aci"))
		return ref;
	return NULL;
}

static int refuse_remote(const char *ref, struct err *e)
{
	static const char *const schemes[] = { "http://", "https://", "docker:", "cimd:" };
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (str_after(ref, schemes[i]))
			return ERR_BAD(e,
				"unable to fetch image \"%s\": images come from files: download it "
				"first",
				ref);
	return 0;
}

static int import(struct session *s, const char *path, struct image *ret, struct err *e)
{
	if (!(s->cli->insecure & INSECURE_IMAGE))
		return ERR_DENY(
			e, "nobody who is trusted signed it; --insecure-options=image accepts it");
	if (geteuid() != 0)
		return ERR_DENY(e, "cannot be unpacked as unprivileged user, only as root");
	_clean_(fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "fstat");
	if (!S_ISREG(st.st_mode))
		return ERR_BAD(e, "not a regular file");
	_clean_(mem) char *absolute = realpath(path, NULL);
	struct arena *a = &s->cli->arena;
	struct import_options o = { .insecure = true };
	const char *source = absolute ? absolute : path;
	if (utf8_valid(source)) /* else it cannot be written down, and is no more than a hint */
		o.source = arena_printf(a, "file://%s", source);
	const char *id;
	int r = store_import(&s->store, fd, &o, a, &id, e);
	if (r < 0)
		return r;
	return store_get(&s->store, id, a, ret, e);
}

static int import_path(struct session *s, const char *path, struct image *ret, struct err *e)
{
	dbg("image: using image from file %s", path);
	int r = import(s, path, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", path) : r;
}

int session_stored(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	int r = store_resolve(&s->store, ref, &s->cli->arena, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : r;
}

int session_image(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	if (str_after(ref, "sha512-")) {
		dbg("image: using image from the store with hash %s", ref);
		return session_stored(s, ref, ret, e);
	}
	int r = refuse_remote(ref, e);
	if (r < 0)
		return r;
	const char *path = as_path(ref);
	if (path)
		return import_path(s, path, ret, e);
	r = store_resolve(&s->store, ref, &s->cli->arena, ret, e);
	if (r == -ENOENT)
		return ERR_NOENT(e,
			"image '%s': no image of that name in the store: fetch it from a file, "
			"rkt fetch FILE",
			ref);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	/* "update": what was imported from a file that is still there is read from it again. */
	const char *origin = ret->source ? str_after(ret->source, "file://") : NULL;
	if (str_eq(s->cli->pull_policy, "update") && origin && is_regular_file(origin))
		return import_path(s, origin, ret, e);
	dbg("image: using image from local store for image name %s", ref);
	return 0;
}

int session_uuids(struct session *s, struct strlist *ret, struct err *e)
{
	struct cli *cli = s->cli;
	if (!cli->uuid_file) {
		*ret = cli->args;
		return 0;
	}
	char line[64];
	int r = io_read_line(AT_FDCWD, cli->uuid_file, line, sizeof line, e);
	if (r == -ENOENT)
		r = ERR_NUM(e, ENOENT, "open '%s'", cli->uuid_file);
	if (r < 0) {
		if (cli->cmd->flags & SOFT_ERRORS)
			cli->error_status = EXIT_SOFT;
		return err_wrap(e, r, "unable to resolve UUID from file");
	}
	strlist_add(&cli->arena, ret, line);
	return 0;
}

int session_pod(struct session *s, struct pod *ret, struct err *e)
{
	struct strlist uuids = { 0 };
	int r = session_uuids(s, &uuids, e);
	if (r < 0)
		return r;
	return pod_get(&s->pods, uuids.v[0], ret, e);
}

const char *id_text(struct arena *a, const char *id, int digits)
{
	return arena_printf(a, "%.*s", (int)strlen("sha512-") + digits, id);
}
