/* SPDX-License-Identifier: Apache-2.0 */
/* ns: namespaces of processes, by descriptor. */
#pragma once

#include "lib/base/err.h"
#include "lib/sys/proc.h"

/* In the order in which they are joined: the mount namespace goes late, since joining it takes
 * away the paths by which others could be opened. */
#define NS_KINDS(X)                     \
	X(CGROUP, "cgroup", 0x02000000) \
	X(IPC, "ipc", 0x08000000)       \
	X(UTS, "uts", 0x04000000)       \
	X(NET, "net", 0x40000000)       \
	X(PID, "pid", 0x20000000)       \
	X(TIME, "time", 0x00000080)     \
	X(MNT, "mnt", 0x00020000)       \
	X(USER, "user", 0x10000000)

enum ns_kind {
#define X(name, file, flag) NS_##name,
	NS_KINDS(X)
#undef X
		_NS_KIND_MAX
};

struct ns_set {
	int fds[_NS_KIND_MAX]; /* -1: shared with us already, or unknown to this kernel */
};
/* Opens those of `p` that differ from ours. */
int ns_open(const struct proc *p, struct ns_set *ret, struct err *e);
void ns_close(struct ns_set *s);
static inline void ns_cleanup(struct ns_set *s)
{
	ns_close(s);
}
/* Joins all but the user namespace, whose users may not join the others: that is for
 * userns_enter(), when nothing more of the host is needed. The pid namespace is that of children
 * made afterwards; "/" and the working directory become the root of the joined mount namespace. */
int ns_join(const struct ns_set *s, struct err *e);

/* Leaves the network namespace for a new one and sets its loopback interface up. Returns its
 * descriptor. */
int ns_new_network(struct err *e);
