/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk keeps one descriptor on either side and goes up through "..": neither depth nor the
 * length of a path is limited by descriptors or PATH_MAX. A directory's names are read at once,
 * its attributes are set when it is left.
 *
 * A file with several links is also linked, once, into a staging directory below the top, under its
 * inode number; that is where later links to it are made from. No table, no long path.
 */
#include "lib/fs/copytree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/fs/rmtree.h"

#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif

enum { XATTR_MAX = 65536, COPY_CHUNK = 128 * 1024, NAMES_MAX = 1 << 30 };

struct level {
	const char *name; /* within its parent; "" at the top */
	struct str names; /* of the entries, each with its NUL */
	size_t pos;
	struct stat st; /* of the source */
	ino_t dst_ino;
	dev_t dst_dev;
};

struct copy {
	int src, dst; /* the directory where we are */
	int top;      /* of the copy */
	int stage;    /* of hard links, -1 until needed */
	bool over;    /* over what is there already: copytree_layer() */
	char stage_name[40];
	struct level *levels;
	size_t depth, cap;
	char *list, *value; /* extended attributes */
	char *chunk;	    /* bytes of files, where the kernel does not copy them itself */
	struct err *e;
};

/* --- attributes ---------------------------------------------------------------------------- */

/* What only some filesystems keep and what only the host gives a meaning. Everything else of an
 * image (file capabilities, user attributes) must arrive. */
static bool xattr_may_fail(const char *name, int num)
{
	if (num != ENOTSUP && num != EPERM)
		return false;
	return str_after(name, "security.selinux") || str_after(name, "trusted.") ||
	       str_after(name, "system.");
}

/* Paths that name the entries themselves, for files that must not or cannot be opened. */
struct place {
	char src[NAME_MAX + 64], dst[NAME_MAX + 64];
};

static void place_of(const struct copy *c, const char *name, struct place *p)
{
	snprintf(p->src, sizeof p->src, "/proc/self/fd/%d/%s", c->src, name);
	snprintf(p->dst, sizeof p->dst, "/proc/self/fd/%d/%s", c->dst, name);
}

/* Between descriptors where both are >= 0, else between the paths of *p. */
static int copy_xattrs(struct copy *c, int in, int out, const struct place *p, const char *name)
{
	if (!c->list) {
		c->list = xmalloc(XATTR_MAX);
		c->value = xmalloc(XATTR_MAX);
	}
	ssize_t n = in >= 0 ? flistxattr(in, c->list, XATTR_MAX)
			    : llistxattr(p->src, c->list, XATTR_MAX);
	if (n < 0)
		return errno == ENOTSUP ? 0 : ERR_SYS(c->e, "list attributes of '%s'", name);
	for (const char *key = c->list; key < c->list + n; key += strlen(key) + 1) {
		if (c->over && str_after(key, "trusted.overlay."))
			continue;
		ssize_t len = in >= 0 ? fgetxattr(in, key, c->value, XATTR_MAX)
				      : lgetxattr(p->src, key, c->value, XATTR_MAX);
		if (len < 0 && errno == ENODATA)
			continue;
		if (len < 0)
			return ERR_SYS(c->e, "read attribute '%s' of '%s'", key, name);
		int r = out >= 0 ? fsetxattr(out, key, c->value, (size_t)len, 0)
				 : lsetxattr(p->dst, key, c->value, (size_t)len, 0);
		if (r < 0 && !xattr_may_fail(key, errno))
			return ERR_SYS(c->e, "set attribute '%s' of '%s'", key, name);
	}
	return 0;
}

/* Owner before mode, since chown clears setuid; both before file capabilities, for the same
 * reason; times last. */
static int set_attributes(struct copy *c, int in, int out, const struct stat *st, const char *name)
{
	if (fchown(out, st->st_uid, st->st_gid) < 0)
		return ERR_SYS(c->e, "chown '%s'", name);
	if (fchmod(out, st->st_mode & 07777) < 0)
		return ERR_SYS(c->e, "chmod '%s'", name);
	int r = copy_xattrs(c, in, out, NULL, name);
	if (r < 0)
		return r;
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	if (futimens(out, times) < 0)
		return ERR_SYS(c->e, "set times of '%s'", name);
	return 0;
}

/* --- bytes of regular files ---------------------------------------------------------------- */

/* True when the error says that this way of copying does not work here. */
static bool other_way(int num)
{
	return num == ENOSYS || num == EXDEV || num == EINVAL || num == EOPNOTSUPP ||
	       num == ENOTTY || num == EPERM || num == EBADF || num == ETXTBSY;
}

/* Copies [from, to) of a file through our memory. */
static int copy_by_hand(struct copy *c, int in, int out, off_t from, off_t to, const char *name)
{
	if (!c->chunk)
		c->chunk = xmalloc(COPY_CHUNK);
	while (from < to) {
		size_t want = to - from < COPY_CHUNK ? (size_t)(to - from) : COPY_CHUNK;
		ssize_t n = pread(in, c->chunk, want, from);
		if (n < 0)
			return ERR_SYS(c->e, "read '%s'", name);
		if (n == 0)
			break;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = pwrite(out, c->chunk + done, (size_t)(n - done), from + done);
			if (w < 0)
				return ERR_SYS(c->e, "write '%s'", name);
			done += w;
		}
		from += n;
	}
	return 0;
}

static int copy_range(struct copy *c, int in, int out, off_t from, off_t to, const char *name)
{
	off_t rd = from, wr = from;
	while (rd < to) {
		ssize_t n = copy_file_range(in, &rd, out, &wr, (size_t)(to - rd), 0);
		if (n < 0 && !other_way(errno))
			return ERR_SYS(c->e, "copy '%s'", name);
		if (n <= 0)
			return copy_by_hand(c, in, out, rd, to, name);
	}
	return 0;
}

/* Data where the source has data, holes where it has holes. */
static int copy_bytes(struct copy *c, int in, int out, off_t size, const char *name)
{
	if (size == 0 || ioctl(out, FICLONE, in) == 0)
		return 0;
	if (!other_way(errno))
		return ERR_SYS(c->e, "clone '%s'", name);
	if (ftruncate(out, size) < 0)
		return ERR_SYS(c->e, "truncate '%s'", name);
	for (off_t at = 0; at < size;) {
		off_t data = lseek(in, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0; /* nothing but a hole from here on */
		off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (data < 0 || hole < 0)
			data = at, hole = size;
		if (hole > size)
			hole = size;
		int r = copy_range(c, in, out, data, hole, name);
		if (r < 0)
			return r;
		at = hole;
	}
	return 0;
}

static int copy_file(struct copy *c, const char *name, const struct stat *st)
{
	_clean_(fd) int in = openat(c->src, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return ERR_SYS(c->e, "open '%s'", name);
	_clean_(fd) int out =
		openat(c->dst, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return ERR_SYS(c->e, "create '%s'", name);
	int r = copy_bytes(c, in, out, st->st_size, name);
	return r < 0 ? r : set_attributes(c, in, out, st, name);
}

/* --- everything else ----------------------------------------------------------------------- */

static int make_link(struct copy *c, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(c->src, name, target, sizeof target);
	if (n < 0)
		return ERR_SYS(c->e, "read link '%s'", name);
	if (n == (ssize_t)sizeof target)
		return ERR_NUM(c->e, ENAMETOOLONG, "link '%s'", name);
	target[n] = '\0';
	if (symlinkat(target, c->dst, name) < 0)
		return ERR_SYS(c->e, "create link '%s'", name);
	return 0;
}

static int copy_special(struct copy *c, const char *name, const struct stat *st)
{
	if (S_ISLNK(st->st_mode)) {
		int r = make_link(c, name);
		if (r < 0)
			return r;
	} else if (mknodat(c->dst, name, st->st_mode & (S_IFMT | 0600), st->st_rdev) < 0) {
		return ERR_SYS(c->e, "create '%s'", name);
	}
	if (fchownat(c->dst, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(c->e, "chown '%s'", name);
	/* We have just made it, but a volume that is filled may be another app's at the same time:
	 * a link that it puts in the place must not be followed. */
	if (!S_ISLNK(st->st_mode) &&
		fchmodat(c->dst, name, st->st_mode & 07777, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(c->e, "chmod '%s'", name);
	struct place p;
	place_of(c, name, &p);
	int r = copy_xattrs(c, -1, -1, &p, name);
	if (r < 0)
		return r;
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	if (utimensat(c->dst, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(c->e, "set times of '%s'", name);
	return 0;
}

static int copy_leaf(struct copy *c, const char *name, const struct stat *st)
{
	return S_ISREG(st->st_mode) ? copy_file(c, name, st) : copy_special(c, name, st);
}

/* --- hard links ---------------------------------------------------------------------------- */

static int stage_open(struct copy *c)
{
	uint64_t nonce;
	if (c->stage >= 0)
		return 0;
	if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
		return ERR_SYS(c->e, "getrandom");
	snprintf(c->stage_name, sizeof c->stage_name, ".copytree-%016llx",
		(unsigned long long)nonce);
	if (mkdirat(c->top, c->stage_name, 0700) < 0)
		return ERR_SYS(c->e, "create '%s'", c->stage_name);
	c->stage = openat(c->top, c->stage_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return c->stage < 0 ? ERR_SYS(c->e, "open '%s'", c->stage_name) : 0;
}

static int copy_linked(struct copy *c, const char *name, const struct stat *st)
{
	char key[64];
	int r = stage_open(c);
	if (r < 0)
		return r;
	snprintf(key, sizeof key, "%llx-%llx", (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino);
	if (linkat(c->stage, key, c->dst, name, 0) == 0)
		return 0;
	if (errno != ENOENT && errno != EMLINK)
		return ERR_SYS(c->e, "link '%s'", name);
	bool full = errno == EMLINK;
	r = copy_leaf(c, name, st);
	if (r < 0)
		return r;
	/* Where the filesystem allows no more links, those that follow become another file. */
	if (full)
		unlinkat(c->stage, key, 0);
	if (linkat(c->dst, name, c->stage, key, 0) < 0)
		return ERR_SYS(c->e, "link '%s'", name);
	return 0;
}

/* --- the walk ------------------------------------------------------------------------------ */

static int read_names(struct copy *c, struct str *names, const char *what)
{
	int fd = openat(c->src, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = ERR_SYS(c->e, "open directory '%s'", what);
		fd_close(fd);
		return r;
	}
	errno = 0;
	for (struct dirent *ent; (ent = readdir(d)); errno = 0)
		if (strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0)
			str_addn(names, ent->d_name, strlen(ent->d_name) + 1);
	if (errno)
		return ERR_SYS(c->e, "read directory '%s'", what);
	return str_ok(names) ? 0 : ERR_NUM(c->e, E2BIG, "directory '%s'", what);
}

/* src and dst are the new directory by now. */
static int push(struct copy *c, const char *name)
{
	struct stat dst;
	if (c->depth == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 32;
		c->levels = xrealloc(c->levels, c->cap, sizeof *c->levels);
	}
	struct level *l = &c->levels[c->depth];
	*l = (struct level){ .name = name, .names = STR_INIT(NAMES_MAX) };
	c->depth++;
	if (fstat(c->src, &l->st) < 0 || fstat(c->dst, &dst) < 0)
		return ERR_SYS(c->e, "stat '%s'", name);
	l->dst_ino = dst.st_ino;
	l->dst_dev = dst.st_dev;
	return read_names(c, &l->names, name);
}

static int go_down(struct copy *c, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_clean_(fd) int src = openat(c->src, name, flags);
	if (src < 0)
		return ERR_SYS(c->e, "open '%s'", name);
	if (mkdirat(c->dst, name, 0700) < 0 && !(c->over && errno == EEXIST))
		return ERR_SYS(c->e, "create '%s'", name);
	_clean_(fd) int dst = openat(c->dst, name, flags);
	if (dst < 0)
		return ERR_SYS(c->e, "open '%s'", name);
	fd_close(c->src);
	fd_close(c->dst);
	c->src = take_fd(&src);
	c->dst = take_fd(&dst);
	return push(c, name);
}

static int open_parent(struct copy *c, int *fd, dev_t dev, ino_t ino)
{
	int up = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (up < 0 || fstat(up, &st) < 0) {
		int r = ERR_SYS(c->e, "open parent directory");
		fd_close(up);
		return r;
	}
	fd_close(*fd);
	*fd = up;
	if (st.st_dev != dev || st.st_ino != ino)
		return err_set(c->e, ERR_BUSY, EBUSY, "directory was moved while it was copied");
	return 0;
}

/* Leaves the innermost directory, whose entries are all copied. */
static int go_up(struct copy *c)
{
	struct level *l = &c->levels[c->depth - 1];
	if (c->depth == 1 && c->stage >= 0) {
		c->stage = fd_close(c->stage);
		int r = rmtree_at(c->top, c->stage_name, c->e);
		if (r < 0)
			return r;
	}
	int r = set_attributes(c, c->src, c->dst, &l->st, l->name);
	if (r < 0)
		return r;
	str_release(&l->names);
	if (--c->depth == 0)
		return 0;
	l--;
	r = open_parent(c, &c->src, l->st.st_dev, l->st.st_ino);
	return r < 0 ? r : open_parent(c, &c->dst, l->dst_dev, l->dst_ino);
}

static bool is_opaque(struct copy *c, const char *name)
{
	char value;
	struct place p;
	place_of(c, name, &p);
	return lgetxattr(p.src, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* Removes what the entry of an upper layer hides. 1: there is nothing more to do for it. */
static int make_room(struct copy *c, const char *name, const struct stat *st)
{
	struct stat dst;
	bool whiteout = S_ISCHR(st->st_mode) && st->st_rdev == 0;
	if (fstatat(c->dst, name, &dst, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? whiteout : ERR_SYS(c->e, "stat '%s'", name);
	bool merge = S_ISDIR(st->st_mode) && S_ISDIR(dst.st_mode) && !is_opaque(c, name);
	int r = merge ? 0 : rmtree_at(c->dst, name, c->e);
	return r < 0 ? r : whiteout;
}

static int copy_entry(struct copy *c, const char *name)
{
	struct stat st;
	if (fstatat(c->src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(c->e, "stat '%s'", name);
	int done = c->over ? make_room(c, name, &st) : 0;
	if (done)
		return done < 0 ? done : 0;
	if (S_ISDIR(st.st_mode))
		return go_down(c, name);
	return st.st_nlink > 1 ? copy_linked(c, name, &st) : copy_leaf(c, name, &st);
}

static int walk(struct copy *c)
{
	int r = push(c, "");
	while (r >= 0 && c->depth) {
		struct level *l = &c->levels[c->depth - 1];
		if (l->pos == l->names.len) {
			r = go_up(c);
			continue;
		}
		const char *name = l->names.buf + l->pos;
		l->pos += strlen(name) + 1;
		r = copy_entry(c, name);
	}
	return r;
}

static int copy_all(int srcfd, int dstfd, bool over, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct copy c = { .src = openat(srcfd, ".", flags),
		.dst = openat(dstfd, ".", flags),
		.top = dstfd,
		.stage = -1,
		.over = over,
		.e = e };
	int r = c.src < 0 || c.dst < 0 ? ERR_SYS(e, "open directory") : walk(&c);
	while (c.depth)
		str_release(&c.levels[--c.depth].names);
	fd_close(c.src);
	fd_close(c.dst);
	fd_close(c.stage);
	free(c.levels);
	free(c.list);
	free(c.value);
	free(c.chunk);
	return r;
}

int copytree(int srcfd, int dstfd, struct err *e)
{
	return copy_all(srcfd, dstfd, false, e);
}

int copytree_layer(int srcfd, int dstfd, struct err *e)
{
	return copy_all(srcfd, dstfd, true, e);
}
