/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/atomic.h"
#include "lib/sys/caps.h"
#include "lib/sys/compat.h"
#include "lib/sys/proc.h"
#include "lib/sys/sync.h"
#include "stage1/entry.h"
#include "stage1/native/native.h"
#include "stage1/notify.h"
#include "stage1/who.h"

/* --- before there is a pod ------------------------------------------------------------------- */

static int check_request(struct native *n, struct err *e)
{
	const struct stage1_run *run = &n->run;
	n->own_network = !run->net || str_eq(run->net, "none");
	if (!n->own_network && !str_eq(run->net, "host"))
		return ERR_BAD(e,
			"stage1: failed to setup network: '%s' is not available, only 'none' and "
			"'host' are",
			run->net);
	n->own_ipc = !str_eq(run->ipc, "parent");
	if (run->is_mutable)
		return ERR_BAD(e, "flavor 'native' has no mutable pods: leave --mutable out");
	return 0;
}

static int load(int argc, char **argv, struct native *n, struct err *e)
{
	int r = stage1_run_decode(argc, argv, &n->run, e);
	if (r < 0)
		return r;
	dbg_enable(n->run.debug);
	if ((r = check_request(n, e)) < 0 || (r = stage1_load(&n->run, STAGE1_SHM, &n->pod, e)) < 0)
		return r;
	if (fcntl(n->pod.lock_fd, F_SETFD, FD_CLOEXEC) < 0)
		return ERR_SYS(e, "descriptor of the pod's lock");
	if (n->run.interactive && native_n_apps(n) != 1)
		return ERR_BAD(e, "interactive option only supports pods with one app");
	n->own_mounts = n->pod.facts.shm_dir || stage1_has_tmpfs(&n->pod);
	if (n->pod.facts.users.count && (r = users_open(&n->pod.facts.users, &n->userns, e)) < 0)
		return r;
	return stage1_make_volumes(&n->pod, e);
}

static int start_pid1(struct native *n, pid_t *ret, struct err *e)
{
	int socks[2];
	int r = sync_pair(socks, e);
	if (r < 0)
		return r;
	n->parent_sock = socks[0];
	n->pid1_sock = socks[1];
	uint64_t flags = CLONE_NEWPID | CLONE_NEWUTS;
	flags |= n->own_ipc ? CLONE_NEWIPC : 0;
	flags |= n->own_mounts ? CLONE_NEWNS : 0;
	bool placed;
	pid_t pid = proc_clone(flags, -1, &placed, e);
	if (pid == 0)
		pid1_main(n);
	n->pid1_sock = fd_close(n->pid1_sock);
	tty_close(&n->tty);
	if (pid < 0)
		return err_wrap(e, pid, "namespaces of the pod");
	*ret = pid;
	return 0;
}

/* --- while it runs --------------------------------------------------------------------------- */

struct parent {
	pid_t pid1;
	int dirfd, sock, sigfd;
	struct term_relay *relay;
	unsigned stops; /* how often we were told to */
	bool failed;	/* something was printed that no app's status tells */
	bool ended;
	int status;
};

static void tell_pid1(struct parent *p, enum sync_step step, int value)
{
	struct err e = ERR_INIT;
	if (sync_send(p->sock, step, value, -1, &e) < 0 && step != SYNC_SIGNAL)
		kill(p->pid1, SIGKILL); /* it does not listen: our child, not yet reaped */
}

/* The pod can be entered, and is ready. */
static int announce(struct parent *p, struct err *e)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%d\n", (int)p->pid1);
	int r = atomic_write(p->dirfd, POD_PID_FILE, text, (size_t)n, 0644, ATOMIC_VISIBLE, e);
	if (r < 0)
		return r;
	snprintf(text, sizeof text, "READY=1\nMAINPID=%d", (int)getpid());
	struct err ignored = ERR_INIT;
	if (notify_send(text, &ignored) < 0)
		tty_print_error(p->relay, &ignored); /* the pod runs; its supervisor decides */
	return 0;
}

static void on_packets(struct parent *p)
{
	for (;;) {
		struct sync_msg m;
		_clean_(fd) int fd = -1;
		struct err e = ERR_INIT;
		int r = sync_receive(p->sock, MSG_DONTWAIT, &m, &fd, &e);
		if (r == SYNC_END)
			p->sock = fd_close(p->sock); /* it is ending; SIGCHLD follows */
		if (r != SYNC_GOT)
			return;
		if (m.step == SYNC_FAILED) {
			tty_print_error(p->relay, &m.err);
		} else if (m.step == SYNC_STARTED && announce(p, &e) < 0) {
			tty_print_error(p->relay, &e);
			p->failed = true;
			tell_pid1(p, SYNC_STOP, 0);
		}
	}
}

static void on_signal(struct parent *p, int sig)
{
	static const int passed_on[] = { SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct err ignored = ERR_INIT;
	int wait_status;
	switch (sig) {
	case SIGCHLD:
		if (waitpid(p->pid1, &wait_status, WNOHANG) == p->pid1) {
			p->ended = true;
			p->status = proc_exit_code(wait_status);
		}
		return;
	case SIGTERM:
	case SIGINT:
		if (p->stops++ == 0)
			(void)notify_send("STOPPING=1", &ignored);
		tell_pid1(p, p->stops == 1 ? SYNC_STOP : SYNC_KILL, 0);
		return;
	default:
		for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
			if (passed_on[i] == sig)
				tell_pid1(p, SYNC_SIGNAL, sig);
	}
}

/* What is left to do: ending pid 1, and writing to a directory and control groups that may belong
 * to the pod's users. Whoever cannot give privileges up has lost nothing by it: it goes on. */
static void give_up(const struct parent *p)
{
	struct err e = ERR_INIT;
	if (caps_retire(CAP_BIT(KILL) | CAP_BIT(DAC_OVERRIDE), &e) < 0)
		tty_print_error(p->relay, &e);
}

static void supervise(struct parent *p)
{
	while (!p->ended) {
		unsigned woke = tty_wait(p->relay, p->sigfd, p->sock);
		if (woke & TTY_WOKE_SOCKET)
			on_packets(p);
		int sig;
		while ((woke & TTY_WOKE_SIGNAL) && (sig = tty_next_signal(p->relay, p->sigfd)) > 0)
			on_signal(p, sig);
	}
	if (p->sock >= 0)
		on_packets(p);
}

/* pid 1 was killed, and every app with it: nobody else can write their statuses. */
static void record_killed(const struct parent *p, struct err *e)
{
	_clean_(fd) int statuses = openat(p->dirfd, POD_STAGE1_ROOTFS "/" STAGE1_STATUS_DIR,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd =
		openat(p->dirfd, POD_STAGE1_ROOTFS "/" WHO_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;
	if (!d)
		fd_close(fd);
	while (d && (de = readdir(d))) {
		int status;
		if (de->d_name[0] != '.' && app_status_read(statuses, de->d_name, &status, e) == 0)
			(void)app_status_write(statuses, de->d_name, p->status, e);
	}
}

/* --- native_run ------------------------------------------------------------------------------ */

static void native_release(struct native *n)
{
	for (size_t i = 0; n->groups && i < native_n_apps(n); i++)
		cgroup_app_release(&n->groups[i]);
	n->groups = NULL;
	tty_close(&n->tty);
	n->userns = fd_close(n->userns);
	stage1_pod_release(&n->pod);
}

/* native_run(): the process that stage0 became and the supervisor sees. Host pid namespace,
 * stage0's private mount namespace; all privileges; fds: 0-2, the pod's lock, the socket to pid 1.
 * What it loaded is given back before it waits. */
int native_run(int argc, char **argv, int *ret_status, struct err *e)
{
	struct native n = { .argv = argv,
		.pod = { .dirfd = -1, .lock_fd = -1 },
		.parent_sock = -1,
		.tty = TTY_ENDS_INIT,
		.userns = -1 };
	struct parent p = { .dirfd = -1, .sock = -1, .sigfd = -1 };
	(void)prctl(PR_SET_NAME, "rkt-run");
	cgroup_pod_init(&n.cgroups);
	proc_block_signals(NULL);
	/* Inherited as ignored it would make waitpid() forget the status. */
	signal(SIGCHLD, SIG_DFL);
	int r = load(argc, argv, &n, e);
	if (r >= 0)
		r = native_make_groups(&n, e);
	if (r >= 0)
		r = stage1_report(&n.pod, e);
	if (r >= 0 && n.run.interactive)
		r = tty_open(&n.tty, e);
	if (r >= 0)
		r = tty_begin(&p.relay, &n.tty, e);
	if (r >= 0)
		r = start_pid1(&n, &p.pid1, e);
	if (r >= 0) /* not before: pid 1 need not have it */
		r = p.sigfd = proc_signal_fd(e);
	/* The lock is held by the descriptor: it outlives what was loaded. */
	int lock_fd = take_fd(&n.pod.lock_fd);
	p.dirfd = take_fd(&n.pod.dirfd);
	native_release(&n);
	if (r >= 0) {
		p.sock = n.parent_sock;
		give_up(&p);
		supervise(&p);
		*ret_status = p.failed ? EXIT_ERROR : p.status;
		if (p.status == EXIT_SIGNAL_BASE + SIGKILL)
			record_killed(&p, e);
	}
	tty_end(&p.relay);
	cgroup_pod_remove(&n.cgroups);
	cgroup_pod_release(&n.cgroups);
	fd_close(p.sock);
	fd_close(p.sigfd);
	fd_close(p.dirfd);
	fd_close(lock_fd);
	return r;
}
