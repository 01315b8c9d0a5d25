/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/layer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"

enum { LINKS_MAX = 40, CHUNK = 64 * 1024, XATTR_LIST = 64 * 1024 };
#define WHITEOUT ".wh."
#define AUFS ".wh..wh."
#define OPAQUE ".wh..wh..opq"

int layer_init(struct layer *l, int root, int lower, bool alone, uint64_t copies_max, struct err *e)
{
	*l = (struct layer){ .alone = alone, .has_lower = lower >= 0, .copies_max = copies_max };
	int r = tree_init(&l->tree, root, e);
	if (r >= 0)
		r = dirs_init(&l->lower, lower, false, e);
	l->tree.again = true;
	l->inner = tree_sink(&l->tree);
	return r;
}

void layer_release(struct layer *l)
{
	tree_release(&l->tree);
	dirs_release(&l->lower);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* The result depends on what is below. */
static int depend(struct layer *l, const char *path, struct err *e)
{
	l->needs_lower = true;
	return l->alone ? ERR_BAD(e, "'%s' depends on the layers below", path) : 0;
}

/* 1: *st, and where it is; 0: the layers below have no such thing. */
static int look_below(struct layer *l, const char *path, int *ret_parent, const char **ret_name,
	struct stat *st, struct err *e)
{
	if (!l->has_lower)
		return 0;
	int parent = dirs_parent(&l->lower, path, ret_name, e);
	if (parent == -ENOENT || parent == -ENOTDIR)
		return 0;
	if (parent < 0)
		return parent;
	*ret_parent = parent;
	if (fstatat(parent, *ret_name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : ERR_SYS(e, "stat '%s' of the layers below", path);
}

/* The same in this layer; the parent is there in any case. */
static int look_here(struct layer *l, const char *path, int *ret_parent, const char **ret_name,
	struct stat *st, struct err *e)
{
	int parent = dirs_parent(&l->tree.dirs, path, ret_name, e);
	if (parent < 0)
		return parent;
	*ret_parent = parent;
	if (fstatat(parent, *ret_name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : ERR_SYS(e, "stat '%s'", path);
}

/* --- copies of what is below ------------------------------------------------------------------ */

static int load_xattrs(int fd, struct arena *a, struct entry *entry, struct err *e)
{
	_clean_(mem) char *buf = xmalloc(XATTR_LIST);
	_clean_(mem) char *value = xmalloc(XATTR_LIST);
	ssize_t n = flistxattr(fd, buf, XATTR_LIST);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(buf + at) + 1) {
		if (!entry_xattr_kept(buf + at) || entry->n_xattrs == ENTRY_XATTR_MAX)
			continue;
		ssize_t size = fgetxattr(fd, buf + at, value, XATTR_LIST);
		if (size < 0)
			return ERR_SYS(e, "read attribute '%s' of '%s'", buf + at, entry->path);
		void *copy = arena_alloc(a, (size_t)size + 1, 1);
		memcpy(copy, value, (size_t)size);
		entry->xattrs[entry->n_xattrs++] =
			(struct entry_xattr){ arena_strdup(a, buf + at), copy, (size_t)size };
	}
	return 0;
}

static struct entry entry_of(const struct stat *st, const char *path, enum entry_type type)
{
	return (struct entry){ .type = type,
		.path = path,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim,
		.size = type == ENTRY_FILE ? (uint64_t)st->st_size : 0 };
}

static int copy_bytes(struct layer *l, int fd, uint64_t size, struct err *e)
{
	_clean_(mem) char *buf = xmalloc(CHUNK);
	for (uint64_t at = 0; at < size;) {
		off_t next = lseek(fd, (off_t)at, SEEK_DATA);
		if (next < 0 || (uint64_t)next >= size) /* a hole up to the end */
			return next >= 0 || errno == ENXIO ? 0 : ERR_SYS(e, "seek");
		at = (uint64_t)next;
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t n = io_read_full(fd, buf, want, e);
		if (n <= 0)
			return (int)n;
		int r = l->inner.data(l->inner.ctx, at, buf, (size_t)n, e);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return 0;
}

/* A file, directory (empty) or link of the layers below, made here with all that it has there. */
static int copy_up(struct layer *l, const char *path, int parent, const char *name,
	const struct stat *st, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	char target[ENTRY_PATH_MAX];
	enum entry_type type = S_ISDIR(st->st_mode)   ? ENTRY_DIR
			       : S_ISLNK(st->st_mode) ? ENTRY_SYMLINK
						      : ENTRY_FILE;
	struct entry entry = entry_of(st, path, type);
	_clean_(fd) int fd = -1;
	int r = 0;
	if (entry.size > l->copies_max - l->copied)
		return err_set(e, ERR_INPUT, EFBIG,
			"the files below that are linked to are larger than %llu bytes together",
			(unsigned long long)l->copies_max);
	l->copied += entry.size;
	if (type == ENTRY_SYMLINK) {
		ssize_t n = readlinkat(parent, name, target, sizeof target - 1);
		if (n < 0)
			return ERR_SYS(e, "read link '%s' of the layers below", path);
		target[n] = '\0';
		entry.target = target;
	} else {
		fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return ERR_SYS(e, "open '%s' of the layers below", path);
		r = load_xattrs(fd, &a, &entry, e);
	}
	if (r >= 0)
		r = l->inner.begin(l->inner.ctx, &entry, e);
	if (r >= 0 && type == ENTRY_FILE)
		r = copy_bytes(l, fd, entry.size, e);
	return r < 0 ? r : l->inner.end(l->inner.ctx, &entry, e);
}

/* --- places ----------------------------------------------------------------------------------- */

static int make_default(int parent, const char *name, const char *path, struct err *e)
{
	if (mkdirat(parent, name, 0700) < 0 ||
		fchownat(parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0 ||
		fchmodat(parent, name, 0755, 0) < 0)
		return ERR_SYS(e, "create directory '%s'", path);
	return 0;
}

static int set_opaque(struct layer *l, const char *path, struct err *e)
{
	if (!*path) {
		l->opaque_top = true;
		return 0;
	}
	if (!l->has_lower && !l->alone)
		return depend(l, path, e);
	const char *name;
	int parent = dirs_parent(&l->tree.dirs, path, &name, e);
	if (parent < 0)
		return parent;
	_clean_(fd) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return ERR_SYS(e, "make '%s' opaque", path);
	return 0;
}

/* Puts what a link says in front of what is still to be walked. */
static int follow(int parent, const char *name, const char *path, char *found, char *todo,
	size_t size, struct err *e)
{
	char target[ENTRY_PATH_MAX];
	ssize_t n = readlinkat(parent, name, target, sizeof target - 1);
	if (n < 0)
		return ERR_SYS(e, "read link '%s'", path);
	target[n] = '\0';
	size_t rest = strlen(todo);
	if ((size_t)n + 1 + rest >= size)
		return ERR_BAD(e, "'%s' leads to a path that is too long", path);
	memmove(todo + n + 1, todo, rest + 1);
	memcpy(todo, target, (size_t)n);
	todo[n] = '/';
	if (*target == '/')
		*found = '\0';
	return 0;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');
	*(slash ? slash : path) = '\0';
}

/* `path`, whose parent is a directory here, becomes one too, or is followed when it is a link: then
 * its name is taken off again. 1: a link; 0: a directory. */
static int enter(struct layer *l, char *path, char *todo, size_t size, struct err *e)
{
	struct stat st;
	const char *name, *below;
	int parent, lower;
	int r = look_here(l, path, &parent, &name, &st, e);
	if (r < 0 || (r == 1 && S_ISDIR(st.st_mode)))
		return r < 0 ? r : 0;
	if (r == 1 && is_whiteout(&st)) {
		if (unlinkat(parent, name, 0) < 0)
			return ERR_SYS(e, "remove the whiteout '%s'", path);
		r = make_default(parent, name, path, e);
		return r < 0 ? r : set_opaque(l, path, e);
	}
	if (r == 0) {
		int d = depend(l, path, e);
		r = d < 0 ? d : look_below(l, path, &lower, &below, &st, e);
		if (r < 0)
			return r;
		if (r == 0)
			return make_default(parent, name, path, e);
		if (S_ISDIR(st.st_mode))
			return copy_up(l, path, lower, below, &st, e);
		parent = lower;
	}
	if (!S_ISLNK(st.st_mode))
		return err_set(e, ERR_INPUT, ENOTDIR, "'%s' is not a directory", path);
	char whole[ENTRY_PATH_MAX];
	memcpy(whole, path, sizeof whole);
	drop_last(path);
	r = follow(parent, path_base(whole), whole, path, todo, size, e);
	return r < 0 ? r : 1;
}

/* Where the directory `path` of the archive really is: a path of directories of this layer. */
static int find_dir(struct layer *l, const char *path, size_t n, struct err *e)
{
	char todo[2 * ENTRY_PATH_MAX];
	unsigned links = 0;
	if (l->is_found && strncmp(l->asked, path, n) == 0 && !l->asked[n])
		return 0;
	memcpy(todo, path, n);
	todo[n] = '\0';
	memcpy(l->asked, todo, n + 1);
	l->is_found = false;
	*l->found = '\0';
	while (*todo) {
		char *rest = todo + strcspn(todo, "/");
		size_t len = (size_t)(rest - todo), at = strlen(l->found);
		rest += strspn(rest, "/");
		if (len == 2 && memcmp(todo, "..", 2) == 0) {
			drop_last(l->found);
		} else if (len > 1 || (len == 1 && *todo != '.')) {
			if (at + len + 2 >= sizeof l->found || len > 255)
				return ERR_BAD(
					e, "'%.100s…' leads to a path that is too long", path);
			if (at)
				l->found[at++] = '/';
			memcpy(l->found + at, todo, len);
			l->found[at + len] = '\0';
			memmove(todo, rest, strlen(rest) + 1);
			int r = enter(l, l->found, todo, sizeof todo, e);
			if (r < 0)
				return r;
			if (r == 1 && ++links > LINKS_MAX)
				return err_set(e, ERR_INPUT, ELOOP,
					"'%.*s': too many symbolic links", (int)n, path);
			continue;
		}
		memmove(todo, rest, strlen(rest) + 1);
	}
	l->is_found = true;
	return 0;
}

/* `path` of the archive in its place: links in its directory resolved, not the last component. */
static int find_place(struct layer *l, const char *path, char ret[ENTRY_PATH_MAX], struct err *e)
{
	const char *name = path_base(path);
	int r = find_dir(l, path, name > path ? (size_t)(name - path) - 1 : 0, e);
	if (r < 0)
		return r;
	int n = snprintf(ret, ENTRY_PATH_MAX, "%s%s%s", l->found, *l->found ? "/" : "", name);
	return n < ENTRY_PATH_MAX ? 0 : ERR_BAD(e, "'%.100s…' is too long", path);
}

/* --- what an entry does to what is there ------------------------------------------------------ */

static int make_room(struct layer *l, const struct entry *entry, struct err *e)
{
	struct stat st;
	const char *name;
	int parent, r = look_here(l, entry->path, &parent, &name, &st, e);
	bool dir = r == 1 && S_ISDIR(st.st_mode);
	if (r <= 0 || (dir && entry->type == ENTRY_DIR))
		return r < 0 ? r : 0;
	l->make_opaque = is_whiteout(&st) && entry->type == ENTRY_DIR;
	l->is_found = false;
	if (unlinkat(parent, name, dir ? AT_REMOVEDIR : 0) < 0)
		return errno == ENOTEMPTY
			       ? ERR_BAD(e, "'%s' would replace a directory of the same layer",
					 entry->path)
			       : ERR_SYS(e, "replace '%s'", entry->path);
	dirs_forget(&l->tree.dirs, entry->path);
	return 0;
}

static int hide(struct layer *l, const char *path, struct err *e)
{
	struct stat st, lower_st;
	const char *name, *below;
	int parent, lower, r = look_here(l, path, &parent, &name, &st, e);
	if (r < 0)
		return r;
	if (r == 1) /* of this layer, which its own whiteouts do not hide */
		return S_ISDIR(st.st_mode) ? set_opaque(l, path, e) : 0;
	if (!l->alone) {
		r = depend(l, path, e);
		if (r >= 0)
			r = look_below(l, path, &lower, &below, &lower_st, e);
		if (r <= 0)
			return r;
	}
	/* Both trees have moved on since. */
	parent = dirs_parent(&l->tree.dirs, path, &name, e);
	if (parent < 0)
		return parent;
	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) < 0 ||
		fchownat(parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(e, "create the whiteout '%s'", path);
	return 0;
}

/* A name that begins with ".wh.". */
static int whiteout(struct layer *l, const char *path, struct err *e)
{
	char place[ENTRY_PATH_MAX];
	const char *base = path_base(path), *hidden = base + strlen(WHITEOUT);
	l->skip = true;
	bool opaque = strcmp(base, OPAQUE) == 0;
	if (!opaque && str_after(base, AUFS))
		return 0;
	if (!opaque && (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0))
		return ERR_BAD(e, "'%s' is no whiteout", path);
	int r = find_place(l, path, place, e);
	if (r < 0)
		return r;
	if (opaque)
		return set_opaque(l, l->found, e);
	char *name = place + (path_base(place) - place);
	memmove(name, name + strlen(WHITEOUT), strlen(hidden) + 1);
	return hide(l, place, e);
}

static int find_target(struct layer *l, const struct entry *entry, struct err *e)
{
	struct stat st;
	const char *name;
	int parent;
	if (!*entry->target)
		return ERR_BAD(e, "the hard link '%s' leads to a directory", entry->path);
	int r = find_place(l, entry->target, l->target, e);
	if (r >= 0)
		r = look_here(l, l->target, &parent, &name, &st, e);
	if (r == 0) {
		r = depend(l, l->target, e);
		if (r >= 0)
			r = look_below(l, l->target, &parent, &name, &st, e);
		if (r == 0 || (r == 1 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
			r = ERR_BAD(e, "there is no such file");
		else if (r == 1)
			r = copy_up(l, l->target, parent, name, &st, e);
	} else if (r == 1 && is_whiteout(&st)) {
		r = ERR_BAD(e, "there is no such file");
	}
	l->entry.target = l->target;
	return r < 0 ? err_wrap(e, r, "target '%s' of hard link '%s'", entry->target, entry->path)
		     : 0;
}

/* --- the sink --------------------------------------------------------------------------------- */

static int begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct layer *l = ctx;
	const char *marked = strstr(entry->path, "/" WHITEOUT);
	const char *first = str_after(entry->path, WHITEOUT) ? entry->path
			    : marked			     ? marked + 1
							     : NULL;
	l->skip = l->make_opaque = false;
	if (first && strchr(first, '/')) { /* below a marker: only aufs has such directories */
		l->skip = true;
		return str_after(first, AUFS) ? 0
					      : ERR_BAD(e, "'%s' is below a whiteout", entry->path);
	}
	if (first)
		return whiteout(l, entry->path, e);
	l->entry = *entry;
	l->entry.path = l->path;
	int r = 0;
	if (entry->type == ENTRY_HARDLINK)
		r = find_target(l, entry, e);
	if (r >= 0)
		r = find_place(l, entry->path, l->path, e);
	if (r < 0)
		return r;
	l->skip = entry->type == ENTRY_HARDLINK && strcmp(l->path, l->target) == 0;
	if (l->skip)
		return 0;
	r = make_room(l, &l->entry, e);
	if (r >= 0)
		r = l->inner.begin(l->inner.ctx, &l->entry, e);
	return r < 0 || !l->make_opaque ? r : set_opaque(l, l->path, e);
}

static int data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	struct layer *l = ctx;
	return l->skip ? 0 : l->inner.data(l->inner.ctx, offset, bytes, n, e);
}

static int end(void *ctx, const struct entry *entry, struct err *e)
{
	struct layer *l = ctx;
	(void)entry;
	return l->skip ? 0 : l->inner.end(l->inner.ctx, &l->entry, e);
}

static int top(void *ctx, const struct entry *entry, struct err *e)
{
	struct layer *l = ctx;
	return tree_top(&l->tree, entry, e);
}

struct sink layer_sink(struct layer *l)
{
	return (struct sink){ l, begin, data, end, top };
}

int layer_finish(struct layer *l, struct err *e)
{
	return tree_finish(&l->tree, e);
}
