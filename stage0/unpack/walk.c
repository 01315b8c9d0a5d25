/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

struct walk {
	dev_t dev;
	walk_fn fn;
	void *ctx;
	struct str path;
	unsigned depth;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names of the directory, sorted. Reads a descriptor of its own: fd's position is nobody's. */
static int list_names(int fd, struct strv *ret, struct err *e)
{
	_clean_(fd) int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return ERR_SYS(e, "open directory");
	take_fd(&own);
	for (;;) {
		errno = 0;
		const struct dirent *d = readdir(dir);
		if (!d && errno)
			return ERR_SYS(e, "read directory");
		if (!d)
			break;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (ret->n == WALK_NAMES_MAX)
			return err_set(e, ERR_INPUT, EFBIG, "too many entries in one directory");
		strv_add(ret, d->d_name);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, by_name);
	return 0;
}

static int walk_dir(struct walk *w, int fd, struct err *e);

static int walk_one(struct walk *w, int fd, const char *name, struct err *e)
{
	struct stat st;
	/* overlayfs lists whiteouts, too, in a directory that one layer alone has. */
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "stat '%s'", str_text(&w->path));
	const struct walk_entry entry = { fd, name, str_text(&w->path), &st };
	int r = w->fn(w->ctx, &entry, e);
	if (r < 0 || !S_ISDIR(st.st_mode) || st.st_dev != w->dev)
		return r;
	_clean_(fd) int below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return ERR_SYS(e, "open '%s'", str_text(&w->path));
	return walk_dir(w, below, e);
}

static int walk_dir(struct walk *w, int fd, struct err *e)
{
	_clean_(strv) struct strv names = STRV_INIT;
	size_t len = w->path.len;
	if (w->depth == WALK_DEPTH_MAX)
		return err_set(e, ERR_INPUT, ELOOP, "'%s' is too deep", str_text(&w->path));
	int r = list_names(fd, &names, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", str_text(&w->path));
	w->depth++;
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		if (len)
			str_addc(&w->path, '/');
		str_add(&w->path, names.v[i]);
		if (!str_ok(&w->path))
			return err_set(e, ERR_INPUT, ENAMETOOLONG, "a path is too long");
		r = walk_one(w, fd, names.v[i], e);
		w->path.len = len;
		if (w->path.buf)
			w->path.buf[len] = '\0';
	}
	w->depth--;
	return r;
}

int walk_tree(int top, walk_fn fn, void *ctx, struct err *e)
{
	struct stat st;
	if (fstat(top, &st) < 0)
		return ERR_SYS(e, "stat");
	struct walk w = { .dev = st.st_dev, .fn = fn, .ctx = ctx, .path = STR_INIT(64 * 1024) };
	int r = walk_dir(&w, top, e);
	str_release(&w.path);
	return r;
}
