/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/root.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/path.h"
#include "lib/sys/compat.h"
#include "lib/sys/mnt.h"
#include "stage2/fill.h"

enum {
	PROC_MAGIC = 0x9fa0,
	SYSFS_MAGIC = 0x62656572,
	TMPFS_MAGIC = 0x01021994,
	DEVPTS_MAGIC = 0x1cd1,
	MAJOR_PTS = 136, /* Unix98 terminals */
	OPEN_SPOT = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

/* The three directories that are the kernel's and ours, not the image's: once one is mounted, what
 * lies in it is reached by its descriptor alone. */
enum spot { SPOT_PROC, SPOT_SYS, SPOT_DEV, _SPOT_MAX };

static const struct {
	const char *path;
	long magic;
} spots[] = {
	[SPOT_PROC] = { "/proc", PROC_MAGIC },
	[SPOT_SYS] = { "/sys", SYSFS_MAGIC },
	[SPOT_DEV] = { "/dev", TMPFS_MAGIC },
};

struct build {
	const struct app_plan *plan;
	int root;
	int userns;	     /* of mapped volumes */
	int spot[_SPOT_MAX]; /* -1: not mounted by us */
	const char *mask;    /* the empty directory that covers others, once there is one */
	bool foreign;	     /* something of the host is mounted: before that all is ours */
	uint64_t *ours;	     /* the mounts that are the pod's own */
	size_t n_ours;
	uint64_t *placed; /* the mount that each operation of a volume made; else 0 */
};

/* Remembers a mount of the pod's own, by any directory in it. */
static int add_ours(struct build *b, int fd, struct err *e)
{
	if (b->n_ours % 16 == 0)
		b->ours = xrealloc(b->ours, b->n_ours + 16, sizeof *b->ours);
	int r = mnt_id(fd, &b->ours[b->n_ours], e);
	if (r >= 0)
		b->n_ours++;
	return r;
}

/* May something be created in this directory? Never in the host's. */
static bool may_create(void *ctx, int dir)
{
	const struct build *b = ctx;
	struct err ignored = ERR_INIT;
	uint64_t id;
	if (!b->foreign)
		return true;
	if (mnt_id(dir, &id, &ignored) < 0)
		return false;
	for (size_t i = 0; i < b->n_ours; i++)
		if (b->ours[i] == id)
			return true;
	return false;
}

static int refuse_creation(const char *dst, struct err *e)
{
	return err_set(e, ERR_REFUSED, EXDEV,
		"'%s' is missing in a directory of the host or of an image, where nothing is "
		"created: make it there first",
		dst);
}

/* Where the last component of dst is to be looked up when it is one of the spots ("/proc"), or
 * directly in one ("/dev/null"). -1: dst is the image's. */
static int spot_parent(const struct build *b, const char *dst, const char **ret_name)
{
	for (int i = 0; i < _SPOT_MAX; i++) {
		const char *rest = str_after(dst, spots[i].path);
		if (!rest)
			continue;
		if (*rest == '\0') {
			*ret_name = dst + 1;
			return b->root;
		}
		if (*rest == '/' && rest[1] && !strchr(rest + 1, '/')) {
			*ret_name = rest + 1;
			return b->spot[i];
		}
	}
	return -1;
}

static int open_dir_at(int dir, const char *name, const struct mnt_op *op, struct err *e)
{
	int fd = openat(dir, name, OPEN_SPOT | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT && op->make_target) {
		if (mkdirat(dir, name, 0755) < 0)
			return ERR_SYS(e, "create directory '%s'", op->dst);
		fd = openat(dir, name, OPEN_SPOT | O_DIRECTORY);
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return ERR_DENY(e, "'%s' of the image is not a directory", op->dst);
	return fd < 0 ? ERR_SYS(e, "open '%s'", op->dst) : fd;
}

/* Mounts a fresh filesystem on the directory that fd is. */
static int mount_on(int fd, const char *type, unsigned long flags, const char *data, struct err *e)
{
	if (fchdir(fd) < 0)
		return ERR_SYS(e, "enter directory");
	if (mount(type, ".", type, flags, data) < 0)
		return ERR_SYS(e, "mount %s", type);
	return 0;
}

static const char *const fs_types[] = {
	[MNT_PROC] = "proc",
	[MNT_SYSFS] = "sysfs",
	[MNT_TMPFS] = "tmpfs",
	[MNT_DEVPTS] = "devpts",
	[MNT_MQUEUE] = "mqueue",
};

/* What is mounted at a spot now, and that it is what we mounted. */
static int open_spot(struct build *b, enum spot i, struct err *e)
{
	struct statfs fs;
	b->spot[i] = openat(b->root, spots[i].path + 1, OPEN_SPOT | O_DIRECTORY);
	if (b->spot[i] < 0 || fstatfs(b->spot[i], &fs) < 0)
		return ERR_SYS(e, "open '%s'", spots[i].path);
	if ((unsigned long)fs.f_type != (unsigned long)spots[i].magic)
		return ERR_DENY(e, "'%s' is not what was mounted there", spots[i].path);
	return 0;
}

static int add_fs(struct build *b, int dir, const char *name, struct err *e)
{
	_clean_(fd) int fd = openat(dir, name, OPEN_SPOT | O_DIRECTORY);
	return fd < 0 ? ERR_SYS(e, "open") : add_ours(b, fd, e);
}

static int do_fs(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	const char *name;
	int dir = spot_parent(b, op->dst, &name);
	if (dir < 0)
		return ERR_DENY(e, "'%s' is no place for a filesystem", op->dst);
	_clean_(fd) int fd = open_dir_at(dir, name, op, e);
	if (fd < 0)
		return fd;
	int r = mount_on(fd, fs_types[op->kind], op->flags, op->data, e);
	if (r >= 0 && op->uid && fchownat(dir, name, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = ERR_SYS(e, "owner of %s", fs_types[op->kind]);
	if (r >= 0 && b->ours)
		r = add_fs(b, dir, name, e);
	for (int i = 0; r == 0 && i < _SPOT_MAX; i++)
		if (strcmp(op->dst, spots[i].path) == 0)
			r = open_spot(b, (enum spot)i, e);
	return r;
}

/* A node that is what it says: /dev/null may have been replaced by something else. */
static int open_device(int dir, const char *path, dev_t rdev, struct err *e)
{
	_clean_(fd) int fd = openat(dir, path, OPEN_SPOT);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_SYS(e, "open '%s'", path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != rdev)
		return ERR_DENY(e, "'%s' is not device %u:%u", path, major(rdev), minor(rdev));
	return take_fd(&fd);
}

static int bind_device(int host, int dir, const char *name, struct err *e)
{
	_clean_(fd) int target =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return ERR_SYS(e, "create");
	_clean_(fd) int done = mnt_bind(host, target, false, e);
	return done < 0 ? done : 0;
}

/* Bound onto itself: a mount of its own, which stays one of devices when that of /dev does not. */
static int keep_device(const struct build *b, const char *dst, struct err *e)
{
	if (fchdir(b->root) < 0)
		return ERR_SYS(e, "enter the app's root");
	if (mount(dst + 1, dst + 1, NULL, MS_BIND, NULL) < 0)
		return ERR_SYS(e, "bind device");
	return 0;
}

static int do_device(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	const char *name;
	int dir = spot_parent(b, op->dst, &name);
	if (dir < 0)
		return ERR_DENY(e, "'%s' is no place for a device", op->dst);
	int r = -1;
	if (mnt_force & MNT_FORCE_NO_MKNOD)
		errno = EPERM;
	else
		r = mknodat(dir, name, S_IFCHR | op->mode, op->rdev);
	if (r == 0)
		return keep_device(b, op->dst, e);
	if (errno != EPERM)
		return ERR_SYS(e, "make device");
	/* In a user namespace devices cannot be made, but those of the host can be bound. */
	_clean_(fd) int host = open_device(AT_FDCWD, op->src, op->rdev, e);
	return host < 0 ? host : bind_device(host, dir, name, e);
}

static int do_no_devices(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	if (!str_eq(op->dst, spots[SPOT_DEV].path) || b->spot[SPOT_DEV] < 0)
		return ERR_DENY(e, "'%s' is not ours", op->dst);
	if (fchdir(b->root) < 0)
		return ERR_SYS(e, "enter the app's root");
	const unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV;
	if (mount(NULL, op->dst + 1, NULL, flags, NULL) < 0)
		return ERR_SYS(e, "remount");
	return 0;
}

/* The node, visible from here, of the terminal that descriptor 0 is; -1 when it is none. */
static int open_terminal(void)
{
	struct stat st;
	char path[32];
	if (!isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &st) < 0 || major(st.st_rdev) != MAJOR_PTS)
		return -1;
	snprintf(path, sizeof path, "/dev/pts/%u", minor(st.st_rdev));
	struct err ignored = ERR_INIT;
	int fd = open_device(AT_FDCWD, path, st.st_rdev, &ignored);
	return fd < 0 ? -1 : fd;
}

static int do_console(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	_clean_(fd) int terminal = open_terminal();
	const char *name;
	int dir = spot_parent(b, op->dst, &name);
	if (terminal < 0 || dir < 0)
		return do_device(b, op, source, e);
	return bind_device(terminal, dir, name, e);
}

static int do_link(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	const char *name;
	_clean_(fd) int parent = -1;
	int dir = spot_parent(b, op->dst, &name);
	if (dir < 0)
		dir = parent = path_open_parent_in(b->root, op->dst, &name, e);
	if (dir < 0)
		return dir;
	if (sys_exists(dir, name) == 0)
		return 0;
	if (!may_create(b, dir))
		return refuse_creation(op->dst, e);
	if (symlinkat(op->src, dir, name) < 0 && errno != EEXIST)
		return ERR_SYS(e, "make symbolic link");
	return 0;
}

static int make_dir(struct build *b, const char *path, struct err *e)
{
	int fd = path_mkdir_if(b->root, path, 0755, may_create, b, e);
	return fd == -EXDEV ? refuse_creation(path, e) : fd;
}

/* A file to bind another file to. What is there is kept, but for a link that leads nowhere. */
static int open_file_target(struct build *b, const char *dst, struct err *e)
{
	int fd = path_open_in(b->root, dst, O_PATH, 0, e);
	if (fd != -ENOENT)
		return fd;
	char parent[PATH_MAX];
	const char *name = path_base(dst);
	size_t n = (size_t)(name - dst);
	if (n >= sizeof parent)
		return ERR_NUM(e, ENAMETOOLONG, "'%s'", dst);
	memcpy(parent, dst, n);
	parent[n] = '\0';
	_clean_(fd) int dir = make_dir(b, parent, e);
	if (dir < 0)
		return dir;
	if (!may_create(b, dir))
		return refuse_creation(dst, e);
	const int flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	fd = openat(dir, name, flags, 0644);
	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, flags, 0644);
	return fd < 0 ? ERR_SYS(e, "create '%s'", dst) : fd;
}

static int open_dir_target(struct build *b, const struct mnt_op *op, struct err *e)
{
	const char *name;
	int dir = spot_parent(b, op->dst, &name);
	if (dir >= 0)
		return open_dir_at(dir, name, op, e);
	int fd = path_open_in(b->root, op->dst, O_PATH, 0, e);
	if (fd == -ENOENT && op->make_target)
		fd = make_dir(b, op->dst, e);
	return fd;
}

static bool is_same(int fd, const struct stat *st)
{
	struct stat other;
	return fd >= 0 && fstat(fd, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

/* What the plan refuses by name may be reached through links of the image. */
static int check_target(const struct build *b, int target, bool want_dir, struct err *e)
{
	struct stat st;
	struct statfs fs;
	if (fstat(target, &st) < 0 || fstatfs(target, &fs) < 0)
		return ERR_SYS(e, "stat");
	if (want_dir != !!S_ISDIR(st.st_mode))
		return ERR_BAD(e, "the image has a %s there, but a %s is to be mounted",
			want_dir ? "file" : "directory", want_dir ? "directory" : "file");
	if (fs.f_type == PROC_MAGIC)
		return ERR_DENY(e, "nothing can be mounted below '/proc'");
	if (fs.f_type == DEVPTS_MAGIC || is_same(b->root, &st) || is_same(b->spot[SPOT_DEV], &st))
		return ERR_DENY(e,
			"nothing can be mounted at '/', '/dev' or '/dev/pts', where a link of the "
			"image leads");
	return 0;
}

static bool is_file_of_ours(const struct app_plan *plan, const char *dst)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (plan->mounts[i].kind == MNT_BIND_FILE && str_eq(plan->mounts[i].dst, dst))
			return true;
	return false;
}

/* Targets are ordered by their names. Where links of the image make one out of two, or turn the
 * order round, the later mount hides the earlier: better no pod than one without its volume. */
static int check_seen(const struct build *b, struct err *e)
{
	for (size_t i = 0; i < b->plan->n_mounts; i++) {
		const struct mnt_op *op = &b->plan->mounts[i];
		struct err ignored = ERR_INIT;
		uint64_t id = 0;
		if (!b->placed[i] || is_file_of_ours(b->plan, op->dst))
			continue;
		_clean_(fd) int fd = path_open_in(b->root, op->dst, O_PATH, 0, &ignored);
		if (fd < 0 || mnt_id(fd, &id, &ignored) < 0 || id != b->placed[i])
			return ERR_BAD(e,
				"the volume at '%s' would be hidden by another mount, since links "
				"of the image lead both to one place: choose other targets",
				op->dst);
	}
	return 0;
}

static int remember_bind(
	struct build *b, const struct mnt_op *op, int done, bool is_dir, struct err *e)
{
	int r = 0;
	if (b->ours && !op->foreign && is_dir)
		r = add_ours(b, done, e);
	b->foreign |= op->foreign;
	return r >= 0 && op->is_volume ? mnt_id(done, &b->placed[op - b->plan->mounts], e) : r;
}

static int do_bind(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	struct stat st;
	if (fstat(source, &st) < 0)
		return ERR_SYS(e, "stat '%s'", op->src);
	_clean_(fd) int target =
		S_ISDIR(st.st_mode) ? open_dir_target(b, op, e) : open_file_target(b, op->dst, e);
	if (target < 0)
		return target;
	int r = check_target(b, target, S_ISDIR(st.st_mode), e);
	/* In a directory of the host there is nothing of the image's. */
	if (r >= 0 && op->copy_up && may_create(b, target))
		r = volume_fill(source, target, op->keep_owner, e);
	if (r < 0)
		return r;
	_clean_(fd) int done =
		op->idmap ? mnt_bind_idmapped(source, target, op->recursive, b->userns, op->src, e)
			  : mnt_bind(source, target, op->recursive, e);
	if (done < 0 || (r = remember_bind(b, op, done, S_ISDIR(st.st_mode), e)) < 0)
		return done < 0 ? done : r;
	/* A device that is the volume was given to be used. */
	const unsigned long flags = S_ISDIR(st.st_mode) ? op->flags : op->flags & ~MS_NODEV;
	if (op->propagation == PROPAGATION_PRIVATE && (r = mnt_make_private(done, e)) < 0)
		return r;
	return mnt_restrict(done, flags, op->recursive, e);
}

static int do_bind_file(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	if (op->keep_existing) {
		_clean_(fd) int there = path_open_in(b->root, op->dst, O_PATH | O_NOFOLLOW, 0, e);
		if (there != -ENOENT)
			return there < 0 ? there : 0;
	}
	int r = do_bind(b, op, source, e);
	if (r != -EXDEV)
		return r;
	dbg("%s", e->msg); /* a volume is /etc: it has what it has */
	return 0;
}

/* Below /proc and /sys that we mounted ourselves names are the kernel's and can be trusted, so one
 * mount(2) relative to the root does what takes five calls by descriptor. 1: standing in the root,
 * *ret_path is dst there; 0: this kernel has no such thing. */
static int stand_before(
	const struct build *b, const struct mnt_op *op, const char **ret_path, struct err *e)
{
	const char *rest = NULL;
	int dir = -1;
	for (int i = SPOT_PROC; i <= SPOT_SYS && !rest; i++)
		if ((rest = str_after(op->dst, spots[i].path)))
			dir = b->spot[i];
	if (dir < 0 || rest[0] != '/' || !rest[1])
		return ERR_DENY(e, "'%s' is not the kernel's", op->dst);
	if (sys_exists(dir, rest + 1) < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "look up");
	if (fchdir(b->root) < 0)
		return ERR_SYS(e, "enter the app's root");
	*ret_path = op->dst + 1;
	return 1;
}

/* Files become the null device. One empty filesystem covers every directory: the first by being
 * mounted there, the others by being bound to it. */
static int do_mask(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *path, *cover = op->src ? op->src + 1 : b->mask;
	int r = stand_before(b, op, &path, e);
	if (r <= 0)
		return r;
	if (cover)
		r = mount(cover, path, NULL, MS_BIND, NULL);
	else
		r = mount("tmpfs", path, "tmpfs", flags, "mode=0,size=4k");
	if (r < 0)
		return ERR_SYS(e, "mount");
	if (!op->src)
		b->mask = path;
	return 0;
}

#define GROUPS_AT "sys/fs/cgroup"

/* Of ours, below `path`, where we stand in the root. */
static int bind_group(const char *dir, const char *path, struct err *e)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mount(dir, path, NULL, MS_BIND, NULL) < 0 ||
		mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return ERR_SYS(e, "bind control group '%s'", dir);
	return 0;
}

static int bind_groups(const struct app_plan *plan, struct err *e)
{
	char path[128];
	int r = 0;
	if (!plan->cgroups[0].name)
		return bind_group(plan->cgroups[0].dir, GROUPS_AT, e);
	for (size_t i = 0; i < plan->n_cgroups && r >= 0; i++) {
		snprintf(path, sizeof path, GROUPS_AT "/%s", plan->cgroups[i].name);
		if (mkdirat(AT_FDCWD, path, 0755) < 0)
			return ERR_SYS(e, "create directory '/%s'", path);
		r = bind_group(plan->cgroups[i].dir, path, e);
	}
	return r;
}

/* Below /sys/fs are things of all the machine: an app sees nothing of them but its groups. */
static int do_cgroups(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const bool all = !str_eq(op->dst, "/" GROUPS_AT);
	const char *path;
	if (b->plan->n_cgroups == 0)
		return all ? do_mask(b, op, source, e) : 0;
	int r = stand_before(b, op, &path, e);
	if (r <= 0)
		return r;
	const bool ours = all || b->plan->cgroups[0].name;
	if (ours && mount("tmpfs", path, "tmpfs", flags, "mode=755,size=4k") < 0)
		return ERR_SYS(e, "mount tmpfs");
	if (all && mkdirat(AT_FDCWD, GROUPS_AT, 0755) < 0)
		return ERR_SYS(e, "create directory '/" GROUPS_AT "'");
	if ((r = bind_groups(b->plan, e)) < 0)
		return r;
	if (ours && mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) < 0)
		return ERR_SYS(e, "remount read-only");
	return 0;
}

static int do_read_only(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)source;
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *path;
	int r = stand_before(b, op, &path, e);
	if (r <= 0)
		return r;
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
		mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return ERR_SYS(e, "bind read-only");
	return 0;
}

static int do_root_read_only(struct build *b, const struct mnt_op *op, int source, struct err *e)
{
	(void)op;
	(void)source;
	return mnt_restrict(b->root, MS_RDONLY, false, e);
}

static const struct {
	int (*run)(struct build *b, const struct mnt_op *op, int source, struct err *e);
	const char *verb;
} steps[] = {
	[MNT_PROC] = { do_fs, "mount" },
	[MNT_SYSFS] = { do_fs, "mount" },
	[MNT_TMPFS] = { do_fs, "mount" },
	[MNT_DEVPTS] = { do_fs, "mount" },
	[MNT_MQUEUE] = { do_fs, "mount" },
	[MNT_DEVICE] = { do_device, "make" },
	[MNT_CONSOLE] = { do_console, "make" },
	[MNT_NO_DEVICES] = { do_no_devices, "close" },
	[MNT_LINK] = { do_link, "make" },
	[MNT_BIND] = { do_bind, "mount" },
	[MNT_BIND_FILE] = { do_bind_file, "mount" },
	[MNT_CGROUPS] = { do_cgroups, "show control groups at" },
	[MNT_MASK] = { do_mask, "mask" },
	[MNT_READ_ONLY] = { do_read_only, "protect" },
	[MNT_ROOT_READ_ONLY] = { do_root_read_only, "protect" },
};

/* Without anything of the host nobody needs to know what is ours. */
static bool has_foreign(const struct app_plan *plan)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (plan->mounts[i].foreign)
			return true;
	return false;
}

int root_build(int rootfs_fd, const struct app_plan *plan, const struct root_sources *s,
	const struct root_network *network, struct err *e)
{
	struct build b = { .plan = plan,
		.root = rootfs_fd,
		.userns = s->userns,
		.spot = { -1, -1, -1 },
		.placed = xcalloc(plan->n_mounts, sizeof *b.placed) };
	mode_t mask = umask(0);
	int r = has_foreign(plan) ? add_ours(&b, rootfs_fd, e) : 0;
	for (size_t i = 0; r >= 0 && i < plan->n_mounts; i++) {
		const struct mnt_op *op = &plan->mounts[i];
		if (op->kind == MNT_SYSFS && network && (r = network->join(network->sock, e)) < 0)
			break;
		r = steps[op->kind].run(&b, op, s->fds[i], e);
		if (r < 0)
			err_wrap(e, r, "%s '%s'", steps[op->kind].verb, op->dst);
		if (r < 0 && op->optional) {
			dbg("%s: %s", plan->name, e->msg);
			r = 0;
		}
	}
	if (r >= 0)
		r = check_seen(&b, e);
	umask(mask);
	for (int i = 0; i < _SPOT_MAX; i++)
		fd_close(b.spot[i]);
	free(b.ours);
	free(b.placed);
	return r < 0 ? r : 0;
}

int root_open(int dirfd, const char *path, struct err *e)
{
	_clean_(fd) int fd = openat(dirfd, path, OPEN_SPOT | O_DIRECTORY);
	_clean_(fd) int above = fd < 0 ? -1 : openat(fd, "..", OPEN_SPOT | O_DIRECTORY);
	uint64_t id, id_above;
	if (fd < 0 || above < 0)
		return ERR_SYS(e, "open the app's root '%s'", path);
	int r = mnt_id(fd, &id, e);
	if (r >= 0)
		r = mnt_id(above, &id_above, e);
	if (r >= 0 && id == id_above) { /* a plain directory */
		int bound = mnt_bind(fd, fd, true, e);
		if (bound < 0)
			return err_wrap(e, bound, "app's root '%s'", path);
		fd_close(fd);
		fd = bound;
	}
	/* What an image or its app calls a device is none. */
	if (r >= 0)
		r = mnt_restrict(fd, MS_NODEV, false, e);
	return r < 0 ? err_wrap(e, r, "app's root '%s'", path) : take_fd(&fd);
}

int root_open_sources(const struct app_plan *plan, struct root_sources *ret, struct err *e)
{
	struct root_sources s = {
		.fds = xcalloc(plan->n_mounts, sizeof *s.fds), .n = plan->n_mounts, .userns = -1
	};
	for (size_t i = 0; i < s.n; i++)
		s.fds[i] = -1;
	for (size_t i = 0; i < s.n; i++) {
		const struct mnt_op *op = &plan->mounts[i];
		if (op->kind != MNT_BIND && op->kind != MNT_BIND_FILE)
			continue;
		s.fds[i] = mnt_open_source(op->src, op->no_symlinks, e);
		if (s.fds[i] < 0) {
			int r = err_wrap(e, s.fds[i], "mount '%s'", op->dst);
			root_sources_release(&s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

void root_sources_release(struct root_sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		fd_close(s->fds[i]);
	free(s->fds);
	*s = (struct root_sources){ .userns = -1 };
}

int root_enter(int rootfs_fd, enum root_how how, struct err *e)
{
	_clean_(fd) int old = how == ROOT_PIVOT_SHARED ? open("/", OPEN_SPOT | O_DIRECTORY) : -1;
	if (fchdir(rootfs_fd) < 0)
		return ERR_SYS(e, "enter the app's root");
	if (how == ROOT_CHROOT) {
		if (chroot(".") < 0)
			return ERR_SYS(e, "change root");
	} else {
		/* The old root comes to lie over the new one, where "." finds it. */
		if (sys_pivot_root(".", ".") < 0)
			return ERR_SYS(e, "pivot into the app's root");
		/* What goes with it must not go on the host, where mounts are shared with it. */
		if (how == ROOT_PIVOT_SHARED &&
			(fchdir(old) < 0 || mount(NULL, ".", NULL, MS_REC | MS_SLAVE, NULL) < 0))
			return ERR_SYS(e, "make the old root private");
		if (umount2(".", MNT_DETACH) < 0)
			return ERR_SYS(e, "detach the old root");
	}
	if (chdir("/") < 0)
		return ERR_SYS(e, "enter '/'");
	return 0;
}
