/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/load.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/uuid.h"
#include "lib/fs/io.h"

enum { HOSTNAME_MAX = 64 };

/* A name that is written to /etc/hosts and shown by prompts: letters, digits, '-', '_' and '.'. */
static bool hostname_valid(const char *s)
{
	size_t n = strlen(s);
	if (n == 0 || n > HOSTNAME_MAX || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-_.", *s))
			return false;
	return true;
}

/* The app object of an image, for an app that the pod manifest does not spell out. */
static int load_image_app(struct stage1_pod *p, const char *name, struct app **ret, struct err *e)
{
	char path[NAME_MAX * 3];
	int n = snprintf(path, sizeof path, POD_APPSINFO_DIR "/%s/manifest", name);
	if (n < 0 || (size_t)n >= sizeof path)
		return ERR_NUM(e, ENAMETOOLONG, "name");
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int r = io_read_file(p->dirfd, path, &bytes, e);
	if (r < 0)
		return r;
	struct image_manifest *image;
	r = image_manifest_decode(str_text(&bytes), bytes.len, &p->arena, &image, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	if (!image->app)
		return ERR_BAD(
			e, "neither the pod's manifest nor the image's says what to execute");
	*ret = image->app;
	return 0;
}

/* Names become parts of paths below the pod's directory. */
static int check_name(const struct pod_manifest *m, size_t i, struct err *e)
{
	const char *name = m->apps[i].name;
	if (!ac_name_valid(name))
		return ERR_BAD(e, "pod manifest: '%s' is not a valid app name", name);
	for (size_t k = 0; k < i; k++)
		if (app_names_clash(m->apps[k].name, name))
			return ERR_BAD(e,
				"pod manifest: apps '%s' and '%s' would share a status file",
				m->apps[k].name, name);
	return 0;
}

static int load_manifest(struct stage1_pod *p, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int r = io_read_file(p->dirfd, POD_MANIFEST_FILE, &bytes, e);
	if (r < 0)
		return r;
	r = pod_manifest_decode(str_text(&bytes), bytes.len, &p->arena, &p->manifest, e);
	if (r < 0)
		return r;
	if (p->manifest->n_apps == 0)
		return ERR_BAD(e, "pod must contain at least one application");
	for (size_t i = 0; i < p->manifest->n_apps; i++) {
		struct runtime_app *app = &p->manifest->apps[i];
		if ((r = check_name(p->manifest, i, e)) < 0)
			return r;
		if (!app->app)
			r = load_image_app(p, app->name, &app->app, e);
		if (r < 0)
			return err_wrap(e, r, "app '%s'", app->name);
	}
	return 0;
}

/* TERM of whoever sits at the terminal: for interactive apps, and for `enter` from a terminal. */
static const char *terminal_type(const struct stage1_run *run, unsigned flags)
{
	const char *term = getenv("TERM");
	if (!(run->interactive || ((flags & STAGE1_LOOK) && isatty(STDIN_FILENO))))
		return NULL;
	return term && *term && strlen(term) < 64 ? term : NULL;
}

static int load_facts(
	const struct stage1_run *run, unsigned flags, struct stage1_pod *p, struct err *e)
{
	char cwd[PATH_MAX];
	if (!getcwd(cwd, sizeof cwd))
		return ERR_SYS(e, "path of the pod's directory");
	if (cwd[0] != '/') /* "(unreachable)…" */
		return ERR_BAD(e, "the pod's directory is not below the root directory");
	if (str_empty(run->uuid) || !uuid_valid(run->uuid))
		return ERR_BAD(e, "UUID is missing or malformed");
	if (run->hostname && !hostname_valid(run->hostname))
		return ERR_BAD(e, "'%s' is not a host name", run->hostname);
	struct arena *a = &p->arena;
	struct id_range users = { 0 };
	if (run->private_users && !id_range_parse(run->private_users, &users))
		return ERR_BAD(e, "'%s' is no range of users", run->private_users);
	p->facts = (struct app_facts){
		.users = users,
		.uuid = arena_strdup(a, run->uuid),
		.hostname = run->hostname ? arena_strdup(a, run->hostname)
					  : arena_printf(a, "rkt-%s", run->uuid),
		.host_network = (flags & STAGE1_BARE) || str_eq(run->net, "host"),
		.host_ipc = (flags & STAGE1_BARE) || str_eq(run->ipc, "parent"),
		.bare = flags & STAGE1_BARE,
		.interactive = run->interactive,
		.disable_caps = run->disable_capabilities_restriction,
		.disable_paths = run->disable_paths,
		.disable_seccomp = run->disable_seccomp,
		.term = terminal_type(run, flags),
		.shm_dir =
			flags & STAGE1_SHM
				? arena_printf(a, "%s/" POD_STAGE1_ROOTFS "/" STAGE1_SHM_DIR, cwd)
				: NULL,
		.volumes_dir = arena_printf(a, "%s/" POD_VOLUMES_DIR, cwd),
		.images_dir = arena_printf(a, "%s/" POD_IMAGE_VOLUMES_DIR, cwd),
	};
	return 0;
}

static int load_shm_size(struct stage1_pod *p, struct err *e)
{
	const char *size = nv_get(&p->manifest->annotations, POD_ANNOTATION_SHM_SIZE);
	uint64_t bytes;
	if (!size)
		return 0;
	if (!parse_u64(size, 1, INT64_MAX, &bytes))
		return ERR_BAD(e,
			"pod manifest: annotation '" POD_ANNOTATION_SHM_SIZE
			"': '%.32s' is not a number of bytes",
			size);
	p->facts.shm_size = size;
	return 0;
}

static int load(const struct stage1_run *run, unsigned flags, struct stage1_pod *p, struct err *e)
{
	int r = 0;
	p->dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dirfd < 0)
		return ERR_SYS(e, "open the pod's directory");
	if (!(flags & STAGE1_LOOK))
		r = stage1_lock_fd(&p->lock_fd, e);
	if (r < 0 || (r = load_facts(run, flags, p, e)) < 0 || (r = load_manifest(p, e)) < 0)
		return r;
	if ((r = load_shm_size(p, e)) < 0)
		return r;
	pod_shared_sources(p->manifest, &p->arena, &p->shared);
	if (p->manifest->n_apps == 1) /* alone in its pod: nobody to share it with */
		p->facts.shm_dir = NULL;
	if (!(flags & STAGE1_LOOK) && (r = stage1_write_etc(run, p, e)) < 0)
		return r;
	r = pod_plan(p->manifest, &p->facts, &p->arena, &p->plan, e);
	if (r < 0)
		return r;
	p->plans = ARENA_ARRAY(&p->arena, struct app_plan, p->manifest->n_apps);
	for (size_t i = 0; i < p->manifest->n_apps; i++) {
		const struct runtime_app *app = &p->manifest->apps[i];
		r = app_plan(p->manifest, app, &p->facts, &p->arena, &p->plans[i], e);
		if (r < 0)
			return err_wrap(e, r, "app '%s'", app->name);
	}
	return stage1_foresee(p, e);
}

int stage1_load(const struct stage1_run *run, unsigned flags, struct stage1_pod *ret, struct err *e)
{
	/* In its place: the reports of the plans go on allocating from its arena. */
	*ret = (struct stage1_pod){ .dirfd = -1, .lock_fd = -1 };
	int r = load(run, flags, ret, e);
	if (r >= 0)
		return 0;
	ret->lock_fd = -1; /* it stays the caller's while there is no pod */
	stage1_pod_release(ret);
	*ret = (struct stage1_pod){ .dirfd = -1, .lock_fd = -1 };
	return r;
}

void stage1_pod_release(struct stage1_pod *p)
{
	for (size_t i = 0; p->plans && i < p->manifest->n_apps; i++)
		app_plan_release(&p->plans[i]);
	p->plans = NULL;
	p->manifest = NULL;
	arena_release(&p->arena);
	p->dirfd = fd_close(p->dirfd);
	p->lock_fd = fd_close(p->lock_fd);
}

int stage1_recover_run(
	const struct proc *p, struct strv *argv, struct stage1_run *ret, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_LINE);
	int r = io_read_file(p->dirfd, "cmdline", &bytes, e);
	if (r < 0 && r != -ESRCH && r != -ENOENT)
		return r;
	if (bytes.len == 0 || bytes.buf[bytes.len - 1] != '\0')
		return err_set(e, ERR_PEER, ESRCH, "process %d of the pod has ended", (int)p->pid);
	for (size_t at = 0; at < bytes.len; at += strlen(bytes.buf + at) + 1)
		strv_add(argv, bytes.buf + at);
	r = stage1_run_decode((int)argv->n, argv->v, ret, e);
	return r < 0 ? err_wrap(e, r, "arguments of process %d", (int)p->pid) : 0;
}
