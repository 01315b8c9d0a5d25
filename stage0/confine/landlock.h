/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock: a process gives up the filesystem, but for reading what lies below some paths.
 * landlock(7); it takes no privilege, but no_new_privs.
 */
#pragma once

#include "lib/base/err.h"

/* What is open stays open. paths: absolute, NULL-terminated; NULL: nothing at all. Those that are
 * missing, or may not be looked at, are passed over. -ENOSYS, -EOPNOTSUPP: the kernel has none. */
int landlock_read_only(const char *const *paths, struct err *e);
