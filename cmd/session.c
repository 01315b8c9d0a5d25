/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/session.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/docker.h"
#include "cmd/judge.h"
#include "cmd/reference.h"
#include "cmd/remote.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/oci/oci.h"
#include "stage0/registry/registry.h"
#include "stage0/trust/accept.h"

#define DATA_DIR "/var/lib/rkt"

int session_denial(int r, struct err *e)
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
	if ((needs & WITH_STORE) || ((needs & SEE_STORE) && store_exists(s->data_dir))) {
		r = store_open(&s->store, s->data_dir, e);
		if (r < 0)
			return session_denial(r, e);
		s->has_store = true;
	}
	if (needs & (WITH_PODS | CREATE_PODS)) {
		r = pods_open(&s->pods, s->data_dir, needs & CREATE_PODS, e);
		if (r < 0)
			return session_denial(r, e);
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

static bool is_url(const char *ref)
{
	return str_after(ref, "https://") || str_after(ref, "http://");
}

struct keystore session_keystore(const struct session *s)
{
	const struct cli *cli = s->cli;
	return (struct keystore){ { cli->system_config, cli->local_config, cli->user_config } };
}

static int refuse_file(const char *path, struct err *e)
{
	return ERR_DENY(e,
		"image '%s': a file is put into the store by root alone, who needs nobody to "
		"download it",
		path);
}

/* name, labels: what the image must be; NULL when only the file was asked for. */
static int import_path(struct session *s, const char *path, const char *signature, const char *name,
	const struct nvlist *labels, struct image *ret, struct err *e)
{
	if (s->store.member)
		return refuse_file(path, e);
	dbg("image: using image from file %s", path);
	const struct keystore ks = session_keystore(s);
	const struct accept_file file = {
		.path = path,
		.signature = signature,
		.insecure = s->cli->insecure & INSECURE_IMAGE,
		.name = name,
		.labels = labels,
	};
	const char *id;
	int r = accept_image_file(&s->store, &ks, &file, &s->cli->arena, &id, e);
	s->judged |= r >= 0;
	if (r >= 0)
		r = store_get(&s->store, id, &s->cli->arena, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", path) : r;
}

/* oci:, oci-archive:, docker-archive: */
static int import_oci(struct session *s, const char *text, const struct oci_ref *ref,
	const char *signature, struct image *ret, struct err *e)
{
	struct arena *a = &s->cli->arena;
	const char *id;
	if (s->store.member)
		return refuse_file(text, e);
	_clean_(mem) char *absolute = realpath(ref->path, NULL);
	size_t kind = strlen(text) - strlen(strchr(text, ':') + 1);
	struct judge judge = { .s = s, .signature = signature };
	const struct oci_gate gate = judge_gate(&judge);
	const struct import_options o = judge_options(
		&judge, arena_printf(a, "%.*s%s%s%s", (int)kind, text,
				absolute ? absolute : ref->path, *ref->ref ? ":" : "", ref->ref));
	int r = oci_import(&s->store, ref, gate.accept ? &gate : NULL, &o, a, &id, e);
	s->judged |= r >= 0;
	if (r >= 0)
		r = store_get(&s->store, id, a, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", text) : r;
}

int session_stored(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	int r = store_resolve(&s->store, ref, &s->cli->arena, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : r;
}

static int renew(struct session *s, const char *ref, const char *signature,
	const struct dependency *d, const char *policy, struct image *ret, struct err *e)
{
	const char *origin = ret->source ? str_after(ret->source, "file://") : NULL;
	if (!str_eq(policy, "update")) {
		dbg("image: using image from local store for image name %s", ref);
		return 0;
	}
	if (ret->n_layers)
		return 0; /* it came from a layout or an archive, whose name is not this */
	if (!origin)
		return d ? remote_dependency(s, ref, d->size, ret, e)
			 : remote_image_by_name(s, ref, signature, ret, e);
	/* What was imported from a file that is still there is read from it again. */
	if (!is_regular_file(origin))
		return 0;
	struct nvlist labels = { 0 };
	if (ret->version && strchr(ref, ':'))
		nv_set(&s->cli->arena, &labels, "version", ret->version);
	return import_path(s, origin, signature, ret->name, &labels, ret, e);
}

int session_renew(struct session *s, const char *ref, const struct dependency *d,
	const char *policy, struct image *ret, struct err *e)
{
	return renew(s, ref, NULL, d, policy, ret, e);
}

int session_resolve(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	bool insecure = s->cli->insecure & INSECURE_IMAGE;
	return (insecure ? store_resolve : store_resolve_signed)(
		&s->store, ref, &s->cli->arena, ret, e);
}

static int by_name(
	struct session *s, const char *ref, const char *signature, struct image *ret, struct err *e)
{
	const char *policy = pull_policy(s->cli);
	int r = session_resolve(s, ref, ret, e);
	if (r >= 0) {
		r = judge_name(s, ret, e);
		return r < 0 ? r : renew(s, ref, signature, NULL, policy, ret, e);
	}
	if (r != -ENOENT)
		return err_wrap(e, r, "image '%s'", ref);
	if (str_eq(policy, "never"))
		return ERR_NOENT(e,
			"image '%s': no image of that name in the store, and nothing else may be "
			"asked",
			ref);
	return remote_image_by_name(s, ref, signature, ret, e);
}

static int find(
	struct session *s, const char *ref, const char *signature, struct image *ret, struct err *e)
{
	struct oci_ref oci;
	const char *path;
	if (str_after(ref, "sha512-")) {
		dbg("image: using image from the store with hash %s", ref);
		return session_stored(s, ref, ret, e);
	}
	if (is_url(ref))
		return remote_image_by_url(s, ref, signature, ret, e);
	if (registry_is_ref(ref))
		return docker_image(s, ref, signature, ret, e);
	if (oci_ref_parse(ref, &s->cli->arena, &oci))
		return import_oci(s, ref, &oci, signature, ret, e);
	if ((path = as_path(ref)))
		return import_path(s, path, signature, NULL, NULL, ret, e);
	if (strstr(ref, "://"))
		return ERR_BAD(e,
			"image '%s': only https://, http://, file:// and docker:// URLs can be "
			"read",
			ref);
	return by_name(s, ref, signature, ret, e);
}

int session_image(
	struct session *s, const char *ref, const char *signature, struct image *ret, struct err *e)
{
	s->judged = false;
	if (s->cli->insecure & INSECURE_IMAGE)
		signature = NULL; /* nobody looks at any */
	int r = reference_plain(ref, &s->cli->arena, &ref, e);
	if (r >= 0)
		r = find(s, ref, signature, ret, e);
	if (r < 0 || s->judged || !signature)
		return r;
	/* It was here. */
	r = judge_found(s, ret, signature, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : 0;
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
	return session_denial(pod_get(&s->pods, uuids.v[0], ret, e), e);
}

const char *id_text(struct arena *a, const char *id, int digits)
{
	return arena_printf(a, "%.*s", (int)strlen("sha512-") + digits, id);
}
