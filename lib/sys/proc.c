/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/sys/compat.h"

enum { PID_LIMIT = 4194304 /* PID_MAX_LIMIT of the kernel */ };

static pid_t clone_plain(uint64_t flags)
{
	/* The order of the arguments differs between architectures only after the stack, and with
	 * zeroes everywhere it is the same for all but s390, which takes the stack first. */
#ifdef __s390__
	return (pid_t)syscall(SYS_clone, NULL, (unsigned long)flags | SIGCHLD, NULL, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, (unsigned long)flags | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

pid_t proc_clone(uint64_t flags, int cgroup_fd, bool *ret_placed, struct err *e)
{
	struct compat_clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	*ret_placed = false;
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
		*ret_placed = true;
		pid_t pid = sys_clone3(&args);
		if (pid >= 0)
			return pid;
		*ret_placed = false;
		/* Only an old kernel may fall back: whatever else is wrong is wrong for clone(2) as
		 * well, and said there. */
	}
	pid_t pid = clone_plain(flags);
	return pid < 0 ? (pid_t)ERR_SYS(e, "clone") : pid;
}

int proc_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int proc_wait(pid_t pid, struct err *e)
{
	int status;
	for (;;) {
		pid_t got = waitpid(pid, &status, 0);
		if (got == pid)
			return proc_exit_code(status);
		if (got < 0 && errno != EINTR)
			return ERR_SYS(e, "wait for process %d", (int)pid);
	}
}

void proc_leave_hangup(sigset_t *set)
{
	struct sigaction now;
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		sigdelset(set, SIGHUP);
}

int proc_in_child(int (*fn)(void *ctx, struct err *e), void *ctx, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return ERR_SYS(e, "pipe");
	_clean_(fd) int in = fds[0];
	_clean_(fd) int out = fds[1];
	pid_t pid = fork();
	if (pid < 0)
		return ERR_SYS(e, "fork");
	struct err theirs = ERR_INIT;
	if (pid == 0) {
		/* the child, with all that the caller has */
		struct err ignored = ERR_INIT;
		int r = fn(ctx, &theirs);
		if (r < 0)
			(void)io_write_all(out, &theirs, sizeof theirs, &ignored);
		_exit(r < 0);
	}
	out = fd_close(out);
	ssize_t n = io_read_full(in, &theirs, sizeof theirs, e);
	int status = proc_wait(pid, e);
	if (n < 0 || status < 0)
		return n < 0 ? (int)n : status;
	if (n < (ssize_t)sizeof theirs)
		return status;
	err_sanitize(&theirs);
	*e = theirs;
	return theirs.errnum ? -theirs.errnum : -EINVAL;
}

void proc_block_signals(sigset_t *ret_old)
{
	sigset_t all;
	sigfillset(&all);
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&all, faults[i]);
	proc_leave_hangup(&all);
	sigprocmask(SIG_SETMASK, &all, ret_old);
}

void proc_reset_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		(void)sys_signal_default(sig); /* KILL and STOP refuse */
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int signal_fd(const sigset_t *signals, struct err *e)
{
	int fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? ERR_SYS(e, "signalfd") : fd;
}

int proc_signal_fd(struct err *e)
{
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	return signal_fd(&blocked, e);
}

int proc_child_fd(struct err *e)
{
	sigset_t ended;
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_SETMASK, &ended, NULL);
	return signal_fd(&ended, e);
}

void proc_fill_standard_fds(int flags)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", flags); /* takes the lowest, which is fd */
}

int proc_open(pid_t pid, struct proc *ret, struct err *e)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	_clean_(fd) int dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "there is no process %d", (int)pid);
	if (dirfd < 0)
		return ERR_SYS(e, "open '%s'", path);
	_clean_(fd) int pidfd = sys_pidfd_open(pid, 0);
	if (pidfd < 0 && errno != ENOSYS && errno != EPERM && errno != EINVAL)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "process %d has ended", (int)pid);
	/* The number may have passed on between the two calls: then the directory is dead. */
	if (faccessat(dirfd, "status", F_OK, 0) < 0)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "process %d has ended", (int)pid);
	*ret = (struct proc){ .pid = pid, .dirfd = take_fd(&dirfd), .pidfd = take_fd(&pidfd) };
	return 0;
}

void proc_close(struct proc *p)
{
	p->dirfd = fd_close(p->dirfd);
	p->pidfd = fd_close(p->pidfd);
}

int proc_signal(const struct proc *p, int sig, struct err *e)
{
	if (p->pidfd >= 0 && sys_pidfd_send_signal(p->pidfd, sig) == 0)
		return 0;
	if (p->pidfd < 0 || errno == ENOSYS) {
		if (faccessat(p->dirfd, "status", F_OK, 0) == 0 && kill(p->pid, sig) == 0)
			return 0;
	}
	if (errno == ESRCH || errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "process %d has ended", (int)p->pid);
	return ERR_SYS(e, "signal process %d", (int)p->pid);
}

/* The last word of a line "Name:\tword word word"; NULL when text has no such line. */
static bool last_number(const char *text, const char *name, pid_t *ret)
{
	size_t len = strlen(name);
	for (const char *line = text; line && *line;) {
		const char *end = strchr(line, '\n');
		size_t n = end ? (size_t)(end - line) : strlen(line);
		if (n > len && strncmp(line, name, len) == 0 && line[len] == ':') {
			size_t at = n;
			while (at > len + 1 && line[at - 1] != '\t' && line[at - 1] != ' ')
				at--;
			char word[16];
			uint32_t v;
			if (n - at >= sizeof word)
				return false;
			memcpy(word, line + at, n - at);
			word[n - at] = '\0';
			if (!parse_u32(word, 0, PID_LIMIT, &v))
				return false;
			*ret = (pid_t)v;
			return true;
		}
		line = end ? end + 1 : NULL;
	}
	return false;
}

int proc_status_parse(const char *text, struct proc_status *ret, struct err *e)
{
	struct proc_status s = { 0 };
	if (!last_number(text, "PPid", &s.ppid))
		return ERR_BAD(e, "no parent in the status of a process");
	/* Kernels before 4.1 have no NSpid. */
	if (!last_number(text, "NSpid", &s.ns_pid) && !last_number(text, "Pid", &s.ns_pid))
		return ERR_BAD(e, "no pid in the status of a process");
	const char *state = strstr(text, "\nState:\t");
	s.zombie = state && (state[8] == 'Z' || state[8] == 'X');
	*ret = s;
	return 0;
}

int proc_status(const struct proc *p, struct proc_status *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	int r = io_read_file(p->dirfd, "status", &text, e);
	if (r == -ENOENT || r == -ESRCH)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "process %d has ended", (int)p->pid);
	if (r < 0)
		return r;
	return proc_status_parse(str_text(&text), ret, e);
}

/* 1: it is the one; 0: it is not, or it is gone. */
static int try_child(const char *word, const struct proc *parent, pid_t ns_pid, struct proc *ret)
{
	uint32_t pid;
	struct err ignored = ERR_INIT;
	struct proc_status status;
	if (!parse_u32(word, 1, PID_LIMIT, &pid))
		return 0;
	_clean_(proc) struct proc p = PROC_INIT;
	if (proc_open((pid_t)pid, &p, &ignored) < 0 || proc_status(&p, &status, &ignored) < 0 ||
		status.zombie || status.ppid != parent->pid || status.ns_pid != ns_pid)
		return 0;
	*ret = p;
	p = PROC_INIT;
	return 1;
}

/* A kernel without CONFIG_PROC_CHILDREN: look at every process. */
static int scan_for_child(const struct proc *parent, pid_t ns_pid, struct proc *ret)
{
	_clean_(dir) DIR *d = opendir("/proc");
	struct dirent *de;
	while (d && (de = readdir(d)))
		if (try_child(de->d_name, parent, ns_pid, ret))
			return 1;
	return 0;
}

int proc_find_child(const struct proc *parent, pid_t ns_pid, struct proc *ret, struct err *e)
{
	char path[48];
	snprintf(path, sizeof path, "task/%d/children", (int)parent->pid);
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	int found = 0;
	if (io_read_file(parent->dirfd, path, &text, e) < 0) {
		found = scan_for_child(parent, ns_pid, ret);
	} else {
		_clean_(strv) struct strv words = STRV_INIT;
		strv_split(&words, str_text(&text), ' ');
		for (size_t i = 0; !found && i < words.n; i++)
			found = try_child(words.v[i], parent, ns_pid, ret);
	}
	if (!found)
		return err_set(
			e, ERR_NOT_FOUND, ESRCH, "process %d has no such child", (int)parent->pid);
	return 0;
}
