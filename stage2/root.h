/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: carries out the mount operations of an app_plan below the app's root, then makes it "/".
 *
 * Everything is done by descriptor: targets are opened below the root with path_open_in(), sources
 * are opened O_PATH before anything of the image is trusted, and checked. Fresh filesystems are
 * mounted on the directory that we stand in (fchdir to the checked descriptor, then "."), which
 * needs no path and works on every kernel; binds are made with open_tree() and attached with
 * move_mount(), or, on kernels without them, with mount(2) on /proc/self/fd/N of the same
 * descriptors. The caller is in a mount namespace of the app's own with private or slave
 * propagation, and holds CAP_SYS_ADMIN. The working directory is changed.
 */
#pragma once

#include "stage2/plan.h"

/* Opens the app's root `path` (below dirfd; no links) and makes sure that it is a mount of its own,
 * by binding it onto itself where it is a plain directory. Returns an O_PATH descriptor, which
 * root_build() and root_enter() take. */
int root_open(int dirfd, const char *path, struct err *e);

enum root_how {
	ROOT_PIVOT,	   /* pivot_root; the old root is detached: nothing of it is reachable */
	ROOT_PIVOT_SHARED, /* the same, where some mount has PROPAGATION_SHARED */
	ROOT_CHROOT, /* fly: the rest of the host stays mounted beside it, in reach of the app */
};

/* Opens what volumes and generated files are bound from (host volumes: a symbolic link anywhere in
 * the path is refused): to be called while the host's filesystem is still "/". On error nothing is
 * left open; else the caller releases. */
struct root_sources {
	int *fds; /* one per mnt_op, -1 where none is needed */
	size_t n;
	int userns; /* for those with mapped ids; the caller's to set and to close, -1 at first */
};
int root_open_sources(const struct app_plan *plan, struct root_sources *ret, struct err *e);
void root_sources_release(struct root_sources *s);

/* `join`, unless NULL, is called before the first thing that shows the network (sysfs) is mounted,
 * which the plan has after most of the others: the network may be in the making until then. */
struct root_network {
	int (*join)(int sock, struct err *e);
	int sock;
};
/* Carries out the plan's operations in their order. A failure of one that is not optional ends
 * it, and leaves what was mounted to the mount namespace, which ends with its processes. */
int root_build(int rootfs_fd, const struct app_plan *plan, const struct root_sources *s,
	const struct root_network *network, struct err *e);
/* Makes it "/" and the working directory; rootfs_fd remains the caller's. */
int root_enter(int rootfs_fd, enum root_how how, struct err *e);
