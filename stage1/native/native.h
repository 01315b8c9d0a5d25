/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native: the default flavor of stage1. Namespaces, control groups, one child an app.
 *
 *	run       parent.c  host pid namespace; waits, passes signals on, ends with the pod's status
 *	 └─ pid 1 pid1.c    in the pod's pid, IPC, UTS and network namespaces; starts apps, reaps
 *	     └─ app child.c own mount and cgroup namespace; becomes the app by execve
 *
 * No process sits between rkt's standard descriptors and the app's, unless --interactive asks for a
 * terminal of its own (tty.c). The standard input of a pod of several apps is /dev/null: they could
 * only steal it from each other. Standard output and error are rkt's own, unprefixed, for all.
 *
 * Signals to `run`: TERM and INT stop the pod in order (TERM to each app; KILL after
 * NATIVE_GRACE_MS), a second one at once; HUP, QUIT, USR1 and USR2 go to each app; the size of the
 * window (WINCH) follows. HUP that is ignored when rkt begins, as by nohup(1), stays so. KILL takes
 *the pod along. Signals that apps send to pid 1 are not heard.
 *
 * Entry points: see stage1/entry.h, which has `stop` too.
 */
#pragma once

#include "lib/sys/cgroup.h"
#include "lib/sys/term.h"
#include "stage1/load.h"
#include "stage2/apply.h"

enum { NATIVE_GRACE_MS = 10000 };

int native_run(int argc, char **argv, int *ret_status, struct err *e);
int native_enter(int argc, char **argv, int *ret_status, struct err *e);
int native_gc(int argc, char **argv, int *ret_status, struct err *e);

/* --- between parent, pid 1 and child --------------------------------------------------------- */
struct tty_ends { /* -1: none */
	int master, slave;
};
struct native {
	char **argv; /* of native_run() */
	struct stage1_run run;
	struct stage1_pod pod;
	struct cgroup_pod cgroups;
	struct cgroup_app *groups;  /* one per app; the arena's */
	int parent_sock, pid1_sock; /* SYNC_*, see lib/sys/sync.h */
	struct tty_ends tty;	    /* none where no terminal was asked for */
	int userns;		    /* -1: the pod's users are the host's */
	bool own_network, own_ipc;
	bool own_mounts; /* pid 1 has a mount namespace, for what apps share */
};
static inline size_t native_n_apps(const struct native *n)
{
	return n->pod.manifest->n_apps;
}
/* scope.c: executes this stage1 again, in a scope of systemd's that is the pod's own, by
 * systemd-run. Returns where there is no systemd, or we are in such a scope already. */
void native_enter_scope(const struct native *n);
/* groups.c: with their limits; those that are asked for must be had. May execute anew. */
int native_make_groups(struct native *n, struct err *e);
_Noreturn void pid1_main(struct native *n);
/* `placed`: already in its cgroup of version 2. */
_Noreturn void child_main(struct native *n, size_t index, bool placed, int sock);
/* After the app has ended: its post-stop handler, in its mount namespace and control groups. */
struct app_left {
	int mnt_ns;
	struct cgroup_door groups;
};
_Noreturn void child_post_stop(
	struct native *n, size_t index, const struct app_left *left, bool placed);

/* --- users.c --------------------------------------------------------------------------------- */
/* The user namespace that stage0 left, where it is ours, or a new one of that range. */
int users_open(const struct id_range *range, int *ret_fd, struct err *e);
/* Makes sure that the app's root (below `pod`) shows the pod's ids, as stage0 is to have seen to.
 */
int users_show_root(const struct native *n, int pod, const char *path, struct err *e);
/* The ids of an ident_resolve() as the pod counts them, checked to be some of its. */
int users_unshift(
	const struct app_plan *plan, const struct id_range *users, struct ident *id, struct err *e);
/* Standard input, a terminal, becomes that user's. -1 and errno. */
int users_give_terminal(const struct id_range *users, uint32_t uid);
/* Pipes among the standard descriptors become that user's, so that /dev/stdout and the like can be
 * opened; one that cannot be given away stays as it is. */
void users_give_pipes(const struct id_range *users, const struct ident *id);
/* In the app's root: to be root of the pod and nothing of the host from here on. */
int users_join(int userns, struct app_plan *plan, struct err *e);

/* --- follow.c: for enter -----------------------------------------------------------------------
 */
/* What an app got where its manifest says nothing becomes ours: limits, the oom score, scheduling,
 * personality. Where raising is not allowed, as near as may be. */
int follow_inherited(const struct proc *pid1, struct err *e);
/* The capabilities that `run` could give; and, in a process of its own, no more than those. */
int follow_bounding(const struct proc *pid1, uint64_t *ret, struct err *e);
int follow_capabilities(uint64_t bounding, struct err *e);

/* --- tty.c ----------------------------------------------------------------------------------- */
/* Where standard input is a terminal: both ends of a new pseudo terminal of the host; else -1. */
#define TTY_ENDS_INIT ((struct tty_ends){ -1, -1 })
int tty_open(struct tty_ends *ret, struct err *e);
/* In an app's root: exchanges them for those of the app's own devpts, where their names are found;
 * if that cannot be had, they stay as they are. */
void tty_reopen_here(struct tty_ends *ends);
void tty_close(struct tty_ends *ends);
/* Takes over ends->master, if there is one, and begins to relay; else *ret_relay is NULL. Every
 * function here takes a NULL relay. */
int tty_begin(struct term_relay **ret_relay, struct tty_ends *ends, struct err *e);
/* Copies what is left, gives the user's terminal back, frees. */
void tty_end(struct term_relay **relay);
/* Waits for signals (sigfd) and packets (sock, or -1) while relaying. */
enum { TTY_WOKE_SIGNAL = 1, TTY_WOKE_SOCKET = 2 };
unsigned tty_wait(struct term_relay *relay, int sigfd, int sock);
/* The next signal, or 0. WINCH is dealt with and never returned. */
int tty_next_signal(struct term_relay *relay, int sigfd);
/* Prints "Error: …" once, in raw mode too. */
void tty_print_error(const struct term_relay *relay, const struct err *e);
