/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several layers as one tree: an overlay without an upper directory that is mounted nowhere, known
 * by its descriptor alone; where the kernel has no such thing (before 6.5), or not for this
 * filesystem, a copy.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/copytree.h"
#include "lib/sys/compat.h"
#include "stage0/store/internal.h"

static int merge_overlay(const int *rootfs, size_t n)
{
	_clean_(fd) int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		char path[32];
		snprintf(path, sizeof path, "/proc/self/fd/%d", rootfs[i]);
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", path, 0) < 0)
			return -errno;
	}
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	int fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	return fd < 0 ? -errno : fd;
}

static int merge_copy(
	struct store *s, const int *rootfs, size_t n, struct merged *ret, struct err *e)
{
	_clean_(tmp) struct tmp copy = TMP_INIT;
	int r = tmp_dir(s, &copy, e);
	for (size_t i = n; r >= 0 && i-- > 0;)
		r = copytree_layer(rootfs[i], copy.fd, e);
	if (r < 0)
		return err_wrap(e, r, "merge layers");
	int fd = openat(copy.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "merge layers");
	*ret = (struct merged){ .fd = fd, .copy = copy };
	copy.fd = -1;
	return 0;
}

int merge_layers(struct store *s, const int *rootfs, size_t n, struct merged *ret, struct err *e)
{
	if (n == 1) {
		int fd = openat(rootfs[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return ERR_SYS(e, "open layer");
		*ret = (struct merged){ .fd = fd, .copy = TMP_INIT };
		return 0;
	}
	int fd = merge_overlay(rootfs, n);
	if (fd >= 0) {
		*ret = (struct merged){ .fd = fd, .copy = TMP_INIT };
		return 0;
	}
	dbg("store: no overlay of %zu layers (errno %d): copying them", n, -fd);
	return merge_copy(s, rootfs, n, ret, e);
}

void merged_cleanup(struct merged *m)
{
	m->fd = fd_close(m->fd);
	tmp_cleanup(&m->copy);
}
