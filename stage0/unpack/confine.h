/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: everything that the unpack worker gives up before it looks at an archive.
 *
 *	namespaces     mount, network, IPC and UTS of its own, all empty
 *	root           the directory that it works in; the old one is out of reach
 *	identity       nobody, without groups
 *	capabilities   those that the mode needs to create or to read files, and no more
 *	limits         address space, file size, CPU time, descriptors, no core dump
 *	no new privileges, death with the parent, not traceable
 *	system calls   those in the list of confine.c; others fail with EPERM
 *
 * What needs the host's filesystem (libraries, locales) must have been loaded before.
 */
#pragma once

#include "stage0/unpack.h"

int confine(const struct unpack_request *request, int dirfd, struct err *e);
