/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mnt: mounts by descriptor.
 *
 * Sources and targets are O_PATH descriptors that the caller has opened and checked; no path is
 * looked up again. With open_tree(2), move_mount(2) and mount_setattr(2) that is literally so. On
 * kernels without them (5.2, 5.2, 5.12) mount(2) is given /proc/self/fd/N, and what was mounted is
 * opened anew and compared with the source.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Opens a file or directory of the host to be bound (O_PATH), whatever it is. no_symlinks: a
 * symbolic link anywhere in the path is refused. A missing one reads, as rkt's: stat PATH: No such
 * file or directory. */
int mnt_open_source(const char *path, bool no_symlinks, struct err *e);

/* Binds source to target; recursive: with the mounts below it. Returns a descriptor of the new
 * mount's root. */
int mnt_bind(int source, int target, bool recursive, struct err *e);
/* The same, showing the ids of its files as the user namespace maps them: 0 of the disk is the
 * first of its range. Not on kernels before 5.12, nor on every filesystem: -EOPNOTSUPP, and *e says
 * which filesystem (`what` names the source, where /proc does not). */
int mnt_bind_idmapped(
	int source, int target, bool recursive, int userns, const char *what, struct err *e);

/* Adds MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC of `flags` to the mount whose root is fd;
 * recursive: also to every mount below it, or fails. */
int mnt_restrict(int fd, unsigned long flags, bool recursive, struct err *e);

/* No more mounts come in from where it was bound from (MS_PRIVATE), there and below. */
int mnt_make_private(int fd, struct err *e);

/* A mount namespace of our own leaves the host's (MS_REC | MS_SLAVE on "/"), but for what lies at n
 * paths, with what is below: those stay peers of the host's mounts. Refused where the mount that
 * such a path lies in is not shared; needs Linux 5.2. */
int mnt_leave_host(const char *const *shared, size_t n, struct err *e);

/* The number of the mount that fd was opened through, which tells a bind of a directory from the
 * directory itself. */
int mnt_id(int fd, uint64_t *ret, struct err *e);
/* What the kernel's list says of that mount. 0: it is not there. */
struct mnt_facts {
	dev_t device; /* as the kernel lists it: some filesystems (btrfs) tell stat(2) another */
	bool shared;  /* it has peers */
};
int mnt_facts(int fd, struct mnt_facts *ret, struct err *e);

/* For tests: pretend that the kernel is old, or that mknod is refused as in a user namespace. */
enum { MNT_FORCE_NO_API = 1, MNT_FORCE_NO_SETATTR = 2, MNT_FORCE_NO_MKNOD = 4 };
extern unsigned mnt_force;
