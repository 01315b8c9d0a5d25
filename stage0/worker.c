/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/base/str.h"
#include "lib/sys/compat.h"
#include "lib/sys/proc.h"

/* Descriptors are first moved above what they may collide with, then down to their numbers. */
enum { PARKED = 64, EXIT_NOT_STARTED = 127, GRACE_MS = 2000, TICK_MS = 200, POLL_MS = 60000 };

static void close_from(unsigned first)
{
	if (sys_close_range(first, ~0U, 0) == 0)
		return;
	long max = sysconf(_SC_OPEN_MAX);
	for (int fd = (int)first; fd < (max > 0 ? max : 1024); fd++)
		close(fd);
}

static int park(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD, PARKED);
}

/* worker_child(): between fork and exec. fds: everything of the parent's, until the last line. */
static _Noreturn void worker_child(const struct worker_call *c, int socket, pid_t parent)
{
	int fds[WORKER_FD_MAX], null = open("/dev/null", O_RDWR);
	proc_reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0)
		_exit(EXIT_NOT_STARTED);
	socket = park(socket);
	null = park(null);
	for (int i = 0; i < WORKER_FD_MAX; i++) {
		fds[i] = park(c->fds[i]);
		if (c->fds[i] >= 0 && fds[i] < 0)
			_exit(EXIT_NOT_STARTED);
	}
	bool ok = dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(socket, WORKER_SOCKET) >= 0;
	/* Whoever debugs sees what a sanitizer or the loader has to say. */
	if (!dbg_enabled())
		ok = ok && dup2(null, 2) >= 0;
	for (int i = 0; i < WORKER_FD_MAX; i++) {
		if (fds[i] < 0)
			close(WORKER_FD_FIRST + i);
		else
			ok = ok && dup2(fds[i], WORKER_FD_FIRST + i) >= 0;
	}
	close_from(WORKER_FD_FIRST + WORKER_FD_MAX);
	char *const argv[] = { (char[]){ "rkt-worker" }, NULL }, *const env[] = { NULL };
	if (ok)
		execve(c->program, argv, env);
	_exit(EXIT_NOT_STARTED);
}

/* 1: something can be read (or the peer is gone); 0: the time is over. */
static int wait_readable(const struct worker *w, struct err *e)
{
	const struct worker_call *c = w->call;
	const int step = c->tick ? TICK_MS : POLL_MS;
	for (;;) {
		int64_t left = w->deadline_ms - now_ms();
		if (left <= 0)
			return 0;
		struct pollfd p = { .fd = w->socket, .events = POLLIN };
		int r = poll(&p, 1, left > step ? step : (int)left);
		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return ERR_SYS(e, "poll");
		if (c->tick)
			c->tick(c->tick_ctx);
	}
}

static int died(const char *name, int status, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, ERR_PEER, EPROTO, "'%s' was killed by signal %d", name,
			WTERMSIG(status));
	if (WEXITSTATUS(status) == EXIT_NOT_STARTED)
		return err_set(e, ERR_PEER, EPROTO, "'%s' could not be started", name);
	return err_set(e, ERR_PEER, EPROTO, "'%s' ended with status %d and no answer", name,
		WEXITSTATUS(status));
}

/* 1: the answer is there; 0: the worker is gone without one; -ETIME. */
static int receive(const struct worker *w, struct err *e)
{
	const struct worker_call *c = w->call;
	int r = wait_readable(w, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, ERR_PEER, ETIME, "'%s' took longer than %u seconds",
			path_base(c->program), c->timeout_s);
	ssize_t n = recv(w->socket, c->answer, c->answer_size, MSG_TRUNC);
	if (n < 0 && errno != ECONNRESET)
		return ERR_SYS(e, "receive answer");
	if (n <= 0)
		return 0;
	if ((size_t)n != c->answer_size)
		return err_set(e, ERR_PEER, EPROTO, "'%s' answered %zd bytes instead of %zu",
			path_base(c->program), n, c->answer_size);
	return 1;
}

/* An answer, or hanging up, was the last thing that it had to do: it has `grace_ms` to end by
 * itself, so that its status tells what happened. */
static int reap(pid_t pid, int grace_ms, int *ret_status, struct err *e)
{
	for (int waited = 0;; waited++) {
		if (waited == grace_ms)
			kill(pid, SIGKILL);
		pid_t r = waitpid(pid, ret_status, waited < grace_ms ? WNOHANG : 0);
		/* ECHILD: rkt was started with SIGCHLD ignored, and the kernel has reaped it. */
		if (r == pid || (r < 0 && errno == ECHILD))
			return 0;
		if (r < 0 && errno != EINTR)
			return ERR_SYS(e, "waitpid");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

int worker_start(const struct worker_call *c, struct worker *ret, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_SYS(e, "socketpair");
	_clean_(fd) int ours = pair[0];
	_clean_(fd) int theirs = pair[1];
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return ERR_SYS(e, "fork");
	if (pid == 0)
		worker_child(c, theirs, parent);
	theirs = fd_close(theirs);
	struct worker w = { .pid = pid,
		.socket = take_fd(&ours),
		.deadline_ms = now_ms() + (int64_t)c->timeout_s * 1000,
		.call = c };
	/* One that is gone already is told about by worker_finish(). */
	if (send(w.socket, c->request, c->request_size, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
		errno != ECONNRESET) {
		int r = ERR_SYS(e, "send request");
		worker_kill(&w);
		return r;
	}
	*ret = w;
	return 0;
}

bool worker_is_done(const struct worker *w)
{
	struct pollfd p = { .fd = w->socket, .events = POLLIN };
	return poll(&p, 1, 0) > 0 || now_ms() >= w->deadline_ms;
}

int worker_finish(struct worker *w, struct err *e)
{
	int status = 0, r = receive(w, e);
	w->socket = fd_close(w->socket);
	int reaped = reap(w->pid, r < 0 ? 0 : GRACE_MS, &status, e);
	w->pid = 0;
	if (reaped < 0)
		return reaped;
	if (r == 0)
		return died(path_base(w->call->program), status, e);
	return r < 0 ? r : 0;
}

void worker_kill(struct worker *w)
{
	struct err ignored = ERR_INIT;
	int status;
	w->socket = fd_close(w->socket);
	if (w->pid > 0)
		(void)reap(w->pid, 0, &status, &ignored);
	w->pid = 0;
}
