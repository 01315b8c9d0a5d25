/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/fs/rmtree.h"
#include "stage0/store/internal.h"

enum { TRIES = 8 };

int tmp_name(char ret[24], struct err *e)
{
	uint64_t random;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return ERR_SYS(e, "getrandom");
	snprintf(ret, 24, "%016llx", (unsigned long long)random);
	return 0;
}

static int create(struct tmp *t, bool dir)
{
	const struct place p = place(CAS_TMP, t->name);
	if (!dir)
		return openat(t->s->dirfd, p.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (mkdirat(t->s->dirfd, p.path, 0700) < 0)
		return -1;
	return openat(t->s->dirfd, p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Between creating and locking, a collector may take it for a left-over: then again. */
static int make(struct store *s, bool dir, struct tmp *ret, struct err *e)
{
	int r = cas_make_dirs(s, e);
	for (int i = 0; r >= 0 && i < TRIES; i++) {
		struct tmp t = { .s = s, .fd = -1 };
		r = tmp_name(t.name, e);
		if (r < 0)
			break;
		t.fd = create(&t, dir);
		if (t.fd < 0 && errno == ENOENT)
			continue;
		if (t.fd < 0)
			r = ERR_SYS(e, "create a temporary name in '%s/%s'", s->path, CAS_TMP);
		else
			r = lockfd_try(t.fd, LOCK_EXCLUSIVE, e);
		if (r == 1 && cas_is_still(s, CAS_TMP, t.name, t.fd)) {
			*ret = t;
			return 0;
		}
		t.fd = fd_close(t.fd);
		if (r < 0) /* it is empty, and nobody else knows it */
			(void)unlinkat(
				s->dirfd, place(CAS_TMP, t.name).path, dir ? AT_REMOVEDIR : 0);
	}
	return r < 0 ? r
		     : err_set(e, ERR_BUSY, EBUSY, "'%s/%s' is being emptied", s->path, CAS_TMP);
}

int tmp_dir(struct store *s, struct tmp *ret, struct err *e)
{
	return make(s, true, ret, e);
}

int tmp_file(struct store *s, struct tmp *ret, struct err *e)
{
	return make(s, false, ret, e);
}

int tmp_write(struct store *s, const char *dir, const char *name, const struct str *bytes,
	bool durable, struct err *e)
{
	_clean_(tmp) struct tmp t = TMP_INIT;
	int r = tmp_file(s, &t, e);
	if (r >= 0)
		r = cas_share(s, t.fd, dir, e);
	if (r >= 0)
		r = io_write_all(t.fd, str_text(bytes), bytes->len, e);
	if (r < 0)
		return r;
	if (durable && fsync(t.fd) < 0)
		return ERR_SYS(e, "sync");
	if (renameat(s->dirfd, place(CAS_TMP, t.name).path, s->dirfd, place(dir, name).path) < 0)
		return ERR_SYS(e, "write '%s/%s/%s'", s->path, dir, name);
	t.name[0] = '\0';
	return durable ? cas_sync(s, dir, e) : 0;
}

int claim_take(struct store *s, const char *layer, bool wait, struct claim *ret, struct err *e)
{
	struct claim c = { .s = s, .fd = -1 };
	int r = cas_make_dirs(s, e);
	snprintf(c.name, sizeof c.name, "layer-%s", layer);
	while (r >= 0) {
		c.fd = openat(s->dirfd, place(CAS_TMP, c.name).path,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (c.fd < 0)
			return ERR_SYS(e, "create '%s/%s/%s'", s->path, CAS_TMP, c.name);
		r = wait ? lockfd_wait(c.fd, LOCK_EXCLUSIVE, e)
			 : lockfd_try(c.fd, LOCK_EXCLUSIVE, e);
		bool ours = r >= 0 && (wait || r == 1);
		bool gone = ours && !cas_is_still(s, CAS_TMP, c.name, c.fd);
		if (ours && !gone) {
			*ret = c;
			return 1;
		}
		c.fd = fd_close(c.fd);
		if (!gone)
			break;
	}
	return r;
}

void claim_release(struct claim *c)
{
	/* Whoever waits finds that it is gone. */
	if (c->fd >= 0)
		(void)unlinkat(c->s->dirfd, place(CAS_TMP, c->name).path, 0);
	c->fd = fd_close(c->fd);
}

void tmp_cleanup(struct tmp *t)
{
	struct err ignored = ERR_INIT;
	if (t->fd >= 0 && t->name[0]) {
		_clean_(fd) int dir =
			openat(t->s->dirfd, CAS_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* What cannot be removed now is a left-over for the collector. */
		if (dir >= 0)
			(void)rmtree_at(dir, t->name, &ignored);
	}
	t->fd = fd_close(t->fd);
}
