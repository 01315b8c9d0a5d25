/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image verify of a layered image: each layer is unpacked once more from its blob, whose digest is
 * checked by that, and compared with the tree; a tree that differs is replaced by the fresh one.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "stage0/store/internal.h"

struct check {
	struct store *s;
	struct arena a;
	struct strlist names; /* lowest first */
	/* Of each that is sound, topmost first: rootfs, and its directory, with a shared lock. */
	int fds[OCI_LAYERS_MAX], dirs[OCI_LAYERS_MAX];
	size_t n;
};

/* The layer as it should be, in a fresh directory. */
static int unpack_again(
	struct check *c, const struct layer_info *info, struct tmp *fresh, struct err *e)
{
	struct unpack_answer answer;
	char blob[OCI_HEX_SIZE + 1], diff[OCI_HEX_SIZE + 1];
	_clean_(merged) struct merged below = MERGED_INIT;
	_clean_(fd) int input = openat(c->s->dirfd, place(CAS_BLOB256, info->blob).path,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (input < 0)
		return ERR_SYS(e, "open the stored layer");
	int r = tmp_dir(c->s, fresh, e);
	if (r >= 0 && info->context && c->n)
		r = merge_layers(c->s, c->fds + OCI_LAYERS_MAX - c->n, c->n, &below, e);
	if (r < 0)
		return r;
	const struct unpack_job job = { .mode = UNPACK_LAYER,
		.flags = info->context ? 0 : UNPACK_ALONE,
		.input = input,
		.dir = fresh->fd,
		.output = -1,
		.lower = below.fd };
	r = unpacker_run(&job, &answer, e);
	if (r < 0)
		return err_wrap(e, r, "the stored layer");
	oci_digest_hex(answer.input_digest, blob);
	oci_digest_hex(answer.digest, diff);
	if (strcmp(blob, info->blob) != 0 || strcmp(diff, info->diff) != 0)
		return ERR_BAD(
			e, "the stored layer is not what was imported: import the image again");
	return layer_info_write(fresh->fd, info, e);
}

static void note_sound(struct check *c, int *dir, int *rootfs)
{
	size_t at = OCI_LAYERS_MAX - ++c->n;
	c->dirs[at] = take_fd(dir);
	c->fds[at] = take_fd(rootfs);
}

/* 1: sound; 0: replaced; -EAGAIN: it changed while we looked. */
static int check_layer(struct check *c, const char *name, struct err *e)
{
	_clean_(tmp) struct tmp fresh = TMP_INIT;
	struct layer_info info;
	_clean_(fd) int dir = layer_open(c->s, name, e);
	int r = dir < 0 ? dir : layer_info_read(dir, &c->a, &info, e);
	if (r >= 0)
		r = unpack_again(c, &info, &fresh, e);
	if (r < 0)
		return r;
	_clean_(fd) int have = rootfs_open(dir, e);
	_clean_(fd) int want = rootfs_open(fresh.fd, e);
	r = rootfs_same(have, want, e);
	bool sound = r > 0;
	if (r == 0) {
		r = replace_layer(c->s, name, dir, &fresh, e);
		r = r == 0 ? -EAGAIN : r;
		dir = fd_close(dir);
	}
	if (r < 0)
		return r;
	if (!sound) { /* fresh.fd goes with what was there before */
		dir = fcntl(fresh.fd, F_DUPFD_CLOEXEC, 0);
		if (dir < 0)
			return ERR_SYS(e, "duplicate descriptor");
	}
	note_sound(c, &dir, sound ? &have : &want);
	return sound;
}

static int check_all(struct check *c, struct err *e)
{
	int sound = 1;
	for (size_t i = 0; i < c->names.n; i++) {
		int r = check_layer(c, c->names.v[i], e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
		sound &= r;
	}
	return sound;
}

int verify_layers(struct store *s, const char *hex, struct err *e)
{
	struct check c = { .s = s };
	int dir, r = tree_open_locked(s, hex, "image", &dir, e);
	if (r < 0)
		return r;
	/* The layers are locked, each from when it is looked at; the image is not, for whoever
	 * wants to be alone with a layer needs it, be it ourselves. */
	r = layer_list_read(dir, &c.a, &c.names, e);
	fd_close(dir);
	if (r >= 0)
		r = check_all(&c, e);
	for (; c.n; c.n--) {
		fd_close(c.fds[OCI_LAYERS_MAX - c.n]);
		fd_close(c.dirs[OCI_LAYERS_MAX - c.n]);
	}
	arena_release(&c.a);
	return r;
}
