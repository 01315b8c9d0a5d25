/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs: files of /proc that are written to, opened so that nothing else can be in their place.
 *
 * What is mounted at /proc must be procfs itself, and no component of the path may be a link or
 * another mount: a write that was meant for a label or a sysctl must never land elsewhere
 * (CVE-2019-16884, CVE-2025-52881).
 */
#pragma once

#include <sys/types.h>

#include "lib/base/err.h"

/* path: below /proc, without links ("self" is one): "sys/net/ipv4/ip_forward". */
int procfs_open(const char *path, int flags, struct err *e);
/* A file of this very process: "attr/exec". */
int procfs_open_own(const char *path, int flags, struct err *e);
/* Writes text in one system call, as these files want it. */
int procfs_write(int fd, const char *path, const char *text, struct err *e);

/* For tests: "/proc"; pretend that the kernel has no openat2. */
extern const char *procfs_path;
extern int procfs_force_walk;
