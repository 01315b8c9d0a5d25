/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns: user namespaces by descriptor (user_namespaces(7)), and acting for their users from
 * outside.
 *
 * A namespace shows the ids of one range of the host's as 0, 1, 2, …, to processes that join it and
 * through mounts that it is given to (mnt_bind_idmapped()). A process outside that has every
 * capability can also just take its root's ids for what it creates: userns_act_as().
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/idrange.h"

/* A new namespace; it lives as long as the descriptor, a process or a mount of it. A process had to
 * be made for it, which is ended and not yet waited for, so that it ends meanwhile: *ret_made is
 * for userns_reap(). */
int userns_new(const struct id_range *range, pid_t *ret_made, struct err *e);
void userns_reap(pid_t made);

/* Is this descriptor one of a namespace (of any kind), and not a file that lies there? */
bool userns_is(int fd);

/* The whole process: joins the namespace and becomes its root, with every capability there and none
 * outside. The parent death signal is cleared. Not dumpable from there on: nobody in the namespace
 * may look into a process that came from outside, until it executes something. */
int userns_enter(int fd, struct err *e);

/* What this process creates from now on is owned by the range's first user and group; its
 * capabilities stay. Needs CAP_SETUID, CAP_SETGID. */
int userns_act_as(const struct id_range *range, struct err *e);
/* … by root again. */
int userns_act_as_self(struct err *e);
