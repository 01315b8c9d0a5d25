/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/store/layer_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/atomic.h"
#include "lib/fs/lockfd.h"
#include "stage0/store/inbox.h"
#include "stage0/store/internal.h"

enum { NAME_SIZE = 80, FD_PATH = 32 };

static void name_of(const struct layer_file *f, const char *kind, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%s-%.64s", kind, f->hex);
}

static bool has_size(int fd, uint64_t size)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* One that is whole, at dir/name. */
static bool use(struct layer_file *f, const char *dir, const char *name)
{
	struct err ignored = ERR_INIT;
	_clean_(fd) int fd = openat(
		f->s->dirfd, place(dir, name).path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !has_size(fd, f->size) || lockfd_try(fd, LOCK_SHARED, &ignored) <= 0 ||
		!cas_is_still(f->s, dir, name, fd))
		return false;
	f->fd = take_fd(&fd);
	f->state = LAYER_FILE_WHOLE;
	f->published = strcmp(dir, CAS_BLOB256) == 0;
	return true;
}

/* 1: ours; 0: somebody else's. */
static int take_part(struct layer_file *f, struct err *e)
{
	char name[NAME_SIZE];
	struct stat st;
	name_of(f, "part", name);
	_clean_(fd) int fd = openat(f->s->dirfd, place(CAS_TMP, name).path,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_SYS(e, "create '%s/%s/%s'", f->s->path, CAS_TMP, name);
	int r = lockfd_try(fd, LOCK_EXCLUSIVE, e);
	if (r <= 0)
		return r;
	if (!cas_is_still(f->s, CAS_TMP, name, fd))
		return 0;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "stat '%s'", name);
	if ((uint64_t)st.st_size > f->size && ftruncate(fd, st.st_size = 0) < 0)
		return ERR_SYS(e, "truncate '%s'", name);
	f->offset = (uint64_t)st.st_size;
	f->fd = take_fd(&fd);
	f->state = LAYER_FILE_OURS;
	return 1;
}

/* --- a member's ------------------------------------------------------------------------------- */

static int open_incoming(struct layer_file *f, struct err *e)
{
	if (inbox_has(f->s, f->hex, f->size)) {
		f->state = LAYER_FILE_WHOLE;
		return 0;
	}
	f->fd = inbox_new(f->s, f->incoming, e);
	if (f->fd < 0)
		return f->fd;
	f->state = LAYER_FILE_OURS;
	return 0;
}

static int keep_incoming(struct layer_file *f, struct err *e)
{
	int r = inbox_keep_layer(f->s, f->fd, f->incoming, f->hex, e);
	if (r < 0)
		return r;
	f->fd = fd_close(f->fd);
	f->state = LAYER_FILE_WHOLE;
	return 0;
}

/* --- root's ----------------------------------------------------------------------------------- */

int layer_file_open(
	struct store *s, const char *hex, uint64_t size, struct layer_file *f, struct err *e)
{
	char name[NAME_SIZE];
	*f = (struct layer_file){ .s = s, .fd = -1, .size = size, .state = LAYER_FILE_THEIRS };
	snprintf(f->hex, sizeof f->hex, "%s", hex);
	if (s->member)
		return open_incoming(f, e);
	name_of(f, "blob", name);
	int r = cas_make_dirs(s, e);
	if (r < 0 || use(f, CAS_BLOB256, hex) || use(f, CAS_TMP, name))
		return r;
	r = take_part(f, e);
	if (r <= 0)
		return r;
	/* It may have become whole between the look and the lock. */
	struct layer_file whole = *f;
	if (use(&whole, CAS_BLOB256, hex) || use(&whole, CAS_TMP, name)) {
		layer_file_remove(f, true);
		*f = whole;
	} else if (f->offset == size) {
		r = layer_file_whole(f, e);
	}
	return r < 0 ? r : 0;
}

int layer_file_whole(struct layer_file *f, struct err *e)
{
	char part[NAME_SIZE], blob[NAME_SIZE];
	if (!has_size(f->fd, f->size))
		return ERR_BAD(e, "it does not have %llu bytes", (unsigned long long)f->size);
	if (f->s->member)
		return keep_incoming(f, e);
	name_of(f, "part", part);
	name_of(f, "blob", blob);
	if (renameat(f->s->dirfd, place(CAS_TMP, part).path, f->s->dirfd,
		    place(CAS_TMP, blob).path) < 0)
		return ERR_SYS(e, "rename '%s' to '%s'", part, blob);
	int r = lockfd_wait(f->fd, LOCK_SHARED, e);
	if (r < 0)
		return r;
	f->state = LAYER_FILE_WHOLE;
	/* The kernel lets go of the one lock before it gives the other. */
	if (!cas_is_still(f->s, CAS_TMP, blob, f->fd) &&
		!cas_is_still(f->s, CAS_BLOB256, f->hex, f->fd))
		layer_file_close(f);
	return 0;
}

int layer_file_reopen(const struct layer_file *f, struct err *e)
{
	char path[FD_PATH];
	snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open the layer '%s'", f->hex) : fd;
}

int layer_file_publish(struct layer_file *f, struct err *e)
{
	char name[NAME_SIZE];
	name_of(f, "blob", name);
	if (f->published)
		return 0;
	if (renameat(f->s->dirfd, place(CAS_TMP, name).path, f->s->dirfd,
		    place(CAS_BLOB256, f->hex).path) < 0 &&
		!(errno == ENOENT &&
			faccessat(f->s->dirfd, place(CAS_BLOB256, f->hex).path, F_OK, 0) == 0))
		return ERR_SYS(e, "rename '%s' to '%s'", name, f->hex);
	f->published = true;
	return cas_sync(f->s, CAS_BLOB256, e);
}

static void remove_if_ours(const struct layer_file *f, const char *dir, const char *name)
{
	if (cas_is_still(f->s, dir, name, f->fd))
		(void)unlinkat(f->s->dirfd, place(dir, name).path, 0);
}

static bool is_used(const struct layer_file *f)
{
	struct err ignored = ERR_INIT;
	return lockfd_try(f->fd, LOCK_EXCLUSIVE, &ignored) <= 0 || layer_blob_needed(f->s, f->hex);
}

void layer_file_remove(struct layer_file *f, bool certain)
{
	char name[NAME_SIZE];
	if (f->fd >= 0 && !f->s->member && (certain || !is_used(f))) {
		name_of(f, "part", name);
		remove_if_ours(f, CAS_TMP, name);
		name_of(f, "blob", name);
		remove_if_ours(f, CAS_TMP, name);
		remove_if_ours(f, CAS_BLOB256, f->hex);
	}
	layer_file_close(f);
}

void layer_file_drop(struct layer_file *f)
{
	char name[NAME_SIZE];
	struct err ignored = ERR_INIT;
	if (f->state == LAYER_FILE_WHOLE && !f->published && !f->s->member &&
		lockfd_try(f->fd, LOCK_EXCLUSIVE, &ignored) > 0) {
		/* Where somebody else has put it in its place, a layer may need it. */
		name_of(f, "blob", name);
		remove_if_ours(f, CAS_TMP, name);
	}
	layer_file_close(f);
}

void layer_file_close(struct layer_file *f)
{
	if (f->fd >= 0 && f->s->member)
		inbox_discard(f->s, f->incoming);
	f->fd = fd_close(f->fd);
	f->state = LAYER_FILE_NONE;
}
