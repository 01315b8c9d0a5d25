/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner: the process of a running pod that its file `pid` names, pinned.
 *
 * Numbers are reused, by processes of other pods, too: what a number names is this pod's only while
 * its parent is `run`, which is told by its working directory, the pod's, as is ours. Everything
 * that is then read or joined is reached through the descriptors of these very processes.
 */
#pragma once

#include "lib/sys/proc.h"

/* -ESRCH: it is not, or no longer, of this pod. ret_run may be NULL. */
int stage1_open_inner(pid_t pid, struct proc *ret, struct proc *ret_run, struct err *e);
