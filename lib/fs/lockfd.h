/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockfd: flock(2) on a file or directory; the descriptor is the lock.
 *
 * A lock belongs to the open file description: it survives fork and exec (clear FD_CLOEXEC to pass
 * it on) and ends when the last copy of the descriptor is closed, by kill -9 too.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

/* Waits. */
int lockfd_wait(int fd, enum lock_mode mode, struct err *e);
/* Does not wait: 1 when taken, 0 when somebody else holds it. */
int lockfd_try(int fd, enum lock_mode mode, struct err *e);
/* 1 when some other descriptor holds an exclusive lock on dirfd/name, 0 when not. -ENOENT quietly
 * when there is no such file. Takes a shared lock for an instant, so that two askers never see
 * each other. */
int lockfd_held(int dirfd, const char *name, struct err *e);
