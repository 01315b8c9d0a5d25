/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "stage0/store/internal.h"

/* Whoever removes a tree holds its lock until it has been moved away: a moment. */
enum { TREE_TRIES = 1000 };

static int open_locked(struct store *s, const char *hex, int *ret_fd, struct err *e)
{
	const struct place p = place(CAS_TREE, hex);
	for (int i = 0; i < TREE_TRIES; i++) {
		_clean_(fd) int fd =
			openat(s->dirfd, p.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return ERR_NOENT(e, "the tree of image '" ID_PREFIX "%s' is missing", hex);
		if (fd < 0)
			return ERR_SYS(e, "open '%s/%s'", s->path, p.path);
		int r = lockfd_try(fd, LOCK_SHARED, e);
		if (r < 0)
			return r;
		if (r == 1 && cas_is_still(s, CAS_TREE, hex, fd)) {
			*ret_fd = take_fd(&fd);
			return 0;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return err_set(e, ERR_BUSY, EBUSY, "the tree of image '" ID_PREFIX "%s' is busy", hex);
}

int store_tree(struct store *s, const char *id, struct treeref *ret, struct err *e)
{
	const char *hex = id_hex(id, e);
	_clean_(fd) int fd = -1;
	int r = hex ? open_locked(s, hex, &fd, e) : -EINVAL;
	if (r < 0)
		return r;
	int rootfs = openat(fd, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rootfs < 0)
		return ERR_SYS(e, "open the tree of image '%s'", id);
	*ret = (struct treeref){ .lock_fd = take_fd(&fd),
		.rootfs_fd = rootfs,
		.path = xasprintf("%s/%s/%s/rootfs", s->path, CAS_TREE, hex) };
	return 0;
}

void treeref_release(struct treeref *t)
{
	t->rootfs_fd = fd_close(t->rootfs_fd);
	t->lock_fd = fd_close(t->lock_fd);
	mem_cleanup(&t->path);
}

int store_manifest_bytes(struct store *s, const char *id, struct str *out, struct err *e)
{
	const char *hex = id_hex(id, e);
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
