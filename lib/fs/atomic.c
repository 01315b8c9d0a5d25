/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fs/atomic.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/sys/compat.h"

#define TMP_PREFIX ".tmp-"

int dir_sync(int dirfd, struct err *e)
{
	/* An O_PATH descriptor cannot be synced: open the directory anew through it. */
	_clean_(fd) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return ERR_SYS(e, "sync directory");
	return 0;
}

static int write_temporary(int dirfd, char *tmp, size_t size, const void *bytes, size_t n,
	mode_t mode, enum atomic_durability how, struct err *e)
{
	uint64_t random;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return ERR_SYS(e, "getrandom");
	snprintf(tmp, size, TMP_PREFIX "%016llx", (unsigned long long)random);
	_clean_(fd) int fd =
		openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return ERR_SYS(e, "create temporary file");
	int r = io_write_all(fd, bytes, n, e);
	if (r >= 0 && fchmod(fd, mode) < 0)
		r = ERR_SYS(e, "chmod");
	if (r >= 0 && how == ATOMIC_DURABLE && fsync(fd) < 0)
		r = ERR_SYS(e, "fsync");
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

int atomic_write(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
	enum atomic_durability how, struct err *e)
{
	char tmp[sizeof TMP_PREFIX + 16];
	int r = write_temporary(dirfd, tmp, sizeof tmp, bytes, n, mode, how, e);
	if (r < 0)
		return err_wrap(e, r, "write '%s'", name);
	if (renameat(dirfd, tmp, dirfd, name) < 0) {
		r = ERR_SYS(e, "rename to '%s'", name);
		unlinkat(dirfd, tmp, 0);
		return r;
	}
	return how == ATOMIC_DURABLE ? dir_sync(dirfd, e) : 0;
}

/* Without RENAME_NOREPLACE the check and the rename are two steps. Every caller holds the lock of
 * what it publishes, and rename(2) itself never replaces a directory that is not empty. */
static int rename_noreplace(int od, const char *on, int nd, const char *nn)
{
	if (sys_renameat2(od, on, nd, nn, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -1;
	struct stat st;
	if (fstatat(nd, nn, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(od, on, nd, nn);
}

int atomic_publish(int olddir, const char *oldname, int newdir, const char *newname,
	enum atomic_durability how, struct err *e)
{
	if (rename_noreplace(olddir, oldname, newdir, newname) < 0)
		return ERR_SYS(e, "rename '%s' to '%s'", oldname, newname);
	if (how != ATOMIC_DURABLE)
		return 0;
	int r = dir_sync(newdir, e);
	return r < 0 ? r : dir_sync(olddir, e);
}
