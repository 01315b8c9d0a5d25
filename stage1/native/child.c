/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/sys/compat.h"
#include "lib/sys/sync.h"
#include "lib/sys/userns.h"
#include "stage1/native/native.h"
#include "stage2/apply.h"
#include "stage2/root.h"

/* Its control group becomes the root of those that it sees. */
static int hide_groups(struct err *e)
{
	if (unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL) /* before 4.6 there is none */
		return ERR_SYS(e, "new cgroup namespace");
	return 0;
}

/* A session of its own, so that no terminal of the host is the app's controlling one. */
static int start_session(const struct native *n, struct err *e)
{
	if (setsid() < 0)
		return ERR_SYS(e, "new session");
	return n->tty.slave >= 0 ? term_adopt(n->tty.slave, e) : 0;
}

static int send_mount_namespace(int sock, struct err *e)
{
	_clean_(fd) int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "own mount namespace") : sync_send(sock, SYNC_MNT_NS, 0, fd, e);
}

/* Until pid 1 has made what there is to make, and left the host's root: nothing of the app or its
 * image runs before that. */
static int wait_for_pid1(int sock, int *ret_network, struct err *e)
{
	struct sync_msg m;
	int r = sync_receive(sock, 0, &m, ret_network, e);
	if (r < 0 && r != SYNC_END)
		return r;
	if (r == SYNC_END || m.step != SYNC_NET_NS)
		return err_set(e, ERR_PEER, EPIPE, "pid 1 made no network");
	return 0;
}

static int join_network(int sock, struct err *e)
{
	_clean_(fd) int fd = -1;
	int r = wait_for_pid1(sock, &fd, e);
	if (r < 0)
		return r;
	if (fd < 0)
		return err_set(e, ERR_PEER, EPIPE, "pid 1 made no network");
	return setns(fd, CLONE_NEWNET) < 0 ? ERR_SYS(e, "join the pod's network") : 0;
}

static int keep_network(int sock, struct err *e)
{
	_clean_(fd) int none = -1;
	return wait_for_pid1(sock, &none, e);
}

static int make_root(const struct native *n, const struct app_plan *plan, int sock, struct err *e)
{
	/* Volumes receive what the host mounts; nothing of ours reaches it. */
	int r = n->own_mounts ? 0 : stage1_leave_host(&n->pod, e);
	if (r < 0)
		return r;
	r = plan->post_stop && n->userns < 0 ? send_mount_namespace(sock, e) : 0;
	if (r >= 0 && n->userns >= 0)
		r = userns_act_as(&n->pod.facts.users, e);
	if (r < 0)
		return r;
	_clean_(str) struct str path = STR_INIT(STR_MAX_PATH);
	str_addf(&path, POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR "/%s/rootfs", plan->name);
	struct root_sources sources;
	if ((r = root_open_sources(plan, &sources, e)) < 0)
		return r;
	sources.userns = n->userns;
	/* The pod's descriptor of it belongs to the mount namespace of before. */
	_clean_(fd) int pod = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (n->userns >= 0 && (r = users_show_root(n, pod, str_text(&path), e)) < 0) {
		root_sources_release(&sources);
		return r;
	}
	_clean_(fd) int rootfs = root_open(pod, str_text(&path), e);
	const struct root_network network = { join_network, sock };
	r = rootfs < 0 ? rootfs
		       : root_build(rootfs, plan, &sources, n->own_network ? &network : NULL, e);
	root_sources_release(&sources);
	if (r >= 0 && !n->own_network)
		r = keep_network(sock, e);
	return r < 0 ? r : root_enter(rootfs, n->pod.shared.n ? ROOT_PIVOT_SHARED : ROOT_PIVOT, e);
}

/* Several apps could only steal input from each other. The app's own device, in its root. */
static int stdin_from_null(struct err *e)
{
	_clean_(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return ERR_SYS(e, "open '/dev/null'");
	return 0;
}

static int prepare(const struct native *n, size_t index, bool placed, int sock, struct ident *ret,
	struct err *e)
{
	struct app_plan *plan = &n->pod.plans[index];
	const struct id_range *users = &n->pod.facts.users;
	int r = cgroup_app_join(&n->groups[index], placed, e);
	if (r < 0 || (r = hide_groups(e)) < 0 || (r = start_session(n, e)) < 0 ||
		(r = make_root(n, plan, sock, e)) < 0)
		return r;
	if (native_n_apps(n) > 1 && (r = stdin_from_null(e)) < 0)
		return r;
	_clean_(fd) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(e, "open the app's root");
	r = ident_resolve(root, plan->cred.user, plan->cred.group, ret, e);
	if (r >= 0 && users->count)
		r = users_unshift(plan, users, ret, e);
	if (r < 0)
		return r;
	/* The terminal is the app's user's, so that it can be opened by name. */
	if (n->tty.slave >= 0 && users_give_terminal(users, ret->uid) < 0)
		return ERR_SYS(e, "owner of the terminal");
	if (n->userns >= 0) {
		users_give_pipes(users, ret);
		if ((r = users_join(n->userns, plan, e)) < 0)
			return r;
	}
	/* The one that is the pod's own, where it was copied just now. */
	if (n->userns >= 0 && plan->post_stop && (r = send_mount_namespace(sock, e)) < 0)
		return r;
	return plan->pre_start ? app_handler(plan, plan->pre_start, e) : 0;
}

static int say_who(int sock, const struct ident *id, struct err *e)
{
	int r = sync_send(sock, SYNC_USER, (int)id->uid, -1, e);
	return r < 0 ? r : sync_send(sock, SYNC_GROUP, (int)id->gid, -1, e);
}

/* child_main(): becomes the app. The pod's namespaces and a mount and cgroup namespace of its own;
 * all privileges until app_apply(); fds: 0-2, what pid 1 has, the socket to it. app_apply() closes
 * all but 0-2 and the socket, which execve closes: that tells pid 1 that the app runs. */
_Noreturn void child_main(struct native *n, size_t index, bool placed, int sock)
{
	struct err e = ERR_INIT;
	struct ident ident;
	int status = EXIT_APP_SETUP;
	struct app_plan *plan = &n->pod.plans[index];
	int r = prepare(n, index, placed, sock, &ident, &e);
	plan->report_fd = sock;
	if (r >= 0)
		r = say_who(sock, &ident, &e);
	if (r >= 0)
		r = sync_send(sock, SYNC_EXEC_GO, 0, -1, &e);
	if (r >= 0)
		app_apply(plan, &ident, &status, &e);
	sync_send_failure(sock, status, &e);
	_exit(status);
}

/* child_post_stop(): like the app's child, but in what the app left: its control groups, and its
 * mount namespace, whose root is the app's. A handler that fails changes no status; it is told and
 * that is all. */
_Noreturn void child_post_stop(
	struct native *n, size_t index, const struct app_left *left, bool placed)
{
	const struct app_plan *plan = &n->pod.plans[index];
	struct err e = ERR_INIT;
	int r = cgroup_door_enter(&left->groups, placed, &e);
	if (r >= 0)
		r = hide_groups(&e);
	if (r >= 0 && setns(left->mnt_ns, CLONE_NEWNS) < 0)
		r = ERR_SYS(&e, "join the app's mount namespace");
	if (r >= 0)
		r = app_handler(plan, plan->post_stop, &e);
	if (r < 0) {
		err_wrap(&e, r, "app '%s'", plan->name);
		sync_send_failure(n->pid1_sock, EXIT_APP_SETUP, &e);
	}
	_exit(r < 0 ? EXIT_APP_SETUP : EXIT_OK);
}
