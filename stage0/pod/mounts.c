/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/pod/mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/fs/path.h"
#include "lib/sys/compat.h"
#include "lib/sys/mnt.h"
#include "lib/sys/userns.h"

enum { FD_PATH = 32 };

static void fd_path(char buf[FD_PATH], int fd)
{
	snprintf(buf, FD_PATH, "/proc/self/fd/%d", fd);
}

int mounts_enter(const struct pod *p, const struct strlist *shared, struct err *e)
{
	if (fchdir(p->dirfd) < 0)
		return ERR_SYS(e, "enter the pod's directory");
	if (unshare(CLONE_NEWNS) < 0)
		return ERR_SYS(e, "create mount namespace");
	return mnt_leave_host(shared->v, shared->n, e);
}

void mounts_leave(struct pod *p)
{
	(void)umount2(POD_STAGE1_ROOTFS, MNT_DETACH | UMOUNT_NOFOLLOW);
	/* Through a descriptor of the namespace before nothing can be mounted. */
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fd_close(p->dirfd);
	p->dirfd = fd;
}

/* --- binds --------------------------------------------------------------------------------- */

/* A mount of `path` that is nowhere yet; -ENOSYS quietly on kernels that have no such thing. */
static int clone_mount(const char *path, struct err *e)
{
	int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "bind '%s'", path) : fd;
}

static int attach(int mount_fd, int at, const char *path, struct err *e)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
	if (sys_move_mount(mount_fd, "", at, path, flags) < 0)
		return ERR_SYS(e, "mount on '%s'", path);
	return 0;
}

static int bind_old(const char *src, const char *dst, unsigned long more, struct err *e)
{
	if (mount(src, dst, NULL, MS_BIND, NULL) < 0)
		return ERR_SYS(e, "bind '%s' to '%s'", src, dst);
	if (more && mount(NULL, dst, NULL, MS_REMOUNT | MS_BIND | more, NULL) < 0)
		return ERR_SYS(e, "make '%s' read-only", dst);
	return 0;
}

static int bind_read_only(const char *src, const char *dst, struct err *e)
{
	struct compat_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
						      MOUNT_ATTR_NODEV };
	_clean_(fd) int m = clone_mount(src, e);
	if (m < 0 && m != -ENOSYS)
		return m;
	if (m < 0 || sys_mount_setattr(m, "", AT_EMPTY_PATH, &attr) < 0)
		return m >= 0 && errno != ENOSYS
			       ? ERR_SYS(e, "make '%s' read-only", dst)
			       : bind_old(src, dst, MS_RDONLY | MS_NOSUID | MS_NODEV, e);
	int r = attach(m, AT_FDCWD, dst, e);
	return r == -ENOSYS ? bind_old(src, dst, MS_RDONLY | MS_NOSUID | MS_NODEV, e) : r;
}

int mounts_program(const char *program, struct err *e)
{
	return bind_read_only(program, program, e);
}

void mounts_program_leave(const char *program)
{
	(void)umount2(program, MNT_DETACH | UMOUNT_NOFOLLOW);
}

/* --- overlays ------------------------------------------------------------------------------ */

/* What fsconfig(2) takes as a string. */
enum { FSCONFIG_MAX = 255 };

struct overlay {
	const char *lower; /* absolute; of several layers the topmost, for errors */
	const int *layers; /* or NULL; the topmost first */
	size_t n_layers;
	char upper[PATH_MAX / 2]; /* relative to the pod's directory; of harmless characters;
				   * "": nothing is written */
	char work[PATH_MAX / 2];
	unsigned flags; /* MS_* */
};

static int overlay_error(const char *lower, struct err *e)
{
	int num = errno;
	switch (num) {
	case ENODEV:
		return err_set(e, ERR_REFUSED, num,
			"this kernel has no overlayfs: --no-overlay does without it");
	case EINVAL:
	case EOPNOTSUPP:
	case EREMOTE:
		return err_set(e, ERR_REFUSED, num,
			"overlayfs cannot write to the filesystem of the data directory: use "
			"--no-overlay, or --dir with a directory elsewhere");
	default: return ERR_NUM(e, num, "overlay on '%s'", lower);
	}
}

/* -ENOSYS: this kernel takes all layers in one option, which is too short for many. */
static int overlay_layers(int fs, const struct overlay *o, struct err *e)
{
	for (size_t i = 0; i < o->n_layers; i++) {
		char path[FD_PATH];
		fd_path(path, o->layers[i]);
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", path, 0) < 0)
			return errno == EINVAL && i == 0 ? -ENOSYS : overlay_error(o->lower, e);
	}
	return 0;
}

/* -ENOSYS: not with this kernel, and nothing has happened. */
static int overlay_new(const struct overlay *o, int at, const char *dst, struct err *e)
{
	const char *const options[][2] = { { "source", "overlay" }, { "lowerdir", o->lower },
		{ "upperdir", o->upper }, { "workdir", o->work } };
	_clean_(fd) int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return overlay_error(o->lower, e);
	int r = overlay_layers(fs, o, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!(i == 1 && o->n_layers) && !(i >= 2 && !*o->upper) &&
			sys_fsconfig(fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
			return overlay_error(o->lower, e);
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return overlay_error(o->lower, e);
	const unsigned attrs = (o->flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) |
			       (o->flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0);
	_clean_(fd) int m = sys_fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	return m < 0 ? overlay_error(o->lower, e) : attach(m, at, dst, e);
}

static int overlay_old(const struct overlay *o, const char *dst, struct err *e)
{
	_clean_(str) struct str options = STR_INIT(PATH_MAX - 1); /* one page is all that is read */
	if (*o->upper)
		str_addf(&options, "upperdir=%s,workdir=%s,", o->upper, o->work);
	str_add(&options, "lowerdir=");
	for (size_t i = 0; i < o->n_layers; i++) {
		char path[FD_PATH];
		fd_path(path, o->layers[i]);
		str_addf(&options, "%s%s", i ? ":" : "", path);
	}
	if (!o->n_layers)
		str_add(&options, o->lower);
	if (!str_ok(&options))
		return ERR_NUM(e, ENAMETOOLONG, "overlay on '%s'", o->lower);
	if (mount("overlay", dst, "overlay", o->flags, str_text(&options)) < 0)
		return overlay_error(o->lower, e);
	return 0;
}

/* Names a directory by a descriptor, which the mount needs open. */
static int name_by_fd(const char *path, char name[FD_PATH], int *ret_fd, struct err *e)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	fd_path(name, fd);
	*ret_fd = fd;
	return 0;
}

/* The mount options of overlayfs give ':', ',' and '\' a meaning, which differs between versions: a
 * path that has them, or is too long, is named by a descriptor. */
static int overlay_mount(struct overlay *o, int at, const char *dst, struct err *e)
{
	char name[FD_PATH], target[FD_PATH];
	_clean_(fd) int lower = -1;
	_clean_(fd) int upper = -1;
	_clean_(fd) int work = -1;
	int r = 0;
	if (!o->n_layers && (strpbrk(o->lower, ":,\\\"") || strlen(o->lower) > FSCONFIG_MAX)) {
		r = name_by_fd(o->lower, name, &lower, e);
		o->lower = name;
	}
	if (r >= 0 && strlen(o->upper) > FSCONFIG_MAX)
		r = name_by_fd(o->upper, o->upper, &upper, e);
	if (r >= 0 && strlen(o->work) > FSCONFIG_MAX)
		r = name_by_fd(o->work, o->work, &work, e);
	if (r < 0)
		return r;
	r = overlay_new(o, at, dst, e);
	if (r != -ENOSYS)
		return r;
	_clean_(fd) int dir = openat(at, dst, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return ERR_SYS(e, "open '%s'", dst);
	fd_path(target, dir);
	return overlay_old(o, target, e);
}

/* By path, once more: overlayfs takes only what is mounted in this very namespace. */
static int open_layers(struct overlay *o, const struct strv *paths, int **ret_fds, struct err *e)
{
	int *fds = *ret_fds = xcalloc(paths->n, sizeof *fds);
	o->layers = fds;
	for (; o->n_layers < paths->n; o->n_layers++) {
		const char *path = paths->v[o->n_layers];
		int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return ERR_SYS(e, "open '%s'", path);
		fds[o->n_layers] = fd;
	}
	return 0;
}

/* --- users ----------------------------------------------------------------------------------- */

int mounts_users(struct mount_users *users, struct err *e)
{
	int fd = userns_new(&users->range, &users->made, e);
	if (fd < 0)
		return fd;
	users->userns = fd;
	return 0;
}

int mounts_users_announce(const struct mount_users *users, struct err *e)
{
	_clean_(fd) int at = open(POD_USERS_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return ERR_SYS(e, "open '" POD_USERS_FILE "'");
	_clean_(fd) int done = mnt_bind(users->userns, at, false, e);
	return done < 0 ? err_wrap(e, done, "'" POD_USERS_FILE "'") : 0;
}

void mounts_users_release(struct mount_users *users)
{
	users->userns = fd_close(users->userns);
	userns_reap(users->made);
	users->made = 0;
	strv_release(&users->layers);
	users->layers = STRV_INIT;
}

/* A mount of the directory over itself. */
static int users_over(struct mount_users *users, const char *path, bool shared, struct err *e)
{
	for (size_t i = 0; shared && i < users->layers.n; i++)
		if (str_eq(users->layers.v[i], path))
			return 0;
	_clean_(fd) int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	_clean_(fd) int done = mnt_bind_idmapped(fd, fd, false, users->userns, path, e);
	if (done >= 0 && shared)
		strv_add(&users->layers, path);
	return done < 0 ? done : 0;
}

int mounts_app_copy(int apps, const char *name, struct mount_users *users, struct err *e)
{
	char path[PATH_MAX / 2];
	snprintf(path, sizeof path, "%s/rootfs", name);
	_clean_(fd) int fd = openat(apps, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open the root of app '%s'", name);
	_clean_(fd) int done = mnt_bind_idmapped(fd, fd, false, users->userns, path, e);
	return done < 0 ? err_wrap(e, done, "app '%s'", name) : 0;
}

static int mount_as(
	struct overlay *o, const struct id_range *range, int at, const char *dst, struct err *e)
{
	int r = userns_act_as(range, e);
	if (r < 0)
		return r;
	r = overlay_mount(o, at, dst, e);
	struct err mine = ERR_INIT;
	int back = userns_act_as_self(r < 0 ? &mine : e);
	if (r == -EINVAL)
		return err_set(e, ERR_REFUSED, EINVAL,
			"overlayfs of this kernel or of the data directory's filesystem cannot "
			"show "
			"other users (Linux 5.19 and later can): use --no-overlay, or "
			"--private-users=false");
	return r < 0 ? r : back;
}

static int users_layers(struct mount_users *users, const struct treeref *tree, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < tree->n_layers; i++)
		r = users_over(users, tree->layer_paths.v[i], true, e);
	return tree->n_layers ? r : users_over(users, tree->path, true, e);
}

/* The directory that has `upper` and `work`, too. */
static int users_dirs(
	struct mount_users *users, const struct treeref *tree, const char *app, struct err *e)
{
	char own[PATH_MAX / 2];
	int r = users_layers(users, tree, e);
	snprintf(own, sizeof own, POD_OVERLAY_DIR "/%s", app);
	return r < 0 ? r : users_over(users, own, false, e);
}

int mounts_app(int apps, const char *name, const struct treeref *tree, struct mount_users *users,
	struct err *e)
{
	const bool shifted = users->range.count;
	char dst[PATH_MAX / 2];
	struct overlay o = { .lower = tree->path, .flags = MS_NODEV };
	_clean_(mem) int *layers = NULL;
	snprintf(o.upper, sizeof o.upper, POD_OVERLAY_DIR "/%s/upper", name);
	snprintf(o.work, sizeof o.work, POD_OVERLAY_DIR "/%s/work", name);
	snprintf(dst, sizeof dst, "%s/rootfs", name);
	int r = shifted ? users_dirs(users, tree, name, e) : 0;
	if (r >= 0 && tree->n_layers > 1)
		r = open_layers(&o, &tree->layer_paths, &layers, e);
	if (r >= 0)
		r = shifted ? mount_as(&o, &users->range, apps, dst, e)
			    : overlay_mount(&o, apps, dst, e);
	while (o.n_layers)
		fd_close(layers[--o.n_layers]);
	return err_wrap(e, r, "app '%s'", name);
}

int mounts_image_volume(
	const char *name, const struct treeref *tree, struct mount_users *users, struct err *e)
{
	const bool shifted = users->range.count;
	char dst[PATH_MAX / 2];
	_clean_(mem) int *layers = NULL;
	snprintf(dst, sizeof dst, POD_IMAGE_VOLUMES_DIR "/%s/rootfs", name);
	if (!tree)
		return shifted ? users_over(users, dst, false, e) : 0;
	struct overlay o = { .lower = tree->path, .flags = MS_NODEV | MS_RDONLY };
	int r = shifted ? users_layers(users, tree, e) : 0;
	if (r >= 0 && tree->n_layers <= 1)
		return bind_read_only(tree->path, dst, e);
	if (r >= 0)
		r = open_layers(&o, &tree->layer_paths, &layers, e);
	if (r >= 0)
		r = shifted ? mount_as(&o, &users->range, AT_FDCWD, dst, e)
			    : overlay_mount(&o, AT_FDCWD, dst, e);
	while (o.n_layers)
		fd_close(layers[--o.n_layers]);
	return r;
}

/* --- stage1 -------------------------------------------------------------------------------- */

/* The pod's own directories, which go over those of stage1's tree. */
static const char *const own_dirs[] = { "rkt", STAGE1_APPS_DIR };
enum { OWN_DIRS = 2 };

/* Before anything lies over them. Where there is no open_tree: plain descriptors. */
static int own_open(int fds[OWN_DIRS], bool *ret_old, struct err *e)
{
	bool old = false;
	for (int i = 0; i < OWN_DIRS; i++) {
		char path[64];
		snprintf(path, sizeof path, POD_STAGE1_ROOTFS "/%s", own_dirs[i]);
		fds[i] = old ? -ENOSYS : clone_mount(path, e);
		if (fds[i] == -ENOSYS) {
			old = true;
			fds[i] = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fds[i] < 0)
				return ERR_SYS(e, "open '%s'", path);
		}
		if (fds[i] < 0)
			return fds[i];
	}
	*ret_old = old;
	return 0;
}

static int own_attach(int root, bool read_only, const int fds[OWN_DIRS], bool old, struct err *e)
{
	for (int i = 0; i < OWN_DIRS; i++) {
		/* The tree is an image's: its links are resolved as if it were "/". */
		_clean_(fd) int dst =
			read_only ? path_open_in(root, own_dirs[i], O_PATH | O_DIRECTORY, 0, e)
				  : path_mkdir_in(root, own_dirs[i], 0755, e);
		if (dst < 0)
			return err_wrap(e, dst, "stage1");
		char from[FD_PATH], to[FD_PATH];
		fd_path(from, fds[i]);
		fd_path(to, dst);
		int r = old ? bind_old(from, to, 0, e) : attach(fds[i], dst, "", e);
		if (r < 0)
			return err_wrap(e, r, "'%s' of stage1", own_dirs[i]);
	}
	return 0;
}

static int mount_tree(const char *tree, bool read_only, struct err *e)
{
	if (read_only)
		return bind_read_only(tree, POD_STAGE1_ROOTFS, e);
	struct overlay o = { .lower = tree };
	snprintf(o.upper, sizeof o.upper, POD_STAGE1_OVERLAY "/upper");
	snprintf(o.work, sizeof o.work, POD_STAGE1_OVERLAY "/work");
	return err_wrap(e, overlay_mount(&o, AT_FDCWD, POD_STAGE1_ROOTFS, e), "stage1");
}

int mounts_stage1(const char *tree, bool read_only, int *ret_root, int *ret_apps, struct err *e)
{
	int own[OWN_DIRS] = { -1, -1 };
	bool old = false;
	_clean_(fd) int root = -1;
	int r = own_open(own, &old, e);
	if (r >= 0)
		r = mount_tree(tree, read_only, e);
	if (r >= 0) {
		root = open(POD_STAGE1_ROOTFS, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = root < 0 ? ERR_SYS(e, "open '" POD_STAGE1_ROOTFS "'")
			     : own_attach(root, read_only, own, old, e);
	}
	fd_close(own[0]);
	/* A descriptor of the plain directory does not lead to what is mounted there. */
	if (r >= 0 && old) {
		fd_close(own[1]);
		own[1] = path_open_in(root, STAGE1_APPS_DIR, O_PATH | O_DIRECTORY, 0, e);
		r = own[1] < 0 ? own[1] : 0;
	}
	if (r < 0) {
		fd_close(own[1]);
		return r;
	}
	*ret_root = take_fd(&root);
	*ret_apps = own[1];
	return 0;
}
