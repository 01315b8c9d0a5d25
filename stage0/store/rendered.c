/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root filesystems that are put together from several images: cas/tree/deps-<key>.
 *
 * The key is made of the images' ids. That two lists have the same key can be brought about, and is
 * harmless: the tree says of which images it was made, and a list that finds its place taken takes
 * the next one.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/json/jdec.h"
#include "lib/json/jenc.h"
#include "stage0/store/internal.h"

enum { FILE_MAX = 128 * 1024, PLACES = 8, IMAGES_MAX = 512, TEXT_MAX = 512 * 144 };
#define RENDERED_FILE "rendered"
enum { NAME_SIZE = sizeof RENDERED_PREFIX + KEY_SIZE };

bool rendered_name_valid(const char *name)
{
	const char *key = str_after(name, RENDERED_PREFIX);
	return key && strnlen(key, KEY_SIZE) == KEY_SIZE - 1 && parse_hex(key, KEY_SIZE - 1);
}

/* --- the file `rendered` ---------------------------------------------------------------------- */

static int check_images(struct jctx *c, const struct jpath *at, const void *target)
{
	const struct strlist *l = target;
	if (!l->n || l->n > IMAGES_MAX)
		return jdec_error(c, at, "1 to %d images wanted", IMAGES_MAX);
	for (size_t i = 0; i < l->n; i++)
		if (!image_id_valid(l->v[i]))
			return jdec_error(c, at, "'%.64s' is not an image id", l->v[i]);
	return 0;
}

static int check_size(struct jctx *c, const struct jpath *at, const void *target)
{
	return *(const int64_t *)target < 0 ? jdec_error(c, at, "negative") : 0;
}

static const struct jfield fields[] = {
	{ "images", J_STRING_ARRAY, offsetof(struct rendered, images), J_REQUIRED,
		.check = check_images },
	{ "size", J_I64, offsetof(struct rendered, size), J_REQUIRED, .check = check_size },
	{ 0 },
};

static struct place file_of(const char *name)
{
	struct place p;
	snprintf(p.path, sizeof p.path, CAS_TREE "/%.64s/" RENDERED_FILE, name);
	return p;
}

int rendered_read(
	struct store *s, const char *name, struct arena *a, struct rendered *ret, struct err *e)
{
	struct rendered found = { .tree = arena_strdup(a, name) };
	struct jctx c = { a, e };
	struct json *v;
	_clean_(str) struct str bytes = STR_INIT(FILE_MAX);
	int r = io_read_file(s->dirfd, file_of(name).path, &bytes, e);
	if (r >= 0)
		r = json_parse(str_text(&bytes), bytes.len, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, fields, J_UNKNOWN_REFUSED, &found);
	if (r < 0)
		return err_wrap(e, r, "tree '%s'", name);
	*ret = found;
	return 0;
}

static int write_file(int dirfd, const struct rendered *t, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(FILE_MAX);
	struct jenc j = JENC_INIT(&out, false);
	jenc_open(&j, '{');
	jenc_key(&j, "images");
	strlist_encode(&j, &t->images);
	jenc_key(&j, "size");
	jenc_i64(&j, t->size);
	jenc_close(&j, '}');
	str_addc(&out, '\n');
	if (!str_ok(&out))
		return ERR_BAD(e, "too many images");
	return io_write_new(dirfd, RENDERED_FILE, str_text(&out), out.len, 0600, e);
}

int64_t rendered_last_used(struct store *s, const char *name)
{
	struct stat st;
	if (fstatat(s->dirfd, file_of(name).path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return ns_of(st.st_mtim);
}

struct listing {
	struct store *s;
	struct arena *a;
	const char *image;
	struct rendered_list found;
	size_t cap;
};

static int list_one(void *ctx, const char *name, struct err *e)
{
	struct listing *l = ctx;
	struct rendered t;
	if (!rendered_name_valid(name))
		return 0;
	int r = rendered_read(l->s, name, l->a, &t, e);
	if (r < 0) {
		dbg("store: %s is left out: %s", name, e->msg);
		return 0;
	}
	if (l->image && strcmp(t.images.v[t.images.n - 1], l->image) != 0)
		return 0;
	if (l->found.n == l->cap) {
		const struct rendered *old = l->found.v;
		l->cap = l->cap ? 2 * l->cap : 8;
		l->found.v = ARENA_ARRAY(l->a, struct rendered, l->cap);
		if (old)
			memcpy(l->found.v, old, l->found.n * sizeof *old);
	}
	l->found.v[l->found.n++] = t;
	return 0;
}

int store_rendered(struct store *s, const char *image, struct arena *a, struct rendered_list *ret,
	struct err *e)
{
	struct listing l = { .s = s, .a = a, .image = image };
	int r = cas_each(s, CAS_TREE, 0, list_one, &l, e);
	if (r >= 0)
		*ret = l.found;
	return r;
}

/* --- making one ------------------------------------------------------------------------------- */

static int whitelist_file(const struct strlist *paths, struct err *e)
{
	_clean_(fd) int fd = memfd_create("whitelist", MFD_CLOEXEC);
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	if (fd < 0)
		return ERR_SYS(e, "memfd_create");
	for (size_t i = 0; i < paths->n; i++)
		str_addn(&text, paths->v[i], strlen(paths->v[i]) + 1);
	if (!str_ok(&text))
		return ERR_BAD(e, "the path whitelist is too long");
	int r = io_write_all(fd, str_text(&text), text.len, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	return r < 0 ? r : take_fd(&fd);
}

static int extract(struct store *s, const struct render_step *step, bool last, int dir,
	struct unpack_answer *ret, struct err *e)
{
	char got[HEX_SIZE + 1];
	_clean_(fd) int paths = -1;
	const char *hex = id_hex(step->id, e);
	if (!hex)
		return -EINVAL;
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0)
		return ERR_SYS(e, "open the stored archive");
	if (!step->all) {
		paths = whitelist_file(&step->paths, e);
		if (paths < 0)
			return paths;
	}
	const struct unpack_job job = { .mode = UNPACK_RENDER,
		.flags = last ? UNPACK_MEASURE : 0,
		.input = blob,
		.dir = dir,
		.output = -1,
		.lower = paths };
	int r = unpacker_run(&job, ret, e);
	if (r < 0)
		return r;
	digest_hex(ret->digest, got);
	return strcmp(got, hex) == 0 ? 0
				     : ERR_BAD(e, "the stored archive is not what was imported: "
						  "import it again");
}

static int render(struct store *s, const struct render_plan *plan, struct tmp *ret, struct err *e)
{
	_clean_(tmp) struct tmp dir = TMP_INIT;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	struct unpack_answer answer = { 0 };
	int r = tmp_dir(s, &dir, e);
	for (size_t i = 0; r >= 0 && i < plan->n; i++) {
		const struct render_step *step = &plan->steps[i];
		r = extract(s, step, i + 1 == plan->n, dir.fd, &answer, e);
		if (r < 0)
			return err_wrap(e, r, "image '%s'", step->id);
	}
	if (r >= 0)
		r = store_manifest_bytes(s, plan->steps[plan->n - 1].id, &manifest, e);
	if (r >= 0)
		r = io_write_new(dir.fd, "manifest", str_text(&manifest), manifest.len, 0644, e);
	const struct rendered t = { .images = plan->images, .size = (int64_t)answer.tree_bytes };
	if (r >= 0)
		r = write_file(dir.fd, &t, e);
	if (r < 0)
		return r;
	*ret = dir;
	dir.fd = -1;
	return 0;
}

/* --- finding it ------------------------------------------------------------------------------- */

static bool same_images(const struct strlist *a, const struct strlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static void place_name(const struct render_plan *plan, unsigned n, char ret[NAME_SIZE])
{
	_clean_(str) struct str text = STR_INIT(TEXT_MAX);
	char key[KEY_SIZE];
	for (size_t i = 0; i < plan->images.n; i++)
		str_addf(&text, "%s,", plan->images.v[i]);
	str_addf(&text, "%u", n);
	make_key(str_text(&text), key);
	snprintf(ret, NAME_SIZE, RENDERED_PREFIX "%s", key);
}

/* 1: *ret_fd holds it; 0: the place is free; -EEXIST: it is another's. */
static int look(struct store *s, const char *name, const struct render_plan *plan, int *ret_fd,
	struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct rendered t;
	_clean_(fd) int fd = -1;
	int r = tree_open_locked(s, name, name, &fd, e);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = rendered_read(s, name, &a, &t, e);
	if (r < 0)
		return r;
	if (!same_images(&t.images, &plan->images))
		return -EEXIST;
	*ret_fd = take_fd(&fd);
	return 1;
}

static int make(struct store *s, const char *name, const struct render_plan *plan, struct err *e)
{
	_clean_(tmp) struct tmp fresh = TMP_INIT;
	_clean_(fd) int lock = -1;
	int r = render(s, plan, &fresh, e);
	if (r >= 0 && syncfs(fresh.fd) < 0)
		r = ERR_SYS(e, "sync the store");
	return r < 0 ? r : tree_publish(s, &fresh, name, &lock, e);
}

int store_render(struct store *s, const struct render_plan *plan, struct arena *a,
	const char **ret_tree, struct err *e)
{
	char name[NAME_SIZE];
	for (unsigned n = 0; n < PLACES; n++) {
		_clean_(fd) int lock = -1;
		place_name(plan, n, name);
		int r = look(s, name, plan, &lock, e);
		if (r == 0) {
			r = make(s, name, plan, e);
			if (r > 0) /* somebody else was faster: with the same? */
				r = look(s, name, plan, &lock, e);
		}
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return err_wrap(e, r, "put the root filesystem together");
		(void)utimensat(s->dirfd, file_of(name).path, NULL, AT_SYMLINK_NOFOLLOW);
		*ret_tree = arena_strdup(a, name);
		return 0;
	}
	return err_set(e, ERR_BUSY, EEXIST, "the places of the tree are all taken");
}

/* --- verify ----------------------------------------------------------------------------------- */

static bool same_manifest(int a, int b)
{
	_clean_(str) struct str x = STR_INIT(STR_MAX_MANIFEST), y = STR_INIT(STR_MAX_MANIFEST);
	struct err ignored = ERR_INIT;
	return io_read_file(a, "manifest", &x, &ignored) >= 0 &&
	       io_read_file(b, "manifest", &y, &ignored) >= 0 && x.len == y.len &&
	       memcmp(str_text(&x), str_text(&y), x.len) == 0;
}

int store_verify_rendered(
	struct store *s, const char *tree, const struct render_plan *plan, struct err *e)
{
	_clean_(tmp) struct tmp fresh = TMP_INIT;
	_clean_(fd) int dir = -1;
	int r = tree_open_locked(s, tree, tree, &dir, e);
	if (r == -ENOENT)
		return 1; /* collected: it is made anew when it is needed */
	if (r >= 0)
		r = render(s, plan, &fresh, e);
	if (r < 0)
		return r;
	_clean_(fd) int have = rootfs_open(dir, e);
	_clean_(fd) int want = rootfs_open(fresh.fd, e);
	r = rootfs_same(have, want, e);
	if (r < 0)
		return r;
	if (r > 0 && same_manifest(dir, fresh.fd))
		return 1;
	dir = fd_close(dir);
	return replace_tree(s, tree, &fresh, e);
}

int store_has_size(struct store *s, const char *id, uint64_t size, struct err *e)
{
	struct stat st;
	struct unpack_answer answer;
	const char *hex = id_hex(id, e);
	if (!hex)
		return -EINVAL;
	_clean_(fd) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0 || null < 0 || fstat(blob, &st) < 0)
		return ERR_SYS(e, "open the stored archive of image '%s'", id);
	if ((uint64_t)st.st_size == size)
		return 1;
	int r = unpack_plain(blob, null, &answer, e);
	return r < 0 ? r : answer.bytes == size;
}
