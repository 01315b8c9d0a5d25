/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/pod/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "stage0/idpool.h"
#include "stage0/pod/internal.h"

#define RESERVED_DIR "private-users"

enum { NAME_SIZE = 16 };

static void name_of(uint32_t cell, char buf[NAME_SIZE])
{
	snprintf(buf, NAME_SIZE, "%u", (unsigned)cell);
}

/* -ENOENT quietly where there is none. */
static int read_range(int dirfd, const char *name, struct id_range *ret, struct err *e)
{
	char text[ID_RANGE_TEXT];
	int r = io_read_line(dirfd, name, text, sizeof text, e);
	if (r >= 0 && !id_range_parse(text, ret))
		return ERR_BAD(e, "'%s' holds no range of ids", name);
	return r < 0 ? r : 0;
}

static int open_dir(struct pods *ps, bool create, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(ps->dirfd, RESERVED_DIR, flags);
	if (fd < 0 && errno == ENOENT && create) {
		if (mkdirat(ps->dirfd, RESERVED_DIR, 0750) < 0 && errno != EEXIST)
			return ERR_SYS(e, "create '%s/" RESERVED_DIR "'", ps->path);
		fd = openat(ps->dirfd, RESERVED_DIR, flags);
	}
	return fd < 0 ? ERR_SYS(e, "open '%s/" RESERVED_DIR "'", ps->path) : fd;
}

/* Two ranges of one count that overlap begin in the same multiple of it or in neighbouring ones.
 * 1: it does. What cannot be read is taken for one that does. */
static int neighbour_overlaps(int dir, const struct id_range *range, uint32_t cell)
{
	char name[NAME_SIZE];
	struct id_range other;
	struct err ignored = ERR_INIT;
	name_of(cell, name);
	int r = read_range(dir, name, &other, &ignored);
	return r == -ENOENT ? 0 : r < 0 || id_range_overlaps(range, &other);
}

/* 1: reserved; 0: somebody has it. */
static int try_range(const struct pod *p, int dir, const struct id_range *range, struct err *e)
{
	char text[ID_RANGE_TEXT + 1], name[NAME_SIZE];
	const uint32_t cell = range->first / ID_COUNT;
	name_of(cell, name);
	/* Taken, as one sees without writing. */
	if (faccessat(dir, name, F_OK, 0) == 0)
		return 0;
	id_range_print(range, text);
	size_t n = strlen(text);
	text[n++] = '\n';
	int r = io_write_new(p->dirfd, POD_USERS_FILE, text, n, 0644, e);
	if (r < 0)
		return r;
	if (linkat(p->dirfd, POD_USERS_FILE, dir, name, 0) == 0) {
		/* After ours is there: of two at once at least one sees the other. */
		if (!neighbour_overlaps(dir, range, cell + 1) &&
			!(cell && neighbour_overlaps(dir, range, cell - 1)))
			return 1;
		if (unlinkat(dir, name, 0) < 0)
			return ERR_SYS(e, "remove '" RESERVED_DIR "/%s'", name);
	} else if (errno != EEXIST) {
		return ERR_SYS(e, "link '" RESERVED_DIR "/%s'", name);
	}
	return unlinkat(p->dirfd, POD_USERS_FILE, 0) < 0 ? ERR_SYS(e, "remove '" POD_USERS_FILE "'")
							 : 0;
}

/* Begins at another piece for each pod, so that they seldom meet. */
static int try_all(const struct pod *p, int dir, const struct id_pool *pool, struct id_range *ret,
	struct err *e)
{
	size_t start = 5381;
	for (const char *s = p->uuid.text; *s; s++)
		start = start * 33 + (unsigned char)*s;
	for (size_t i = 0; i < pool->n_pieces; i++) {
		if (!id_pool_piece(pool, (start + i) % pool->n_pieces, ret))
			continue;
		int r = try_range(p, dir, ret, e);
		if (r)
			return r;
	}
	return 0;
}

static size_t count_pieces(const struct id_pool *pool)
{
	struct id_range range;
	size_t n = 0;
	for (size_t i = 0; i < pool->n_pieces; i++)
		n += id_pool_piece(pool, i, &range);
	return n;
}

int pod_users_reserve(struct pods *ps, struct pod *p, struct id_range *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct id_pool pool;
	struct id_range range;
	int r = id_pool_load(&a, &pool, e);
	if (r < 0)
		return err_wrap(e, r, "users of the pod");
	_clean_(fd) int dir = open_dir(ps, true, e);
	r = dir < 0 ? dir : try_all(p, dir, &pool, &range, e);
	if (r == 0 && (r = pods_users_collect(ps, e)) >= 0)
		r = try_all(p, dir, &pool, &range, e);
	if (r == 0)
		r = err_set(e, ERR_BUSY, EBUSY,
			"each of the %zu ranges of ids that pods may have belongs to one: remove "
			"pods "
			"(rkt gc), or give user '" ID_OWNER "' more in '/etc/subuid' and "
			"'/etc/subgid'",
			count_pieces(&pool));
	if (r < 0)
		return err_wrap(e, r, "users of the pod");
	*ret = range;
	return 0;
}

int pod_users_load(const struct pod *p, struct id_range *ret, struct err *e)
{
	*ret = (struct id_range){ 0 };
	if (faccessat(p->dirfd, POD_USERS_FILE, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	return read_range(p->dirfd, POD_USERS_FILE, ret, e);
}

int pod_users_sync(struct pods *ps, const struct pod *p, struct err *e)
{
	if (faccessat(p->dirfd, POD_USERS_FILE, F_OK, 0) < 0)
		return 0;
	_clean_(fd) int dir = open_dir(ps, false, e);
	int r = dir < 0 ? dir : dir_sync(dir, e);
	return r < 0 ? r : dir_sync(ps->dirfd, e);
}

static bool is_stale(int dir, const char *name)
{
	struct stat st;
	return name[0] >= '0' && name[0] <= '9' &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_nlink == 1;
}

int pods_users_collect(struct pods *ps, struct err *e)
{
	int dir = ps->dirfd < 0 ? -ENOENT : open_dir(ps, false, e);
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	_clean_(dir) DIR *d = fdopendir(dir);
	if (!d) {
		int r = ERR_SYS(e, "read '%s/" RESERVED_DIR "'", ps->path);
		fd_close(dir);
		return r;
	}
	/* Only who holds this removes one that is stale: what it has just looked at cannot have
	 * become another pod's. */
	int r = lockfd_wait(dir, LOCK_EXCLUSIVE, e);
	for (struct dirent *ent; r >= 0 && (ent = readdir(d));)
		if (is_stale(dir, ent->d_name) && unlinkat(dir, ent->d_name, 0) < 0)
			r = ERR_SYS(e, "remove '%s/" RESERVED_DIR "/%s'", ps->path, ent->d_name);
	return r < 0 ? r : 0;
}
