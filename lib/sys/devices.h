/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices: which device nodes the processes of a control group may make, read and write.
 *
 * Version 2 asks a program of type BPF_PROG_TYPE_CGROUP_DEVICE (linux/bpf.h), which is made here,
 * instruction by instruction; version 1 has the controller "devices". Both come after the
 * permissions of the node and the option nodev of its mount.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

enum { DEVICE_MKNOD = 1, DEVICE_READ = 2, DEVICE_WRITE = 4 }; /* the kernel's BPF_DEVCG_ACC_* */
enum { DEVICE_ANY = -1 };

struct device_rule {
	bool block;	  /* else a character device */
	int major, minor; /* DEVICE_ANY */
	unsigned access;  /* DEVICE_* */
};
/* What every app may use: null, zero, full, random, urandom, tty, console, ptmx and the terminals
 * of its devpts. Nodes of every kind may be made, as always was. */
extern const struct device_rule devices_default[];
extern const size_t devices_n_default;

enum { DEVICES_MAX = 256 }; /* rules of one app, the default ones included */

/* Of the group of version 2 that dirfd is: everything but what a rule allows is answered with
 * EPERM. -EPERM, -ENOSYS, -EINVAL: this kernel, or who started us, does not let us. */
int devices_restrict(int dirfd, const struct device_rule *rules, size_t n, struct err *e);
/* The same by version 1. */
int devices_restrict_v1(int dirfd, const struct device_rule *rules, size_t n, struct err *e);
