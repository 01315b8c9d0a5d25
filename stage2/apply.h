/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: the one column in which a process gives up its privileges and becomes the app.
 *
 *	setgroups → bounding set → KEEPCAPS → setresgid → setresuid → capset → ambient
 *	→ no_new_privs → read back → filter → execve
 *
 * Without no_new_privs the filter is loaded while CAP_SYS_ADMIN is still held, before the bounding
 * set is dropped, so that a filter never costs file capabilities.
 *
 * The same function serves the app, `enter`, and event handlers: they cannot differ.
 */
#pragma once

#include "stage2/ident.h"
#include "stage2/plan.h"

/* In the app's root, "/" being it. argv/cwd of `plan` may be replaced by enter's. Resets signals,
 * umask 022, marks every descriptor from 3 on close-on-exec (CLOSE_RANGE_CLOEXEC: the socket over
 * which the caller reports an error must live until execve has worked), resolves argv[0] in PATH,
 * sets cwd, executes.
 * Returns only on error, with e saying which step; *ret_status is the EXIT_APP_* to end with.
 * Program errors read, as rkt's: Unable to open "/x": No such file or directory. */
int app_apply(const struct app_plan *plan, const struct ident *id, int *ret_status, struct err *e);
/* Runs an event handler in the app's context but with full capabilities of the pod; waits. */
int app_handler(const struct app_plan *plan, const struct event_handler *h, struct err *e);
