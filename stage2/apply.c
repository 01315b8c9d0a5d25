/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/apply.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/sys/caps.h"
#include "lib/sys/compat.h"
#include "lib/sys/filter.h"
#include "lib/sys/lsm.h"
#include "lib/sys/proc.h"
#include "lib/sys/procfs.h"
#include "stage2/exec.h"

int apply_force_close;

enum {
	FIRST_OTHER_FD = 3,
	FD_LIMIT = 1 << 20, /* the kernel's own default ceiling */
	MAX_GROUPS = 65536,
};

/* What the process is to be, with the plan's wishes cut down to what is there to be given. */
struct column {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	uint64_t bounding; /* CAPS_EVERY: left alone */
	struct caps caps;
	uint64_t ambient;
};

static void close_span(unsigned first, unsigned last)
{
	if (first > last)
		return;
	if (!apply_force_close && sys_close_range(first, last, 0) == 0)
		return;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > FD_LIMIT)
		limit.rlim_max = FD_LIMIT;
	for (unsigned fd = first; fd <= last && fd < limit.rlim_max; fd++)
		close((int)fd);
}

/* Whoever has a directory of the host as a descriptor has the host. */
static int refuse_directories(struct err *e)
{
	struct stat st;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return ERR_DENY(e, "standard descriptor %d is a directory", fd);
	return 0;
}

static void close_others(int keep)
{
	if (keep < FIRST_OTHER_FD) {
		close_span(FIRST_OTHER_FD, ~0U);
		return;
	}
	close_span(FIRST_OTHER_FD, (unsigned)keep - 1);
	close_span((unsigned)keep + 1, ~0U);
}

static int enter_directory(const char *path, struct err *e)
{
	if (strcmp(path, "/") == 0)
		return chdir("/") < 0 ? ERR_SYS(e, "enter '/'") : 0;
	_clean_(fd) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(e, "open '/'");
	_clean_(fd) int fd = path_open_in(root, path, O_PATH | O_DIRECTORY, 0, e);
	if (fd < 0)
		return err_wrap(e, fd, "working directory");
	if (fchdir(fd) < 0)
		return ERR_SYS(e, "enter working directory '%s'", path);
	return 0;
}

/* Soft: lowering it needs a capability that rkt itself may lack, and the app runs as well without.
 * For a command that is entered an app may have put something else in the place of /proc. */
static void set_oom_score_adj(int64_t score)
{
	static const char knob[] = "oom_score_adj";
	char text[24];
	struct err e = ERR_INIT;
	snprintf(text, sizeof text, "%lld", (long long)score);
	_clean_(fd) int fd = procfs_open_own(knob, O_WRONLY, &e);
	if (fd < 0 || procfs_write(fd, knob, text, &e) < 0)
		dbg("oom score not set: %s", e.msg);
}

void app_set_oom_score(struct app_plan *plan)
{
	if (plan->oom_score_adj != INT64_MIN)
		set_oom_score_adj(plan->oom_score_adj);
	plan->oom_score_adj = INT64_MIN;
}

/* `keep`: what is held beyond the wishes until execve, which takes it away: it is neither in the
 * bounding nor in the inheritable or ambient set. */
static int column_fill(const struct cred_plan *cred, const struct ident *id, uint64_t keep,
	struct column *c, struct err *e)
{
	struct caps held;
	int r = caps_get(&held, e);
	if (r < 0)
		return r;
	if (cred->n_supplementary_gids >= MAX_GROUPS)
		return ERR_BAD(e, "more than %d supplementary groups", MAX_GROUPS - 1);
	uint64_t want = cred->caps & held.permitted;
	if (cred->caps != CAPS_EVERY && want != cred->caps)
		dbg("capabilities not held, so not given: %#llx",
			(unsigned long long)(cred->caps & ~held.permitted));
	c->uid = id->uid;
	c->gid = id->gid;
	c->bounding = cred->caps == CAPS_EVERY ? CAPS_EVERY : want;
	if (id->uid == 0)
		c->caps = (struct caps){ .effective = want, .permitted = want };
	else if (cred->ambient) {
		c->caps = (struct caps){ want, want, want };
		c->ambient = want;
	}
	c->caps.permitted |= keep & held.permitted;
	c->caps.effective |= keep & held.permitted;
	/* The primary group is in the list too: a file that forbids something to it must not become
	 * accessible by a change of the primary one. */
	c->groups = xcalloc(cred->n_supplementary_gids + 1, sizeof *c->groups);
	c->groups[c->n_groups++] = id->gid;
	for (size_t i = 0; i < cred->n_supplementary_gids; i++)
		c->groups[c->n_groups++] = cred->supplementary_gids[i];
	return 0;
}

/* What the kernel says now is what was asked for; nothing but a filter and execve comes after. */
static int column_verify(const struct column *c, bool no_new_privs, struct err *e)
{
	uid_t u[3];
	gid_t g[3];
	struct caps caps;
	if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
		return ERR_SYS(e, "read credentials back");
	for (int i = 0; i < 3; i++)
		if (u[i] != c->uid || g[i] != c->gid)
			return ERR_DENY(e, "user or group is not what was set");
	if (getgroups(0, NULL) != (int)c->n_groups)
		return ERR_DENY(e, "supplementary groups are not what was set");
	int r = caps_get(&caps, e);
	if (r < 0)
		return r;
	if (caps.effective != c->caps.effective || caps.permitted != c->caps.permitted ||
		caps.inheritable != c->caps.inheritable)
		return ERR_DENY(e, "capabilities are not what was set");
	if (c->bounding != CAPS_EVERY && (caps_bounding() & ~c->bounding))
		return ERR_DENY(e, "the bounding set is not what was set");
	if (no_new_privs && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return ERR_DENY(e, "no_new_privs is not set");
	return 0;
}

/* Of whoever started rkt: they decide what capabilities mean to a process of root, and its
 * children. */
static int clear_securebits(struct err *e)
{
	const int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	if (bits == 0 || (bits > 0 && prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) == 0))
		return 0;
	return ERR_SYS(e, "securebits (%#x) are locked: start rkt without them", (unsigned)bits);
}

/* The column. Groups go before the user, whose change takes the right to change them. */
static int column_descend(const struct column *c, bool no_new_privs, struct err *e)
{
	if (setgroups(c->n_groups, c->groups) < 0)
		return ERR_SYS(e, "set supplementary groups");
	int r = clear_securebits(e);
	if (r < 0 || (r = caps_bound(c->bounding, e)) < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, c->caps.permitted ? 1 : 0, 0, 0, 0) < 0)
		return ERR_SYS(e, "keep capabilities");
	if (setresgid(c->gid, c->gid, c->gid) < 0)
		return ERR_SYS(e, "set group %u", c->gid);
	if (setresuid(c->uid, c->uid, c->uid) < 0)
		return ERR_SYS(e, "set user %u", c->uid);
	if ((r = caps_set(&c->caps, e)) < 0 || (r = caps_ambient(c->ambient, e)) < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return ERR_SYS(e, "keep capabilities no longer");
	if (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_SYS(e, "set no_new_privs");
	return column_verify(c, no_new_privs, e);
}

/* A change of credentials clears the signal, so it is set after; the parent may have died before
 * that. */
static int follow_parent(pid_t parent, struct err *e)
{
	if (parent == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return ERR_SYS(e, "follow the parent's death");
	if (getppid() != parent)
		return err_set(e, ERR_PEER, ESRCH, "the parent process has died");
	return 0;
}

/* What execve takes on, and what it and the app may use: while there is the right to say so. */
static int limit_and_label(const struct app_plan *plan, struct err *e)
{
	int r = plan->selinux ? lsm_exec_selinux(plan->selinux, e) : 0;
	if (r < 0)
		return err_wrap(e, r, "SELinux");
	if (plan->apparmor && (r = lsm_exec_apparmor(plan->apparmor, e)) < 0)
		return err_wrap(e, r, "AppArmor");
	for (size_t i = 0; i < plan->n_rlimits && r >= 0; i++)
		r = rlimit_apply(&plan->rlimits[i], e);
	return r;
}

static int descend(const struct app_plan *plan, const struct ident *id, struct err *e)
{
	const struct sock_fprog filter = filter_default();
	const bool filtered = plan->filter == FILTER_DEFAULT;
	const bool no_new_privs = plan->cred.no_new_privs;
	const uint64_t keep = plan->filter == FILTER_LIST && !no_new_privs ? CAP_BIT(SYS_ADMIN) : 0;
	struct column c = { 0 };
	int r = column_fill(&plan->cred, id, keep, &c, e);
	if (r == 0)
		r = limit_and_label(plan, e);
	/* Without no_new_privs only CAP_SYS_ADMIN may load a filter, and it is about to go. */
	if (r == 0 && filtered && !no_new_privs)
		r = filter_load(&filter, e);
	if (r == 0)
		r = column_descend(&c, no_new_privs, e);
	free(c.groups);
	/* The change of users has set what fs.suid_dumpable says. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = ERR_SYS(e, "forbid tracing");
	if (r == 0)
		r = follow_parent(plan->die_with, e);
	if (r == 0 && filtered && no_new_privs)
		r = filter_load(&filter, e);
	return r;
}

/* A list may forbid every call but execve: all others come before it is loaded. */
static int exec_behind_list(const struct app_plan *plan, int *ret_status, struct err *e)
{
	char path[PATH_MAX];
	int r = app_exec_find(plan->argv.v, plan->envv.v, path, e);
	if (r < 0)
		return r;
	r = filter_load(&plan->filter_list, e);
	if (r < 0) {
		*ret_status = EXIT_APP_SETUP;
		return r;
	}
	return app_exec_found(path, plan->argv.v, plan->envv.v, e);
}

int app_apply(const struct app_plan *plan, const struct ident *id, int *ret_status, struct err *e)
{
	*ret_status = EXIT_APP_SETUP;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return ERR_SYS(e, "forbid tracing");
	proc_reset_signals();
	umask(022);
	close_others(plan->report_fd);
	if (plan->oom_score_adj != INT64_MIN)
		set_oom_score_adj(plan->oom_score_adj);
	int r = refuse_directories(e);
	if (r < 0 || (r = enter_directory(plan->cwd, e)) < 0)
		return r;
	/* The session keyring is the one of whoever started rkt. The default filter keeps it out of
	 * reach; where the kernel has no keyrings, nobody reaches one. */
	if (plan->filter != FILTER_DEFAULT)
		(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
	r = descend(plan, id, e);
	if (r < 0)
		return r;
	*ret_status = EXIT_APP_EXEC;
	if (plan->filter == FILTER_LIST)
		return exec_behind_list(plan, ret_status, e);
	return app_exec(plan->argv.v, plan->envv.v, e);
}

/* The child of app_handler(): becomes the handler, or tells why not. */
static _Noreturn void handler_child(const struct app_plan *plan, int report)
{
	const struct ident root = { 0 };
	struct err e = ERR_INIT;
	int status;
	app_apply(plan, &root, &status, &e);
	struct err ignored = ERR_INIT;
	(void)io_write_all(report, &e, sizeof e, &ignored);
	_exit(status);
}

static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int app_handler(const struct app_plan *plan, const struct event_handler *h, struct err *e)
{
	_clean_(strv) struct strv argv = STRV_INIT;
	for (size_t i = 0; i < h->exec.n; i++)
		strv_add(&argv, h->exec.v[i]);
	if (argv.n == 0)
		return ERR_BAD(e, "event handler '%s' has nothing to execute", h->name);
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0)
		return ERR_SYS(e, "pipe");
	_clean_(fd) int from = report[0];
	_clean_(fd) int to = report[1];

	struct app_plan privileged = *plan;
	privileged.argv = argv;
	/* It comes with the image, like the app: root, but with nothing that the app was not
	 * granted. */
	privileged.cred = (struct cred_plan){ .user = "0", .group = "0", .caps = plan->cred.caps };
	privileged.die_with = getpid();
	privileged.report_fd = to;
	pid_t pid = fork();
	if (pid < 0)
		return ERR_SYS(e, "fork");
	if (pid == 0)
		handler_child(&privileged, to);
	to = fd_close(to);

	struct err told;
	struct err ignored = ERR_INIT;
	ssize_t n = io_read_full(from, &told, sizeof told, &ignored);
	int status, r = wait_for(pid, &status);
	if (r < 0)
		return ERR_NUM(e, -r, "wait for event handler '%s'", h->name);
	if (n == sizeof told) {
		err_sanitize(&told);
		*e = told;
		return err_wrap(
			e, told.errnum ? -told.errnum : -EINVAL, "event handler '%s'", h->name);
	}
	if (WIFSIGNALED(status))
		return err_set(e, ERR_PEER, EPROTO, "event handler '%s' was killed by signal %d",
			h->name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_PEER, EPROTO, "event handler '%s' ended with status %d",
			h->name, WEXITSTATUS(status));
	return 0;
}
