/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: the one column in which a process gives up its privileges and becomes the app.
 *
 *	label of execve → limits → setgroups → bounding set → KEEPCAPS → setresgid →
 *	setresuid → capset → ambient → no_new_privs → read back →
 *	parent death signal (where asked for) → filter → execve
 *
 * For a user other than root nothing is left of the permitted, effective and inheritable sets,
 * unless the manifest's retain set was explicit: then it is raised as ambient. root's inheritable
 * set is always empty. The process is not dumpable until execve makes it so again: nobody who
 * shares its namespaces can attach to it or reach through its descriptors.
 *
 * Without no_new_privs the default filter is loaded while CAP_SYS_ADMIN is still held, before the
 * bounding set is dropped, so that a filter never costs file capabilities. One that a manifest asks
 * for may forbid any of these calls: it is loaded last, and CAP_SYS_ADMIN, which is not in the
 * bounding set any more, is held until execve takes it away.
 *
 * The same function serves the app, `enter`, and event handlers: they cannot differ.
 */
#pragma once

#include "stage2/ident.h"
#include "stage2/plan.h"

/* In the app's root, "/" being it. argv/cwd of `plan` may be replaced by enter's. Resets signals,
 * umask 022, closes every descriptor from 3 on (but report_fd), writes oom_score_adj, sets cwd
 * (never through a magic link of /proc), and executes argv[0], searched in PATH.
 * Returns only on error, with e saying which step; *ret_status is the EXIT_APP_* to end with.
 * Program errors read, as rkt's: Unable to open "/x": No such file or directory. */
int app_apply(const struct app_plan *plan, const struct ident *id, int *ret_status, struct err *e);

/* What app_apply() does first, for a caller that is about to give up the right to it: the plan then
 * leaves the score. */
void app_set_oom_score(struct app_plan *plan);

/* Runs an event handler in the app's context, in the app's root: as root, with the capabilities
 * that the app may have (its bounding set) and no others, behind the app's filter. Waits; a handler
 * that fails is an error. */
int app_handler(const struct app_plan *plan, const struct event_handler *h, struct err *e);

/* For tests: pretend that the kernel has no close_range. */
extern int apply_force_close;
