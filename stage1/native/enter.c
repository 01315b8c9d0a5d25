/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter: one more process in an app of a running pod, confined exactly as the app is.
 *
 *	enter      host pid namespace; joins the app's control groups and namespaces, waits,
 *	 │         passes signals on, relays the terminal, ends with the command's status
 *	 └─ command in all of them; goes through app_apply() with the app's own plan
 *
 * The plan is not remembered anywhere: it is made again from the pod's directory and from what
 *`run` was told, which the command line of pid 1 still says.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "lib/sys/ns.h"
#include "lib/sys/proc.h"
#include "lib/sys/sync.h"
#include "lib/sys/userns.h"
#include "stage1/inner.h"
#include "stage1/native/native.h"
#include "stage1/who.h"
#include "stage2/apply.h"

struct entry {
	struct stage1_enter arguments;
	struct strv run_argv; /* owns the strings of run */
	struct stage1_run run;
	struct stage1_pod pod;
	struct app_plan *plan; /* of the app, with the command in its place */
	struct ident ident;    /* as the pod counts */
	struct cgroup_app groups;
	struct ns_set namespaces;
	uint64_t bounding; /* the most that an app of the pod can have */
	struct tty_ends tty;
};

static void entry_close(struct entry *t)
{
	ns_close(&t->namespaces);
	cgroup_app_release(&t->groups);
	tty_close(&t->tty);
	stage1_pod_release(&t->pod);
}

/* --- finding the app ------------------------------------------------------------------------- */

static int load_plan(struct entry *t, const struct proc *pid1, struct err *e)
{
	int r = stage1_recover_run(pid1, &t->run_argv, &t->run, e);
	if (r < 0 || (r = stage1_load(&t->run, STAGE1_SHM | STAGE1_LOOK, &t->pod, e)) < 0)
		return r;
	for (size_t i = 0; i < t->pod.manifest->n_apps; i++)
		if (str_eq(t->pod.plans[i].name, t->arguments.app))
			t->plan = &t->pod.plans[i];
	if (!t->plan)
		return ERR_NOENT(e, "the pod has no app of that name");
	strv_release(&t->plan->argv);
	t->plan->argv = STRV_INIT;
	for (char *const *arg = t->arguments.argv; *arg; arg++)
		strv_add(&t->plan->argv, *arg);
	return 0;
}

static int find_app(struct entry *t, const struct proc *pid1, struct proc *ret, struct err *e)
{
	pid_t pid;
	int r = who_read(t->pod.dirfd, t->arguments.app, &pid, &t->ident, e);
	if (r < 0)
		return r;
	if ((r = proc_find_child(pid1, pid, ret, e)) == -ESRCH)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "app is not running");
	return r;
}

/* Those that the app is in now, be they its own, the pod's or what `run` was started in. */
static int find_groups(struct entry *t, const struct proc *app, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	struct cgroup_view ours, view;
	char name[64];
	snprintf(name, sizeof name, "/rkt-%s", t->run.uuid);
	int r = cgroup_view_load(&a, &ours, e);
	if (r < 0 || (r = io_read_file(app->dirfd, "cgroup", &text, e)) < 0)
		return r;
	view = ours;
	cgroup_view_set_own(&view, str_text(&text), &a);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		if (!view.v[k].own || str_eq(view.v[k].own, ours.v[k].own))
			continue;
		const char *dir = cgroup_view_dir(&view, (enum cgroup_kind)k, view.v[k].own, &a);
		if (!dir && !strstr(view.v[k].own, name))
			continue; /* beyond what is shown to us: nobody here can join it */
		if (!dir)
			return ERR_DENY(e, "control group '%s' cannot be seen", view.v[k].own);
		t->groups.fds[k] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (t->groups.fds[k] < 0)
			return ERR_SYS(e, "open control group '%s'", view.v[k].own);
	}
	return 0;
}

static int find(struct entry *t, struct err *e)
{
	_clean_(proc) struct proc pid1 = PROC_INIT, app = PROC_INIT;
	int r = stage1_open_inner(t->arguments.pid, &pid1, NULL, e);
	/* Before the plan is made: it is cut down to what can be set. */
	if (r < 0 || (r = follow_inherited(&pid1, e)) < 0 ||
		(r = follow_bounding(&pid1, &t->bounding, e)) < 0)
		return r;
	if ((r = load_plan(t, &pid1, e)) < 0 || (r = find_app(t, &pid1, &app, e)) < 0)
		return r;
	/* All by the directory of this one process: if it ends, these fail, and no other process is
	 * ever joined in its stead. */
	r = ns_open(&app, &t->namespaces, e);
	return r < 0 ? r : find_groups(t, &app, e);
}

/* --- the command -------------------------------------------------------------------------------
 */

/* What --privileged gives up: all but the namespaces, the groups, the limits and the label. */
static void plan_privileged(struct app_plan *plan)
{
	plan->cred = (struct cred_plan){ .user = "0", .group = "0", .caps = CAPS_EVERY };
	plan->filter = FILTER_NONE;
}

/* Last of the namespaces. The death signal goes with the change of users; the app's user, below,
 * would have taken it too. */
static int enter_users(const struct entry *t, struct app_plan *plan, struct err *e)
{
	app_set_oom_score(plan);
	return userns_enter(t->namespaces.fds[NS_USER], e);
}

/* command_main(): in the app's namespaces and groups, its root being "/"; all privileges until
 * app_apply(). Not dumpable, so that nothing in the pod can look into it while it has them. Nothing
 * of the host is open but 0-2 (or the terminal) and `sock`, which app_apply() leaves open until it
 * executes. */
static _Noreturn void command_main(const struct entry *t, int sock)
{
	struct err e = ERR_INIT;
	const struct ident root = { 0 };
	const struct ident *ident = t->arguments.privileged ? &root : &t->ident;
	int status = EXIT_APP_SETUP, r = 0;
	struct app_plan plan = *t->plan;
	const struct id_range *users = &t->pod.facts.users;
	plan.report_fd = sock;
	if (t->arguments.privileged)
		plan_privileged(&plan);
	/* A change of user takes this back: what is left then ends with its terminal or the pod. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct pollfd parent = { .fd = sock };
	if (poll(&parent, 1, 0) > 0 && (parent.revents & POLLHUP))
		_exit(EXIT_ERROR);
	/* Never in a session that has a terminal of the host. */
	if (setsid() < 0)
		r = ERR_SYS(&e, "new session");
	if (r >= 0 && t->tty.slave >= 0)
		r = term_adopt(t->tty.slave, &e);
	if (r >= 0 && !t->arguments.privileged)
		r = follow_capabilities(t->bounding, &e);
	if (r >= 0 && t->tty.slave >= 0 && users_give_terminal(users, ident->uid) < 0)
		r = ERR_SYS(&e, "owner of the terminal");
	if (r >= 0 && t->namespaces.fds[NS_USER] >= 0) {
		users_give_pipes(users, ident);
		r = enter_users(t, &plan, &e);
	}
	if (r >= 0)
		app_apply(&plan, ident, &status, &e);
	sync_send_failure(sock, status, &e);
	_exit(EXIT_ERROR);
}

static int wait_for_command(pid_t pid, struct term_relay *relay, int sigfd)
{
	for (;;) {
		if (!(tty_wait(relay, sigfd, -1) & TTY_WOKE_SIGNAL))
			continue;
		int sig, wait_status;
		while ((sig = tty_next_signal(relay, sigfd)) > 0) {
			static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1,
				SIGUSR2 };
			for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
				if (passed_on[i] == sig)
					kill(pid, sig);
			if (sig == SIGCHLD && waitpid(pid, &wait_status, WNOHANG) == pid) {
				return proc_exit_code(wait_status);
			}
		}
	}
}

/* The command's own error, if it never came to execve, with the status that stands for it. */
static int command_error(int sock, int *ret_status, struct err *e)
{
	struct sync_msg m;
	_clean_(fd) int fd = -1;
	if (sync_receive(sock, MSG_DONTWAIT, &m, &fd, e) != SYNC_GOT || m.step != SYNC_FAILED)
		return 0;
	*e = m.err;
	*ret_status = m.value == EXIT_APP_EXEC ? EXIT_APP_EXEC : EXIT_ERROR;
	return m.err.errnum > 0 ? -m.err.errnum : -EPROTO;
}

/* In the groups and namespaces of the app, but for its pid namespace, which is the child's. */
static int join(struct entry *t, struct err *e)
{
	int r = cgroup_app_join(&t->groups, false, e);
	if (r >= 0)
		r = ns_join(&t->namespaces, e);
	if (r >= 0)
		tty_reopen_here(&t->tty);
	return r;
}

static int run_command(struct entry *t, int *ret_status, struct err *e)
{
	struct term_relay *relay = NULL;
	struct err ignored = ERR_INIT;
	int socks[2];
	_clean_(fd) int sigfd = proc_signal_fd(e);
	int r = sigfd < 0 ? sigfd : sync_pair(socks, e);
	if (r < 0)
		return r;
	bool placed;
	if ((r = join(t, e)) >= 0 && (r = tty_begin(&relay, &t->tty, e)) >= 0)
		r = proc_clone(0, -1, &placed, e);
	if (r == 0) {
		close(socks[0]);
		command_main(t, socks[1]);
	}
	close(socks[1]);
	entry_close(t);
	/* What is left is to pass signals on, to whatever user that is. */
	if (r > 0 && caps_retire(CAP_BIT(KILL), &ignored) < 0)
		dbg("privileges not given up: %s", ignored.msg);
	if (r > 0) {
		*ret_status = wait_for_command(r, relay, sigfd);
		r = command_error(socks[0], ret_status, e);
	}
	close(socks[0]);
	tty_end(&relay);
	return r;
}

/* native_enter(): starts in the host's namespaces with all privileges. */
int native_enter(int argc, char **argv, int *ret_status, struct err *e)
{
	struct entry t = { .pod = { .dirfd = -1, .lock_fd = -1 }, .tty = TTY_ENDS_INIT };
	memset(&t.groups, 0xff, sizeof t.groups); /* -1: no descriptor */
	memset(&t.namespaces, 0xff, sizeof t.namespaces);
	(void)prctl(PR_SET_NAME, "rkt-enter");
	(void)prctl(PR_SET_DUMPABLE, 0);
	proc_block_signals(NULL);
	signal(SIGCHLD, SIG_DFL);
	int r = stage1_enter_decode(argc, argv, &t.arguments, e);
	if (r < 0)
		return r;
	if ((r = find(&t, e)) >= 0 && (r = tty_open(&t.tty, e)) >= 0)
		r = run_command(&t, ret_status, e);
	entry_close(&t);
	strv_release(&t.run_argv);
	/* What cannot be executed is the user's command: it needs no more words. */
	return r < 0 && *ret_status != EXIT_APP_EXEC ? err_wrap(e, r, "app '%s'", t.arguments.app)
						     : r;
}
