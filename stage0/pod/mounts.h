/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts: what stage0 mounts for a pod, in a mount namespace of its own.
 *
 * Call mounts_enter() in the pod's directory first: from then on nothing that is mounted is seen by
 * the host, and all of it goes with the last process in the namespace. Paths are relative to the
 * pod's directory, which stays the working directory. Mounts are made by descriptor; kernels
 * without that interface (before 5.2; read-only before 5.12) take mount(2) on /proc/self/fd.
 */
#pragma once

#include "lib/base/idrange.h"
#include "stage0/pod/pod.h"
#include "stage0/store/store.h"

/*
 * A pod with users of its own sees its images with their ids: files on disk stay as the image has
 * them. An overlay cannot be shown with other ids, but it can be of directories that are: each
 * layer and what holds the upper directory get a mount over themselves that maps ids, by the user
 * namespace (Linux 5.19; without overlay 5.12), and overlayfs works as root of that.
 */
struct mount_users {
	struct id_range range; /* count 0: the host's users, nothing below matters */
	int userns;
	pid_t made;	    /* for userns_reap() */
	struct strv layers; /* what has such a mount already; another app may have the same */
};
#define MOUNT_USERS_INIT ((struct mount_users){ .userns = -1 })
/* Of users->range: makes the namespace. Returns what userns_new() does. */
int mounts_users(struct mount_users *users, struct err *e);
/* Binds the namespace over the pod's file of that range, where stage1 finds it. */
int mounts_users_announce(const struct mount_users *users, struct err *e);
void mounts_users_release(struct mount_users *users);

/* The private (slave) namespace. The working directory becomes the pod's. `shared`: paths of the
 * host below which mounts stay shared with it (lib/sys/mnt.h). */
int mounts_enter(const struct pod *p, const struct strlist *shared, struct err *e);
/* Takes away what was mounted since, where the pod cannot be started after all: it can be removed,
 * from within the namespace. */
void mounts_leave(struct pod *p);

/* stage1's tree at stage1/rootfs: read-only, or below an overlay; and over it the pod's own rkt/
 * and opt/stage2/. *ret_root: stage1's root; *ret_apps: its opt/stage2. */
int mounts_stage1(const char *tree, bool read_only, int *ret_root, int *ret_apps, struct err *e);
/* A volume that is an image, read-only at imageVolumes/NAME/rootfs. `tree` NULL: it was copied
 * there, and only its users may have to be others. */
int mounts_image_volume(
	const char *name, const struct treeref *tree, struct mount_users *users, struct err *e);
/* An app's overlay at apps/NAME/rootfs. */
int mounts_app(int apps, const char *name, const struct treeref *tree, struct mount_users *users,
	struct err *e);
/* Without overlay: the copy that lies there, shown with other users. */
int mounts_app_copy(int apps, const char *name, struct mount_users *users, struct err *e);

/* Where stage1's tree can be written to: covers the program that is about to be executed with
 * itself, read-only. An app may get hold of it as /proc/PID/exe, and write to it when nobody runs
 * it any more; root executes it again to collect the pod (CVE-2019-5736). */
int mounts_program(const char *program, struct err *e);
/* It could not be executed: no more in the way of removing the pod. */
void mounts_program_leave(const char *program);
