/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill9: runs a command and kills -9 one of its processes, or all of them, at a chosen moment.
 *
 *	kill9 call N ONE|ALL CMD…     before the N-th system call that changes something, counted
 *	                              over all processes of CMD: what is there then is what a kill
 *	                              at any instruction since the one before finds
 *	kill9 after US VICTIM CMD…    US microseconds after exec; VICTIM: a number that chooses
 *among CMD's processes by then, or ALL
 *
 * Then everything of CMD must end by itself, but for a grace of LEFT_MS. Says on stderr whom it
 * killed where. Status 0: killed; 3: CMD ended before; 5: something was left running (killed now).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { MAX_PIDS = 4096, LEFT_MS = 15000, KILLED = 0, TOO_LATE = 3, LEFT = 5, BROKEN = 9 };

static pid_t pids[MAX_PIDS];
static size_t n_pids;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void say(const char *what, pid_t pid, const char *where, long number)
{
	char path[64], name[64] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
	if (n > 0)
		name[n - 1] = '\0';
	if (fd >= 0)
		close(fd);
	fprintf(stderr, "kill9: %s '%s' (%d) %s %ld\n", what, name, (int)pid, where, number);
}

/* --- processes by descent ------------------------------------------------------------------- */

static void add_children(pid_t of)
{
	char path[64], text[16384];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)of, (int)of);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	for (char *at = text, *end; n_pids < MAX_PIDS; at = end) {
		long pid = strtol(at, &end, 10);
		if (end == at)
			break;
		pids[n_pids++] = (pid_t)pid;
		add_children((pid_t)pid);
	}
}

static void find_all(void)
{
	n_pids = 0;
	add_children(getpid());
}

static void kill_found(void)
{
	for (size_t i = 0; i < n_pids; i++)
		kill(pids[i], SIGKILL);
}

/* Whatever loses its parent comes to us: when we have no child any more, all has ended. */
static int wait_for_end(int result)
{
	int64_t end = now_us() + LEFT_MS * 1000;
	for (int status; now_us() < end;) {
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
		if (pid < 0 && errno == ECHILD)
			return result;
		if (pid == 0)
			poll(NULL, 0, 1);
	}
	for (int i = 0; i < 100; i++) {
		find_all();
		if (i == 0)
			for (size_t k = 0; k < n_pids; k++)
				say("left running:", pids[k], "after ms", LEFT_MS);
		kill_found();
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		poll(NULL, 0, 10);
	}
	return LEFT;
}

static int kill_after(int64_t us, const char *victim, char **argv)
{
	pid_t root = fork();
	if (root == 0) {
		execv(argv[0], argv);
		_exit(BROKEN);
	}
	int64_t begin = now_us();
	if (us > 2000)
		usleep((useconds_t)(us - 1000));
	while (now_us() < begin + us)
		;
	find_all();
	siginfo_t info = { 0 };
	bool over =
		waitid(P_PID, (id_t)root, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
	if (over || !n_pids)
		return wait_for_end(TOO_LATE);
	if (strcmp(victim, "ALL") == 0) {
		say("killed all of", root, "after us", (long)us);
		kill_found();
	} else {
		pid_t pid = pids[strtoul(victim, NULL, 10) % n_pids];
		say(pid == root ? "killed first" : "killed", pid, "after us", (long)us);
		kill(pid, SIGKILL);
	}
	return wait_for_end(KILLED);
}

/* --- by system call -------------------------------------------------------------------------- */

/* Those that others can see the effect of, besides openat() with O_CREAT. */
static const int changing[] = { SYS_openat2, SYS_mkdirat, SYS_mknodat, SYS_unlinkat, SYS_renameat2,
	SYS_symlinkat, SYS_linkat, SYS_fchownat, SYS_fchown, SYS_fchmodat, SYS_fchmod,
	SYS_utimensat, SYS_ftruncate, SYS_write, SYS_pwrite64, SYS_writev, SYS_copy_file_range,
	SYS_sendto, SYS_sendmsg, SYS_ioctl, SYS_fsync, SYS_syncfs, SYS_flock, SYS_mount,
	SYS_umount2, SYS_open_tree, SYS_move_mount, SYS_fsconfig, SYS_fsmount, SYS_mount_setattr,
	SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_clone, SYS_clone3, SYS_execve,
	SYS_prctl, SYS_kill, SYS_wait4, SYS_exit_group,
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_mkdir /* those of the older architectures */
	SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_symlink, SYS_link, SYS_chown, SYS_lchown,
	SYS_chmod, SYS_fork, SYS_vfork
#endif
};

static bool changes(const struct ptrace_syscall_info *s)
{
	for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
		if (s->entry.nr == (uint64_t)changing[i])
			return true;
	return s->entry.nr == SYS_openat && (s->entry.args[2] & O_CREAT);
}

static bool known(pid_t pid)
{
	for (size_t i = 0; i < n_pids; i++)
		if (pids[i] == pid)
			return true;
	if (n_pids < MAX_PIDS)
		pids[n_pids++] = pid;
	return false;
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < n_pids; i++)
		if (pids[i] == pid)
			pids[i] = pids[--n_pids];
}

/* True when this stop is before a call that counts. */
static bool at_change(pid_t pid, int status)
{
	struct ptrace_syscall_info s;
	if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof s, &s) <= 0)
		return false;
	return s.op == PTRACE_SYSCALL_INFO_ENTRY && changes(&s);
}

static long number_of_call(pid_t pid)
{
	struct ptrace_syscall_info s = { 0 };
	(void)ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof s, &s);
	return (long)s.entry.nr;
}

static void go_on(pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	bool first = !known(pid);
	if (sig == (SIGTRAP | 0x80) || status >> 16 || (sig == SIGSTOP && first))
		sig = 0;
	(void)ptrace(PTRACE_SYSCALL, pid, 0, (void *)(intptr_t)sig);
}

static pid_t start_traced(char **argv)
{
	pid_t root = fork();
	if (root == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(BROKEN);
	}
	int status;
	if (waitpid(root, &status, __WALL) != root || !WIFSTOPPED(status))
		return -1;
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	if (ptrace(PTRACE_SETOPTIONS, root, 0, (void *)(intptr_t)options) < 0)
		return -1;
	known(root);
	return ptrace(PTRACE_SYSCALL, root, 0, 0) < 0 ? -1 : root;
}

static int kill_at(long n, bool all, char **argv)
{
	const long wanted = n;
	pid_t root = start_traced(argv);
	if (root < 0)
		return BROKEN;
	bool done = false;
	int64_t end = 0;
	for (int status; !end || now_us() < end;) {
		pid_t pid = waitpid(-1, &status, __WALL | (done ? WNOHANG : 0));
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid == 0)
			poll(NULL, 0, 1);
		if (pid <= 0)
			continue;
		if (!WIFSTOPPED(status)) {
			forget(pid);
			continue;
		}
		if (!done && at_change(pid, status) && --n == 0) {
			say(all ? "killed all at" : "killed", pid, "before system call",
				number_of_call(pid));
			done = true;
			end = now_us() + LEFT_MS * 1000;
			if (all)
				kill_found();
			kill(pid, SIGKILL);
			continue;
		}
		go_on(pid, status);
	}
	if (!done)
		fprintf(stderr, "kill9: ended after %ld calls\n", wanted - n);
	return wait_for_end(done ? KILLED : TOO_LATE);
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fputs("usage: kill9 call N ONE|ALL CMD… | after MICROSECONDS VICTIM|ALL CMD…\n",
			stderr);
		return BROKEN;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	long n = strtol(argv[2], NULL, 10);
	if (strcmp(argv[1], "call") == 0)
		return kill_at(n, strcmp(argv[3], "ALL") == 0, argv + 4);
	return kill_after(n, argv[3], argv + 4);
}
