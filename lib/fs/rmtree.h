/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmtree: remove a tree that a hostile app may have built.
 *
 * Never follows a symbolic link, never crosses into another mount (st_dev and, where the kernel
 * tells it, the mount id), needs memory and descriptors bounded in depth, survives names of any
 * bytes and directories of depth beyond PATH_MAX. Immutable/append-only flags are reported, not
 * fought. It is idempotent: ENOENT is success, also for entries that vanish while it works.
 */
#pragma once

#include "lib/base/err.h"

/* Removes dirfd/name (any kind of file). Goes on past errors and reports the first. */
int rmtree_at(int dirfd, const char *name, struct err *e);
/* Removes everything below the directory fd, but not itself. */
int rmtree_contents(int fd, struct err *e);
