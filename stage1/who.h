/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who: what an app began as, for whoever enters it.
 *
 * WHO_DIR/APP below stage1's root holds "PID UID GID" and a newline, all as the pod counts, from
 * before the pod can be entered. User and group are not looked up again: what they are looked up
 * in, files of the app's root, belongs to the app.
 */
#pragma once

#include <sys/types.h>

#include "lib/base/err.h"
#include "stage2/ident.h"

#define WHO_DIR "rkt/pid"

/* Creates the file, empty. Returns a descriptor for who_write(), which closes it. */
int who_create(int pod_dirfd, const char *app, struct err *e);
int who_write(int fd, const char *app, pid_t pid, const struct ident *id, struct err *e);
/* -ENOENT: the app has not been started. Of *ret_id only the numbers are set. */
int who_read(int pod_dirfd, const char *app, pid_t *ret_pid, struct ident *ret_id, struct err *e);
