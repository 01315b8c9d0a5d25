/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl: kernel parameters that a namespace has of its own. sysctl(8), proc_sys(5).
 *
 * Names are written with '.' or with '/' between their parts, as sysctl(8) takes them: the first
 * separator says which; in names with '.' a '/' is a '.' of the part ("net.ipv4.conf.eth0/1.x").
 * Only these are accepted, everything else would be the host's:
 *
 *	IPC namespace      kernel.{shmall,shmmax,shmmni,shm_rmid_forced,msgmax,msgmnb,msgmni,sem},
 *	                   fs.mqueue.*
 *	UTS namespace      kernel.domainname (kernel.hostname is --hostname's)
 *	network namespace  net.*
 */
#pragma once

#include "lib/base/err.h"

enum sysctl_space { SYSCTL_IPC, SYSCTL_UTS, SYSCTL_NET };

/* The namespace that the parameter is of. Refuses other names, "..", and values that are more than
 * one line of plain text; '+' is refused too: no parameter takes one (CVE-2022-0811). */
int sysctl_check(const char *name, const char *value, enum sysctl_space *ret, struct err *e);
/* In the caller's namespaces. Checks again. */
int sysctl_write(const char *name, const char *value, struct err *e);
