/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/sys/compat.h"
#include "stage0/store/internal.h"

/* As often as somebody else replaces the tree meanwhile. */
enum { VERIFY_TRIES = 8 };

/* --- verify ----------------------------------------------------------------------------------- */

int replace_tree(struct store *s, const char *hex, struct tmp *fresh, struct err *e)
{
	const struct place tree = place(CAS_TREE, hex), tmp = place(CAS_TMP, fresh->name);
	int r = lockfd_wait(fresh->fd, LOCK_SHARED, e);
	if (r < 0)
		return r;
	if (sys_renameat2(s->dirfd, tmp.path, s->dirfd, tree.path, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOSYS || errno == EINVAL) {
		/* No tree yet, or a kernel or filesystem that cannot exchange. */
		char name[24];
		r = tmp_name(name, e);
		if (r < 0)
			return r;
		if (renameat(s->dirfd, tree.path, s->dirfd, place(CAS_TMP, name).path) < 0 &&
			errno != ENOENT)
			return ERR_SYS(e, "move the old tree away");
		r = renameat(s->dirfd, tmp.path, s->dirfd, tree.path);
		memcpy(fresh->name, name, sizeof name);
		if (r == 0)
			return 0;
	}
	return ERR_SYS(e, "replace the tree '%s'", hex);
}

/* Alone with a tree: whoever copies it, or prepares a pod with it, has a shared lock. 1: ours; 0:
 * it is no longer the image's. */
static int lock_alone(struct store *s, const char *hex, int tree, struct err *e)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		int r = lockfd_try(tree, LOCK_EXCLUSIVE, e);
		if (r < 0 || !cas_is_still(s, CAS_TREE, hex, tree))
			return r < 0 ? r : 0;
		if (r > 0)
			return 1;
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE }, NULL);
	}
	return err_set(e, ERR_BUSY, EBUSY, "its tree is being used: try again later");
}

int replace_alone(struct store *s, const char *hex, int dir, struct tmp *fresh, struct err *e)
{
	/* Before anybody has to wait for us. */
	if (syncfs(fresh->fd) < 0)
		return ERR_SYS(e, "sync the store");
	int r = lock_alone(s, hex, dir, e);
	if (r <= 0)
		return r;
	r = replace_tree(s, hex, fresh, e);
	return r < 0 ? r : 1;
}

int replace_layer(struct store *s, const char *hex, int dir, struct tmp *fresh, struct err *e)
{
	struct layer_holders h = { 0 };
	if (syncfs(fresh->fd) < 0)
		return ERR_SYS(e, "sync the store");
	int r = layer_lock_alone(s, hex, dir, &h, e);
	int replaced = r > 0 ? replace_tree(s, hex, fresh, e) : 0;
	layer_unlock(&h);
	return replaced < 0 ? replaced : r;
}

/* Puts a tree where none is. 1; or 0: somebody else did. */
static int add_tree(struct store *s, const char *hex, struct tmp *fresh, struct err *e)
{
	const struct place tree = place(CAS_TREE, hex), tmp = place(CAS_TMP, fresh->name);
	if (syncfs(fresh->fd) < 0)
		return ERR_SYS(e, "sync the store");
	int r = lockfd_wait(fresh->fd, LOCK_SHARED, e);
	if (r >= 0)
		r = atomic_publish(s->dirfd, tmp.path, s->dirfd, tree.path, ATOMIC_VISIBLE, e);
	if (r == -EEXIST || r == -ENOTEMPTY)
		return 0;
	if (r < 0)
		return r;
	fresh->name[0] = '\0';
	return 1;
}

/* `bad`: the tree, or -1 where there is none. 1: there is a new one; 0: look again. */
static int repair(struct store *s, const char *hex, int bad, struct err *e)
{
	_clean_(tmp) struct tmp fresh = TMP_INIT;
	int r = unpack_blob(s, hex, &fresh, e);
	if (r < 0)
		return r;
	return bad < 0 ? add_tree(s, hex, &fresh, e) : replace_alone(s, hex, bad, &fresh, e);
}

int store_archive(struct store *s, const char *id, struct err *e)
{
	const char *hex = id_hex(id, e);
	int fd = hex ? blob_open(s, hex) : -EINVAL;
	return hex && fd < 0 ? ERR_SYS(e, "open the stored archive") : fd;
}

/* 1: tree and archive agree; 0: they do not. */
static int compare(struct store *s, const char *hex, int tree, struct err *e)
{
	struct unpack_answer answer;
	char got[HEX_SIZE + 1];
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0)
		return ERR_SYS(e, "open the stored archive");
	const struct unpack_job job = {
		.mode = UNPACK_COMPARE, .input = blob, .dir = tree, .output = -1, .lower = -1
	};
	int r = unpacker_run(&job, &answer, e);
	if (r < 0)
		return err_wrap(e, r, "the stored archive");
	digest_hex(answer.digest, got);
	if (strcmp(got, hex) != 0)
		return ERR_BAD(e, "the stored archive is not what was imported: import it again");
	return answer.differences == 0;
}

/* The manifest that names the layers is what the image's id says. */
static int verify_document(struct store *s, const char *hex, struct err *e)
{
	struct unpack_answer answer;
	char got[HEX_SIZE + 1];
	_clean_(fd) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0 || null < 0)
		return ERR_SYS(e, "open the stored manifest");
	int r = unpack_plain(blob, null, &answer, e);
	if (r < 0)
		return r;
	digest_hex(answer.digest, got);
	return strcmp(got, hex) == 0 ? 0
				     : ERR_BAD(e, "the stored manifest is not what was imported: "
						  "import the image again");
}

/* 1: sound; 0: it was not, and is now; -EAGAIN: it changed while we looked. */
static int verify_once(struct store *s, const char *id, const char *hex, struct err *e)
{
	struct treeref tree = TREEREF_INIT;
	int r = store_tree(s, id, &tree, e);
	if (r >= 0 && tree.n_layers) {
		treeref_release(&tree);
		r = verify_document(s, hex, e);
		return r < 0 ? r : verify_layers(s, hex, e);
	}
	if (r >= 0) {
		r = compare(s, hex, tree.lock_fd, e);
	} else if (r == -ENOENT) {
		/* None; or one without a root filesystem, unless it has just come. */
		tree.lock_fd = openat(s->dirfd, place(CAS_TREE, hex).path,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = tree.lock_fd >= 0 && faccessat(tree.lock_fd, "rootfs", F_OK, 0) == 0 ? -EAGAIN
											 : 0;
	}
	if (r == 0) {
		r = repair(s, hex, tree.lock_fd, e);
		r = r > 0 ? 0 : r == 0 ? -EAGAIN : r;
	}
	treeref_release(&tree);
	return r;
}

int tree_verify(struct store *s, const char *hex, struct err *e)
{
	_clean_(mem) char *id = xasprintf(ID_PREFIX "%s", hex);
	int r = -EAGAIN;
	for (int i = 0; i < VERIFY_TRIES && r == -EAGAIN; i++) {
		*e = ERR_INIT;
		r = verify_once(s, id, hex, e);
	}
	if (r == -EAGAIN)
		r = err_set(e, ERR_BUSY, EBUSY, "its tree comes and goes: try again later");
	return r < 0 ? err_wrap(e, r, "image '%s'", id) : r;
}

int store_verify(struct store *s, const char *id, struct err *e)
{
	const char *hex = id_hex(id, e);
	if (!hex)
		return -EINVAL;
	if (!record_exists(s, hex))
		return ERR_NOENT(e, "no image '%s' in the store", id);
	return tree_verify(s, hex, e);
}

/* --- export, extract, pack -------------------------------------------------------------------- */

/* Layers are merged, and become an image without layers. */
static int export_layers(
	struct store *s, const char *id, const struct treeref *tree, int fd, struct err *e)
{
	_clean_(merged) struct merged all = MERGED_INIT;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	int r = store_manifest_bytes(s, id, &manifest, e);
	if (r >= 0)
		r = merge_layers(s, tree->layers, tree->n_layers, &all, e);
	if (r >= 0)
		r = store_pack(all.fd, str_text(&manifest), manifest.len, fd, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", id) : 0;
}

static int export_archive(struct store *s, const char *id, int fd, struct err *e)
{
	struct unpack_answer answer;
	char got[HEX_SIZE + 1];
	const char *hex = id_hex(id, e);
	if (!hex)
		return -EINVAL;
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0 && errno == ENOENT)
		return ERR_NOENT(e, "no image '%s' in the store", id);
	if (blob < 0)
		return ERR_SYS(e, "open the stored archive of image '%s'", id);
	int r = unpack_plain(blob, fd, &answer, e);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", id);
	digest_hex(answer.digest, got);
	if (strcmp(got, hex) != 0)
		return ERR_BAD(e, "the stored archive of image '%s' is corrupt", id);
	return 0;
}

int store_export(struct store *s, const char *id, int fd, struct err *e)
{
	struct treeref tree;
	struct err ignored = ERR_INIT;
	/* Without a tree the archive may still be whole. */
	if (store_tree(s, id, &tree, &ignored) < 0)
		return export_archive(s, id, fd, e);
	int r = tree.n_layers ? export_layers(s, id, &tree, fd, e) : export_archive(s, id, fd, e);
	treeref_release(&tree);
	return r;
}

int store_extract(struct store *s, const char *id, int dirfd, bool rootfs_only, struct err *e)
{
	struct treeref tree;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	int r = store_tree(s, id, &tree, e);
	if (r < 0)
		return r;
	_clean_(fd) int to = -1;
	if (rootfs_only) {
		r = treeref_copy(&tree, dirfd, e);
	} else {
		r = store_manifest_bytes(s, id, &manifest, e);
		if (r >= 0)
			r = io_write_new(
				dirfd, "manifest", str_text(&manifest), manifest.len, 0644, e);
		if (r >= 0 && mkdirat(dirfd, "rootfs", 0755) < 0)
			r = ERR_SYS(e, "create 'rootfs'");
		if (r >= 0) {
			to = openat(
				dirfd, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			r = to < 0 ? ERR_SYS(e, "open 'rootfs'") : treeref_copy(&tree, to, e);
		}
	}
	treeref_release(&tree);
	return r < 0 ? err_wrap(e, r, "image '%s'", id) : 0;
}

int store_pack(int rootfs_fd, const char *manifest, size_t n, int fd, struct err *e)
{
	struct unpack_answer answer;
	_clean_(fd) int input = memfd_create("manifest", MFD_CLOEXEC);
	if (input < 0)
		return ERR_SYS(e, "memfd_create");
	int r = io_write_all(input, manifest, n, e);
	if (r < 0)
		return r;
	if (lseek(input, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	const struct unpack_job job = {
		.mode = UNPACK_PACK, .input = input, .dir = rootfs_fd, .output = fd, .lower = -1
	};
	return unpacker_run(&job, &answer, e);
}
