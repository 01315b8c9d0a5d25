/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/sys/caps.h"
#include "lib/sys/ns.h"
#include "lib/sys/proc.h"
#include "lib/sys/sync.h"
#include "lib/sys/sysctl.h"
#include "lib/sys/userns.h"
#include "stage1/native/native.h"
#include "stage1/who.h"

/* starting: its socket is open. ended: its process was reaped. */
struct app_state {
	pid_t pid;
	pid_t post_stop; /* its handler, while that runs */
	int sock;
	struct app_left left; /* for its handler */
	int record;	      /* the file of stage1/who.h, until it is written */
	struct ident ident;   /* its numbers */
	bool about_to_exec, executed, ended;
};

enum { REAP_MAX = 64 };
enum phase { PHASE_RUN, PHASE_STOP, PHASE_KILL };

struct pid1 {
	struct native *n;
	struct app_state *apps;
	struct pollfd *fds; /* signals, the outer process, one per app */
	size_t n_apps;
	int sigfd, sock, statuses;
	enum phase phase;
	int64_t deadline;
	int status; /* of the pod */
	bool announced;
};

static const char *app_name(const struct pid1 *p, size_t i)
{
	return p->n->pod.plans[i].name;
}

/* --- set-up ---------------------------------------------------------------------------------- */

/* Dies with the outer process. getppid() is 0 in a new pid namespace whether or not the parent
 * lives, so the question whether it died before the prctl is put to its socket. */
static int die_with_parent(int sock, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return ERR_SYS(e, "parent death signal");
	struct pollfd fd = { .fd = sock };
	if (poll(&fd, 1, 0) < 0 || (fd.revents & POLLHUP))
		return err_set(e, ERR_PEER, EPIPE, "the outer process of the pod died");
	return 0;
}

static int make_shm(const struct native *n, struct err *e)
{
	const char *dir = POD_STAGE1_ROOTFS "/" STAGE1_SHM_DIR;
	_clean_(arena) struct arena a = ARENA_INIT;
	if (!n->pod.facts.shm_dir)
		return 0;
	if (mkdirat(n->pod.dirfd, dir, 0755) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create '%s'", dir);
	const char *options = plan_shm_options(&n->pod.facts, &a);
	if (mount("shm", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return ERR_SYS(e, "mount tmpfs on '%s'", dir);
	return 0;
}

/* What apps share. */
static int make_mounts(const struct native *n, struct err *e)
{
	if (!n->own_mounts)
		return 0;
	int r = stage1_leave_host(&n->pod, e);
	if (r >= 0)
		r = make_shm(n, e);
	return r < 0 ? r : stage1_mount_tmpfs(&n->pod, e);
}

static int open_dir(const struct pid1 *p, const char *path, struct err *e)
{
	int fd = openat(p->n->pod.dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open '%s'", path) : fd;
}

/* Made while that may be: pid 1 may be nobody to the pod's directory soon. */
static int make_records(struct pid1 *p, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < p->n_apps && r >= 0; i++)
		r = p->apps[i].record = who_create(p->n->pod.dirfd, app_name(p, i), e);
	return r < 0 ? r : 0;
}

/* Read by enter only once the pod's `pid` is there, which comes later. */
static int write_record(struct pid1 *p, size_t i, struct err *e)
{
	struct app_state *app = &p->apps[i];
	return who_write(take_fd(&app->record), app_name(p, i), app->pid, &app->ident, e);
}

static int start_app(struct pid1 *p, size_t i, struct err *e)
{
	struct app_state *app = &p->apps[i];
	struct native *n = p->n;
	int socks[2];
	int r = sync_pair(socks, e);
	if (r < 0)
		return r;
	bool placed;
	pid_t pid = proc_clone(CLONE_NEWNS, n->groups[i].fds[CGROUP_UNIFIED], &placed, e);
	if (pid == 0)
		child_main(n, i, placed, socks[1]);
	close(socks[1]);
	app->sock = socks[0];
	if (pid < 0)
		return pid;
	app->pid = pid;
	return n->pod.plans[i].post_stop ? cgroup_door_open(&n->groups[i], &app->left.groups, e)
					 : 0;
}

/* Those of the network, or all others: in the pod's namespaces, before an app can see them. */
static int set_sysctls(const struct native *n, bool network, struct err *e)
{
	const struct nvlist *l = &n->pod.plan.sysctls;
	int r = 0;
	for (size_t i = 0; i < l->n && r >= 0; i++) {
		enum sysctl_space space;
		r = sysctl_check(l->v[i].name, l->v[i].value, &space, e);
		if (r >= 0 && (space == SYSCTL_NET) == network)
			r = sysctl_write(l->v[i].name, l->v[i].value, e);
	}
	return r;
}

/* Mounts can be read by everybody who sees the process (/proc/1/mountinfo), as far as they lie
 * below its root: that must not be the host's. What pid 1 still needs, it has open. */
static int hide_mounts(const struct pid1 *p, struct err *e)
{
	if (fchdir(p->statuses) < 0 || chroot(".") < 0)
		return ERR_SYS(e, "leave the host's root");
	return 0;
}

/* The dearest namespace of all for the kernel: the apps are started before and build their roots
 * meanwhile. They join it before anything of theirs can use a network. Returns its descriptor. */
static int make_network(const struct pid1 *p, struct err *e)
{
	int r;
	_clean_(fd) int fd = ns_new_network(e);
	if (fd < 0 || (r = set_sysctls(p->n, true, e)) < 0)
		return fd < 0 ? fd : r;
	return take_fd(&fd);
}

/* The apps, to which nothing of the host is to be seen by now. network: -1: the host's. */
static int let_run(const struct pid1 *p, int network, struct err *e)
{
	int r = hide_mounts(p, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_apps; i++)
		if ((r = sync_send(p->apps[i].sock, SYNC_NET_NS, 0, network, e)) < 0 && r != -EPIPE)
			return r; /* one that died meanwhile tells itself why */
	return 0;
}

/* From here on nothing that pid 1 can do reaches the host. What it needs of the pod's directory is
 * open, and where it writes belongs to it. */
static int join_users(const struct pid1 *p, struct err *e)
{
	const uint32_t root = p->n->pod.facts.users.first;
	for (size_t i = 0; i < p->n_apps && p->n_apps > 1; i++)
		cgroup_app_hold_killer(&p->n->groups[i]);
	if (fchownat(p->statuses, "", root, root, AT_EMPTY_PATH) < 0)
		return ERR_SYS(e, "owner of '" STAGE1_STATUS_DIR "'");
	int r = userns_enter(p->n->userns, e);
	return r < 0 ? r : die_with_parent(p->sock, e); /* which the change of users undid */
}

static int set_up(struct pid1 *p, struct err *e)
{
	struct native *n = p->n;
	const char *host = n->pod.facts.hostname;
	int r = die_with_parent(p->sock, e);
	if (r < 0)
		return r;
	/* Its own session: what a terminal sends goes to the outer process alone. */
	(void)setsid();
	(void)prctl(PR_SET_NAME, "rkt-pid1");
	/* Inherited by the children until they execute: no process of the pod may look into one of
	 * ours, or reach the host's files through it, unless it was given CAP_SYS_PTRACE. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (sethostname(host, strlen(host)) < 0)
		return ERR_SYS(e, "set hostname '%s'", host);
	if ((r = set_sysctls(n, false, e)) < 0)
		return r;
	if ((r = make_mounts(n, e)) < 0)
		return r;
	p->statuses = r = open_dir(p, POD_STAGE1_ROOTFS "/" STAGE1_STATUS_DIR, e);
	for (size_t i = 0; i < p->n_apps && r >= 0; i++)
		if ((r = start_app(p, i, e)) < 0)
			err_wrap(e, r, "app '%s'", app_name(p, i));
	if (r >= 0 && n->userns >= 0 && (r = make_records(p, e)) >= 0)
		r = join_users(p, e);
	_clean_(fd) int network = -1;
	if (r >= 0 && n->own_network && (r = network = make_network(p, e)) < 0)
		err_wrap(e, r, "stage1: failed to setup network");
	if (r >= 0)
		r = let_run(p, network, e);
	if (r >= 0 && n->userns < 0)
		r = make_records(p, e);
	if (r >= 0) /* the children began with all signals blocked */
		p->sigfd = r = proc_child_fd(e);
	/* Only the children needed these: the user's terminal ends when they have closed it, and
	 * directories would lead back to the host. */
	tty_close(&n->tty);
	n->pod.dirfd = fd_close(n->pod.dirfd);
	cgroup_pod_close(&n->cgroups);
	return r;
}

/* --- the pod's end --------------------------------------------------------------------------- */

static void stop_all(struct pid1 *p)
{
	if (p->phase != PHASE_RUN)
		return;
	p->phase = PHASE_STOP;
	p->deadline = now_ms() + NATIVE_GRACE_MS;
	for (size_t i = 0; i < p->n_apps; i++)
		if (p->apps[i].pid > 0 && !p->apps[i].ended) {
			kill(p->apps[i].pid, SIGTERM);
			kill(p->apps[i].pid, SIGCONT); /* one that stands still hears nothing */
		}
}

static void kill_all(struct pid1 *p)
{
	p->phase = PHASE_KILL;
	kill(-1, SIGKILL); /* everything in the pod's pid namespace but us */
}

static void tell_failure(struct pid1 *p, int status, const struct err *why)
{
	sync_send_failure(p->n->pid1_sock, status, why);
}

/* The first that fails decides the pod's status and ends the pod. A pod that could not be set up is
 * an error of rkt; a program that could not be executed is the app's, as in rkt. */
static void pod_failed(struct pid1 *p, int status)
{
	if (p->status == 0)
		p->status = status == EXIT_APP_SETUP ? EXIT_ERROR : status;
	stop_all(p);
}

/* --- one app --------------------------------------------------------------------------------- */

static void app_closed(struct pid1 *p, size_t i)
{
	struct app_state *app = &p->apps[i];
	struct err e = ERR_INIT;
	app->sock = fd_close(app->sock);
	app->executed = app->about_to_exec;
	if (app->executed && (app_started_write(p->statuses, app_name(p, i), &e) < 0 ||
				     write_record(p, i, &e) < 0))
		tell_failure(p, EXIT_ERROR, &e);
}

static void app_failed(struct pid1 *p, size_t i, const struct sync_msg *m)
{
	struct err e = m->err;
	/* Which app, where that is not plain. */
	if (m->value != EXIT_APP_EXEC || p->n_apps > 1)
		err_wrap(&e, 0, "app '%s'", app_name(p, i));
	tell_failure(p, m->value, &e);
	p->apps[i].about_to_exec = false;
}

static void read_app(struct pid1 *p, size_t i)
{
	struct app_state *app = &p->apps[i];
	while (app->sock >= 0) {
		struct sync_msg m;
		_clean_(fd) int fd = -1;
		struct err e = ERR_INIT;
		int r = sync_receive(app->sock, MSG_DONTWAIT, &m, &fd, &e);
		if (r == SYNC_NOTHING)
			return;
		if (r != SYNC_GOT)
			app_closed(p, i);
		else if (m.step == SYNC_FAILED)
			app_failed(p, i, &m);
		else if (m.step == SYNC_USER)
			app->ident.uid = (uid_t)m.value;
		else if (m.step == SYNC_GROUP)
			app->ident.gid = (gid_t)m.value;
		else if (m.step == SYNC_EXEC_GO)
			app->about_to_exec = true;
		else if (m.step == SYNC_MNT_NS)
			app->left.mnt_ns = take_fd(&fd);
	}
}

static void run_post_stop(struct pid1 *p, size_t i)
{
	struct app_state *app = &p->apps[i];
	struct err e = ERR_INIT;
	bool placed;
	if (!app->executed || app->left.mnt_ns < 0)
		return;
	pid_t pid = proc_clone(0, p->n->groups[i].fds[CGROUP_UNIFIED], &placed, &e);
	if (pid == 0)
		child_post_stop(p->n, i, &app->left, placed);
	app->left.mnt_ns = fd_close(app->left.mnt_ns);
	cgroup_door_close(&app->left.groups);
	if (pid < 0)
		tell_failure(p, EXIT_ERROR, &e);
	else
		app->post_stop = pid;
}

static bool all_ended(const struct pid1 *p)
{
	for (size_t i = 0; i < p->n_apps; i++)
		if (!p->apps[i].ended || p->apps[i].post_stop > 0)
			return false;
	return true;
}

/* Whoever killed it, when the kernel counts it among those for which there was no memory. */
static void record_reason(struct pid1 *p, size_t i, int status)
{
	struct err e = ERR_INIT;
	if (status != EXIT_SIGNAL_BASE + SIGKILL)
		return;
	if (!cgroup_app_oom_kills(&p->n->groups[i]) && !cgroup_pod_oom_killed(&p->n->cgroups))
		return;
	if (app_reason_write(p->statuses, app_name(p, i), APP_REASON_OOM, &e) < 0)
		tell_failure(p, EXIT_ERROR, &e);
}

/* What it left behind ends with it, or with the pod when it was the last. */
static void end_rest(const struct pid1 *p, size_t i)
{
	if (!all_ended(p))
		cgroup_app_kill(&p->n->groups[i]);
}

static void app_ended(struct pid1 *p, size_t i, int status)
{
	struct app_state *app = &p->apps[i];
	struct err e = ERR_INIT;
	read_app(p, i); /* why, before that */
	app->ended = true;
	record_reason(p, i, status);
	if (app_status_write(p->statuses, app_name(p, i), status, &e) < 0)
		tell_failure(p, EXIT_ERROR, &e);
	if (p->phase != PHASE_KILL)
		run_post_stop(p, i);
	if (status != 0)
		pod_failed(p, status);
	if (app->post_stop == 0)
		end_rest(p, i);
}

static void process_ended(struct pid1 *p, pid_t pid, int wait_status)
{
	for (size_t i = 0; i < p->n_apps; i++) {
		if (p->apps[i].pid == pid && !p->apps[i].ended) {
			app_ended(p, i, proc_exit_code(wait_status));
		} else if (p->apps[i].post_stop == pid) {
			p->apps[i].post_stop = 0;
			end_rest(p, i);
		}
	}
}

/* What ended, orphans too; some at a time, for an app can make orphans as fast as we reap. */
static void reap(struct pid1 *p)
{
	int wait_status;
	pid_t pid;
	for (int i = 0; i < REAP_MAX; i++) {
		if ((pid = waitpid(-1, &wait_status, WNOHANG)) <= 0)
			return;
		process_ended(p, pid, wait_status);
	}
	(void)kill(getpid(), SIGCHLD); /* there may be more: this wakes us again */
}

/* --- the loop -------------------------------------------------------------------------------- */

static void on_order(struct pid1 *p, const struct sync_msg *m)
{
	if (m->step == SYNC_STOP)
		stop_all(p);
	else if (m->step == SYNC_KILL)
		kill_all(p);
	else if (m->step == SYNC_SIGNAL && m->value > 0 && m->value < SIGRTMIN)
		for (size_t i = 0; i < p->n_apps; i++)
			if (p->apps[i].executed && !p->apps[i].ended)
				kill(p->apps[i].pid, m->value);
}

static void read_orders(struct pid1 *p)
{
	for (;;) {
		struct sync_msg m;
		_clean_(fd) int fd = -1;
		struct err e = ERR_INIT;
		int r = sync_receive(p->sock, MSG_DONTWAIT, &m, &fd, &e);
		if (r == SYNC_NOTHING)
			return;
		if (r != SYNC_GOT)
			_exit(EXIT_ERROR); /* the outer process died; the pod dies with us */
		on_order(p, &m);
	}
}

static void announce(struct pid1 *p)
{
	struct err e = ERR_INIT;
	for (size_t i = 0; i < p->n_apps; i++)
		if (!p->apps[i].executed)
			return;
	p->announced = true;
	(void)sync_send(p->sock, SYNC_STARTED, 0, -1, &e); /* its death is seen elsewhere */
}

static int wait_for_news(struct pid1 *p)
{
	int timeout = -1;
	if (p->phase == PHASE_STOP) {
		int64_t left = p->deadline - now_ms();
		timeout = left < 0 ? 0 : (int)left;
	}
	p->fds[0] = (struct pollfd){ .fd = p->sigfd, .events = POLLIN };
	p->fds[1] = (struct pollfd){ .fd = p->sock, .events = POLLIN };
	for (size_t i = 0; i < p->n_apps; i++)
		p->fds[2 + i] = (struct pollfd){ .fd = p->apps[i].sock, .events = POLLIN };
	return poll(p->fds, p->n_apps + 2, timeout);
}

static void supervise(struct pid1 *p)
{
	while (!all_ended(p)) {
		if (wait_for_news(p) == 0)
			kill_all(p);
		for (size_t i = 0; i < p->n_apps; i++)
			if (p->fds[2 + i].revents)
				read_app(p, i);
		if (!p->announced)
			announce(p);
		if (p->fds[1].revents)
			read_orders(p);
		struct signalfd_siginfo info;
		if (p->fds[0].revents) {
			/* Once: who sends it without end must not keep us from what follows. */
			(void)!read(p->sigfd, &info, sizeof info);
			reap(p);
		}
	}
}

/* What is left is to kill processes of any user. A post-stop handler takes more: it joins what its
 * app left, and descends from root there. */
static void give_up(const struct native *n)
{
	struct err e = ERR_INIT;
	for (size_t i = 0; i < native_n_apps(n); i++)
		if (n->pod.plans[i].post_stop)
			return;
	if (caps_retire(CAP_BIT(KILL), &e) < 0)
		sync_send_failure(n->pid1_sock, EXIT_ERROR, &e);
}

/* pid1_main(): pid 1 in the pod's pid, UTS, IPC and network namespaces (what is not the host's),
 * stage0's mount namespace or a copy, the root of which it leaves before an app runs; all
 * privileges until the apps are started, then CAP_KILL (all, where a post-stop handler is to come),
 * which no app can borrow: not dumpable; fds: 0-2, the pod's lock, the socket to the outer process,
 * the directories of the statuses and of the apps' control groups. */
_Noreturn void pid1_main(struct native *n)
{
	struct err e = ERR_INIT;
	n->parent_sock = fd_close(n->parent_sock);
	struct pid1 p = { .n = n,
		.n_apps = native_n_apps(n),
		.sock = n->pid1_sock,
		.sigfd = -1,
		.statuses = -1 };
	p.apps = ARENA_ARRAY(&n->pod.arena, struct app_state, p.n_apps);
	p.fds = ARENA_ARRAY(&n->pod.arena, struct pollfd, p.n_apps + 2);
	for (size_t i = 0; i < p.n_apps; i++)
		p.apps[i] = (struct app_state){
			.sock = -1, .record = -1, .left = { -1, CGROUP_DOOR_INIT }
		};
	if (set_up(&p, &e) < 0) {
		tell_failure(&p, EXIT_ERROR, &e);
		_exit(EXIT_ERROR); /* with all that was started */
	}
	give_up(n);
	supervise(&p);
	_exit(p.status);
}
