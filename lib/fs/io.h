/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io: whole files in and out, always bounded, never following a surprise.
 *
 * Reading refuses anything but a regular file (a FIFO or device from an image cannot block us),
 * io_read_fd() and io_read_full() aside, and more bytes than `out` may hold (STR_INIT's ceiling:
 * -EFBIG). Writing either completes or fails. No function closes a descriptor that it was given.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* Appends the file's bytes to out (whose own ceiling applies). dirfd/path as for openat(2), a
 * final symbolic link is refused. -ENOENT is returned without noise for callers that tolerate it.
 */
int io_read_file(int dirfd, const char *path, struct str *out, struct err *e);
/* The same from an open descriptor, from its beginning; for files that are found in another way.
 * Opened with O_NONBLOCK, or it has blocked already. `what` names it in errors. */
int io_read_regular(int fd, const char *what, struct str *out, struct err *e);
/* Opens a file that a user named, for reading. A final symbolic link is followed; what is no
 * regular file is refused. Returns the descriptor, close-on-exec. */
int io_open_regular(const char *path, struct err *e);
/* From an open descriptor of any kind, from its current position to its end. */
int io_read_fd(int fd, const char *what, struct str *out, struct err *e);
/* Each line of a file of the kernel's, in a list that may be long, with its newline. fn may change
 * the line; it returns 0 to go on, and what else it returns ends the walk and is returned. */
int io_each_line(const char *path, int (*fn)(void *ctx, char *line, struct err *e), void *ctx,
	struct err *e);
/* One short line without its newline, as "pid" and status files have it. */
int io_read_line(int dirfd, const char *path, char *buf, size_t size, struct err *e);

int io_write_all(int fd, const void *bytes, size_t n, struct err *e);
/* Reads until n bytes or end of file; returns the count. */
ssize_t io_read_full(int fd, void *buf, size_t n, struct err *e);

/* Writes to a fresh file (O_EXCL); for places that nobody can see yet. No sync. */
int io_write_new(
	int dirfd, const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);
/* Writes to an existing kernel file (cgroupfs, procfs): one write(2), no create, no truncate. */
int io_write_knob(int dirfd, const char *path, const char *text, struct err *e);
