/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps of stage0: a mount namespace, the mounts, and exec of stage1's `run` in our place.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/sys/compat.h"
#include "lib/sys/proc.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/mounts.h"
#include "stage0/pod/users.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* --- shared with enter, stop and gc -------------------------------------------------------- */

int pod_read_manifest(
	struct pod *p, struct arena *a, const struct pod_manifest **ret, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	struct pod_manifest *m;
	int r = io_read_file(p->dirfd, POD_MANIFEST_FILE, &bytes, e);
	if (r < 0)
		return err_wrap(e, r, "pod manifest");
	r = pod_manifest_decode(str_text(&bytes), bytes.len, a, &m, e);
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}

int pod_stage1_load(struct pod *p, struct pod_stage1 *ret, struct err *e)
{
	char id[160];
	struct image_manifest *m;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int r = io_read_line(p->dirfd, POD_STAGE1_TREE_ID, id, sizeof id, e);
	if (r >= 0 && !image_id_valid(id))
		r = ERR_BAD(e, "'" POD_STAGE1_TREE_ID "' holds no image id");
	if (r >= 0)
		r = io_read_file(p->dirfd, POD_STAGE1_MANIFEST, &bytes, e);
	if (r >= 0)
		r = image_manifest_decode(str_text(&bytes), bytes.len, &ret->arena, &m, e);
	if (r >= 0)
		r = stage1_interface(m, &ret->interface, e);
	if (r < 0)
		return err_wrap(e, r, "stage1");
	ret->id = arena_strdup(&ret->arena, id);
	ret->manifest = m;
	ret->no_overlay = faccessat(p->dirfd, POD_NO_OVERLAY_FILE, F_OK, 0) == 0;
	return 0;
}

int stage1_program(const char *entry, char **ret, struct err *e)
{
	char link[32], path[PATH_MAX];
	_clean_(fd) int root = open(POD_STAGE1_ROOTFS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(e, "open '" POD_STAGE1_ROOTFS "'");
	_clean_(fd) int fd = path_open_in(root, entry, O_PATH, 0, e);
	if (fd < 0)
		return err_wrap(e, fd, "stage1");
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return ERR_SYS(e, "stage1: path of '%s' in /proc, which must be mounted", entry);
	path[n] = '\0';
	*ret = xstrdup(path);
	return 0;
}

bool stage1_writable(const struct pod_stage1 *st)
{
	return st->no_overlay || !stage1_read_only(st->manifest);
}

void close_on_exec_all(void)
{
	if (sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	int max = (int)sysconf(_SC_OPEN_MAX);
	for (int fd = 3; fd < max && fd < 65536; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* --- run ----------------------------------------------------------------------------------- */

struct launch {
	struct pod *pod;
	struct store *store;
	const struct launch_options *o;
	struct pod_stage1 stage1;
	struct arena arena;
	const struct pod_manifest *manifest;
	struct mount_users users;
	struct err *e;
};

static int load(struct launch *c)
{
	int r;
	if (c->o->stage1) {
		c->stage1.id = c->o->stage1->id;
		c->stage1.manifest = c->o->stage1->manifest;
		c->stage1.no_overlay = faccessat(c->pod->dirfd, POD_NO_OVERLAY_FILE, F_OK, 0) == 0;
		r = stage1_interface(c->stage1.manifest, &c->stage1.interface, c->e);
	} else {
		r = pod_stage1_load(c->pod, &c->stage1, c->e);
	}
	c->manifest = c->o->manifest;
	if (c->o->users)
		c->users.range = *c->o->users;
	else if (r >= 0 && !c->manifest) /* prepared by another process */
		r = pod_users_load(c->pod, &c->users.range, c->e);
	if (r >= 0 && !c->manifest)
		r = pod_read_manifest(c->pod, &c->arena, &c->manifest, c->e);
	return r;
}

/* The reference is not kept: the pod's own files keep the tree. */
static int tree_path(struct launch *c, const char *id, const char **ret)
{
	struct treeref t;
	int r = store_tree(c->store, id, &t, c->e);
	if (r < 0)
		return r;
	*ret = arena_strdup(&c->arena, t.path);
	treeref_release(&t);
	return 0;
}

int pod_app_tree(struct pod *p, const struct runtime_app *app, struct arena *a, const char **ret,
	struct err *e)
{
	char path[1024], line[160];
	snprintf(path, sizeof path, POD_APPSINFO_DIR "/%s/" POD_TREE_ID_FILE, app->name);
	int r = io_read_line(p->dirfd, path, line, sizeof line, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	*ret = arena_strdup(a, line);
	return 0;
}

static int mount_apps(struct launch *c, int apps)
{
	for (size_t i = 0; i < c->manifest->n_apps; i++) {
		const struct runtime_app *app = &c->manifest->apps[i];
		struct treeref tree;
		if (!ac_name_valid(app->name))
			return ERR_BAD(c->e, "'%s' is not a valid app name", app->name);
		const char *name = app->image.id;
		int r = 0;
		if (!c->o->manifest)
			r = pod_app_tree(c->pod, app, &c->arena, &name, c->e);
		else if (c->o->trees && c->o->trees[i])
			name = c->o->trees[i];
		if (r >= 0)
			r = store_tree(c->store, name, &tree, c->e);
		if (r < 0)
			return err_wrap(c->e, r, "app '%s'", app->name);
		/* The reference is not kept: the pod's own files keep the tree. */
		r = mounts_app(apps, app->name, &tree, &c->users, c->e);
		treeref_release(&tree);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The files of the dns modes "stage0", where our stage1 looks for them and, where that can be
 * written to, where rkt's does. */
static int write_dns(struct launch *c, int root)
{
	const struct {
		const char *name, *text;
	} files[] = { { STAGE1_STAGE0_RESOLV, c->o->resolv_text },
		{ STAGE1_STAGE0_HOSTS, c->o->hosts_text } };
	static const char *const dirs[] = { STAGE1_ETC_DIR, "etc" };
	bool read_only = stage1_read_only(c->stage1.manifest);
	for (size_t i = 0; i < 4; i++) {
		const char *text = files[i / 2].text, *name = files[i / 2].name;
		if (!text || (i % 2 && read_only))
			continue;
		_clean_(fd) int dir = path_mkdir_in(root, dirs[i % 2], 0700, c->e);
		int r = dir;
		if (r >= 0)
			r = atomic_write(dir, name, text, strlen(text), 0644, ATOMIC_VISIBLE, c->e);
		if (r < 0)
			return err_wrap(c->e, r, "stage1: '%s/%s'", dirs[i % 2], name);
	}
	return 0;
}

static int mount_image_volumes(struct launch *c)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < c->manifest->n_volumes; i++) {
		const struct volume *v = &c->manifest->volumes[i];
		struct treeref tree = TREEREF_INIT;
		if (v->kind != VOLUME_IMAGE)
			continue;
		r = store_tree(c->store, v->source, &tree, c->e);
		/* Without overlays what has layers was copied. */
		const bool copied = c->stage1.no_overlay && tree.n_layers > 1;
		if (r >= 0)
			r = mounts_image_volume(v->name, copied ? NULL : &tree, &c->users, c->e);
		if (r >= 0)
			treeref_release(&tree);
		if (r < 0)
			err_wrap(c->e, r, "volume '%s'", v->name);
	}
	return r;
}

/* Trees that are copies: only their users may have to be others. */
static int mount_copies(struct launch *c)
{
	_clean_(fd) int root =
		open(POD_STAGE1_ROOTFS, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(c->e, "open '%s'", POD_STAGE1_ROOTFS);
	if (c->users.range.count) {
		_clean_(fd) int apps =
			path_open_in(root, STAGE1_APPS_DIR, O_PATH | O_DIRECTORY, 0, c->e);
		int r = apps < 0 ? apps : 0;
		for (size_t i = 0; r >= 0 && i < c->manifest->n_apps; i++) {
			const char *name = c->manifest->apps[i].name;
			if (!ac_name_valid(name))
				return ERR_BAD(c->e, "'%s' is not a valid app name", name);
			r = mounts_app_copy(apps, name, &c->users, c->e);
		}
		if (r < 0)
			return r;
	}
	return write_dns(c, root);
}

static int mount_all(struct launch *c)
{
	const char *tree;
	int r = c->users.range.count ? mounts_users(&c->users, c->e) : 0;
	if (r >= 0)
		r = mount_image_volumes(c);
	if (r < 0)
		return r;
	_clean_(fd) int root = -1;
	_clean_(fd) int apps = -1;
	if (c->stage1.no_overlay)
		return mount_copies(c);
	r = tree_path(c, c->stage1.id, &tree);
	if (r < 0)
		return err_wrap(c->e, r, "stage1");
	r = mounts_stage1(tree, stage1_read_only(c->stage1.manifest), &root, &apps, c->e);
	if (r >= 0)
		r = mount_apps(c, apps);
	return r < 0 ? r : write_dns(c, root);
}

/* What prepare recorded and what is asked for now: each only adds. */
static int insecure(struct launch *c, struct stage1_run *run)
{
	char text[64];
	struct err none;
	bool fresh = c->o->manifest != NULL; /* prepared by this very process, with the same */
	run->disable_capabilities_restriction = c->o->disable_caps;
	run->disable_paths = c->o->disable_paths;
	run->disable_seccomp = c->o->disable_seccomp;
	if (fresh)
		return 0;
	if (io_read_line(c->pod->dirfd, POD_INSECURE_FILE, text, sizeof text, &none) >= 0) {
		run->disable_capabilities_restriction |= strstr(text, "capabilities") != NULL;
		run->disable_paths |= strstr(text, "paths") != NULL;
		run->disable_seccomp |= strstr(text, "seccomp") != NULL;
	}
	return pod_write_insecure(c->pod, run->disable_capabilities_restriction, run->disable_paths,
		run->disable_seccomp, c->e);
}

static int encode(struct launch *c, const char *entry, struct strv *args)
{
	char users[ID_RANGE_TEXT];
	id_range_print(&c->users.range, users);
	const struct launch_options *o = c->o;
	struct stage1_run run = { .interface = c->stage1.interface,
		.debug = o->debug,
		.net = o->net,
		.mds_token = o->mds_token,
		.interactive = o->interactive,
		.local_config = o->local_config,
		.hostname = o->hostname,
		.dns_resolv = o->dns_resolv,
		.dns_hosts = o->dns_hosts,
		.ipc = o->ipc,
		.private_users = c->users.range.count ? users : NULL,
		.uuid = c->pod->uuid.text };
	int r = insecure(c, &run);
	if (r < 0)
		return r;
	strv_addf(args, POD_STAGE1_ROOTFS "%s", entry);
	return stage1_run_encode(&run, args, c->e);
}

/* Programs name themselves by argv[0]; only ENOENT and ENOEXEC need more words. */
int stage1_exec(const char *program, const struct strv *args, struct err *e)
{
	execv(program, args->v);
	int num = errno;
	if (num == ENOENT)
		return ERR_NUM(e, num, "execute stage1's '%s' or its interpreter", program);
	return ERR_NUM(e, num, "execute stage1's '%s'", program);
}

/* In a mount namespace of our own, in the pod's directory. Returns only on failure. */
static int start(struct launch *c, const char *entry, const struct strv *args)
{
	_clean_(mem) char *program = NULL;
	bool cover = stage1_writable(&c->stage1);
	int r = mount_all(c);
	if (r >= 0 && c->users.range.count)
		r = mounts_users_announce(&c->users, c->e);
	if (r >= 0)
		r = stage1_program(entry, &program, c->e);
	if (r >= 0 && cover)
		r = mounts_program(program, c->e);
	if (r < 0)
		return r;
	mounts_users_release(&c->users);
	close_on_exec_all();
	char lock[16];
	snprintf(lock, sizeof lock, "%d", c->pod->lock_fd);
	if (fcntl(c->pod->lock_fd, F_SETFD, 0) < 0 || setenv(ENV_LOCK_FD, lock, 1) < 0)
		return ERR_SYS(c->e, "hand the lock over");
	if (dbg_enabled())
		for (size_t i = 0; i < args->n; i++)
			dbg("stage1 argv[%zu]: %s", i, args->v[i]);
	r = stage1_exec(program, args, c->e);
	if (cover)
		mounts_program_leave(program);
	return r;
}

static int enter_mounts(struct launch *c)
{
	struct strlist shared = { 0 };
	pod_shared_sources(c->manifest, &c->arena, &shared);
	return mounts_enter(c->pod, &shared, c->e);
}

/* It did not come to exec. Mounts over the pod's own directories are in the way of removing it, so
 * the whole namespace is left where there are such. */
static void leave_mounts(struct launch *c, int before)
{
	if (before < 0 || setns(before, CLONE_NEWNS) < 0 || fchdir(c->pod->dirfd) < 0)
		mounts_leave(c->pod);
}

static int launch(struct launch *c)
{
	int r = load(c);
	if (r < 0)
		return r;
	const char *entry = stage1_entry(c->stage1.manifest, "run");
	if (!entry)
		return ERR_BAD(c->e, "stage1 image '%s' has no usable entry point 'run'",
			c->stage1.manifest->name);
	_clean_(strv) struct strv args = STRV_INIT;
	r = encode(c, entry, &args);
	if (r < 0)
		return r;
	_clean_(fd) int before = -1;
	if (c->users.range.count)
		before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	r = enter_mounts(c);
	if (r < 0)
		return r;
	r = start(c, entry, &args);
	leave_mounts(c, before);
	return r;
}

/* In a child, with which its mounts end: everything up to exec. */
static int rehearse(void *ctx, struct err *e)
{
	struct launch *c = ctx;
	c->e = e;
	int r = load(c);
	if (r >= 0)
		r = enter_mounts(c);
	if (r >= 0)
		r = mount_all(c);
	mounts_users_release(&c->users);
	return r;
}

int pod_rehearse(struct pod *p, struct store *s, const struct launch_options *o, struct err *e)
{
	struct launch c = { .pod = p, .store = s, .o = o, .users = MOUNT_USERS_INIT };
	int r = proc_in_child(rehearse, &c, e);
	if (r > 0)
		return err_set(e, ERR_PEER, EPROTO, "trying the mounts ended with status %d", r);
	return r;
}

int pod_launch(struct pod *p, struct store *s, const struct launch_options *o, struct err *e)
{
	BUG_ON(p->lock_fd < 0 || p->phase != POD_RUN);
	struct launch c = { .pod = p, .store = s, .o = o, .users = MOUNT_USERS_INIT, .e = e };
	int r = launch(&c);
	mounts_users_release(&c.users);
	arena_release(&c.stage1.arena);
	arena_release(&c.arena);
	return r;
}
