/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/store/remote.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/json/jdec.h"
#include "lib/json/jenc.h"
#include "stage0/store/internal.h"

enum { NOTE_MAX = 16 * 1024, PART_TRIES = 64, BOOT_ID_SIZE = 37 };

/* --- notes ------------------------------------------------------------------------------------ */

static int not_negative(struct jctx *c, const struct jpath *at, const void *target)
{
	return *(const int64_t *)target < 0 ? jdec_error(c, at, "negative") : 0;
}

static const struct jfield note_fields[] = {
	{ "url", J_STRING, offsetof(struct remote_note, url), J_REQUIRED },
	{ "etag", J_STRING, offsetof(struct remote_note, etag), 0 },
	{ "image", J_STRING, offsetof(struct remote_note, image), J_REQUIRED },
	{ "fetched", J_I64, offsetof(struct remote_note, fetched_ns), J_REQUIRED,
		.check = not_negative },
	{ "maxAge", J_I64, offsetof(struct remote_note, max_age_s), 0, .check = not_negative },
	{ 0 },
};

int note_read(
	struct store *s, const char *key, struct arena *a, struct remote_note *ret, struct err *e)
{
	_clean_(str) struct str bytes = STR_INIT(NOTE_MAX);
	struct remote_note note = { 0 };
	struct jctx c = { a, e };
	struct json *v;
	int r = io_read_file(s->dirfd, place(CAS_REMOTE, key).path, &bytes, e);
	if (r >= 0)
		r = json_parse(str_text(&bytes), bytes.len, a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, note_fields, J_UNKNOWN_REFUSED, &note);
	if (r < 0)
		return r;
	const char *hex = id_hex(note.image, e);
	if (!hex || !record_exists(s, hex))
		return ERR_NOENT(e, "the image is gone");
	*ret = note;
	return 0;
}

int store_note_read(
	struct store *s, const char *url, struct arena *a, struct remote_note *ret, struct err *e)
{
	char key[KEY_SIZE];
	struct remote_note note;
	make_key(url, key);
	int r = note_read(s, key, a, &note, e);
	if (r < 0)
		return r;
	if (strcmp(note.url, url) != 0)
		return ERR_NOENT(e, "a note of another URL");
	*ret = note;
	return 0;
}

int store_note_write(struct store *s, const struct remote_note *note, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(NOTE_MAX);
	struct jenc j = JENC_INIT(&out, false);
	char key[KEY_SIZE];
	make_key(note->url, key);
	jenc_open(&j, '{');
	jenc_key(&j, "url");
	jenc_string(&j, note->url);
	jenc_member(&j, "etag", note->etag);
	jenc_key(&j, "image");
	jenc_string(&j, note->image);
	jenc_key(&j, "fetched");
	jenc_i64(&j, note->fetched_ns);
	jenc_key(&j, "maxAge");
	jenc_i64(&j, note->max_age_s);
	jenc_close(&j, '}');
	str_addc(&out, '\n');
	return tmp_write(s, CAS_REMOTE, key, &out, false, e);
}

/* --- parts ------------------------------------------------------------------------------------ */

static int open_tmp(struct store *s, const char *name, struct err *e)
{
	int fd = openat(s->dirfd, place(CAS_TMP, name).path,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? ERR_SYS(e, "create '%s/%s/%s'", s->path, CAS_TMP, name) : fd;
}

/* 1: ours; 0: it was removed while we waited. */
static int try_part(struct part *p, struct err *e)
{
	p->fd = open_tmp(p->s, p->name, e);
	if (p->fd < 0)
		return p->fd;
	int r = lockfd_try(p->fd, LOCK_EXCLUSIVE, e);
	if (r == 0) {
		p->waited = true;
		r = lockfd_wait(p->fd, LOCK_EXCLUSIVE, e);
	}
	if (r < 0)
		return r;
	if (cas_is_still(p->s, CAS_TMP, p->name, p->fd))
		return 1;
	p->fd = fd_close(p->fd);
	return 0;
}

/* Nobody syncs a part, so that after a power cut any of its bytes may be missing: what is there is
 * of use to the boot that it was written in, and to no other. Where the boot is not known, to none.
 */
static int check_boot(const struct part *p, struct err *e)
{
	struct err ignored = ERR_INIT;
	char then[BOOT_ID_SIZE] = "";
	_clean_(str) struct str now = STR_INIT(BOOT_ID_SIZE + 1);
	(void)io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &now, &ignored);
	if (now.len == BOOT_ID_SIZE &&
		pread(p->info_fd, then, sizeof then, PART_BOOT_AT) == BOOT_ID_SIZE &&
		memcmp(then, now.buf, BOOT_ID_SIZE) == 0)
		return 0;
	if (ftruncate(p->fd, 0) < 0 || ftruncate(p->info_fd, 0) < 0)
		return ERR_SYS(e, "empty '%s/%s/%s'", p->s->path, CAS_TMP, p->name);
	if (now.len == BOOT_ID_SIZE &&
		pwrite(p->info_fd, now.buf, BOOT_ID_SIZE, PART_BOOT_AT) != BOOT_ID_SIZE)
		return ERR_SYS(e, "write '%s/%s/%s'", p->s->path, CAS_TMP, p->info_name);
	return 0;
}

int store_part_open(struct store *s, const char *url, struct part *ret, struct err *e)
{
	_clean_(part) struct part p = { .s = s, .fd = -1, .info_fd = -1 };
	char key[KEY_SIZE];
	make_key(url, key);
	snprintf(p.name, sizeof p.name, "part-%s", key);
	snprintf(p.info_name, sizeof p.info_name, "info-%s", key);
	int r = cas_make_dirs(s, e);
	for (int i = 0; r >= 0 && i < PART_TRIES; i++) {
		r = try_part(&p, e);
		if (r <= 0)
			continue;
		p.info_fd = open_tmp(s, p.info_name, e);
		if (p.info_fd < 0)
			return p.info_fd;
		/* Against a collector, which may remove it all the same: then nothing is resumed.
		 */
		(void)lockfd_try(p.info_fd, LOCK_EXCLUSIVE, e);
		r = check_boot(&p, e);
		if (r < 0)
			return r;
		*ret = p;
		p.fd = p.info_fd = -1;
		return 0;
	}
	return r < 0 ? r
		     : err_set(e, ERR_BUSY, EBUSY, "'%s/%s' is being emptied", s->path, CAS_TMP);
}

void store_part_remove(struct part *p)
{
	/* What cannot be removed now is a left-over for the collector. */
	if (p->fd >= 0) {
		(void)unlinkat(p->s->dirfd, place(CAS_TMP, p->info_name).path, 0);
		(void)unlinkat(p->s->dirfd, place(CAS_TMP, p->name).path, 0);
	}
	store_part_close(p);
}

void store_part_close(struct part *p)
{
	p->fd = fd_close(p->fd);
	p->info_fd = fd_close(p->info_fd);
}
