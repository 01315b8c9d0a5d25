/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fs/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

/* Up to the end, or up to `size` bytes where the file says that it has so many: one read less. */
static int read_up_to(int fd, const char *what, off_t size, struct str *out, struct err *e)
{
	char chunk[16384];
	for (off_t got = 0; size <= 0 || got < size;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYS(e, "read '%s'", what);
		if (n == 0)
			return 0;
		got += n;
		str_addn(out, chunk, (size_t)n);
		if (!str_ok(out))
			return err_set(e, ERR_INPUT, EFBIG, "'%s' is larger than %zu bytes", what,
				out->max);
	}
	return 0;
}

int io_read_fd(int fd, const char *what, struct str *out, struct err *e)
{
	return read_up_to(fd, what, 0, out, e);
}

static int check_regular(int fd, const char *what, struct stat *ret, struct err *e)
{
	if (fstat(fd, ret) < 0)
		return ERR_SYS(e, "stat '%s'", what);
	return S_ISREG(ret->st_mode) ? 0 : ERR_BAD(e, "'%s' is not a regular file", what);
}

int io_read_regular(int fd, const char *what, struct str *out, struct err *e)
{
	struct stat st;
	int r = check_regular(fd, what, &st, e);
	return r < 0 ? r : read_up_to(fd, what, st.st_size, out, e);
}

int io_open_regular(const char *path, struct err *e)
{
	struct stat st;
	_clean_(fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	int r = check_regular(fd, path, &st, e);
	return r < 0 ? r : take_fd(&fd);
}

int io_read_file(int dirfd, const char *path, struct str *out, struct err *e)
{
	_clean_(fd) int fd =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? ERR_SYS(e, "open '%s'", path) : io_read_regular(fd, path, out, e);
}

int io_each_line(
	const char *path, int (*fn)(void *ctx, char *line, struct err *e), void *ctx, struct err *e)
{
	_clean_(file) FILE *f = fopen(path, "re");
	if (!f)
		return ERR_SYS(e, "open '%s'", path);
	_clean_(mem) char *line = NULL;
	size_t room = 0;
	int r = 0;
	while (r == 0 && getline(&line, &room, f) >= 0)
		r = fn(ctx, line, e);
	return r == 0 && ferror(f) ? ERR_SYS(e, "read '%s'", path) : r;
}

int io_read_line(int dirfd, const char *path, char *buf, size_t size, struct err *e)
{
	_clean_(str) struct str s = STR_INIT(size - 1);
	int r = io_read_file(dirfd, path, &s, e);
	if (r < 0)
		return r;
	if (s.len && s.buf[s.len - 1] == '\n')
		s.buf[--s.len] = '\0';
	if (memchr(str_text(&s), '\n', s.len) || strlen(str_text(&s)) != s.len)
		return ERR_BAD(e, "'%s' holds more than one line", path);
	memcpy(buf, str_text(&s), s.len + 1);
	return 0;
}

int io_write_all(int fd, const void *bytes, size_t n, struct err *e)
{
	const char *p = bytes;
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return ERR_SYS(e, "write");
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t io_read_full(int fd, void *buf, size_t n, struct err *e)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = read(fd, (char *)buf + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return ERR_SYS(e, "read");
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int io_write_new(
	int dirfd, const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
	_clean_(fd) int fd =
		openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return ERR_SYS(e, "create '%s'", path);
	int r = io_write_all(fd, bytes, n, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

int io_write_knob(int dirfd, const char *path, const char *text, struct err *e)
{
	_clean_(fd) int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	size_t n = strlen(text);
	if (write(fd, text, n) != (ssize_t)n)
		return ERR_SYS(e, "write '%s' to '%s'", text, path);
	return 0;
}
