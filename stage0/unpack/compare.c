/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/compare.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/unpack/walk.h"

enum { CHUNK = 64 * 1024, XATTR_LIST = 64 * 1024 };

int compare_init(struct compare *c, int root, struct err *e)
{
	*c = (struct compare){ .fd = -1 };
	return dirs_init(&c->dirs, root, false, e);
}

void compare_release(struct compare *c)
{
	c->fd = fd_close(c->fd);
	dirs_release(&c->dirs);
}

static void differs(struct compare *c, const char *path, const char *what)
{
	if (!c->differences++)
		ERR_BAD(&c->first, "%s of '%s' differs", what, path);
}

static void compare_stat(struct compare *c, const struct entry *entry, const struct stat *st)
{
	bool node = entry->type == ENTRY_CHAR || entry->type == ENTRY_BLOCK;
	const struct {
		bool differs;
		const char *what;
	} checks[] = {
		{ (st->st_mode & S_IFMT) != entry_file_type(entry->type), "the type" },
		{ entry->type != ENTRY_SYMLINK && (st->st_mode & 07777) != entry->mode,
			"the mode" },
		{ st->st_uid != entry->uid || st->st_gid != entry->gid, "the owner" },
		{ entry->type == ENTRY_FILE && (uint64_t)st->st_size != entry->size, "the size" },
		{ st->st_mtim.tv_sec != entry->mtime.tv_sec, "the time" },
		{ node && st->st_rdev != entry->device, "the device" },
	};
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		if (checks[i].differs) {
			differs(c, entry->path, checks[i].what);
			return;
		}
}

static void compare_symlink(
	struct compare *c, const struct entry *entry, int parent, const char *name)
{
	char target[ENTRY_PATH_MAX];
	ssize_t n = readlinkat(parent, name, target, sizeof target);
	if (n < 0 || (size_t)n != strlen(entry->target) ||
		memcmp(target, entry->target, (size_t)n) != 0)
		differs(c, entry->path, "the target");
}

static int compare_hardlink(
	struct compare *c, const struct entry *entry, const struct stat *st, struct err *e)
{
	struct stat other;
	const char *name;
	int parent = dirs_parent(&c->dirs, entry->target, &name, e);
	if (parent == -ENOENT || parent == -ENOTDIR) {
		differs(c, entry->path, "the link");
		return 0;
	}
	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &other, AT_SYMLINK_NOFOLLOW) < 0 || other.st_ino != st->st_ino ||
		other.st_dev != st->st_dev)
		differs(c, entry->path, "the link");
	return 0;
}

static void compare_xattrs(struct compare *c, const struct entry *entry, int fd)
{
	_clean_(mem) char *buf = xmalloc(XATTR_LIST);
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct entry_xattr *x = &entry->xattrs[i];
		ssize_t n = fgetxattr(fd, x->name, buf, XATTR_LIST);
		if (n == -1 && errno == ENOTSUP && str_after(x->name, "user."))
			continue;
		if (n != (ssize_t)x->size || memcmp(buf, x->value, x->size) != 0) {
			differs(c, entry->path, "an attribute");
			return;
		}
	}
	size_t have = 0;
	ssize_t n = flistxattr(fd, buf, XATTR_LIST);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(buf + at) + 1)
		have += entry_xattr_kept(buf + at);
	if (have > entry->n_xattrs)
		differs(c, entry->path, "an attribute");
}

static int begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct compare *c = ctx;
	const char *name;
	struct stat st;
	int parent = dirs_parent(&c->dirs, entry->path, &name, e);
	if (parent < 0 && parent != -ENOENT && parent != -ENOTDIR)
		return parent;
	if (entry->type != ENTRY_DIR)
		c->expected++;
	else if (!dirs_note(&c->dirs, entry->path, strlen(entry->path), e))
		return -EFBIG;
	c->at = 0;
	c->path = entry->path;
	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		differs(c, entry->path, "the presence");
		return 0;
	}
	if (entry->type == ENTRY_HARDLINK)
		return compare_hardlink(c, entry, &st, e);
	compare_stat(c, entry, &st);
	if (entry->type == ENTRY_SYMLINK && S_ISLNK(st.st_mode))
		compare_symlink(c, entry, parent, name);
	bool file = entry->type == ENTRY_FILE && S_ISREG(st.st_mode);
	if (!file && !(entry->type == ENTRY_DIR && S_ISDIR(st.st_mode)))
		return 0;
	_clean_(fd) int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", entry->path);
	compare_xattrs(c, entry, fd);
	if (file)
		c->fd = take_fd(&fd);
	return 0;
}

/* Compares n bytes where the file stands with `bytes`, or with zeros where that is NULL. Closes
 * the file at the first difference: one a file is enough. */
static int compare_bytes(struct compare *c, const char *bytes, uint64_t n, struct err *e)
{
	static const char zeros[CHUNK];
	char have[CHUNK];
	while (n) {
		size_t want = n < CHUNK ? (size_t)n : CHUNK;
		ssize_t got = io_read_full(c->fd, have, want, e);
		if (got < 0)
			return err_wrap(e, (int)got, "'%s'", c->path);
		if ((size_t)got < want || memcmp(have, bytes ? bytes : zeros, want) != 0) {
			differs(c, c->path, "the content");
			c->fd = fd_close(c->fd);
			return 0;
		}
		n -= want;
		c->at += want;
		if (bytes)
			bytes += want;
	}
	return 0;
}

static int data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	struct compare *c = ctx;
	int r = c->fd < 0 ? 0 : compare_bytes(c, NULL, offset - c->at, e);
	return r < 0 || c->fd < 0 ? r : compare_bytes(c, bytes, n, e);
}

static int end(void *ctx, const struct entry *entry, struct err *e)
{
	struct compare *c = ctx;
	int r = c->fd < 0 ? 0 : compare_bytes(c, NULL, entry->size - c->at, e);
	c->fd = fd_close(c->fd);
	return r;
}

struct sink compare_sink(struct compare *c)
{
	return (struct sink){ c, begin, data, end, NULL };
}

static int count_one(void *ctx, const struct walk_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	++*(uint64_t *)ctx;
	return 0;
}

int compare_finish(struct compare *c, struct err *e)
{
	uint64_t have = 0;
	int r = walk_tree(c->dirs.root, count_one, &have, e);
	if (r >= 0 && have != c->expected + c->dirs.n)
		differs(c, "/", "the number of entries");
	return r;
}
