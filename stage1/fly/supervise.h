/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise: the life of `run` while the app lives.
 *
 * supervise_init() blocks the signals that are passed on, before the app is forked, so that none is
 * lost; the child takes them back with supervise_reset_signals(). Signals go to the app as they
 * come, but for those that the terminal sends, which reach it without our help. After a first TERM
 * or INT the app has SUPERVISE_GRACE_S seconds to end; then, or at a second one, it is killed.
 */
#pragma once

#include <sys/types.h>

enum { SUPERVISE_GRACE_S = 10 };

void supervise_init(void);
void supervise_reset_signals(void);
/* Waits for the app and for all that it leaves behind, which is killed. Returns the exit status:
 * the app's own, or 128 + the signal that killed it. */
int supervise_app(pid_t pid);
