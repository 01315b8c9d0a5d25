/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "lib/json/jdec.h"
#include "lib/json/jenc.h"
#include "stage0/store/internal.h"

enum { RECORD_MAX = 64 * 1024 };

static int not_negative(struct jctx *c, const struct jpath *at, const void *target)
{
	return *(const int64_t *)target < 0 ? jdec_error(c, at, "negative") : 0;
}

static const struct jfield verified_fields[] = {
	{ "mechanism", J_STRING, offsetof(struct verified, mechanism), J_REQUIRED },
	{ "key", J_STRING, offsetof(struct verified, key), J_REQUIRED },
	{ "digest", J_STRING, offsetof(struct verified, digest), J_REQUIRED },
	{ "name", J_STRING, offsetof(struct verified, name), 0 },
	{ "tag", J_STRING, offsetof(struct verified, tag), 0 },
	{ "time", J_I64, offsetof(struct verified, time_ns), J_REQUIRED, .check = not_negative },
	{ 0 },
};

static const struct jfield layer_fields[] = {
	{ "tree", J_STRING, offsetof(struct image_layer, tree), J_REQUIRED },
	{ "size", J_I64, offsetof(struct image_layer, size), J_REQUIRED, .check = not_negative },
	{ 0 },
};

_Static_assert(sizeof(((struct image *)0)->size) == sizeof(int64_t), "decoded as J_I64");
static const struct jfield record_fields[] = {
	{ "name", J_STRING, offsetof(struct image, name), J_REQUIRED },
	{ "version", J_STRING, offsetof(struct image, version), 0 },
	{ "imported", J_I64, offsetof(struct image, imported_ns), J_REQUIRED },
	{ "size", J_I64, offsetof(struct image, size), J_REQUIRED, .check = not_negative },
	{ "source", J_STRING, offsetof(struct image, source), 0 },
	{ "insecure", J_BOOL, offsetof(struct image, insecure), 0 },
	{ "verified", J_OBJECT, offsetof(struct image, verified), 0, verified_fields,
		sizeof(struct verified) },
	{ "layers", J_ARRAY, SLICE_OF(struct image, layers, n_layers), 0, layer_fields,
		sizeof(struct image_layer) },
	{ 0 },
};

static int record_decode(const struct str *bytes, struct arena *a, struct image *ret, struct err *e)
{
	struct json *v;
	struct jctx c = { a, e };
	int r = json_parse(str_text(bytes), bytes->len, a, &v, e);
	return r < 0 ? r : jdec_object(&c, v, NULL, record_fields, J_UNKNOWN_REFUSED, ret);
}

void verified_encode(struct jenc *j, const struct verified *v)
{
	jenc_open(j, '{');
	jenc_member(j, "mechanism", v->mechanism);
	jenc_member(j, "key", v->key);
	jenc_member(j, "digest", v->digest);
	jenc_member(j, "name", v->name);
	jenc_member(j, "tag", v->tag);
	jenc_key(j, "time");
	jenc_i64(j, v->time_ns);
	jenc_close(j, '}');
}

static void encode_layers(struct jenc *j, const struct image *image)
{
	if (!image->n_layers)
		return;
	jenc_key(j, "layers");
	jenc_open(j, '[');
	for (size_t i = 0; i < image->n_layers; i++) {
		jenc_open(j, '{');
		jenc_member(j, "tree", image->layers[i].tree);
		jenc_key(j, "size");
		jenc_i64(j, image->layers[i].size);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

int record_write(struct store *s, const struct image *image, bool durable, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(RECORD_MAX);
	struct jenc j = JENC_INIT(&out, false);
	jenc_open(&j, '{');
	jenc_key(&j, "name");
	jenc_string(&j, image->name);
	jenc_member(&j, "version", image->version);
	jenc_key(&j, "imported");
	jenc_i64(&j, image->imported_ns);
	jenc_key(&j, "size");
	jenc_i64(&j, (int64_t)image->size);
	jenc_member(&j, "source", image->source);
	jenc_key(&j, "insecure");
	jenc_bool(&j, image->insecure);
	if (image->verified) {
		jenc_key(&j, "verified");
		verified_encode(&j, image->verified);
	}
	encode_layers(&j, image);
	jenc_close(&j, '}');
	str_addc(&out, '\n');
	if (!str_ok(&out))
		return ERR_BAD(e, "the record of image '%s' would be too large", image->id);
	int r = tmp_write(s, CAS_IMAGE, image->id + strlen(ID_PREFIX), &out, durable, e);
	return r < 0 ? err_wrap(e, r, "record of image '%s'", image->id) : 0;
}

/* What cannot be looked at may be there: nobody shall take its tree for an orphan. */
bool record_exists(struct store *s, const char *hex)
{
	struct stat st;
	return fstatat(s->dirfd, place(CAS_IMAGE, hex).path, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

/* The text is nowhere in a short record: that is seen without understanding it. Names are ASCII,
 * and written as they are. */
static bool lacks(int fd, const char *text)
{
	char bytes[4096];
	ssize_t n = text ? pread(fd, bytes, sizeof bytes, 0) : -1;
	return n >= 0 && n < (ssize_t)sizeof bytes && !memmem(bytes, (size_t)n, text, strlen(text));
}

/* text: what it must contain for being looked at, or NULL. 1: *ret is filled; 0: it does not. */
static int record_read(struct store *s, const char *hex, const char *text, struct arena *a,
	struct image *ret, struct err *e)
{
	struct image image = { 0 };
	struct stat st;
	_clean_(str) struct str bytes = STR_INIT(RECORD_MAX);
	_clean_(fd) int fd =
		openat(s->dirfd, place(CAS_IMAGE, hex).path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOENT(e, "no image '" ID_PREFIX "%s' in the store", hex);
	if (fd >= 0 && lacks(fd, text))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_SYS(e, "record of image '" ID_PREFIX "%s'", hex);
	int r = io_read_fd(fd, "record", &bytes, e);
	if (r >= 0)
		r = record_decode(&bytes, a, &image, e);
	if (r < 0)
		return err_wrap(e, r, "record of image '" ID_PREFIX "%s'", hex);
	image.id = arena_printf(a, ID_PREFIX "%s", hex);
	image.last_used_ns = ns_of(st.st_mtim);
	if (str_empty(image.version))
		image.version = NULL;
	*ret = image;
	return 1;
}

int store_get(struct store *s, const char *id, struct arena *a, struct image *ret, struct err *e)
{
	const char *hex = id_hex(id, e);
	int r = hex ? record_read(s, hex, NULL, a, ret, e) : -EINVAL;
	return r < 0 ? r : 0;
}

void store_touch(struct store *s, const char *id)
{
	struct err ignored = ERR_INIT;
	const char *hex = id_hex(id, &ignored);
	if (hex)
		(void)utimensat(s->dirfd, place(CAS_IMAGE, hex).path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Removed meanwhile, or damaged: no reason to hide the others. */
static void add_record(struct store *s, const char *hex, const char *text, struct arena *a,
	struct record_scan *scan)
{
	struct image image;
	struct err why = ERR_INIT;
	int r = record_read(s, hex, text, a, &image, &why);
	scan->seen++;
	scan->damaged += r < 0 && r != -ENOENT;
	if (r < 0)
		dbg("store: %s is left out of the list: %s", hex, why.msg);
	if (r <= 0)
		return;
	if (scan->images.n == scan->cap) {
		struct image *old = scan->images.v;
		scan->cap = scan->cap ? 2 * scan->cap : 16;
		scan->images.v = ARENA_ARRAY(a, struct image, scan->cap);
		if (old)
			memcpy(scan->images.v, old, scan->images.n * sizeof *old);
	}
	scan->images.v[scan->images.n++] = image;
}

static int by_import(const void *a, const void *b)
{
	const struct image *x = a, *y = b;
	int order = (x->imported_ns > y->imported_ns) - (x->imported_ns < y->imported_ns);
	return order ? order : strcmp(x->id, y->id);
}

static void sort_records(struct record_scan *scan)
{
	if (scan->images.n)
		qsort(scan->images.v, scan->images.n, sizeof *scan->images.v, by_import);
}

struct listing {
	struct store *s;
	struct arena *a;
	const char *text;
	struct record_scan scan;
};

static int list_one(void *ctx, const char *hex, struct err *e)
{
	struct listing *l = ctx;
	(void)e;
	add_record(l->s, hex, l->text, l->a, &l->scan);
	return 0;
}

int records_scan(
	struct store *s, const char *text, struct arena *a, struct record_scan *ret, struct err *e)
{
	struct listing l = { .s = s, .a = a, .text = text };
	int r = cas_each(s, CAS_IMAGE, HEX_SIZE, list_one, &l, e);
	if (r < 0)
		return r;
	sort_records(&l.scan);
	*ret = l.scan;
	return 0;
}

void records_read(struct store *s, const struct strlist *hex, struct arena *a, struct images *ret)
{
	struct record_scan scan = { 0 };
	for (size_t i = 0; i < hex->n; i++)
		add_record(s, hex->v[i], NULL, a, &scan);
	sort_records(&scan);
	*ret = scan.images;
}

int store_list(struct store *s, struct arena *a, struct images *ret, struct err *e)
{
	struct record_scan scan;
	int r = records_scan(s, NULL, a, &scan, e);
	if (r >= 0)
		*ret = scan.images;
	return r;
}
