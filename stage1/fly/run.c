/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/atomic.h"
#include "lib/sys/proc.h"
#include "stage1/entry.h"
#include "stage1/fly/fly.h"
#include "stage1/fly/supervise.h"
#include "stage1/load.h"
#include "stage1/notify.h"
#include "stage1/who.h"
#include "stage2/apply.h"
#include "stage2/root.h"

/* What is known of the one app when everything but its process is there. */
struct fly_app {
	struct app_plan *plan;
	struct ident ident;
	int rootfs_fd;
	int status_fd; /* of rkt/status */
	int failed_fd; /* a pipe that holds a byte if the app could not be executed */
};

/* Whatever stage0 did, no mount of ours may reach the host. */
static int leave_host_mounts(struct stage1_pod *pod, struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return ERR_SYS(e, "new mount namespace");
	/* The descriptor leads to the mounts of the namespace that we left. */
	fd_close(pod->dirfd);
	pod->dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pod->dirfd < 0)
		return ERR_SYS(e, "open the pod's directory");
	return stage1_leave_host(pod, e);
}

static int load_app(int argc, char **argv, struct stage1_pod *pod, struct err *e)
{
	struct stage1_run run;
	int r = stage1_run_decode(argc, argv, &run, e);
	if (r < 0)
		return r;
	dbg_enable(run.debug);
	if (run.private_users)
		return ERR_BAD(e,
			"flavor 'fly' has no user namespaces: leave --private-users out, or, "
			"where it is configured, give --private-users=false");
	if (run.is_mutable)
		return ERR_BAD(e, "flavor 'fly' has no mutable pods: use the default stage1");
	r = stage1_load(&run, STAGE1_BARE, pod, e);
	if (r < 0)
		return r;
	if (pod->manifest->n_apps != 1)
		return ERR_BAD(e,
			"flavor 'fly' runs one app a pod, and this one has %zu: use the default "
			"stage1",
			pod->manifest->n_apps);
	if (pod->facts.shm_size)
		return ERR_BAD(e, "flavor 'fly' has the host's /dev/shm: leave --shm-size out");
	r = stage1_report(pod, e);
	if (r >= 0)
		r = stage1_make_volumes(pod, e);
	if (r >= 0)
		r = leave_host_mounts(pod, e);
	return r < 0 ? r : stage1_mount_tmpfs(pod, e);
}

static int build_root(const struct stage1_pod *pod, struct fly_app *app, struct err *e)
{
	_clean_(str) struct str path = STR_INIT(STR_MAX_PATH);
	str_addf(&path, POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR "/%s/rootfs", app->plan->name);
	app->rootfs_fd = root_open(pod->dirfd, str_text(&path), e);
	if (app->rootfs_fd < 0)
		return app->rootfs_fd;
	struct root_sources sources;
	int r = root_open_sources(app->plan, &sources, e);
	if (r < 0)
		return r;
	r = root_build(app->rootfs_fd, app->plan, &sources, NULL, e);
	root_sources_release(&sources);
	/* Where `stop` looks for us. */
	if (r >= 0 && fchdir(pod->dirfd) < 0)
		r = ERR_SYS(e, "return to the pod's directory");
	return r < 0 ? r
		     : ident_resolve(app->rootfs_fd, app->plan->cred.user, app->plan->cred.group,
			       &app->ident, e);
}

static int open_status_dir(const struct stage1_pod *pod, struct err *e)
{
	int fd = openat(pod->dirfd, POD_STAGE1_ROOTFS "/" STAGE1_STATUS_DIR,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open '" POD_STAGE1_ROOTFS "/" STAGE1_STATUS_DIR "'") : fd;
}

static _Noreturn void end_child(const struct err *e, int status)
{
	char text[sizeof e->msg * 4];
	err_format(e, false, text, sizeof text);
	fprintf(stderr, "Error: %s\n", text);
	_exit(status);
}

static int run_handler(const struct fly_app *app, const struct event_handler *h, struct err *e)
{
	return h ? app_handler(app->plan, h, e) : 0;
}

/* The app, until it is one: host namespaces but for the pod's mounts; uid 0 with the caller's
 * capabilities; fds: 0-2, two pipes, the lock and what build_root opened. app_apply() closes all
 * but failed_fd, which execve closes. */
static _Noreturn void become_app(const struct fly_app *app, int go_fd, int failed_fd)
{
	struct err e = ERR_INIT;
	char go;
	/* Nothing but a byte is a go: at end of file the parent has died or given up. */
	if (read(go_fd, &go, 1) != 1)
		_exit(EXIT_APP_SETUP);
	int status = EXIT_APP_SETUP;
	app->plan->report_fd = failed_fd;
	supervise_reset_signals();
	if (root_enter(app->rootfs_fd, ROOT_CHROOT, &e) >= 0 &&
		run_handler(app, app->plan->pre_start, &e) >= 0)
		app_apply(app->plan, &app->ident, &status, &e);
	(void)!write(failed_fd, "f", 1); /* a pipe with room in it; if the reader died, so do we */
	end_child(&e, status);
}

static void run_post_stop(const struct fly_app *app)
{
	if (!app->plan->post_stop)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		supervise_reset_signals();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (root_enter(app->rootfs_fd, ROOT_CHROOT, &e) < 0 ||
			run_handler(app, app->plan->post_stop, &e) < 0)
			end_child(&e, EXIT_APP_SETUP);
		_exit(0);
	}
	if (pid > 0)
		(void)supervise_app(pid);
}

/* It is not known before execve whether the app starts, and `pid` may have to wait for nothing that
 * an event handler does: so it is said first, and taken back. */
static void take_back_started(const struct fly_app *app)
{
	char byte;
	_clean_(str) struct str name = STR_INIT(STR_MAX_PATH);
	str_addf(&name, "%s-started", app->plan->name);
	if (read(app->failed_fd, &byte, 1) == 1)
		(void)unlinkat(app->status_fd, str_text(&name), 0);
}

/* The pod can be entered from here on: whoever sees `pid` finds the root complete. */
static int announce(
	const struct stage1_pod *pod, const struct fly_app *app, pid_t pid, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", (int)pid);
	int r = app_started_write(app->status_fd, app->plan->name, e);
	if (r < 0 || (r = who_create(pod->dirfd, app->plan->name, e)) < 0 ||
		(r = who_write(r, app->plan->name, pid, &app->ident, e)) < 0)
		return r;
	r = atomic_write(pod->dirfd, POD_PID_FILE, text, (size_t)n, 0644, ATOMIC_VISIBLE, e);
	if (r < 0)
		return r;
	char state[64];
	snprintf(state, sizeof state, "READY=1\nMAINPID=%d", (int)getpid());
	struct err ignored = ERR_INIT;
	if (notify_send(state, &ignored) < 0)
		dbg("%s", ignored.msg); /* the pod runs; its supervisor decides */
	return 0;
}

static int start_app(const struct stage1_pod *pod, struct fly_app *app, pid_t *ret, struct err *e)
{
	int go[2], failed[2];
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC | O_NONBLOCK) < 0)
		return ERR_SYS(e, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		become_app(app, go[0], failed[1]);
	}
	app->failed_fd = failed[0];
	close(failed[1]);
	int r = pid < 0 ? ERR_SYS(e, "fork") : announce(pod, app, pid, e);
	close(go[0]);
	if (r >= 0 && write(go[1], "g", 1) != 1)
		r = ERR_SYS(e, "start the app");
	close(go[1]);
	if (r < 0 && pid > 0) {
		struct err ignored = ERR_INIT;
		kill(pid, SIGKILL);
		(void)proc_wait(pid, &ignored);
	}
	if (r >= 0)
		*ret = pid;
	return r;
}

static int run_app(
	const struct stage1_pod *pod, struct fly_app *app, int *ret_status, struct err *e)
{
	int r = build_root(pod, app, e);
	if (r < 0)
		return err_wrap(e, r, "app '%s'", app->plan->name);
	app->status_fd = open_status_dir(pod, e);
	if (app->status_fd < 0)
		return app->status_fd;
	app->plan->die_with = getpid();
	supervise_init();
	pid_t pid = 0;
	r = start_app(pod, app, &pid, e);
	if (r < 0)
		return err_wrap(e, r, "app '%s'", app->plan->name);
	int status = supervise_app(pid);
	take_back_started(app);
	r = app_status_write(app->status_fd, app->plan->name, status, e);
	run_post_stop(app);
	if (r < 0)
		return r;
	/* Nothing of the app ran: that is an error of rkt, as where it is seen before the fork. */
	*ret_status = status == EXIT_APP_SETUP ? EXIT_ERROR : status;
	return 0;
}

int fly_run(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_pod pod = { .dirfd = -1, .lock_fd = -1 };
	int r = load_app(argc, argv, &pod, e);
	if (r >= 0) {
		struct fly_app app = {
			.plan = &pod.plans[0], .rootfs_fd = -1, .status_fd = -1, .failed_fd = -1
		};
		r = run_app(&pod, &app, ret_status, e);
		fd_close(app.rootfs_fd);
		fd_close(app.status_fd);
		fd_close(app.failed_fd);
	}
	stage1_pod_release(&pod);
	return r;
}
