/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync: what the processes of a pod tell each other while it starts and ends.
 *
 * One SOCK_SEQPACKET pair between two of them, one packet form, one enum. A packet carries a step,
 * a number, an error (struct err as it is) and at most one descriptor. The end of the stream is
 * never success, with one exception: after SYNC_EXEC_GO the sender closes its end by execve (it is
 * close-on-exec), so the end of the stream then means that the app runs (or was killed, which its
 * wait status tells).
 *
 *	app child → pid 1: MNT_NS? USER GROUP EXEC_GO (end) | FAILED
 *	pid 1 → app child: NET_NS
 *	pid 1 → run:       FAILED* STARTED
 *	run → pid 1:       SIGNAL* STOP KILL
 *
 * The peer is not trusted: size, step and error text are checked.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

#define SYNC_STEPS(X)                                                                    \
	X(FAILED, "failed")   /* err: why; value: the exit status */                     \
	X(MNT_NS, "mnt-ns")   /* descriptor: the app's mount namespace, for post-stop */ \
	X(NET_NS, "net-ns")   /* apps may run; descriptor: the pod's network, if own */  \
	X(USER, "user")	      /* value: the app's, as the pod counts */                  \
	X(GROUP, "group")     /* the same */                                             \
	X(EXEC_GO, "exec-go") /* next comes execve */                                    \
	X(STARTED, "started") /* every app has been executed, or has failed to be */     \
	X(SIGNAL, "signal")   /* value: number, for the apps */                          \
	X(STOP, "stop")	      /* stop the apps in order */                               \
	X(KILL, "kill")	      /* … or at once */

enum sync_step {
#define X(name, text) SYNC_##name,
	SYNC_STEPS(X)
#undef X
		_SYNC_STEP_MAX
};
const char *sync_step_name(enum sync_step step);

struct sync_msg {
	uint32_t step; /* enum sync_step */
	int32_t value;
	struct err err;
};
_Static_assert(sizeof(struct sync_msg) == 520, "one packet, no padding");

int sync_pair(int ret_fds[2], struct err *e); /* close-on-exec */

/* fd >= 0 is passed along. Never raises SIGPIPE. */
int sync_send(int sock, enum sync_step step, int value, int fd, struct err *e);
/* FAILED with *why. What goes wrong is not reported: there is nobody left to tell. */
void sync_send_failure(int sock, int value, const struct err *why);

enum sync_result { SYNC_GOT = 1, SYNC_NOTHING = 0, SYNC_END = -1000 };
/* One packet. SYNC_GOT; SYNC_NOTHING when none is there (flags has MSG_DONTWAIT); SYNC_END when the
 * peer is gone; or a negative errno with *e set. *ret_fd is -1 where none came; the caller owns it.
 */
int sync_receive(int sock, int flags, struct sync_msg *ret, int *ret_fd, struct err *e);
