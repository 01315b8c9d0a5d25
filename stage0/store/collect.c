/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/fs/lockfd.h"
#include "lib/fs/rmtree.h"
#include "stage0/store/internal.h"
#include "stage0/store/remote.h"

struct collector {
	struct store *s;
	tree_in_use_fn in_use;
	void *ctx;
	int64_t unused_before_ns; /* last use of what may go */
	void (*removed)(void *ctx, const char *id);
};

static bool used(const struct collector *c, const char *hex)
{
	char id[sizeof ID_PREFIX + HEX_SIZE];
	snprintf(id, sizeof id, ID_PREFIX "%s", hex);
	return c->in_use && c->in_use(c->ctx, id);
}

static void tell(const struct collector *c, const char *hex)
{
	char id[sizeof ID_PREFIX + HEX_SIZE];
	snprintf(id, sizeof id, ID_PREFIX "%s", hex);
	if (c->removed)
		c->removed(c->ctx, id);
}

/* Opens dir/name and takes its lock alone. 1: *ret_fd; 0: gone, or somebody works with it. */
static int take(struct store *s, const char *dir, const char *name, int *ret_fd, struct err *e)
{
	const struct place p = place(dir, name);
	_clean_(fd) int fd =
		openat(s->dirfd, p.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "open '%s/%s'", s->path, p.path);
	int r = lockfd_try(fd, LOCK_EXCLUSIVE, e);
	if (r <= 0)
		return r;
	if (!cas_is_still(s, dir, name, fd))
		return 0;
	*ret_fd = take_fd(&fd);
	return 1;
}

static int remove_tmp(struct store *s, const char *name, struct err *e)
{
	_clean_(fd) int dir = openat(s->dirfd, CAS_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? ERR_SYS(e, "open '%s/%s'", s->path, CAS_TMP) : rmtree_at(dir, name, e);
}

/* The caller holds the tree's lock, which goes along to cas/tmp. */
static int remove_tree(struct store *s, const char *hex, struct err *e)
{
	char name[24];
	int r = cas_make_dirs(s, e);
	if (r >= 0)
		r = tmp_name(name, e);
	if (r < 0)
		return r;
	if (renameat(s->dirfd, place(CAS_TREE, hex).path, s->dirfd, place(CAS_TMP, name).path) < 0)
		return ERR_SYS(e, "remove the tree '%s'", hex);
	return remove_tmp(s, name, e);
}

static int remove_blob(struct store *s, const char *hex, struct err *e)
{
	if (unlinkat(s->dirfd, place(CAS_BLOB, hex).path, 0) < 0 && errno != ENOENT)
		return ERR_SYS(e, "remove the archive of image '" ID_PREFIX "%s'", hex);
	return 0;
}

/* It goes before the tree does, after a power cut too: a record without a tree is a lie. */
static int remove_record(struct store *s, const char *hex, struct err *e)
{
	if (unlinkat(s->dirfd, place(CAS_IMAGE, hex).path, 0) < 0 && errno != ENOENT)
		return ERR_SYS(e, "remove the record of image '" ID_PREFIX "%s'", hex);
	return cas_sync(s, CAS_IMAGE, e);
}

/* Whoever imports holds the locks of tree and blob until the record is there; whoever prepares a
 * pod holds the tree's until the pod says that it uses it. So: first the lock, then the look. */
static int orphan_tree(void *ctx, const char *hex, struct err *e)
{
	struct collector *c = ctx;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_TREE, hex, &lock, e);
	if (r <= 0 || record_exists(c->s, hex) || used(c, hex))
		return r < 0 ? r : 0;
	r = remove_tree(c->s, hex, e);
	if (r >= 0)
		tell(c, hex);
	return r;
}

static int orphan_blob(void *ctx, const char *hex, struct err *e)
{
	struct collector *c = ctx;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_BLOB, hex, &lock, e);
	if (r <= 0 || record_exists(c->s, hex) || used(c, hex))
		return r < 0 ? r : 0;
	return remove_blob(c->s, hex, e);
}

/* Whoever imports holds a layer until the image's tree, which names it, is there. */
static int orphan_layer(void *ctx, const char *hex, struct err *e)
{
	struct collector *c = ctx;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_TREE, hex, &lock, e);
	return r <= 0 || layer_needed(c->s, hex) ? (r < 0 ? r : 0) : remove_tree(c->s, hex, e);
}

static int orphan_layer_blob(void *ctx, const char *hex, struct err *e)
{
	struct collector *c = ctx;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_BLOB256, hex, &lock, e);
	if (r <= 0 || layer_blob_needed(c->s, hex))
		return r < 0 ? r : 0;
	if (unlinkat(c->s->dirfd, place(CAS_BLOB256, hex).path, 0) < 0 && errno != ENOENT)
		return ERR_SYS(e, "remove the layer '%s'", hex);
	return 0;
}

/* --- trees that were put together ------------------------------------------------------------- */

/* Damaged ones belong to nobody. */
static int orphan_rendered(void *ctx, const char *name, struct err *e)
{
	struct collector *c = ctx;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err why = ERR_INIT;
	struct rendered t;
	_clean_(fd) int lock = -1;
	if (!rendered_name_valid(name))
		return 0;
	int r = take(c->s, CAS_TREE, name, &lock, e);
	if (r <= 0 || (c->in_use && c->in_use(c->ctx, name)))
		return r < 0 ? r : 0;
	r = rendered_read(c->s, name, &a, &t, &why);
	if (r >= 0 && record_exists(c->s, id_hex(t.images.v[t.images.n - 1], &why)) &&
		rendered_last_used(c->s, name) > c->unused_before_ns)
		return 0;
	return remove_tree(c->s, name, e);
}

struct rendered_use {
	const struct collector *c;
	struct arena a;
	const char *hex;
	bool yes;
};

static int uses_rendered(void *ctx, const char *name, struct err *e)
{
	struct rendered_use *q = ctx;
	struct rendered t;
	if (q->yes || !rendered_name_valid(name) || !q->c->in_use ||
		rendered_read(q->c->s, name, &q->a, &t, e) < 0 ||
		strcmp(t.images.v[t.images.n - 1] + strlen(ID_PREFIX), q->hex) != 0)
		return 0;
	q->yes = q->c->in_use(q->c->ctx, name);
	return 0;
}

/* A pod of the image uses what was made of it, and not the image's own tree. */
static bool used_rendered(const struct collector *c, const char *hex)
{
	struct rendered_use q = { .c = c, .a = ARENA_INIT, .hex = hex };
	struct err ignored = ERR_INIT;
	bool yes = cas_each(c->s, CAS_TREE, 0, uses_rendered, &q, &ignored) < 0 || q.yes;
	arena_release(&q.a);
	return yes;
}

static int unused_image(void *ctx, const char *hex, struct err *e)
{
	struct collector *c = ctx;
	struct stat st;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_TREE, hex, &lock, e);
	if (r < 0)
		return r;
	/* Without a tree it is of no use; with one that is locked, somebody is using it. */
	if (r == 0 && faccessat(c->s->dirfd, place(CAS_TREE, hex).path, F_OK, 0) == 0)
		return 0;
	if (fstatat(c->s->dirfd, place(CAS_IMAGE, hex).path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (ns_of(st.st_mtim) > c->unused_before_ns || used(c, hex) || used_rendered(c, hex))
		return 0;
	r = remove_record(c->s, hex, e);
	if (r >= 0 && lock >= 0)
		r = remove_tree(c->s, hex, e);
	if (r >= 0)
		tell(c, hex);
	return r; /* its blob has become an orphan */
}

static int leftover(void *ctx, const char *name, struct err *e)
{
	struct collector *c = ctx;
	_clean_(fd) int lock = -1;
	int r = take(c->s, CAS_TMP, name, &lock, e);
	return r <= 0 ? r : remove_tmp(c->s, name, e);
}

/* Its times of use are its owner's to set, that of its last change is not. */
static int stale_incoming(void *ctx, const char *name, struct err *e)
{
	struct collector *c = ctx;
	struct stat st;
	_clean_(fd) int dir =
		openat(c->s->dirfd, CAS_INCOMING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return ERR_SYS(e, "open '%s/%s'", c->s->path, CAS_INCOMING);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "'%s/%s'", CAS_INCOMING, name);
	if (ns_of(st.st_ctim) > c->unused_before_ns)
		return 0;
	return rmtree_at(dir, name, e);
}

/* Notes about images that are gone, and those that nobody can read. */
static int stale_note(void *ctx, const char *name, struct err *e)
{
	struct collector *c = ctx;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err why = ERR_INIT;
	struct remote_note note;
	if (note_read(c->s, name, &a, &note, &why) >= 0)
		return 0;
	if (unlinkat(c->s->dirfd, place(CAS_REMOTE, name).path, 0) < 0 && errno != ENOENT)
		return ERR_SYS(e, "remove '%s/%s/%s'", c->s->path, CAS_REMOTE, name);
	return 0;
}

int store_remove(struct store *s, const char *id, tree_in_use_fn in_use, void *ctx, struct err *e)
{
	struct collector c = { .s = s, .in_use = in_use, .ctx = ctx };
	const char *hex = id_hex(id, e);
	if (!hex)
		return -EINVAL;
	if (!record_exists(s, hex))
		return ERR_NOENT(e, "no image '%s' in the store", id);
	int r = remove_record(s, hex, e);
	if (r >= 0)
		r = orphan_tree(&c, hex, e);
	if (r >= 0)
		r = orphan_blob(&c, hex, e);
	if (r >= 0)
		r = cas_each(s, CAS_TREE, 0, orphan_rendered, &c, e);
	if (r >= 0)
		r = cas_each(s, CAS_TREE, OCI_HEX_SIZE, orphan_layer, &c, e);
	if (r >= 0)
		r = cas_each(s, CAS_BLOB256, OCI_HEX_SIZE, orphan_layer_blob, &c, e);
	return r;
}

/* Keeps the first error of several steps. */
static void note(int *first, int r, struct err *e, const struct err *why)
{
	if (r < 0 && *first >= 0) {
		*first = r;
		*e = *why;
	}
}

int store_gc(struct store *s, int64_t grace_s, tree_in_use_fn in_use, void *ctx,
	void (*removed)(void *ctx, const char *id), struct err *e)
{
	static const struct {
		const char *dir;
		size_t digits;
		cas_fn fn;
	} steps[] = {
		{ CAS_TMP, 0, leftover },
		{ CAS_INCOMING, 0, stale_incoming },
		{ CAS_IMAGE, HEX_SIZE, unused_image },
		{ CAS_TREE, HEX_SIZE, orphan_tree },
		{ CAS_TREE, 0, orphan_rendered },
		{ CAS_TREE, OCI_HEX_SIZE, orphan_layer },
		{ CAS_BLOB, HEX_SIZE, orphan_blob },
		{ CAS_BLOB256, OCI_HEX_SIZE, orphan_layer_blob },
		{ CAS_REMOTE, 0, stale_note },
	};
	int64_t now = now_unix_ns();
	/* A grace that reaches back beyond 1970 keeps everything. */
	int64_t before = grace_s < now / 1000000000 ? now - grace_s * 1000000000 : -1;
	struct collector c = {
		.s = s, .in_use = in_use, .ctx = ctx, .removed = removed, .unused_before_ns = before
	};
	int first = 0;
	size_t n = sizeof steps / sizeof *steps;
	/* Where there are no records at all, they may just not be in their place: whatever took
	 * them away, images are not given up for it. */
	if (faccessat(s->dirfd, CAS_IMAGE, F_OK, 0) < 0)
		n = 2;
	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		int r = cas_each(s, steps[i].dir, steps[i].digits, steps[i].fn, &c, &why);
		note(&first, r, e, &why);
	}
	return first;
}
