/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blockdev: the disk behind a file. Limits of control groups are those of whole disks: what lies on
 * a partition is limited with the others of its disk.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* The disk that the file system with the device number `dev` (st_dev) lies on. 1: *ret is set; 0:
 * on none that can be told (a tmpfs, the network, an overlay). A file system on several disks
 * counts as on the one that it was mounted by. */
int blockdev_behind(dev_t dev, dev_t *ret, struct err *e);

/* Pure: what the file system `dev` was mounted from ("/dev/sda1"), by the text of
 * /proc/self/mountinfo; false: nothing that begins with "/dev/". */
bool blockdev_source(const char *mountinfo, dev_t dev, char *ret, size_t size);
