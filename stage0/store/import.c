/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "stage0/store/internal.h"

enum { COMPARE_CHUNK = 64 * 1024 };

/* --- bytes that are here already -------------------------------------------------------------- */

struct same {
	struct store *s;
	int fd;
	uint64_t size;
	bool found;
	char hex[HEX_SIZE + 1];
};

static bool same_content(int a, int b, uint64_t size)
{
	char x[COMPARE_CHUNK], y[COMPARE_CHUNK];
	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(a, x, sizeof x, (off_t)at), m = pread(b, y, sizeof y, (off_t)at);
		if (n <= 0 || n != m || memcmp(x, y, (size_t)n) != 0)
			return false;
		at += (uint64_t)n;
	}
	return true;
}

static int compare_blob(void *ctx, const char *hex, struct err *e)
{
	struct same *same = ctx;
	struct stat st;
	const struct place p = place(CAS_BLOB, hex);
	(void)e;
	if (same->found || fstatat(same->s->dirfd, p.path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(uint64_t)st.st_size != same->size)
		return 0;
	_clean_(fd) int blob = openat(same->s->dirfd, p.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (blob < 0 || !same_content(same->fd, blob, same->size))
		return 0;
	same->found = true;
	memcpy(same->hex, hex, HEX_SIZE + 1);
	return 0;
}

/* The blob that has exactly these bytes, found by comparing: cheaper by far than digests, and
 * whatever happens to the file meanwhile, the blob is what was read. */
static bool find_same(struct store *s, int fd, char ret[HEX_SIZE + 1])
{
	struct stat st;
	struct err ignored = ERR_INIT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	struct same same = { .s = s, .fd = fd, .size = (uint64_t)st.st_size };
	(void)cas_each(s, CAS_BLOB, HEX_SIZE, compare_blob, &same, &ignored);
	memcpy(ret, same.hex, HEX_SIZE + 1);
	return same.found;
}

/* --- whether it is trusted -------------------------------------------------------------------- */

static int ask_before(const struct import_options *o, int fd, struct err *e)
{
	return o->check ? o->check(o->ctx, fd, e) : 0;
}

/* Fills what the record tells about trust. */
static int ask_after(const struct import_options *o, const struct image_manifest *m,
	struct arena *a, struct image *image, struct err *e)
{
	struct verified v = { 0 };
	int r = o->accept ? o->accept(o->ctx, m, &v, e) : 0;
	if (r < 0)
		return r;
	image->insecure = o->accept ? !v.mechanism : o->insecure;
	image->verified = NULL;
	if (v.mechanism) {
		image->verified = ARENA_NEW(a, struct verified);
		*image->verified = v;
	}
	return 0;
}

/* --- an image that is here already ------------------------------------------------------------ */

/* What was unpacked when nobody spoke for it must be what the archive holds, before its manifest is
 * believed and it counts as verified. The tree is let go meanwhile: repairing it takes it alone. */
static int make_sound(
	struct store *s, const char *id, const char *hex, struct treeref *tree, struct err *e)
{
	treeref_release(tree);
	int r = tree_verify(s, hex, e);
	return r < 0 ? r : store_tree(s, id, tree, e);
}

static int ask_about_stored(struct store *s, const char *hex, const struct import_options *o,
	struct arena *a, struct image *image, struct err *e)
{
	struct image_manifest *m;
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0)
		return ERR_SYS(e, "open the stored archive");
	int r = ask_before(o, blob, e);
	if (r >= 0)
		r = store_manifest(s, image->id, a, &m, e);
	if (r < 0)
		return r;
	image->name = m->name;
	image->version = nv_get(&m->labels, "version");
	return ask_after(o, m, a, image, e);
}

static bool same_words(const struct verified *a, const struct verified *b)
{
	if (!a || !b)
		return a == b;
	return str_eq(a->mechanism, b->mechanism) && str_eq(a->key, b->key) &&
	       str_eq(a->digest, b->digest);
}

static int renew_record(struct store *s, const char *hex, const struct image *old,
	const struct import_options *o, struct arena *a, struct err *e)
{
	struct image image = *old;
	int r = ask_about_stored(s, hex, o, a, &image, e);
	if (r < 0)
		return r;
	/* Once accepted with a signature, it stays so. */
	if (image.insecure && !old->insecure) {
		image.insecure = false;
		image.verified = old->verified;
	}
	if (o->source)
		image.source = o->source;
	if (image.insecure == old->insecure && same_words(image.verified, old->verified) &&
		str_eq(image.source, old->source)) {
		store_touch(s, image.id);
		return 0;
	}
	image.imported_ns = now_unix_ns();
	return record_write(s, &image, false, e);
}

/* 1: the image is complete, its record is renewed; 0: something is missing, import it. */
static int renew(struct store *s, const char *hex, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e)
{
	struct image old;
	struct treeref tree;
	struct err ignored = ERR_INIT;
	const char *id = arena_printf(a, ID_PREFIX "%s", hex);
	if (store_tree(s, id, &tree, &ignored) < 0)
		return 0;
	int r = 0;
	if (store_get(s, id, a, &old, &ignored) >= 0 && !old.n_layers) {
		if (old.insecure && o->check)
			r = make_sound(s, id, hex, &tree, e);
		if (r >= 0)
			r = renew_record(s, hex, &old, o, a, e);
		if (r >= 0) {
			*ret_id = id;
			r = 1;
		}
	}
	treeref_release(&tree);
	return r;
}

/* --- a new one -------------------------------------------------------------------------------- */

struct import {
	struct store *s;
	const struct import_options *o;
	struct tmp tree, blob;
	struct unpack_answer answer;
	struct image image;
	char hex[HEX_SIZE + 1];
};

static int copy_bytes(int from, int to, uint64_t max, struct err *e)
{
	char chunk[COMPARE_CHUNK];
	if (!max)
		max = UINT64_MAX;
	for (uint64_t done = 0;;) {
		ssize_t n = io_read_full(from, chunk, sizeof chunk, e);
		if (n <= 0)
			return (int)n;
		done += (uint64_t)n;
		if (done > max)
			return err_set(e, ERR_INPUT, EFBIG, "larger than %llu bytes",
				(unsigned long long)max);
		int r = io_write_all(to, chunk, (size_t)n, e);
		if (r < 0)
			return r;
	}
}

/* A copy of fd's bytes that nobody else writes to: 1 and *ret_fd, when the filesystem can share
 * them or they are to be checked before they are unpacked; else 0, and the worker writes down what
 * it reads. */
static int copy_first(struct import *i, int fd, int *ret_fd, struct err *e)
{
	bool shared = ioctl(i->blob.fd, FICLONE, fd) == 0;
	if (!shared && lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return ERR_SYS(e, "seek");
	if (!shared && !i->o->check)
		return 0;
	if (!shared) {
		int r = copy_bytes(fd, i->blob.fd, i->o->max_bytes, e);
		if (r < 0)
			return err_wrap(e, r, "copy the archive");
	}
	*ret_fd = openat(
		i->s->dirfd, place(CAS_TMP, i->blob.name).path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? ERR_SYS(e, "open the copy of the archive") : 1;
}

/* The bytes that are checked and digested are the bytes that are kept. */
static int unpack(struct import *i, int fd, struct err *e)
{
	struct unpack_job job = {
		.mode = UNPACK_TREE,
		.input = fd,
		.dir = i->tree.fd,
		.output = i->blob.fd,
		.lower = -1,
		.max_bytes = i->o->max_bytes,
		.max_entries = i->o->max_entries,
		.timeout_s = i->o->timeout_s,
	};
	_clean_(fd) int copy = -1;
	int r = copy_first(i, fd, &copy, e);
	if (r > 0) {
		job.input = copy;
		job.output = -1;
		r = ask_before(i->o, copy, e);
	}
	if (r >= 0)
		r = unpacker_run(&job, &i->answer, e);
	if (r < 0)
		return r;
	digest_hex(i->answer.digest, i->hex);
	return 0;
}

/* What the record says comes from the manifest that lies in the tree, as every later use does. */
static int describe(struct import *i, struct arena *a, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	struct image_manifest *m;
	int r = io_read_file(i->tree.fd, "manifest", &bytes, e);
	if (r >= 0)
		r = image_manifest_decode(str_text(&bytes), bytes.len, a, &m, e);
	if (r < 0)
		return r;
	i->image = (struct image){
		.id = arena_printf(a, ID_PREFIX "%s", i->hex),
		.name = m->name,
		.version = nv_get(&m->labels, "version"),
		.imported_ns = now_unix_ns(),
		.size = i->answer.input_bytes + i->answer.tree_bytes,
		.source = i->o->source,
	};
	return ask_after(i->o, m, a, &i->image, e);
}

static int publish(struct import *i, struct err *e)
{
	_clean_(fd) int tree = -1;
	if (syncfs(i->tree.fd) < 0)
		return ERR_SYS(e, "sync the store");
	int r = blob_publish(i->s, &i->blob, CAS_BLOB, i->hex, e);
	if (r >= 0)
		r = tree_publish(i->s, &i->tree, i->hex, &tree, e);
	if (r > 0 && i->o->check) {
		struct treeref sound = TREEREF_INIT;
		tree = fd_close(tree);
		r = make_sound(i->s, i->image.id, i->hex, &sound, e);
		tree = take_fd(&sound.lock_fd);
		treeref_release(&sound);
	}
	/* The tree is there, and held, until the record says that it is needed. */
	return r < 0 ? r : record_write(i->s, &i->image, true, e);
}

static int import_new(struct store *s, int fd, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e)
{
	struct import i = { .s = s, .o = o, .tree = TMP_INIT, .blob = TMP_INIT };
	int r = tmp_dir(s, &i.tree, e);
	if (r >= 0)
		r = tmp_file(s, &i.blob, e);
	if (r >= 0)
		r = unpack(&i, fd, e);
	if (r >= 0)
		r = describe(&i, a, e);
	if (r >= 0)
		r = publish(&i, e);
	tmp_cleanup(&i.tree);
	tmp_cleanup(&i.blob);
	if (r >= 0)
		*ret_id = i.image.id;
	return r < 0 ? r : 0;
}

int store_import(struct store *s, int fd, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e)
{
	char hex[HEX_SIZE + 1];
	if (find_same(s, fd, hex)) {
		int r = renew(s, hex, o, a, ret_id, e);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return import_new(s, fd, o, a, ret_id, e);
}
