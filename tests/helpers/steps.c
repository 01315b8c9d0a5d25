/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps: runs a command and writes down what each of its processes holds, at each of its steps.
 *
 *	steps FILE CMD…
 *
 * Every process of CMD is stopped before execve, pivot_root, clone and exit_group, after it has
 * loaded a filter, and before the first time that it waits after any of these (poll, recvmsg,
 * recvfrom); a line of FILE is
 *
 *	COMM CALL pid=N uid=R,E,S,F gid=… groups=… inh=… prm=… eff=… bnd=… amb=… nnp=… seccomp=…
 *new=mnt,pid root=own reach=no core=0 cpu=unlimited as=… files=… fds=0:pipe,1:pipe,3:socket*
 *
 * new: namespaces that are not ours. root: "host" where it is ours. reach: what follows its links
 *in /proc, a process of the same user with the same capabilities but for CAP_SYS_PTRACE, which
 * dumpable processes let. core, cpu, as, files: limits. A descriptor that execve closes has a '*'
 * behind it. Status: CMD's own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/ptrace.h>

enum { MAX_PIDS = 512, BROKEN = 9, UUID_LEN = 36 };

static struct traced {
	pid_t pid;
	uint64_t call;
	bool waits_told;
} traced[MAX_PIDS];
static size_t n_traced;

static struct traced *find(pid_t pid)
{
	for (size_t i = 0; i < n_traced; i++)
		if (traced[i].pid == pid)
			return &traced[i];
	if (n_traced == MAX_PIDS) {
		fputs("steps: too many processes\n", stderr);
		exit(BROKEN);
	}
	traced[n_traced] = (struct traced){ .pid = pid };
	return &traced[n_traced++];
}

/* --- what it holds --------------------------------------------------------------------------- */

static void read_text(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[n < 0 ? 0 : n] = '\0';
}

/* The row's value, its blanks as commas. */
static void tell_row(FILE *out, const char *status, const char *row, const char *as)
{
	char label[32];
	snprintf(label, sizeof label, "\n%s:\t", row);
	const char *at = strstr(status, label);
	fprintf(out, " %s=", as);
	for (at = at ? at + strlen(label) : ""; *at && *at != '\n'; at++)
		if (!(*at == ' ' && at[1] == '\n'))
			fputc(*at == '\t' || *at == ' ' ? ',' : *at, out);
}

static void tell_namespaces(FILE *out, pid_t pid)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };
	const char *comma = "";
	fputs(" new=", out);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char path[64], ours[64] = "", theirs[64] = "";
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kinds[i]);
		ssize_t n = readlink(path, theirs, sizeof theirs - 1);
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
		ssize_t m = readlink(path, ours, sizeof ours - 1);
		if (n > 0 && m > 0 && strcmp(ours, theirs) != 0) {
			fprintf(out, "%s%s", comma, kinds[i]);
			comma = ",";
		}
	}
}

static void tell_root(FILE *out, pid_t pid)
{
	char path[64];
	struct stat ours, theirs;
	snprintf(path, sizeof path, "/proc/%d/root/.", (int)pid);
	const bool same = stat(path, &theirs) == 0 && stat("/", &ours) == 0 &&
			  ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
	fprintf(out, " root=%s", same ? "host" : "own");
}

/* Becomes the same user with the same capabilities, and looks. */
static _Noreturn void look_as_equal(pid_t pid, unsigned uid, unsigned gid, uint64_t caps)
{
	char path[64], target[256];
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	caps &= ~(UINT64_C(1) << CAP_SYS_PTRACE);
	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps >> 32 * i),
			.permitted = (uint32_t)(caps >> 32 * i),
		};
	if (setgroups(0, NULL) || prctl(PR_SET_KEEPCAPS, 1) || setresgid(gid, gid, gid) ||
		setresuid(uid, uid, uid) || syscall(SYS_capset, &head, data))
		_exit(BROKEN);
	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	_exit(readlink(path, target, sizeof target) < 0);
}

static void tell_reach(FILE *out, pid_t pid, const char *state)
{
	const char *uid = strstr(state, "\nUid:\t"), *gid = strstr(state, "\nGid:\t"),
		   *prm = strstr(state, "\nCapPrm:\t");
	int status = BROKEN << 8;
	pid_t child = uid && gid && prm ? fork() : -1;
	if (child == 0)
		look_as_equal(pid, (unsigned)strtoul(uid + 6, NULL, 10),
			(unsigned)strtoul(gid + 6, NULL, 10), strtoull(prm + 9, NULL, 16));
	if (child < 0 || waitpid(child, &status, 0) != child)
		status = BROKEN << 8;
	fprintf(out, " reach=%s", status == 0 ? "yes" : status == 1 << 8 ? "no" : "unknown");
}

static void tell_limits(FILE *out, pid_t pid)
{
	static const char *const rows[][2] = { { "Max core file size", "core" },
		{ "Max cpu time", "cpu" }, { "Max address space", "as" },
		{ "Max open files", "files" } };
	char text[4096];
	read_text(pid, "limits", text, sizeof text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(text, rows[i][0]);
		at = at ? at + strlen(rows[i][0]) : "";
		at += strspn(at, " ");
		fprintf(out, " %s=%.*s", rows[i][1], (int)strcspn(at, " \n"), at);
	}
}

/* Below a group that is called rkt-UUID. */
static bool of_a_pod(const char *target)
{
	for (const char *at = target; (at = strstr(at, "/rkt-")); at++)
		if (strcspn(at + 5, "/") == UUID_LEN)
			return true;
	return false;
}

static const char *kind_of(const char *target)
{
	static const struct {
		const char *begin, *kind;
	} kinds[] = { { "socket:", "socket" }, { "pipe:", "pipe" },
		{ "anon_inode:[signalfd]", "signals" }, { "anon_inode:[pidfd]", "process" },
		{ "/memfd:", "memory" }, { "/proc", "proc" }, { "net:[", "namespace" },
		{ "cgroup:[", "namespace" }, { "ipc:[", "namespace" }, { "uts:[", "namespace" },
		{ "time:[", "namespace" }, { "mnt:[", "namespace" }, { "user:[", "namespace" },
		{ "pid:[", "namespace" }, { "/dev/null", "null" }, { "/dev/p", "terminal" } };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strncmp(target, kinds[i].begin, strlen(kinds[i].begin)))
			return kinds[i].kind;
	if (!strncmp(target, "/sys/fs/cgroup", strlen("/sys/fs/cgroup")))
		return of_a_pod(target) ? "cgroup" : "cgroups";
	const char *base = strrchr(target, '/');
	return base && !strcmp(base, "/pod.lck")      ? "lock"
	       : base && strlen(base + 1) == UUID_LEN ? "pod"
	       : base				      ? "file"
						      : "other";
}

static void tell_fds(FILE *out, pid_t pid)
{
	fputs(" fds=", out);
	const char *comma = "";
	for (int fd = 0; fd < 256; fd++) {
		char path[64], info[512], target[512] = "";
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
		if (readlink(path, target, sizeof target - 1) < 0)
			continue;
		snprintf(path, sizeof path, "fdinfo/%d", fd);
		read_text(pid, path, info, sizeof info);
		const char *flags = strstr(info, "flags:\t");
		bool closes = flags && strtoul(flags + 7, NULL, 8) & O_CLOEXEC;
		fprintf(out, "%s%d:%s%s", comma, fd, kind_of(target), closes ? "*" : "");
		comma = ",";
	}
}

static void tell(FILE *out, pid_t pid, const char *call)
{
	static const char *const rows[][2] = { { "Uid", "uid" }, { "Gid", "gid" },
		{ "Groups", "groups" }, { "CapInh", "inh" }, { "CapPrm", "prm" },
		{ "CapEff", "eff" }, { "CapBnd", "bnd" }, { "CapAmb", "amb" },
		{ "NoNewPrivs", "nnp" }, { "Seccomp", "seccomp" } };
	char status[8192], comm[64];
	read_text(pid, "comm", comm, sizeof comm);
	comm[strcspn(comm, "\n")] = '\0';
	read_text(pid, "status", status, sizeof status);
	fprintf(out, "%s %s pid=%d", comm, call, (int)pid);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		tell_row(out, status, rows[i][0], rows[i][1]);
	tell_namespaces(out, pid);
	tell_root(out, pid);
	tell_reach(out, pid, status);
	tell_limits(out, pid);
	tell_fds(out, pid);
	fputc('\n', out);
	fflush(out);
}

/* --- following it ---------------------------------------------------------------------------- */

static bool waits(uint64_t call)
{
	static const int calls[] = { SYS_ppoll, SYS_recvmsg, SYS_recvfrom, SYS_epoll_pwait,
#ifdef SYS_poll
		SYS_poll, SYS_epoll_wait
#endif
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (call == (uint64_t)calls[i])
			return true;
	return false;
}

static const char *enters(struct traced *t)
{
	switch (t->call) {
	case SYS_execve:
	case SYS_execveat: return "execve";
	case SYS_pivot_root: return "pivot_root";
	case SYS_clone:
	case SYS_clone3: return "clone";
	case SYS_exit_group: return "exit_group";
	default:
		if (!waits(t->call) || t->waits_told)
			return NULL;
		t->waits_told = true;
		return "wait";
	}
}

static void look(FILE *out, struct traced *t)
{
	struct ptrace_syscall_info s;
	const char *call = NULL;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof s, &s) <= 0)
		return;
	if (s.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->call = s.entry.nr;
		/* PR_SET_NO_NEW_PRIVS and PR_SET_SECCOMP change what it holds. */
		if (t->call == SYS_prctl && (s.entry.args[0] == 38 || s.entry.args[0] == 22))
			t->call = s.entry.args[0] == 22 ? SYS_seccomp : SYS_capset;
		call = enters(t);
	} else if (s.op == PTRACE_SYSCALL_INFO_EXIT && !s.exit.is_error) {
		if (t->call == SYS_seccomp || t->call == SYS_capset || t->call == SYS_execve ||
			t->call == SYS_clone || t->call == SYS_clone3)
			t->waits_told = false;
		if (t->call == SYS_seccomp)
			call = "filtered";
	}
	if (call)
		tell(out, t->pid, call);
}

static pid_t start(char **argv)
{
	pid_t root = fork();
	if (root == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(BROKEN);
	}
	int status;
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	if (waitpid(root, &status, __WALL) != root || !WIFSTOPPED(status) ||
		ptrace(PTRACE_SETOPTIONS, root, 0, (void *)(intptr_t)options) < 0 ||
		ptrace(PTRACE_SYSCALL, root, 0, 0) < 0)
		return -1;
	find(root);
	return root;
}

int main(int argc, char **argv)
{
	FILE *out = argc < 3 ? NULL : fopen(argv[1], "we");
	pid_t root = out ? start(argv + 2) : -1, pid;
	if (root < 0) {
		fputs("usage: steps FILE CMD…\n", stderr);
		return BROKEN;
	}
	int status, result = BROKEN;
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (!WIFSTOPPED(status)) {
			if (pid == root)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
							   : 128 + WTERMSIG(status);
			continue;
		}
		const size_t before = n_traced;
		struct traced *t = find(pid);
		int sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80))
			look(out, t);
		if (sig == (SIGTRAP | 0x80) || status >> 16 ||
			(sig == SIGSTOP && n_traced > before))
			sig = 0;
		(void)ptrace(PTRACE_SYSCALL, pid, 0, (void *)(intptr_t)sig);
	}
	return result;
}
