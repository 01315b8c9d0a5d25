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

#include "stage0/pod/pod.h"
#include "stage0/store/store.h"

/* The private (slave) namespace. The working directory becomes the pod's. `shared`: paths of the
 * host below which mounts stay shared with it (lib/sys/mnt.h). */
int mounts_enter(const struct pod *p, const struct strlist *shared, struct err *e);
/* Takes away what was mounted since, where the pod cannot be started after all: it can be removed,
 * from within the namespace. */
void mounts_leave(struct pod *p);

/* stage1's tree at stage1/rootfs: read-only, or below an overlay; and over it the pod's own rkt/
 * and opt/stage2/. *ret_root: stage1's root; *ret_apps: its opt/stage2. */
int mounts_stage1(const char *tree, bool read_only, int *ret_root, int *ret_apps, struct err *e);
/* A volume that is an image, read-only at imageVolumes/NAME/rootfs. */
int mounts_image_volume(const char *name, const struct treeref *tree, struct err *e);
/* An app's overlay at apps/NAME/rootfs. */
int mounts_app(int apps, const char *name, const struct treeref *tree, struct err *e);

/* Where stage1's tree can be written to: covers the program that is about to be executed with
 * itself, read-only. An app may get hold of it as /proc/PID/exe, and write to it when nobody runs
 * it any more; root executes it again to collect the pod (CVE-2019-5736). */
int mounts_program(const char *program, struct err *e);
/* It could not be executed: no more in the way of removing the pod. */
void mounts_program_leave(const char *program);
