/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: a manifest and a root filesystem become an uncompressed App Container Image.
 *
 * `manifest` first, then rootfs/ in the order of names; hard links, devices and the extended
 * attributes that images may carry are kept, sockets left out. Other filesystems that are mounted
 * below are left out too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* ret_entries: how many were written. */
int pack_image(
	int rootfs, const char *manifest, size_t n, int out, uint64_t *ret_entries, struct err *e);
