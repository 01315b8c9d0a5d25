/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: processes, by descriptor where the kernel can.
 *
 * A number names a process only as long as nobody reaps it. A struct proc pins one: its directory
 * of /proc stays bound to that very process, reads fail with ESRCH once it is gone, and signals go
 * through a pidfd where the kernel has them (5.1), else to the number after one more check.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* clone(2) without a new stack: returns twice like fork. `flags` are CLONE_NEW* of the 32-bit
 * kind; cgroup_fd >= 0 places the child into that cgroup (v2) before it runs. Kernels without
 * clone3 or CLONE_INTO_CGROUP get clone(2), and *ret_placed says whether the child is in its cgroup
 * already. Returns the child's pid, 0 in the child. */
pid_t proc_clone(uint64_t flags, int cgroup_fd, bool *ret_placed, struct err *e);

/* Status of waitpid(2) as rkt's exit status: the code, or 128 + signal. */
int proc_exit_code(int wait_status);
/* Waits for `pid`, through EINTR. Returns proc_exit_code(). */
int proc_wait(pid_t pid, struct err *e);
/* Runs fn in a child, and waits for it. What fn fails with becomes the caller's error. Else returns
 * the child's exit code: 0 where fn returned, that of the program where fn has executed one. */
int proc_in_child(int (*fn)(void *ctx, struct err *e), void *ctx, struct err *e);

/* Takes HUP out of a set that is to be blocked and read where it is ignored, as nohup(1) has it:
 * that is how it stays so. */
void proc_leave_hangup(sigset_t *set);
/* Blocks every signal but that one, and those that say that this program is broken; *ret_old may
 * be NULL. */
void proc_block_signals(sigset_t *ret_old);
/* No signal ignored, handled or blocked, as if nobody had started us: before execve. */
void proc_reset_signals(void);
/* A descriptor that reads `struct signalfd_siginfo` of all blocked signals, non-blocking. */
int proc_signal_fd(struct err *e);
/* For pid 1 of a pid namespace: SIGCHLD alone is blocked and read in that way. What else is sent
 * from within, the kernel then throws away at once: it neither wakes pid 1 nor is it kept. */
int proc_child_fd(struct err *e);

/* Descriptors 0 to 2 exist: what is opened later must never become somebody's standard output.
 * Those that are missing become /dev/null, opened with `flags`; where that is missing, too, they
 * stay closed. */
void proc_fill_standard_fds(int flags);

struct proc {
	pid_t pid;
	int dirfd; /* /proc/PID */
	int pidfd; /* -1: the kernel has none */
};
#define PROC_INIT ((struct proc){ .dirfd = -1, .pidfd = -1 })
int proc_open(pid_t pid, struct proc *ret, struct err *e); /* -ESRCH: there is none */
void proc_close(struct proc *p);
static inline void proc_cleanup(struct proc *p)
{
	proc_close(p);
}
int proc_signal(const struct proc *p, int sig, struct err *e);

struct proc_status {
	pid_t ppid;
	pid_t ns_pid; /* in the innermost pid namespace that it is in */
	bool zombie;
};
/* Pure: the text of /proc/PID/status. */
int proc_status_parse(const char *text, struct proc_status *ret, struct err *e);
int proc_status(const struct proc *p, struct proc_status *ret, struct err *e);

/* The child of `parent` whose innermost pid is ns_pid. -ESRCH when there is none. */
int proc_find_child(const struct proc *parent, pid_t ns_pid, struct proc *ret, struct err *e);
