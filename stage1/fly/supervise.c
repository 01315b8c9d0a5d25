/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/fly/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/base/now.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/sys/proc.h"

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
		sigaddset(set, passed_on[i]);
	proc_leave_hangup(set);
}

void supervise_init(void)
{
	sigset_t set;
	watched_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Inherited as ignored it would make waitpid() forget the status. */
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void supervise_reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Reaps whatever ended, the orphans of the app too; true once the app itself is among them. */
static bool reap(pid_t app, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == app) {
			*ret_status = proc_exit_code(status);
			ended = true;
		}
	return ended;
}

/* Kills every child that we have; the children of those become ours, so it is asked again. */
static void kill_leftovers(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	for (int rounds = 0; rounds < 1000; rounds++) {
		int status;
		while (waitpid(-1, &status, WNOHANG) > 0)
			;
		if (errno == ECHILD)
			return;
		struct err e = ERR_INIT;
		struct str text = STR_INIT(STR_MAX_LINE);
		struct strv pids = STRV_INIT;
		/* A list beyond the ceiling is cut: the rest is met in the next round. */
		(void)io_read_file(AT_FDCWD, path, &text, &e);
		strv_split(&pids, str_text(&text), ' ');
		for (size_t i = 0; i < pids.n; i++) {
			uint32_t pid;
			if (parse_u32(pids.v[i], 2, INT32_MAX, &pid))
				kill((pid_t)pid, SIGKILL);
		}
		strv_release(&pids);
		str_release(&text);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* Waits for a signal until the deadline (0: for ever); 0 when that has passed. */
static int next_signal(const sigset_t *set, int64_t deadline, siginfo_t *info)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		if (deadline && left <= 0)
			return 0;
		struct timespec t = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
		int sig = sigtimedwait(set, info, deadline ? &t : NULL);
		if (sig > 0)
			return sig;
	}
}

int supervise_app(pid_t pid)
{
	sigset_t set;
	watched_signals(&set);
	int64_t deadline = 0;
	int status = EXIT_ERROR;
	while (!reap(pid, &status)) {
		siginfo_t info;
		int sig = next_signal(&set, deadline, &info);
		if (sig == SIGCHLD)
			continue;
		if (sig > 0 && info.si_code == SI_KERNEL)
			continue; /* the terminal's: the app is in its foreground group too */
		bool stop = sig == SIGTERM || sig == SIGINT;
		kill(pid, sig == 0 || (stop && deadline) ? SIGKILL : sig);
		if (stop && !deadline)
			deadline = now_ms() + SUPERVISE_GRACE_S * 1000;
		else if (sig == 0)
			deadline = 0;
	}
	kill_leftovers();
	return status;
}
