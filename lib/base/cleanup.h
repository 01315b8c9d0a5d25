/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup: scope owns the resource.
 *
 *	_clean_(fd) int fd = open(...);        // closed when the scope ends
 *	*ret_fd = take_fd(&fd);                // … unless it moves out, spelled take_
 *
 * Destructors accept the empty value (-1, NULL), keep errno, and give the empty value back.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _clean_(noun) __attribute__((cleanup(noun##_cleanup)))

/* Closes fd when it is one; always returns -1, so that `fd = fd_close(fd)` leaves nothing stale. */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		close(fd);
		errno = saved;
	}
	return -1;
}

static inline void fd_cleanup(int *fd)
{
	*fd = fd_close(*fd);
}

static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* For any pointer that free() releases: _clean_(mem) char *p = NULL; */
static inline void mem_cleanup(void *p)
{
	int saved = errno;
	free(*(void **)p);
	*(void **)p = NULL;
	errno = saved;
}

#define take_ptr(p)                         \
	({                                  \
		__typeof__(p) _taken = (p); \
		(p) = NULL;                 \
		_taken;                     \
	})

static inline void dir_cleanup(DIR **d)
{
	if (*d)
		closedir(*d);
	*d = NULL;
}

static inline void file_cleanup(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}
