/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/mnt.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/sys/compat.h"
#include "lib/sys/mountinfo.h"

#define MOUNTINFO "/proc/self/mountinfo"

unsigned mnt_force;

/* One component after the other, for kernels without openat2. */
static int open_without_links(const char *path)
{
	char name[NAME_MAX + 1];
	_clean_(fd) int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return -errno;
	for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, p, n);
		name[n] = '\0';
		p += n;
		int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		fd_close(at);
		at = next;
		struct stat st;
		if (fstat(at, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
	}
	return take_fd(&at);
}

static int open_strictly(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	int fd = path_force_walk ? -1 : sys_openat2(AT_FDCWD, path, &how);
	if (fd >= 0)
		return fd;
	return path_force_walk || errno == ENOSYS ? open_without_links(path) : -errno;
}

int mnt_open_source(const char *path, bool no_symlinks, struct err *e)
{
	int fd = no_symlinks ? open_strictly(path) : open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int num = no_symlinks ? -fd : errno;
	if (num == ELOOP)
		return err_set(e, ERR_REFUSED, ELOOP,
			"'%s' has a symbolic link in its path, which the source of a volume must "
			"not have: name the directory that it leads to",
			path);
	return ERR_NUM(e, num, "stat %s", path);
}

struct fd_path {
	char text[32];
};
static struct fd_path fd_path(int fd)
{
	struct fd_path p;
	snprintf(p.text, sizeof p.text, "/proc/self/fd/%d", fd);
	return p;
}

/* mount(2) leaves no descriptor: opens what lies on target now, and makes sure of it. */
static int reopen(int source, int target, struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink(fd_path(target).text, path, sizeof path - 1);
	if (n < 0)
		return ERR_SYS(e, "path of a mount point (is /proc mounted?)");
	path[n] = '\0';
	_clean_(fd) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat want, got;
	if (fd < 0 || fstat(fd, &got) < 0 || fstat(source, &want) < 0)
		return ERR_SYS(e, "open the mount at '%s'", path);
	if (want.st_dev != got.st_dev || want.st_ino != got.st_ino)
		return ERR_DENY(e, "something else was put at '%s' meanwhile", path);
	return take_fd(&fd);
}

int mnt_bind(int source, int target, bool recursive, struct err *e)
{
	if (!(mnt_force & MNT_FORCE_NO_API)) {
		unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
		_clean_(fd) int tree =
			sys_open_tree(source, "", flags | (recursive ? AT_RECURSIVE : 0));
		if (tree >= 0) {
			if (sys_move_mount(tree, "", target, "",
				    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
				return ERR_SYS(e, "move mount");
			return take_fd(&tree);
		}
		if (errno != ENOSYS)
			return ERR_SYS(e, "clone mount");
	}
	unsigned long flags = MS_BIND | (recursive ? MS_REC : 0);
	if (mount(fd_path(source).text, fd_path(target).text, NULL, flags, NULL) < 0)
		return ERR_SYS(e, "bind");
	return reopen(source, target, e);
}

static const struct {
	unsigned long magic;
	const char *name;
} filesystems[] = {
	{ 0x01021994, "tmpfs" },
	{ 0x2fc12fc1, "zfs" },
	{ 0x4d44, "vfat" },
	{ 0x5346544e, "ntfs" },
	{ 0x6969, "nfs" },
	{ 0x65735546, "fuse" },
	{ 0x794c7630, "overlay" },
	{ 0x858458f6, "ramfs" },
	{ 0xff534d42, "cifs" },
};

/* EINVAL: the filesystem cannot, or one mounted below; EPERM: its ids are mapped already. */
static int idmap_error(int source, const char *what, struct err *e)
{
	struct statfs fs;
	char path[PATH_MAX];
	int num = errno;
	ssize_t n = readlink(fd_path(source).text, path, sizeof path - 1);
	if (n > 0 && path[0] == '/') {
		path[n] = '\0';
		what = path;
	}
	if (num != EINVAL && num != EPERM && num != ENOSYS && num != E2BIG)
		return ERR_NUM(e, num, "map the ids of '%s'", what);
	if (num == ENOSYS || num == E2BIG || fstatfs(source, &fs) < 0)
		return err_set(e, ERR_REFUSED, EOPNOTSUPP,
			"this kernel cannot show '%s' with other users: Linux 5.12 and later can",
			what);
	char name[32];
	snprintf(name, sizeof name, "of type 0x%lx", (unsigned long)fs.f_type);
	for (size_t i = 0; i < sizeof filesystems / sizeof *filesystems; i++)
		if (filesystems[i].magic == (unsigned long)fs.f_type)
			snprintf(name, sizeof name, "%s", filesystems[i].name);
	return err_set(e, ERR_REFUSED, EOPNOTSUPP,
		"the filesystem of '%s' (%s)%s cannot be shown with other users by this kernel",
		what, name, num == EPERM ? ", which is shown with other users already," : "");
}

/* Would it do without what is mounted below? */
static bool is_mapped_alone(int source, const struct compat_mount_attr *attr)
{
	struct compat_mount_attr own = *attr;
	_clean_(fd) int tree =
		sys_open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return tree >= 0 && sys_mount_setattr(tree, "", AT_EMPTY_PATH, &own) == 0;
}

int mnt_bind_idmapped(
	int source, int target, bool recursive, int userns, const char *what, struct err *e)
{
	const unsigned deep = recursive ? AT_RECURSIVE : 0;
	struct compat_mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns };
	_clean_(fd) int tree = -1;
	if (mnt_force & MNT_FORCE_NO_API)
		errno = ENOSYS;
	else
		tree = sys_open_tree(
			source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | deep);
	if (tree < 0)
		return errno == ENOSYS ? idmap_error(source, what, e) : ERR_SYS(e, "clone mount");
	if (mnt_force & MNT_FORCE_NO_SETATTR) {
		errno = ENOSYS;
		return idmap_error(source, what, e);
	}
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | deep, &attr) < 0) {
		const int num = errno;
		if (deep && num != ENOSYS && is_mapped_alone(source, &attr))
			return err_set(e, ERR_REFUSED, EOPNOTSUPP,
				"a filesystem that is mounted below '%s' cannot be shown with "
				"other users by this kernel: leave those out (recursive=false)",
				what);
		errno = num;
		return idmap_error(source, what, e);
	}
	if (sys_move_mount(
		    tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return ERR_SYS(e, "move mount");
	return take_fd(&tree);
}

/* mount(2) clears the flags that a remount leaves out, so those that are there are given again. */
static int remount(int fd, unsigned long flags, struct err *e)
{
	struct statvfs fs;
	if (fstatvfs(fd, &fs) < 0)
		return ERR_SYS(e, "flags of a mount");
	flags |= fs.f_flag &
		 (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME);
	if (fs.f_flag & ST_RELATIME)
		flags |= MS_RELATIME;
	if (mount(NULL, fd_path(fd).text, NULL, flags | MS_REMOUNT | MS_BIND, NULL) < 0)
		return ERR_SYS(e, "remount");
	return 0;
}

/* Every mount below the one at fd. A path that has been hidden or replaced does not remount, which
 * is an error: better no volume than a writable one. */
struct below {
	char top[PATH_MAX];
	unsigned long flags;
};

static int remount_line(void *ctx, char *line, struct err *e)
{
	const struct below *b = ctx;
	struct mountinfo m;
	if (!mountinfo_parse(line, &m))
		return ERR_BAD(e, "'" MOUNTINFO "' has a line that is none");
	const char *rest = str_after(m.point, b->top);
	if (!rest || *rest != '/')
		return 0;
	_clean_(fd) int sub = open(m.point, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = sub < 0 ? ERR_SYS(e, "open") : remount(sub, b->flags, e);
	return r < 0 ? err_wrap(e, r, "mount at '%s'", m.point) : 0;
}

static int remount_below(int fd, unsigned long flags, struct err *e)
{
	struct below b = { .flags = flags };
	ssize_t n = readlink(fd_path(fd).text, b.top, sizeof b.top - 1);
	if (n < 0)
		return ERR_SYS(e, "path of a mount (is /proc mounted?)");
	b.top[n] = '\0';
	return io_each_line(MOUNTINFO, remount_line, &b, e);
}

int mnt_restrict(int fd, unsigned long flags, bool recursive, struct err *e)
{
	struct compat_mount_attr attr = {
		.attr_set = (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
			    (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
			    (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) |
			    (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0),
	};
	if (!attr.attr_set)
		return 0;
	if (!(mnt_force & (MNT_FORCE_NO_API | MNT_FORCE_NO_SETATTR))) {
		if (sys_mount_setattr(
			    fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr) == 0)
			return 0;
		if (errno != ENOSYS)
			return ERR_SYS(e, "set flags of a mount");
	}
	flags &= MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int r = remount(fd, flags, e);
	return r < 0 || !recursive ? r : remount_below(fd, flags, e);
}

/* "mnt_id:\t31" of /proc/self/fdinfo/N, which kernels since 3.15 have. */
static int id_of_fdinfo(int fd, uint64_t *ret, struct err *e)
{
	char path[48];
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	int r = io_read_file(AT_FDCWD, path, &text, e);
	if (r < 0)
		return r;
	const char *label = "mnt_id:\t", *at = strstr(str_text(&text), label);
	char word[24];
	size_t n = at ? strcspn(at += strlen(label), "\n") : 0;
	if (n >= sizeof word)
		n = 0;
	if (n)
		memcpy(word, at, n);
	word[n] = '\0';
	return parse_u64(word, 0, UINT64_MAX, ret) ? 0 : ERR_BAD(e, "no mount in '%s'", path);
}

int mnt_id(int fd, uint64_t *ret, struct err *e)
{
	struct compat_statx st = { 0 };
	if ((mnt_force & MNT_FORCE_NO_API) || sys_statx(fd, &st) < 0 ||
		!(st.mask & COMPAT_STATX_MNT_ID)) /* 5.8 */
		return id_of_fdinfo(fd, ret, e);
	*ret = st.mnt_id;
	return 0;
}

/* --- propagation ------------------------------------------------------------------------------ */

int mnt_make_private(int fd, struct err *e)
{
	struct compat_mount_attr attr = { .propagation = MS_PRIVATE };
	if (!(mnt_force & (MNT_FORCE_NO_API | MNT_FORCE_NO_SETATTR))) {
		if (sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) == 0)
			return 0;
		if (errno != ENOSYS)
			return ERR_SYS(e, "make a mount private");
	}
	if (mount(NULL, fd_path(fd).text, NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ERR_SYS(e, "make a mount private");
	return 0;
}

struct wanted {
	uint64_t id;
	struct mnt_facts *ret;
};

static int facts_of_line(void *ctx, char *line, struct err *e)
{
	const struct wanted *w = ctx;
	struct mountinfo m;
	(void)e;
	if (!mountinfo_parse(line, &m) || m.id != w->id)
		return 0;
	*w->ret = (struct mnt_facts){ .device = m.device, .shared = m.shared };
	return 1;
}

int mnt_facts(int fd, struct mnt_facts *ret, struct err *e)
{
	struct wanted w = { .ret = ret };
	int r = mnt_id(fd, &w.id, e);
	return r < 0 ? r : io_each_line(MOUNTINFO, facts_of_line, &w, e);
}

/* Before we leave: what lies there, as a peer of the host's mount. */
static int hold_shared(const char *path, struct err *e)
{
	struct mnt_facts facts;
	_clean_(fd) int source = mnt_open_source(path, true, e);
	int r = source < 0 ? source : mnt_facts(source, &facts, e);
	if (r < 0)
		return r;
	if (r == 0 || !facts.shared)
		return err_set(e, ERR_REFUSED, EINVAL,
			"'%s' lies in a mount that is not shared, so none can be shared with it: "
			"mount --make-shared makes it so",
			path);
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
	int fd = mnt_force & MNT_FORCE_NO_API ? -1 : sys_open_tree(source, "", flags);
	if (fd < 0 && ((mnt_force & MNT_FORCE_NO_API) || errno == ENOSYS))
		return err_set(
			e, ERR_REFUSED, ENOSYS, "shared propagation needs Linux 5.2 or later");
	return fd < 0 ? ERR_SYS(e, "clone the mount at '%s'", path) : fd;
}

/* After: over the same path. */
static int put_shared(int fd, const char *path, struct err *e)
{
	_clean_(fd) int target = mnt_open_source(path, true, e);
	if (target < 0)
		return target;
	if (sys_move_mount(fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
		0)
		return ERR_SYS(e, "mount on '%s'", path);
	return 0;
}

int mnt_leave_host(const char *const *shared, size_t n, struct err *e)
{
	_clean_(mem) int *fds = n ? xcalloc(n, sizeof *fds) : NULL;
	size_t held = 0;
	int r = 0;
	for (; r >= 0 && held < n; held += r >= 0)
		r = fds[held] = hold_shared(shared[held], e);
	if (r >= 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		r = ERR_SYS(e, "make mounts private");
	for (size_t i = 0; i < held; i++) {
		if (r >= 0)
			r = put_shared(fds[i], shared[i], e);
		fd_close(fds[i]);
	}
	return r < 0 ? r : 0;
}
