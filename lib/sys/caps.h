/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps: capabilities as sets of bits, by raw system calls: no library, no /proc.
 *
 * Bit N of a set is capability N of capabilities(7). Names are those of <linux/capability.h>; the
 * prefix CAP_ may be left out and case does not matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* The numbers are the kernel's, in order from 0. */
/* clang-format off */
#define CAPS(X) \
	X(CHOWN) X(DAC_OVERRIDE) X(DAC_READ_SEARCH) X(FOWNER) X(FSETID) X(KILL) X(SETGID) \
	X(SETUID) X(SETPCAP) X(LINUX_IMMUTABLE) X(NET_BIND_SERVICE) X(NET_BROADCAST) \
	X(NET_ADMIN) X(NET_RAW) X(IPC_LOCK) X(IPC_OWNER) X(SYS_MODULE) X(SYS_RAWIO) \
	X(SYS_CHROOT) X(SYS_PTRACE) X(SYS_PACCT) X(SYS_ADMIN) X(SYS_BOOT) X(SYS_NICE) \
	X(SYS_RESOURCE) X(SYS_TIME) X(SYS_TTY_CONFIG) X(MKNOD) X(LEASE) X(AUDIT_WRITE) \
	X(AUDIT_CONTROL) X(SETFCAP) X(MAC_OVERRIDE) X(MAC_ADMIN) X(SYSLOG) X(WAKE_ALARM) \
	X(BLOCK_SUSPEND) X(AUDIT_READ) X(PERFMON) X(BPF) X(CHECKPOINT_RESTORE)
/* clang-format on */

enum cap {
#define X(name) CAP__##name,
	CAPS(X)
#undef X
		_CAP_MAX
};

#define CAP_BIT(name) (UINT64_C(1) << CAP__##name)
#define CAPS_EVERY UINT64_MAX

/* What an app has where its manifest says nothing: appc 0.8.11 spec/ace.md, 14 capabilities. */
#define CAPS_APPC                                                                                  \
	(CAP_BIT(AUDIT_WRITE) | CAP_BIT(CHOWN) | CAP_BIT(DAC_OVERRIDE) | CAP_BIT(FSETID) |         \
		CAP_BIT(FOWNER) | CAP_BIT(KILL) | CAP_BIT(MKNOD) | CAP_BIT(NET_RAW) |              \
		CAP_BIT(NET_BIND_SERVICE) | CAP_BIT(SETUID) | CAP_BIT(SETGID) | CAP_BIT(SETPCAP) | \
		CAP_BIT(SETFCAP) | CAP_BIT(SYS_CHROOT))

const char *cap_name(unsigned cap); /* "CAP_CHOWN"; NULL for a number that has no name here */
/* -ENOENT for a name that is not known; e says which. */
int cap_parse(const char *name, struct err *e);
/* The set of n names. */
int caps_parse(const char *const *names, size_t n, uint64_t *ret, struct err *e);

struct caps {
	uint64_t effective, permitted, inheritable;
};
int caps_get(struct caps *ret, struct err *e);
int caps_set(const struct caps *caps, struct err *e);
/* For a process that executes nothing any more: it keeps `keep` of what it has, can have no more
 * (no_new_privs, which binds root's execve, too), and is not dumpable, so that nobody with as few
 * can trace it. Its bounding set is left as it is. */
int caps_retire(uint64_t keep, struct err *e);
/* Drops from the bounding set everything that is not in `keep`, unnamed newer ones included. */
int caps_bound(uint64_t keep, struct err *e);
/* Reads the bounding set. */
uint64_t caps_bounding(void);
/* Makes the ambient set exactly `caps`, which must be permitted and inheritable. */
int caps_ambient(uint64_t caps, struct err *e);
