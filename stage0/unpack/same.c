/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/same.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/unpack/dirs.h"
#include "stage0/unpack/walk.h"

enum { CHUNK = 64 * 1024 };

struct same {
	struct dirs other;
	uint64_t entries, differences;
	struct err first;
	char *a, *b; /* of CHUNK */
};

static int differs(struct same *s, const char *path, const char *what)
{
	if (!s->differences++)
		ERR_BAD(&s->first, "%s of '%s' differs", what, path);
	return 0;
}

static const char *stat_difference(const struct stat *a, const struct stat *b)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return "the type";
	if (a->st_mode != b->st_mode)
		return "the mode";
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return "the owner";
	if (S_ISREG(a->st_mode) && a->st_size != b->st_size)
		return "the size";
	if ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev)
		return "the device";
	bool marker = S_ISCHR(a->st_mode) && a->st_rdev == 0;
	return !S_ISDIR(a->st_mode) && !marker && a->st_mtim.tv_sec != b->st_mtim.tv_sec
		       ? "the time"
		       : NULL;
}

static bool counts(const char *name)
{
	return entry_xattr_kept(name) || strcmp(name, "trusted.overlay.opaque") == 0;
}

static bool same_xattrs(struct same *s, int x, int y)
{
	char names[CHUNK];
	size_t have = 0, want = 0;
	ssize_t n = flistxattr(x, names, sizeof names);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		if (!counts(names + at))
			continue;
		want++;
		ssize_t i = fgetxattr(x, names + at, s->a, CHUNK);
		if (i != fgetxattr(y, names + at, s->b, CHUNK) ||
			(i > 0 && memcmp(s->a, s->b, (size_t)i) != 0))
			return false;
	}
	n = flistxattr(y, names, sizeof names);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		have += counts(names + at);
	return have == want;
}

static int same_bytes(struct same *s, int x, int y, const char *path, struct err *e)
{
	for (;;) {
		ssize_t n = io_read_full(x, s->a, CHUNK, e);
		ssize_t m = n < 0 ? n : io_read_full(y, s->b, CHUNK, e);
		if (m < 0)
			return err_wrap(e, (int)m, "'%s'", path);
		if (n != m || memcmp(s->a, s->b, (size_t)n) != 0)
			return differs(s, path, "the content");
		if (n == 0)
			return 0;
	}
}

static int same_one(void *ctx, const struct walk_entry *w, struct err *e)
{
	struct same *s = ctx;
	const char *name;
	struct stat st;
	s->entries++;
	int parent = dirs_parent(&s->other, w->path, &name, e);
	if (parent < 0 && parent != -ENOENT && parent != -ENOTDIR)
		return parent;
	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return differs(s, w->path, "the presence");
	const char *what = stat_difference(w->st, &st);
	if (what)
		return differs(s, w->path, what);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(w->parent, w->name, s->a, CHUNK);
		return n == readlinkat(parent, name, s->b, CHUNK) && n >= 0 &&
				       memcmp(s->a, s->b, (size_t)n) == 0
			       ? 0
			       : differs(s, w->path, "the target");
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	_clean_(fd) int x = openat(w->parent, w->name, flags);
	_clean_(fd) int y = openat(parent, name, flags);
	if (x < 0 || y < 0)
		return ERR_SYS(e, "open '%s'", w->path);
	if (!same_xattrs(s, x, y))
		return differs(s, w->path, "an attribute");
	return S_ISREG(st.st_mode) ? same_bytes(s, x, y, w->path, e) : 0;
}

static int count_one(void *ctx, const struct walk_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	++*(uint64_t *)ctx;
	return 0;
}

int same_trees(int good, int other, uint64_t *ret_differences, struct err *first, struct err *e)
{
	struct same s = { .a = xmalloc(CHUNK), .b = xmalloc(CHUNK) };
	uint64_t have = 0;
	int r = dirs_init(&s.other, other, false, e);
	if (r >= 0)
		r = walk_tree(good, same_one, &s, e);
	if (r >= 0)
		r = walk_tree(other, count_one, &have, e);
	if (r >= 0 && have != s.entries)
		differs(&s, "/", "the number of entries");
	dirs_release(&s.other);
	free(s.a);
	free(s.b);
	*ret_differences = s.differences;
	*first = s.first;
	return r;
}
