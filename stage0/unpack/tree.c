/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

int tree_init(struct tree *t, int root, struct err *e)
{
	*t = (struct tree){ .fd = -1, .parent = -1 };
	return dirs_init(&t->dirs, root, true, e);
}

void tree_release(struct tree *t)
{
	t->fd = fd_close(t->fd);
	dirs_release(&t->dirs);
}

static int cannot(const struct entry *entry, const char *what, struct err *e)
{
	if (errno == EEXIST)
		return ERR_BAD(e, "duplicate entry '%s'", entry->path);
	return ERR_SYS(e, "%s '%s'", what, entry->path);
}

/* Owner before mode and attributes: changing it clears setuid bits and file capabilities. */
static int set_attributes_at(struct tree *t, const struct entry *entry, struct err *e)
{
	if (fchownat(t->parent, t->name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(entry, "change the owner of", e);
	if (entry->type != ENTRY_SYMLINK && fchmodat(t->parent, t->name, entry->mode, 0) < 0)
		return cannot(entry, "change the mode of", e);
	return 0;
}

static int set_times_at(struct tree *t, const struct entry *entry, struct err *e)
{
	const struct timespec times[2] = { entry->mtime, entry->mtime };
	if (utimensat(t->parent, t->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(entry, "set the time of", e);
	return 0;
}

static int set_xattrs(int fd, const struct entry *entry, struct err *e)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct entry_xattr *x = &entry->xattrs[i];
		if (fsetxattr(fd, x->name, x->value, x->size, 0) == 0)
			continue;
		/* tmpfs had no user attributes for long; losing a capability is another matter. */
		if (errno == ENOTSUP && str_after(x->name, "user."))
			continue;
		return ERR_SYS(e, "set attribute '%s' of '%s'", x->name, entry->path);
	}
	return 0;
}

/* --- one function a type ---------------------------------------------------------------------- */

static int make_file(struct tree *t, const struct entry *entry, struct err *e)
{
	t->fd = openat(
		t->parent, t->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return t->fd < 0 ? cannot(entry, "create", e) : 0;
}

static int make_dir(struct tree *t, const struct entry *entry, struct err *e)
{
	struct dir *dir = dirs_note(&t->dirs, entry->path, strlen(entry->path), e);
	if (!dir)
		return -EFBIG;
	if (dir->listed && !t->again)
		return ERR_BAD(e, "duplicate entry '%s'", entry->path);
	dir->listed = true;
	dir->mtime = entry->mtime;
	if (mkdirat(t->parent, t->name, 0700) < 0) {
		/* It may have been made already, for something inside it. */
		struct stat st;
		if (errno != EEXIST || fstatat(t->parent, t->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode)) {
			return cannot(entry, "create directory", e);
		}
	}
	int r = set_attributes_at(t, entry, e);
	if (r < 0 || !entry->n_xattrs)
		return r;
	_clean_(fd) int fd =
		openat(t->parent, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? cannot(entry, "open", e) : set_xattrs(fd, entry, e);
}

static int make_symlink(struct tree *t, const struct entry *entry, struct err *e)
{
	if (symlinkat(entry->target, t->parent, t->name) < 0)
		return cannot(entry, "create symbolic link", e);
	return set_attributes_at(t, entry, e);
}

static int make_hardlink(struct tree *t, const struct entry *entry, struct err *e)
{
	const char *target_name;
	if (!*entry->target)
		return ERR_BAD(e, "the hard link '%s' leads to a directory", entry->path);
	int fd = dirs_parent(&t->dirs, entry->target, &target_name, e);
	if (fd < 0)
		return err_wrap(e, fd, "target of hard link '%s'", entry->path);
	/* The walk is about to move on: the target itself holds its place. */
	struct stat st;
	if (fstatat(fd, target_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
		return ERR_BAD(e, "the hard link '%s' leads to '%s', which is no earlier file",
			entry->path, entry->target);
	_clean_(fd) int target_dir = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (target_dir < 0)
		return ERR_SYS(e, "duplicate descriptor");
	int parent = dirs_parent(&t->dirs, entry->path, &t->name, e);
	if (parent < 0)
		return parent;
	if (linkat(target_dir, target_name, parent, t->name, 0) < 0)
		return cannot(entry, "create hard link", e);
	return 0;
}

static int make_node(struct tree *t, const struct entry *entry, struct err *e)
{
	mode_t mode = entry_file_type(entry->type) | 0600;
	if (mknodat(t->parent, t->name, mode, entry->device) < 0)
		return cannot(entry, "create node", e);
	return set_attributes_at(t, entry, e);
}

static int (*const makers[_ENTRY_TYPE_MAX])(struct tree *, const struct entry *, struct err *) = {
	[ENTRY_FILE] = make_file,
	[ENTRY_DIR] = make_dir,
	[ENTRY_SYMLINK] = make_symlink,
	[ENTRY_HARDLINK] = make_hardlink,
	[ENTRY_CHAR] = make_node,
	[ENTRY_BLOCK] = make_node,
	[ENTRY_FIFO] = make_node,
};

static int begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct tree *t = ctx;
	t->parent = dirs_parent(&t->dirs, entry->path, &t->name, e);
	if (t->parent < 0)
		return err_wrap(e, t->parent, "entry '%s'", entry->path);
	return makers[entry->type](t, entry, e);
}

static int data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	struct tree *t = ctx;
	const char *p = bytes;
	while (n) {
		ssize_t w = pwrite(t->fd, p, n, (off_t)offset);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return ERR_SYS(e, "write '%s'", t->name);
		p += w;
		offset += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

static int end_file(struct tree *t, const struct entry *entry, struct err *e)
{
	const struct timespec times[2] = { entry->mtime, entry->mtime };
	_clean_(fd) int fd = take_fd(&t->fd);
	struct stat st;
	if (fstat(fd, &st) < 0 ||
		((uint64_t)st.st_size < entry->size && ftruncate(fd, (off_t)entry->size) < 0))
		return cannot(entry, "set the size of", e);
	if (fchown(fd, entry->uid, entry->gid) < 0)
		return cannot(entry, "change the owner of", e);
	if (fchmod(fd, entry->mode) < 0)
		return cannot(entry, "change the mode of", e);
	int r = set_xattrs(fd, entry, e);
	if (r < 0)
		return r;
	return futimens(fd, times) < 0 ? cannot(entry, "set the time of", e) : 0;
}

static int end(void *ctx, const struct entry *entry, struct err *e)
{
	struct tree *t = ctx;
	switch (entry->type) {
	case ENTRY_FILE: return end_file(t, entry, e);
	case ENTRY_DIR:		       /* in tree_finish() */
	case ENTRY_HARDLINK: return 0; /* has its target's */
	default: return set_times_at(t, entry, e);
	}
}

struct sink tree_sink(struct tree *t)
{
	return (struct sink){ t, begin, data, end, NULL };
}

int tree_top(struct tree *t, const struct entry *entry, struct err *e)
{
	int root = t->dirs.root;
	if (fchown(root, entry->uid, entry->gid) < 0 || fchmod(root, entry->mode) < 0)
		return ERR_SYS(e, "set the attributes of the top directory");
	t->has_top = true;
	t->top_mtime = entry->mtime;
	return set_xattrs(root, entry, e);
}

int tree_finish(struct tree *t, struct err *e)
{
	/* By index: walking notes nothing new, but may move the array. */
	for (size_t i = 0; i < t->dirs.n; i++) {
		const struct dir dir = t->dirs.v[i];
		if (!dir.listed)
			continue;
		const struct entry entry = { .path = dir.path, .mtime = dir.mtime };
		t->parent = dirs_parent(&t->dirs, dir.path, &t->name, e);
		int r = t->parent < 0 ? t->parent : set_times_at(t, &entry, e);
		if (r < 0)
			return r;
	}
	const struct timespec times[2] = { t->top_mtime, t->top_mtime };
	if (t->has_top && futimens(t->dirs.root, times) < 0)
		return ERR_SYS(e, "set the time of the top directory");
	return 0;
}
