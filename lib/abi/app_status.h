/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_status: stage1/rootfs/rkt/status/APP, the exit status of an app as decimal text, and
 * APP-started, present from the moment the app was started; APP-reason, one word where the kernel
 * ended the app for a reason of its own ("oom": no memory was left within its limit). Written
 * atomically, before whoever waits for the pod can see it end. `fd` is the status directory.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

int app_status_write(int fd, const char *app, int status, struct err *e);
/* 1: *ret is set; 0: no status yet. */
int app_status_read(int fd, const char *app, int *ret, struct err *e);
int app_started_write(int fd, const char *app, struct err *e);

#define APP_REASON_OOM "oom"
enum { APP_REASON_MAX = 32 };
/* `reason`: lower case letters, digits and '-', shorter than APP_REASON_MAX. */
int app_reason_write(int fd, const char *app, const char *reason, struct err *e);
/* 1: *ret is set; 0: there is none. */
int app_reason_read(int fd, const char *app, char ret[APP_REASON_MAX], struct err *e);

/* "x" and "x-started" or "x-reason": what is told of the one would be the other's exit status. No
 * pod may have both. */
bool app_names_clash(const char *a, const char *b);
