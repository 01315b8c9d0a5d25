/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/copytree.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "stage0/store/internal.h"

/* Whoever removes a tree holds its lock until it has been moved away: a moment. */
enum { TREE_TRIES = 1000 };

int tree_open_locked(struct store *s, const char *name, const char *what, int *ret, struct err *e)
{
	const struct place p = place(CAS_TREE, name);
	for (int i = 0; i < TREE_TRIES; i++) {
		_clean_(fd) int fd =
			openat(s->dirfd, p.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return ERR_NOENT(e, "the tree of %s is missing", what);
		if (fd < 0)
			return ERR_SYS(e, "open '%s/%s'", s->path, p.path);
		int r = lockfd_try(fd, LOCK_SHARED, e);
		if (r < 0)
			return r;
		if (r == 1 && cas_is_still(s, CAS_TREE, name, fd)) {
			*ret = take_fd(&fd);
			return 0;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return err_set(e, ERR_BUSY, EBUSY, "the tree of %s is busy", what);
}

/* Its layers cannot go: the image's directory, which names them, is locked. */
static int open_layers(struct store *s, int dir, struct treeref *t, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct strlist l;
	int r = layer_list_read(dir, &a, &l, e);
	if (r < 0)
		return r;
	t->layers = xcalloc(l.n, sizeof *t->layers);
	for (size_t i = l.n; i-- > 0;) {
		char path[PLACE_SIZE + 16];
		snprintf(path, sizeof path, "%s/rootfs", place(CAS_TREE, l.v[i]).path);
		int fd = openat(s->dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return ERR_SYS(e, "open layer '%s'", l.v[i]);
		t->layers[t->n_layers++] = fd;
		strv_addf(&t->layer_paths, "%s/%s", s->path, path);
	}
	t->path = xstrdup(t->layer_paths.v[0]);
	t->rootfs_fd = fcntl(t->layers[0], F_DUPFD_CLOEXEC, 0);
	return t->rootfs_fd < 0 ? ERR_SYS(e, "duplicate descriptor") : 0;
}

int store_tree(struct store *s, const char *id, struct treeref *ret, struct err *e)
{
	const char *hex = tree_name(id, e);
	char what[sizeof ID_PREFIX + HEX_SIZE + 16];
	struct treeref t = TREEREF_INIT;
	if (!hex)
		return -EINVAL;
	snprintf(what, sizeof what, "image '%s'", id);
	int r = tree_open_locked(s, hex, what, &t.lock_fd, e);
	if (r < 0)
		return r;
	t.rootfs_fd = openat(t.lock_fd, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t.rootfs_fd >= 0)
		t.path = xasprintf("%s/%s/%s/rootfs", s->path, CAS_TREE, hex);
	else if (errno == ENOENT)
		r = open_layers(s, t.lock_fd, &t, e);
	else
		r = ERR_SYS(e, "open rootfs");
	if (r < 0) {
		treeref_release(&t);
		return err_wrap(e, r, "tree of image '%s'", id);
	}
	*ret = t;
	return 0;
}

void treeref_release(struct treeref *t)
{
	for (size_t i = 0; i < t->n_layers; i++)
		fd_close(t->layers[i]);
	mem_cleanup(&t->layers);
	strv_release(&t->layer_paths);
	t->n_layers = 0;
	t->rootfs_fd = fd_close(t->rootfs_fd);
	t->lock_fd = fd_close(t->lock_fd);
	mem_cleanup(&t->path);
}

int treeref_copy(const struct treeref *t, int dirfd, struct err *e)
{
	int r = t->n_layers ? 0 : copytree(t->rootfs_fd, dirfd, e);
	for (size_t i = t->n_layers; r >= 0 && i-- > 0;)
		r = copytree_layer(t->layers[i], dirfd, e);
	return r;
}

int store_manifest_bytes(struct store *s, const char *id, struct str *out, struct err *e)
{
	const char *hex = tree_name(id, e);
	char path[PLACE_SIZE + 16];
	if (!hex)
		return -EINVAL;
	snprintf(path, sizeof path, "%s/manifest", place(CAS_TREE, hex).path);
	int r = io_read_file(s->dirfd, path, out, e);
	return r < 0 ? err_wrap(e, r, "manifest of image '%s'", id) : 0;
}

int store_manifest(struct store *s, const char *id, struct arena *a, struct image_manifest **ret,
	struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int r = store_manifest_bytes(s, id, &bytes, e);
	if (r < 0)
		return r;
	r = image_manifest_decode(str_text(&bytes), bytes.len, a, ret, e);
	return r < 0 ? err_wrap(e, r, "manifest of image '%s'", id) : 0;
}
