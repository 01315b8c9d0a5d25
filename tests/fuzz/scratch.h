/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: files for fuzzers of what is read from files: a filesystem in memory that nobody else
 * sees, and that goes with the process however it ends.
 */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs/io.h"
#include "tests/fuzz/fuzz.h"

#define SCRATCH "/dev/shm"

static inline int scratch_open(void)
{
	FUZZ_HOLDS(unshare(CLONE_NEWNS) == 0);
	FUZZ_HOLDS(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	FUZZ_HOLDS(mount("fuzz", SCRATCH, "tmpfs", 0, "size=64m") == 0);
	int fd = open(SCRATCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(fd >= 0);
	return fd;
}

static inline void scratch_put(int dirfd, const char *path, const void *bytes, size_t n)
{
	struct err e;
	_clean_(fd) int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FUZZ_HOLDS(fd >= 0);
	FUZZ_HOLDS(io_write_all(fd, bytes, n, &e) == 0);
}

/* Cuts the first line off: a name to look up, say, in what follows. */
static inline char *scratch_line(char **rest)
{
	char *line = strsep(rest, "\n");
	if (!*rest)
		*rest = line + strlen(line);
	return line;
}
