/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/compat.h"

const char *procfs_path = "/proc";
int procfs_force_walk;

enum { ROOT_INODE = 1 };

static int open_root(struct stat *st, struct err *e)
{
	struct statfs fs;
	_clean_(fd) int fd = open(procfs_path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, st) < 0)
		return ERR_SYS(e, "open '%s'", procfs_path);
	if (fs.f_type != PROC_SUPER_MAGIC || st->st_ino != ROOT_INODE)
		return ERR_DENY(e, "'%s' is not procfs", procfs_path);
	return take_fd(&fd);
}

/* Before Linux 5.6: one component after the other, each on the same filesystem and no link. */
static int walk(int root, const struct stat *of, const char *path, int flags)
{
	char name[256];
	_clean_(fd) int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	while (at >= 0 && *path) {
		size_t n = strcspn(path, "/");
		const bool last = path[n] == '\0';
		struct stat st;
		if (n == 0 || n >= sizeof name || (n == 2 && strncmp(path, "..", 2) == 0)) {
			errno = EINVAL;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		path += n + !last;
		int next = openat(at, name, (last ? flags : O_PATH) | O_NOFOLLOW | O_CLOEXEC);
		fd_close(at);
		at = next;
		if (at >= 0 &&
			(fstat(at, &st) < 0 || st.st_dev != of->st_dev || S_ISLNK(st.st_mode))) {
			errno = EXDEV;
			return -1;
		}
	}
	return take_fd(&at);
}

int procfs_open(const char *path, int flags, struct err *e)
{
	struct stat st;
	const struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS };
	_clean_(fd) int root = open_root(&st, e);
	if (root < 0)
		return root;
	int fd = procfs_force_walk ? -1 : sys_openat2(root, path, &how);
	if (procfs_force_walk || (fd < 0 && errno == ENOSYS))
		fd = walk(root, &st, path, flags);
	return fd < 0 ? ERR_SYS(e, "open '%s/%s'", procfs_path, path) : fd;
}

int procfs_open_own(const char *path, int flags, struct err *e)
{
	char own[128];
	snprintf(own, sizeof own, "%d/%s", (int)getpid(), path);
	return procfs_open(own, flags, e);
}

int procfs_write(int fd, const char *path, const char *text, struct err *e)
{
	const size_t n = strlen(text);
	ssize_t done = write(fd, text, n);
	if (done < 0)
		return ERR_SYS(e, "write '%s' to '%s/%s'", text, procfs_path, path);
	if ((size_t)done != n)
		return ERR_NUM(e, EIO, "write '%s' to '%s/%s'", text, procfs_path, path);
	return 0;
}
