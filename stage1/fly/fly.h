/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fly: the flavor of stage1 that isolates nothing but the root filesystem.
 *
 * A pod of one app, chrooted into its image, with the host's network, processes, IPC, host name,
 * /proc, /sys and /dev, and all capabilities of whoever started rkt. User, group, environment,
 * working directory, volumes and event handlers are as everywhere; networks, isolators and the
 * restrictions of capabilities, paths and system calls are not applied, as in rkt.
 *
 *	run      process A, host pid namespace, a mount namespace of the pod's own: waits, passes
 *	 │       signals on, records the status, ends with it
 *	 └─ app  its pid is the pod's `pid`; dies with A
 *
 * Unlike rkt's fly, A stays: the app's status is recorded in rkt/status, an app that does not heed
 * TERM is killed after a while, and what the app leaves behind ends with it. And no mount of the
 * pod is ever visible in the host's mount namespace: volumes receive mounts, and never send any.
 *
 * Entry points: see stage1/entry.h, which has `stop` too.
 */
#pragma once

#include "lib/base/err.h"

int fly_run(int argc, char **argv, int *ret_status, struct err *e);
int fly_enter(int argc, char **argv, int *ret_status, struct err *e);
int fly_gc(int argc, char **argv, int *ret_status, struct err *e);
