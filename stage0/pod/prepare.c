/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/users.h"

/* Longer than any path below: names of apps are at most 512 bytes. */
enum { PATH_SIZE = 1024 };

struct prep {
	struct pods *pods;
	struct pod *pod;
	struct store *store;
	const struct pod_manifest *manifest;
	const struct prepare_options *o;
	bool no_overlay;
	struct treeref stage1;
	struct treeref *trees; /* one per app, then one per volume: while these are open nobody
				* removes them */
	struct err *e;
};

static int make_dir_of_mode(struct prep *c, const char *path, mode_t mode)
{
	return mkdirat(c->pod->dirfd, path, mode) < 0 ? ERR_SYS(c->e, "create '%s'", path) : 0;
}

static int make_dir(struct prep *c, const char *path)
{
	return make_dir_of_mode(c, path, 0755);
}

/* Below it lies what apps write, or an image has: setuid programs, too. */
static int make_closed_dir(struct prep *c, const char *path)
{
	return make_dir_of_mode(c, path, 0700);
}

/* For whoever gets into the pod's directory. */
static int write_file(struct prep *c, const char *path, const void *bytes, size_t n)
{
	return io_write_new(c->pod->dirfd, path, bytes, n, 0644, c->e);
}

static int write_line(struct prep *c, const char *path, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%s\n", text);
	BUG_ON(n < 0 || (size_t)n >= sizeof line);
	return write_file(c, path, line, (size_t)n);
}

/* The manifest of an image, as it is in the archive. */
static int write_image_manifest(struct prep *c, const char *id, const char *path)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int r = store_manifest_bytes(c->store, id, &bytes, c->e);
	return r < 0 ? r : write_file(c, path, str_text(&bytes), bytes.len);
}

/* upper becomes the root directory that the app sees: mode and owner are those of the image's. */
static int make_overlay(struct prep *c, const char *dir, const struct treeref *lower)
{
	char path[PATH_SIZE];
	struct stat st;
	if (fstat(lower->rootfs_fd, &st) < 0)
		return ERR_SYS(c->e, "stat '%s'", lower->path);
	snprintf(path, sizeof path, "%s/work", dir);
	int r = make_dir(c, path);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/upper", dir);
	if (mkdirat(c->pod->dirfd, path, st.st_mode & 0777) < 0)
		return ERR_SYS(c->e, "create '%s'", path);
	if ((st.st_uid || st.st_gid) &&
		fchownat(c->pod->dirfd, path, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(c->e, "chown '%s'", path);
	if ((st.st_mode & 07000) && fchmodat(c->pod->dirfd, path, st.st_mode & 07777, 0) < 0)
		return ERR_SYS(c->e, "chmod '%s'", path);
	return 0;
}

static int copy_to(struct prep *c, const struct treeref *from, int to)
{
	int r = to < 0 ? to : treeref_copy(from, to, c->e);
	fd_close(to);
	return err_wrap(c->e, r, "copy '%s'", from->path);
}

/* Where the root of an app comes from. */
static const char *tree_of(const struct prep *c, size_t i)
{
	return c->o->trees && c->o->trees[i] ? c->o->trees[i] : c->manifest->apps[i].image.id;
}

/* --- apps ---------------------------------------------------------------------------------- */

static int prepare_app(struct prep *c, size_t i)
{
	const struct runtime_app *app = &c->manifest->apps[i];
	char dir[PATH_SIZE], path[PATH_SIZE + 32];
	snprintf(dir, sizeof dir, POD_APPSINFO_DIR "/%s", app->name);
	int r = make_dir(c, dir);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/" POD_TREE_ID_FILE, dir);
	r = write_line(c, path, tree_of(c, i));
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/manifest", dir);
	r = write_image_manifest(c, tree_of(c, i), path);
	if (r < 0 || c->no_overlay)
		return r;
	snprintf(dir, sizeof dir, POD_OVERLAY_DIR "/%s", app->name);
	r = make_dir(c, dir);
	return r < 0 ? r : make_overlay(c, dir, &c->trees[i]);
}

static int prepare_apps(struct prep *c)
{
	int r = make_dir(c, POD_APPSINFO_DIR);
	if (r >= 0 && !c->no_overlay)
		r = make_closed_dir(c, POD_OVERLAY_DIR);
	for (size_t i = 0; r >= 0 && i < c->manifest->n_apps; i++) {
		r = err_wrap(c->e, prepare_app(c, i), "app '%s'", c->manifest->apps[i].name);
	}
	return r;
}

/* --- volumes that are images --------------------------------------------------------------- */

static int prepare_volume(struct prep *c, const struct volume *v, const struct treeref *tree)
{
	char dir[PATH_SIZE], path[PATH_SIZE + 32];
	snprintf(dir, sizeof dir, POD_IMAGE_VOLUMES_DIR "/%s", v->name);
	int r = make_dir(c, dir);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/" POD_TREE_ID_FILE, dir);
	r = write_line(c, path, v->source);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/rootfs", dir);
	r = make_dir(c, path);
	if (r < 0 || !c->no_overlay || tree->n_layers <= 1)
		return r;
	int fd = openat(c->pod->dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(c->e, "open '%s'", path) : copy_to(c, tree, fd);
}

static int prepare_volumes(struct prep *c)
{
	bool some = false;
	int r = 0;
	for (size_t i = 0; r >= 0 && i < c->manifest->n_volumes; i++) {
		const struct volume *v = &c->manifest->volumes[i];
		if (v->kind != VOLUME_IMAGE)
			continue;
		if (!some)
			r = make_closed_dir(c, POD_IMAGE_VOLUMES_DIR);
		some = true;
		if (r >= 0)
			r = prepare_volume(c, v, &c->trees[c->manifest->n_apps + i]);
		if (r < 0)
			err_wrap(c->e, r, "volume '%s'", v->name);
	}
	return r;
}

/* --- stage1 -------------------------------------------------------------------------------- */

/* rkt/etc holds files that apps may write to. */
static const struct {
	const char *path;
	mode_t mode;
} reserved_dirs[] = { { "rkt", 0755 }, { STAGE1_STATUS_DIR, 0755 }, { STAGE1_ENV_DIR, 0755 },
	{ STAGE1_ETC_DIR, 0700 }, { "opt", 0755 }, { STAGE1_APPS_DIR, 0755 } };
enum { N_RESERVED = sizeof reserved_dirs / sizeof *reserved_dirs };

/* With overlays stage1/rootfs is a mount point and ours alone: plain paths will do. */
static int prepare_stage1_mounts(struct prep *c)
{
	char path[PATH_SIZE];
	int r = 0;
	for (size_t i = 0; r >= 0 && i < N_RESERVED; i++) {
		snprintf(path, sizeof path, POD_STAGE1_ROOTFS "/%s", reserved_dirs[i].path);
		r = make_dir_of_mode(c, path, reserved_dirs[i].mode);
	}
	for (size_t i = 0; r >= 0 && i < c->manifest->n_apps; i++) {
		const char *app = c->manifest->apps[i].name;
		snprintf(path, sizeof path, POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR "/%s", app);
		r = make_dir(c, path);
		if (r < 0)
			break;
		snprintf(
			path, sizeof path, POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR "/%s/rootfs", app);
		r = make_dir(c, path);
	}
	if (r < 0 || stage1_read_only(c->o->stage1->manifest))
		return r;
	r = make_closed_dir(c, POD_STAGE1_OVERLAY);
	return r < 0 ? r : make_overlay(c, POD_STAGE1_OVERLAY, &c->stage1);
}

/* Without, it is a copy of an image, whose links must not lead us anywhere. */
static int prepare_stage1_copy(struct prep *c)
{
	_clean_(fd) int root =
		openat(c->pod->dirfd, POD_STAGE1_ROOTFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(c->e, "open '" POD_STAGE1_ROOTFS "'");
	int r = copy_to(c, &c->stage1, dup(root));
	for (size_t i = 0; r >= 0 && i < N_RESERVED; i++) {
		int fd = path_mkdir_in(root, reserved_dirs[i].path, reserved_dirs[i].mode, c->e);
		r = fd < 0 ? fd : 0;
		fd_close(fd);
	}
	for (size_t i = 0; r >= 0 && i < c->manifest->n_apps; i++) {
		char path[PATH_SIZE];
		const char *app = c->manifest->apps[i].name;
		snprintf(path, sizeof path, STAGE1_APPS_DIR "/%s/rootfs", app);
		r = copy_to(c, &c->trees[i], path_mkdir_in(root, path, 0755, c->e));
	}
	return r < 0 ? r : write_file(c, POD_NO_OVERLAY_FILE, "", 0);
}

static int prepare_stage1(struct prep *c)
{
	int r = (c->no_overlay ? make_closed_dir : make_dir)(c, POD_STAGE1_DIR);
	if (r >= 0)
		r = make_dir(c, POD_STAGE1_ROOTFS);
	if (r >= 0)
		r = write_line(c, POD_STAGE1_TREE_ID, c->o->stage1->id);
	if (r >= 0)
		r = write_image_manifest(c, c->o->stage1->id, POD_STAGE1_MANIFEST);
	if (r < 0)
		return r;
	return c->no_overlay ? prepare_stage1_copy(c) : prepare_stage1_mounts(c);
}

/* --- the pod ------------------------------------------------------------------------------- */

static int take_volume_trees(struct prep *c)
{
	for (size_t i = 0; i < c->manifest->n_volumes; i++) {
		const struct volume *v = &c->manifest->volumes[i];
		if (v->kind != VOLUME_IMAGE)
			continue;
		/* The name becomes part of paths. */
		if (!ac_name_valid(v->name) || strlen(v->name) > APP_NAME_MAX)
			return ERR_BAD(
				c->e, "'%.300s' is no name for a volume that is an image", v->name);
		int r = store_tree(c->store, v->source, &c->trees[c->manifest->n_apps + i], c->e);
		if (r < 0)
			return err_wrap(c->e, r, "volume '%s'", v->name);
	}
	return 0;
}

static int take_trees(struct prep *c)
{
	int r = store_tree(c->store, c->o->stage1->id, &c->stage1, c->e);
	if (r < 0)
		return err_wrap(c->e, r, "stage1");
	if (c->stage1.n_layers)
		return ERR_BAD(c->e, "stage1: image '%s' has layers: an appc image is wanted",
			c->o->stage1->id);
	for (size_t i = 0; i < c->manifest->n_apps; i++) {
		const struct runtime_app *app = &c->manifest->apps[i];
		/* The name becomes part of paths. */
		if (!ac_name_valid(app->name))
			return ERR_BAD(c->e, "'%s' is not a valid app name", app->name);
		if (strlen(app->name) > APP_NAME_MAX)
			return ERR_BAD(c->e, "app name '%s' is longer than %d characters",
				app->name, APP_NAME_MAX);
		r = store_tree(c->store, tree_of(c, i), &c->trees[i], c->e);
		if (r < 0)
			return err_wrap(c->e, r, "app '%s'", app->name);
	}
	return take_volume_trees(c);
}

static int write_manifest(struct prep *c)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	pod_manifest_encode(c->manifest, false, &bytes);
	if (!str_ok(&bytes))
		return ERR_NUM(c->e, EFBIG, "pod manifest");
	return write_file(c, POD_MANIFEST_FILE, str_text(&bytes), bytes.len);
}

int pod_write_insecure(struct pod *p, bool caps, bool paths, bool seccomp, struct err *e)
{
	char text[64];
	if (!caps && !paths && !seccomp)
		return 0;
	int n = snprintf(text, sizeof text, "%s%s%s", caps ? ",capabilities" : "",
		paths ? ",paths" : "", seccomp ? ",seccomp" : "");
	text[n] = '\n'; /* the terminator's place; the first comma is left out */
	return atomic_write(
		p->dirfd, POD_INSECURE_FILE, text + 1, (size_t)n, 0644, ATOMIC_VISIBLE, e);
}

static int prepare(struct prep *c)
{
	int r = take_trees(c);
	if (r >= 0)
		r = write_file(c, POD_CREATED_FILE, "", 0);
	if (r >= 0 && c->o->ret_users)
		r = pod_users_reserve(c->pods, c->pod, c->o->ret_users, c->e);
	if (r >= 0)
		r = prepare_apps(c);
	if (r >= 0)
		r = prepare_volumes(c);
	if (r >= 0)
		r = prepare_stage1(c);
	if (r >= 0)
		r = pod_write_insecure(c->pod, c->o->disable_caps, c->o->disable_paths,
			c->o->disable_seccomp, c->e);
	return r < 0 ? r : write_manifest(c);
}

/* Filesystems on which overlayfs never writes: the trees are copied there, as rkt does. */
static bool overlay_possible(int dirfd)
{
	static const unsigned long never[] = {
		0x794c7630, /* overlayfs itself: a data directory inside a container */
		0x61756673, /* aufs */
		0x2fc12fc1, /* zfs */
		0x6969,	    /* nfs */
	};
	struct statfs fs;
	if (fstatfs(dirfd, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if ((unsigned long)fs.f_type == never[i])
			return false;
	return true;
}

int pod_prepare(struct pods *ps, struct pod *p, struct store *s, const struct pod_manifest *m,
	const struct prepare_options *o, struct err *e)
{
	BUG_ON(p->lock_fd < 0 || p->phase != POD_PREPARE);
	if (m->n_apps == 0)
		return ERR_BAD(e, "pod must contain at least one application");
	const size_t n_trees = m->n_apps + m->n_volumes;
	struct prep c = { .pods = ps,
		.pod = p,
		.store = s,
		.manifest = m,
		.o = o,
		.no_overlay = o->no_overlay || !overlay_possible(p->dirfd),
		.stage1 = TREEREF_INIT,
		.trees = xcalloc(n_trees, sizeof *c.trees),
		.e = e };
	for (size_t i = 0; i < n_trees; i++)
		c.trees[i] = c.stage1;
	mode_t mask = umask(0); /* modes of the pod's files are ours to say */
	int r = prepare(&c);
	umask(mask);
	for (size_t i = 0; i < n_trees; i++)
		treeref_release(&c.trees[i]);
	treeref_release(&c.stage1);
	free(c.trees);
	return r;
}
