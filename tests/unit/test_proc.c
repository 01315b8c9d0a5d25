/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/ns.h"
#include "lib/sys/proc.h"
#include "tests/unit/unit.h"

static struct err e;

/* A child that sleeps until it is killed. */
static pid_t sleeper(uint64_t flags)
{
	bool placed = true;
	pid_t pid = proc_clone(flags, -1, &placed, &e);
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		for (;;)
			pause();
	ck_assert(!placed);
	return pid;
}

START_TEST(statuses)
{
	bool placed;
	pid_t pid = proc_clone(0, -1, &placed, &e);
	if (pid == 0)
		_exit(7);
	ck_assert_int_eq(proc_wait(pid, &e), 7);
	pid = sleeper(0);
	kill(pid, SIGUSR2); /* Check has a handler for TERM */
	ck_assert_int_eq(proc_wait(pid, &e), 128 + SIGUSR2);
	ck_assert_int_eq(proc_wait(pid, &e), -ECHILD);
}
END_TEST

static int in_child(void *ctx, struct err *mine)
{
	const char *what = ctx;
	if (!strcmp(what, "fail"))
		return ERR_NOENT(mine, "no %s", "moon");
	if (!strcmp(what, "exec"))
		execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
	if (!strcmp(what, "die"))
		kill(getpid(), SIGKILL);
	return 0;
}

START_TEST(what_becomes_of_a_child)
{
	char fail[] = "fail", exec[] = "exec", die[] = "die", end[] = "end";
	ck_assert_int_eq(proc_in_child(in_child, end, &e), 0);
	ck_assert_int_eq(proc_in_child(in_child, exec, &e), 9);
	ck_assert_int_eq(proc_in_child(in_child, die, &e), 128 + SIGKILL);
	ck_assert_int_eq(proc_in_child(in_child, fail, &e), -ENOENT);
	ck_assert_int_eq(e.kind, ERR_NOT_FOUND);
	ck_assert_str_eq(e.msg, "no moon");
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* it was waited for */
}
END_TEST

START_TEST(status_text)
{
	struct proc_status s;
	ck_assert_int_eq(proc_status_parse("Name:\tx\nState:\tS (sleeping)\nPid:\t77\nPPid:\t5\n"
					   "NSpid:\t77\t12\t3\n",
				 &s, &e),
		0);
	ck_assert_int_eq(s.ppid, 5);
	ck_assert_int_eq(s.ns_pid, 3);
	ck_assert(!s.zombie);
	/* Before Linux 4.1; and a name cannot pose as a line, for the kernel escapes its newlines.
	 */
	ck_assert_int_eq(
		proc_status_parse(
			"Name:\tPPid:\t9\nState:\tZ (zombie)\nPid:\t77\nPPid:\t5\n", &s, &e),
		0);
	ck_assert_int_eq(s.ns_pid, 77);
	ck_assert_int_eq(s.ppid, 5);
	ck_assert(s.zombie);
	static const char *const bad[] = { "", "PPid:", "PPid:\t\nPid:\t1\n",
		"PPid:\t-1\nPid:\t1\n", "PPid:\t1\n", "PPid:\t99999999999999999999\nPid:\t1\n",
		"PPid:\t5000000\nPid:\t1\n" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(proc_status_parse(bad[i], &s, &e) < 0, "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(pinned)
{
	_clean_(proc) struct proc p = PROC_INIT;
	struct proc_status s;
	pid_t pid = sleeper(0);
	ck_assert_int_eq(proc_open(pid, &p, &e), 0);
	ck_assert_int_eq(proc_status(&p, &s, &e), 0);
	ck_assert_int_eq(s.ppid, getpid());
	ck_assert_int_eq(proc_signal(&p, SIGKILL, &e), 0);
	ck_assert_int_eq(proc_wait(pid, &e), 128 + SIGKILL);
	/* The number may be anybody's now; ours is gone, with and without a pidfd. */
	ck_assert_int_eq(proc_signal(&p, SIGKILL, &e), -ESRCH);
	p.pidfd = fd_close(p.pidfd);
	ck_assert_int_eq(proc_signal(&p, SIGKILL, &e), -ESRCH);
	ck_assert_int_eq(proc_status(&p, &s, &e), -ESRCH);
	struct proc none = PROC_INIT;
	ck_assert_int_eq(proc_open(pid, &none, &e), -ESRCH);
}
END_TEST

START_TEST(children_by_inner_pid)
{
	_clean_(proc) struct proc self = PROC_INIT, found = PROC_INIT;
	pid_t one = sleeper(CLONE_NEWPID), other = sleeper(0);
	ck_assert_int_eq(proc_open(getpid(), &self, &e), 0);
	ck_assert_int_eq(proc_find_child(&self, 1, &found, &e), 0);
	ck_assert_int_eq(found.pid, one);
	ck_assert_int_eq(proc_find_child(&self, 2, &found, &e), -ESRCH);
	kill(one, SIGKILL);
	kill(other, SIGKILL);
	/* A zombie is no process to join. */
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)one, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(proc_find_child(&self, 1, &found, &e), -ESRCH);
	proc_wait(one, &e);
	proc_wait(other, &e);
}
END_TEST

START_TEST(signals_by_descriptor)
{
	sigset_t before;
	proc_block_signals(&before);
	_clean_(fd) int fd = proc_signal_fd(&e);
	ck_assert_int_ge(fd, 0);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	struct signalfd_siginfo info;
	unsigned seen = 0;
	while (read(fd, &info, sizeof info) == sizeof info)
		seen |= 1u << info.ssi_signo;
	ck_assert_uint_eq(seen, 1u << SIGTERM | 1u << SIGHUP);
	sigset_t now;
	sigprocmask(SIG_SETMASK, NULL, &now);
	ck_assert(!sigismember(&now, SIGSEGV)); /* a fault must end us, not spin */
	sigprocmask(SIG_SETMASK, &before, NULL);
}
END_TEST

/* As pid 1: what is sent from within is neither read nor kept, but for SIGCHLD. */
static int hear_as_pid_1(void)
{
	proc_reset_signals(); /* those of the library of tests */
	proc_block_signals(NULL);
	_clean_(fd) int fd = proc_child_fd(&e);
	struct signalfd_siginfo info;
	sigset_t pending;
	pid_t child = fork();
	if (child == 0) {
		for (int sig = 1; sig < NSIG; sig++)
			(void)kill(1, sig);
		_exit(0);
	}
	if (proc_wait(child, &e) != 0 || read(fd, &info, sizeof info) != sizeof info ||
		info.ssi_signo != SIGCHLD || read(fd, &info, sizeof info) >= 0)
		return 1;
	sigpending(&pending);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&pending, sig) == 1)
			return 2;
	return 0;
}

START_TEST(signals_for_pid_1)
{
	bool placed;
	pid_t pid = proc_clone(CLONE_NEWPID, -1, &placed, &e);
	if (pid == 0)
		_exit(hear_as_pid_1());
	ck_assert_int_eq(proc_wait(pid, &e), 0);
}
END_TEST

START_TEST(standard_descriptors)
{
	struct stat null, st;
	ck_assert_int_eq(stat("/dev/null", &null), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int kept = dup(STDIN_FILENO);
		close(STDIN_FILENO);
		close(STDERR_FILENO);
		proc_fill_standard_fds(O_RDONLY | O_CLOEXEC);
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd += STDERR_FILENO)
			if (fstat(fd, &st) < 0 || st.st_rdev != null.st_rdev ||
				!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
				_exit(1);
		int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_exit(next > kept ? 0 : 2); /* none was opened too many */
	}
	ck_assert_int_eq(proc_wait(pid, &e), 0);
}
END_TEST

/* A connection to a port where nobody listens is refused; without a loopback it is unreachable. */
static bool loopback_works(void)
{
	_clean_(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno == ECONNREFUSED;
}

START_TEST(namespaces)
{
	_clean_(proc) struct proc p = PROC_INIT;
	_clean_(ns) struct ns_set set;
	pid_t pid = sleeper(CLONE_NEWUTS | CLONE_NEWNET);
	ck_assert_int_eq(proc_open(pid, &p, &e), 0);
	ck_assert_int_eq(ns_open(&p, &set, &e), 0);
	for (size_t k = 0; k < _NS_KIND_MAX; k++)
		ck_assert_int_eq(set.fds[k] >= 0, k == NS_UTS || k == NS_NET);
	ck_assert_int_eq(ns_join(&set, &e), 0);
	ck_assert(!loopback_works());
	_clean_(fd) int net = ns_new_network(&e);
	ck_assert_msg(net >= 0, "%s", unit_message(&e));
	struct stat made, own;
	ck_assert_int_eq(fstat(net, &made), 0);
	ck_assert_int_eq(stat("/proc/self/ns/net", &own), 0);
	ck_assert(made.st_dev == own.st_dev && made.st_ino == own.st_ino);
	ck_assert(loopback_works());
	kill(pid, SIGKILL);
	proc_wait(pid, &e);
	struct ns_set none;
	ck_assert_int_lt(ns_open(&p, &none, &e), 0);
}
END_TEST

UNIT_MAIN("proc", &statuses, &what_becomes_of_a_child, &status_text, &pinned,
	&children_by_inner_pid, &signals_by_descriptor, &signals_for_pid_1, &standard_descriptors,
	&namespaces)
