/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: walking below a directory that somebody else wrote.
 *
 * `rootfd` is an O_PATH or readable descriptor of a root filesystem whose contents are hostile and
 * may change while we walk. Paths are absolute or relative, both are taken from rootfd; symbolic
 * links are resolved as if rootfd were "/"; neither ".." nor a link leads out; magic links of
 * /proc are refused. This is openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS. On a kernel
 * without openat2, or one too busy with renames to answer, a walk in user space gives the same
 * answers: it opens one component at a time with O_NOFOLLOW and keeps the descriptors of the way,
 * so a rename outside cannot lead it away.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Opens `path` below rootfd with open(2) flags (O_CLOEXEC is added). Returns the descriptor.
 * O_CREAT works for the last component; with O_NOFOLLOW a final link is opened (O_PATH) or
 * refused. */
int path_open_in(int rootfd, const char *path, int flags, mode_t mode, struct err *e);

/* mkdir -p below rootfd; existing directories (also through links) are kept. New ones get `mode`,
 * owned by root. Returns an O_PATH descriptor of the last. */
int path_mkdir_in(int rootfd, const char *path, mode_t mode, struct err *e);

/* The same, if `may` (NULL: always) allows each directory in which one has to be made; -EXDEV when
 * it does not. It sees the very directory, by descriptor. */
int path_mkdir_if(int rootfd, const char *path, mode_t mode, bool (*may)(void *ctx, int dirfd),
	void *ctx, struct err *e);

/* Opens the parent directory of `path` below rootfd (O_PATH) and gives the last component
 * (pointing into path). "/" and paths that end in "." or ".." are refused. */
int path_open_parent_in(int rootfd, const char *path, const char **ret_name, struct err *e);

/* For tests: pretend that the kernel has no openat2. */
extern int path_force_walk;
