/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fs/lockfd.h"

#include <fcntl.h>
#include <sys/file.h>

#include "lib/base/cleanup.h"

static int operation(enum lock_mode mode)
{
	return mode == LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH;
}

int lockfd_wait(int fd, enum lock_mode mode, struct err *e)
{
	while (flock(fd, operation(mode)) < 0)
		if (errno != EINTR)
			return ERR_SYS(e, "flock");
	return 0;
}

int lockfd_try(int fd, enum lock_mode mode, struct err *e)
{
	for (;;) {
		if (flock(fd, operation(mode) | LOCK_NB) == 0)
			return 1;
		if (errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return ERR_SYS(e, "flock");
	}
}

int lockfd_held(int dirfd, const char *name, struct err *e)
{
	_clean_(fd) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", name);
	int r = lockfd_try(fd, LOCK_SHARED, e);
	return r < 0 ? r : !r;
}
