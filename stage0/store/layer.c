/* SPDX-License-Identifier: Apache-2.0 */
/* One layer of an image in the store, and what says that it is needed. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/json/jdec.h"
#include "lib/json/jenc.h"
#include "stage0/store/internal.h"

#define LAYER_FILE "layer"
#define LAYERS_FILE "layers"
enum { LAYER_FILE_MAX = 4096, LAYERS_FILE_MAX = 64 * 1024, PUBLISH_TRIES = 16 };

/* --- the file `layer` ------------------------------------------------------------------------- */

static bool digest_valid(const char *hex)
{
	return strnlen(hex, OCI_HEX_SIZE + 1) == OCI_HEX_SIZE && parse_hex(hex, OCI_HEX_SIZE);
}

static int check_hex(struct jctx *c, const struct jpath *at, const void *target)
{
	return digest_valid(*(const char *const *)target)
		       ? 0
		       : jdec_error(c, at, "not %d hex digits", OCI_HEX_SIZE);
}

static const struct jfield layer_fields[] = {
	{ "blob", J_STRING, offsetof(struct layer_info, blob), J_REQUIRED, .check = check_hex },
	{ "diff", J_STRING, offsetof(struct layer_info, diff), J_REQUIRED, .check = check_hex },
	{ "size", J_I64, offsetof(struct layer_info, size), J_REQUIRED },
	{ "context", J_BOOL, offsetof(struct layer_info, context), 0 },
	{ "opaqueTop", J_BOOL, offsetof(struct layer_info, opaque_top), 0 },
	{ "empty", J_BOOL, offsetof(struct layer_info, empty), 0 },
	{ 0 },
};

int layer_info_read(int dirfd, struct arena *a, struct layer_info *ret, struct err *e)
{
	struct layer_info info = { 0 };
	struct jctx c = { a, e };
	struct json *v;
	_clean_(str) struct str bytes = STR_INIT(LAYER_FILE_MAX);
	int r = io_read_file(dirfd, LAYER_FILE, &bytes, e);
	if (r >= 0)
		r = json_parse(str_text(&bytes), bytes.len, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, layer_fields, J_UNKNOWN_REFUSED, &info);
	if (r < 0)
		return err_wrap(e, r, "'" LAYER_FILE "'");
	*ret = info;
	return 0;
}

int layer_info_write(int dirfd, const struct layer_info *info, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(LAYER_FILE_MAX);
	struct jenc j = JENC_INIT(&out, false);
	const struct {
		const char *key;
		bool value;
	} flags[] = { { "context", info->context }, { "opaqueTop", info->opaque_top },
		{ "empty", info->empty } };
	jenc_open(&j, '{');
	jenc_member(&j, "blob", info->blob);
	jenc_member(&j, "diff", info->diff);
	jenc_key(&j, "size");
	jenc_i64(&j, info->size);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		jenc_key(&j, flags[i].key);
		jenc_bool(&j, flags[i].value);
	}
	jenc_close(&j, '}');
	str_addc(&out, '\n');
	return io_write_new(dirfd, LAYER_FILE, str_text(&out), out.len, 0600, e);
}

/* --- the file `layers` ------------------------------------------------------------------------ */

int layer_list_read(int dirfd, struct arena *a, struct strlist *ret, struct err *e)
{
	struct strlist l = { 0 };
	_clean_(str) struct str bytes = STR_INIT(LAYERS_FILE_MAX);
	int r = io_read_file(dirfd, LAYERS_FILE, &bytes, e);
	if (r < 0)
		return r;
	if (bytes.len % (OCI_HEX_SIZE + 1) || bytes.len > OCI_LAYERS_MAX * (OCI_HEX_SIZE + 1))
		return ERR_BAD(e, "'" LAYERS_FILE "' is damaged");
	for (size_t at = 0; at < bytes.len; at += OCI_HEX_SIZE + 1) {
		char *hex = arena_strndup(a, bytes.buf + at, OCI_HEX_SIZE);
		if (!digest_valid(hex) || bytes.buf[at + OCI_HEX_SIZE] != '\n')
			return ERR_BAD(e, "'" LAYERS_FILE "' is damaged");
		strlist_add(a, &l, hex);
	}
	if (!l.n)
		return ERR_BAD(e, "'" LAYERS_FILE "' is empty");
	*ret = l;
	return 0;
}

int layer_list_write(int dirfd, const struct strlist *l, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(LAYERS_FILE_MAX);
	for (size_t i = 0; i < l->n; i++)
		str_addf(&out, "%s\n", l->v[i]);
	return io_write_new(dirfd, LAYERS_FILE, str_text(&out), out.len, 0600, e);
}

static int open_rootfs(int dir)
{
	return openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool layer_is_whole(struct store *s, int dir)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err ignored = ERR_INIT;
	struct layer_info info;
	struct stat st;
	_clean_(fd) int rootfs = open_rootfs(dir);
	return rootfs >= 0 && layer_info_read(dir, &a, &info, &ignored) >= 0 &&
	       fstatat(s->dirfd, place(CAS_BLOB256, info.blob).path, &st, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       st.st_size > 0;
}

/* --- who needs it ----------------------------------------------------------------------------- */

struct question {
	struct store *s;
	const char *hex;
	bool yes;
};

/* Where we cannot look, the answer is yes. */
static int names_layer(void *ctx, const char *image, struct err *e)
{
	struct question *q = ctx;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct strlist l = { 0 };
	_clean_(fd) int dir = openat(q->s->dirfd, place(CAS_TREE, image).path,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? -errno : layer_list_read(dir, &a, &l, e);
	q->yes |= r < 0 ? r != -ENOENT : strlist_has(&l, q->hex);
	return 0;
}

bool layer_needed(struct store *s, const char *hex)
{
	struct question q = { .s = s, .hex = hex };
	struct err ignored = ERR_INIT;
	return cas_each(s, CAS_TREE, HEX_SIZE, names_layer, &q, &ignored) < 0 || q.yes;
}

static int names_blob(void *ctx, const char *layer, struct err *e)
{
	struct question *q = ctx;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct layer_info info;
	_clean_(fd) int dir = openat(q->s->dirfd, place(CAS_TREE, layer).path,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? -errno : layer_info_read(dir, &a, &info, e);
	q->yes |= r < 0 ? r != -ENOENT : str_eq(info.blob, q->hex);
	return 0;
}

bool layer_blob_needed(struct store *s, const char *hex)
{
	struct question q = { .s = s, .hex = hex };
	struct err ignored = ERR_INIT;
	return cas_each(s, CAS_TREE, OCI_HEX_SIZE, names_blob, &q, &ignored) < 0 || q.yes;
}

int layer_open(struct store *s, const char *hex, struct err *e)
{
	int fd;
	char what[OCI_HEX_SIZE + 16];
	snprintf(what, sizeof what, "layer '%s'", hex);
	int r = tree_open_locked(s, hex, what, &fd, e);
	return r < 0 ? r : fd;
}

/* --- alone with it ---------------------------------------------------------------------------- */

struct holding {
	struct store *s;
	const char *hex;
	struct layer_holders *h;
	bool busy;
};

/* Whoever prepares a pod holds the image, not its layers. */
static int hold_image(void *ctx, const char *image, struct err *e)
{
	struct holding *q = ctx;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct strlist l = { 0 };
	_clean_(fd) int dir = openat(q->s->dirfd, place(CAS_TREE, image).path,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (q->busy || dir < 0 || layer_list_read(dir, &a, &l, e) < 0 || !strlist_has(&l, q->hex))
		return 0;
	int r = lockfd_try(dir, LOCK_EXCLUSIVE, e);
	q->busy = r == 0;
	if (r <= 0)
		return r;
	q->h->fds = xrealloc(q->h->fds, q->h->n + 1, sizeof *q->h->fds);
	q->h->fds[q->h->n++] = take_fd(&dir);
	return 0;
}

int layer_lock_alone(
	struct store *s, const char *hex, int dir, struct layer_holders *ret, struct err *e)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		struct holding q = { .s = s, .hex = hex, .h = ret };
		int r = lockfd_try(dir, LOCK_EXCLUSIVE, e);
		if (r < 0 || !cas_is_still(s, CAS_TREE, hex, dir))
			return r < 0 ? r : 0;
		if (r > 0)
			r = cas_each(s, CAS_TREE, HEX_SIZE, hold_image, &q, e) < 0 ? -EIO : 1;
		if (r < 0 || (r > 0 && !q.busy))
			return r;
		layer_unlock(ret);
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE }, NULL);
	}
	return err_set(e, ERR_BUSY, EBUSY, "its tree is being used: try again later");
}

void layer_unlock(struct layer_holders *h)
{
	while (h->n)
		fd_close(h->fds[--h->n]);
	mem_cleanup(&h->fds);
}

/* --- publishing ------------------------------------------------------------------------------- */

int blob_publish(
	struct store *s, struct tmp *blob, const char *dir, const char *name, struct err *e)
{
	_clean_(fd) int to = openat(s->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(fd) int from = openat(s->dirfd, CAS_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0 || from < 0)
		return ERR_SYS(e, "open '%s/%s'", s->path, dir);
	/* Over one that may be there: the same, perhaps compressed in another way. */
	if (renameat(from, blob->name, to, name) < 0)
		return ERR_SYS(e, "rename '%s' to '%s'", blob->name, name);
	blob->name[0] = '\0';
	return dir_sync(to, e);
}

int tree_publish(struct store *s, struct tmp *tree, const char *name, int *ret_fd, struct err *e)
{
	_clean_(fd) int to = openat(s->dirfd, CAS_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(fd) int from = openat(s->dirfd, CAS_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0 || from < 0)
		return ERR_SYS(e, "open '%s/%s'", s->path, CAS_TREE);
	/* From its publication on a tree may be used by others, who take a shared lock. */
	int r = lockfd_wait(tree->fd, LOCK_SHARED, e);
	for (int tries = 0; r >= 0 && tries < PUBLISH_TRIES; tries++) {
		r = atomic_publish(from, tree->name, to, name, ATOMIC_VISIBLE, e);
		if (r >= 0) {
			tree->name[0] = '\0';
			r = dir_sync(to, e);
			return r < 0 ? r : tree_open_locked(s, name, name, ret_fd, e);
		}
		if (r != -EEXIST && r != -ENOTEMPTY)
			return r;
		/* Somebody else was faster. Theirs may be removed before we hold it: again. */
		r = tree_open_locked(s, name, name, ret_fd, e);
		if (r != -ENOENT)
			return r < 0 ? r : 1;
		r = 0;
	}
	return r < 0 ? r
		     : err_set(e, ERR_BUSY, EBUSY, "'%s' is being removed again and again", name);
}
