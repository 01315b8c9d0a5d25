/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/fill.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/copytree.h"

static int open_directory(int fd, struct err *e)
{
	int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return opened < 0 ? ERR_SYS(e, "open directory") : opened;
}

/* 1: nothing is in it. */
static int is_empty(int fd, struct err *e)
{
	int copy = open_directory(fd, e);
	_clean_(dir) DIR *d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		int r = copy < 0 ? copy : ERR_SYS(e, "read directory");
		fd_close(copy);
		return r;
	}
	struct dirent *entry;
	errno = 0;
	while ((entry = readdir(d)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			return 0;
	return errno ? ERR_SYS(e, "read directory") : 1;
}

int volume_fill(int volume, int from, bool keep_owner, struct err *e)
{
	_clean_(fd) int to = open_directory(volume, e);
	_clean_(fd) int image = to < 0 ? to : open_directory(from, e);
	if (image < 0)
		return image;
	int r;
	while ((r = flock(to, LOCK_EX)) < 0 && errno == EINTR)
		;
	if (r < 0)
		return ERR_SYS(e, "lock a volume");
	r = is_empty(to, e);
	if (r <= 0)
		return r;
	struct stat st;
	if (fstat(to, &st) < 0)
		return ERR_SYS(e, "stat");
	r = copytree(image, to, e);
	/* The owner first: a change of owner clears the setuid and setgid bits. */
	if (r >= 0 && keep_owner &&
		(fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0))
		r = ERR_SYS(e, "set owner and mode");
	return r < 0 ? err_wrap(e, r, "copy what the image has there") : 0;
}
