/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomic: replace a file so that a crash at any instruction leaves the old one or the new one.
 *
 * The bytes go to `.tmp-<random>` in the same directory, which is renamed over the name; with
 * ATOMIC_DURABLE the file is synced before, and the directory after. A crash can leave a `.tmp-*`
 * file: readers of directories skip those.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

enum atomic_durability {
	ATOMIC_VISIBLE, /* atomic for readers and a kill -9; a power cut may lose it or its bytes */
	ATOMIC_DURABLE, /* also on disk when this returns */
};

int atomic_write(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
	enum atomic_durability how, struct err *e);

/* rename that refuses to replace (renameat2 NOREPLACE, or link/rename checks on kernels or
 * filesystems without it), then fsync of both parents when `how` asks. */
int atomic_publish(int olddir, const char *oldname, int newdir, const char *newname,
	enum atomic_durability how, struct err *e);

int dir_sync(int dirfd, struct err *e);
