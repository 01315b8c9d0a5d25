/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: everything that a worker gives up before it looks at what came from outside.
 *
 *	namespaces     mount, IPC and UTS of its own, and network unless the mode needs the host's
 *	root           one directory, or a view of the host made of the paths that the mode needs;
 *	               the old one is out of reach
 *	identity       nobody, without groups
 *	capabilities   those that the mode needs, and no more
 *	limits         address space, file size, CPU time, descriptors, no core dump
 *	no new privileges, death with the parent, not traceable
 *	system calls   those that any program needs and those of the mode; others fail with EPERM
 *
 * Started by another user than root, a worker takes what the first three rows need from a user
 * namespace of its own, in which that user is nobody, and keeps the user's groups. Where it cannot
 * have one, it keeps root directory, namespaces and user as well; instead of the root it has rules
 * of Landlock: of files it can open for reading what the view would show, and nothing else. Where
 * the kernel has neither, it is refused.
 *
 * What needs the host's filesystem (libraries, locales, name services) must have been loaded
 * before: afterwards no memory becomes executable any more. Linked into workers only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct confinement {
	int socket; /* WORKER_SOCKET: whether the parent still lives */
	int rootfd; /* the directory that becomes the root; -1: a view */
	/* Of the host's files, read-only and only these, below a root of its own; what is missing
	 * on the host is missing in the view. Absolute, NULL-terminated; NULL: an empty root. */
	const char *const *view;
	bool host_network;
	uint32_t caps; /* of 1 << CAP_x; another user than root has none that count */
	uint64_t max_address_space, max_file_size, cpu_seconds;
	const uint32_t *calls; /* numbers of system calls, beyond the common ones */
	size_t n_calls;
};

int confine(const struct confinement *c, struct err *e);
