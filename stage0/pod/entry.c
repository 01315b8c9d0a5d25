/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other entry points of stage1: enter, stop, gc.
 *
 * stage1's tree is mounted where the pod runs and nowhere else. `enter` and `stop` therefore join
 * the mount namespace of the pod's pid 1; where that is not stage0's own (a stage1 that unshared
 * once more), and for `gc`, whose pod is dead, a mount namespace is made in which the tree lies in
 * its place again.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/compat.h"
#include "lib/sys/proc.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/mounts.h"

static int pod_dir_path(struct pod *p, char *buf, size_t size)
{
	char link[32];
	snprintf(link, sizeof link, "/proc/self/fd/%d", p->dirfd);
	ssize_t n = readlink(link, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/* The working directory is the pod's, whatever is at its path in the mount namespace that we have
 * joined: should pid 1 have ended, its number may be an app's by now. */
static bool in_pod_dir(const struct pod *p)
{
	struct stat want, got;
	return fstat(p->dirfd, &want) == 0 && stat(".", &got) == 0 && want.st_dev == got.st_dev &&
	       want.st_ino == got.st_ino;
}

/* Into the mount namespace in which the pod runs. Negative: stay where you are. */
static int join_pod(struct pod *p, pid_t pid1, const char *entry)
{
	char path[PATH_MAX], ns[32], program[PATH_MAX];
	int r = pod_dir_path(p, path, sizeof path);
	if (r < 0)
		return r;
	_clean_(fd) int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	snprintf(ns, sizeof ns, "/proc/%d/ns/mnt", (int)pid1);
	_clean_(fd) int fd = open(ns, O_RDONLY | O_CLOEXEC);
	if (own < 0 || fd < 0 || setns(fd, CLONE_NEWNS) < 0)
		return -errno;
	int n = snprintf(program, sizeof program, POD_STAGE1_ROOTFS "%s", entry);
	if (chdir(path) == 0 && in_pod_dir(p) && n > 0 && (size_t)n < sizeof program &&
		sys_exists(AT_FDCWD, program) == 0)
		return 0;
	dbg("pod %s: its mount namespace has no stage1 at '%s'", p->uuid.text, path);
	if (setns(own, CLONE_NEWNS) < 0)
		return -errno;
	return -ENOENT;
}

/* A mount namespace of our own, with stage1 in its place. */
static int mount_again(
	struct pod *p, struct store *s, const struct pod_stage1 *st, bool alive, struct err *e)
{
	const struct strlist none = { 0 };
	int r = mounts_enter(p, &none, e);
	if (r < 0 || st->no_overlay)
		return r;
	struct treeref t;
	r = store_tree(s, st->id, &t, e);
	if (r < 0)
		return err_wrap(e, r, "stage1");
	_clean_(fd) int root = -1;
	_clean_(fd) int apps = -1;
	/* A live overlay must not be mounted twice: its tree alone has the programs. */
	r = mounts_stage1(t.path, alive || stage1_read_only(st->manifest), &root, &apps, e);
	treeref_release(&t);
	return r;
}

/* What is executed, and where: in the pod whose pid 1 that is, if it has one. */
struct entry {
	struct pod *pod;
	struct store *store;
	const struct pod_stage1 *stage1;
	pid_t pid1;
	const char *path;
	const struct strv *args;
};

/* Becomes stage1's entry point. */
static int exec_entry(void *ctx, struct err *e)
{
	const struct entry *n = ctx;
	_clean_(mem) char *program = NULL;
	bool joined = n->pid1 > 0 && join_pod(n->pod, n->pid1, n->path) >= 0;
	int r = joined ? 0 : mount_again(n->pod, n->store, n->stage1, n->pid1 > 0, e);
	if (r >= 0)
		r = stage1_program(n->path, &program, e);
	/* In the pod's own mount namespace it was done when the pod began. */
	if (r >= 0 && !joined && stage1_writable(n->stage1))
		r = mounts_program(program, e);
	if (r < 0)
		return r;
	close_on_exec_all();
	return stage1_exec(program, n->args, e);
}

/* --- enter --------------------------------------------------------------------------------- */

int pod_enter(struct pod *p, struct store *s, const struct pod_command *c, struct err *e)
{
	pid_t pid1;
	_clean_(pod_stage1) struct pod_stage1 st = POD_STAGE1_INIT;
	int r = pod_stage1_load(p, &st, e);
	if (r >= 0)
		r = pod_pid1(p, &pid1, e);
	if (r < 0)
		return r;
	const char *entry = stage1_entry(st.manifest, "enter");
	if (!entry)
		return ERR_DENY(
			e, "stage1 image '%s' has no entry point 'enter'", st.manifest->name);
	if (c->privileged && !stage1_enters_privileged(st.manifest))
		return ERR_DENY(e,
			"--privileged: stage1 image '%s' does not say that it can do that",
			st.manifest->name);
	_clean_(strv) struct strv args = STRV_INIT;
	struct stage1_enter enter = {
		.pid = pid1, .app = c->app, .argv = c->argv, .privileged = c->privileged
	};
	strv_addf(&args, POD_STAGE1_ROOTFS "%s", entry);
	r = stage1_enter_encode(&enter, &args, e);
	if (r >= 0 && c->announce)
		c->announce(p->uuid.text, c);
	if (r >= 0)
		r = exec_entry(&(struct entry){ p, s, &st, pid1, entry, &args }, e);
	return r;
}

/* --- stop ---------------------------------------------------------------------------------- */

/* A stage1 without an entry point for it is told by signal, as a supervisor would. */
static int stop_by_signal(struct pod *p, pid_t pid1, bool force, struct err *e)
{
	char line[32];
	uint32_t ppid;
	struct err none;
	_clean_(proc) struct proc to = PROC_INIT;
	if (io_read_line(p->dirfd, POD_PPID_FILE, line, sizeof line, &none) >= 0 &&
		parse_u32(line, 1, INT_MAX, &ppid))
		pid1 = (pid_t)ppid;
	int r = proc_open(pid1, &to, e);
	/* The pod runs still, so the number was not yet somebody else's. */
	if (r >= 0)
		r = pod_pid1(p, &pid1, e);
	if (r >= 0)
		r = proc_signal(&to, force ? SIGKILL : SIGTERM, e);
	return r == -ESRCH ? 0 : r;
}

int pod_stop(struct pod *p, struct store *s, bool force, struct err *e)
{
	pid_t pid1;
	_clean_(pod_stage1) struct pod_stage1 st = POD_STAGE1_INIT;
	if (p->phase != POD_RUN || !p->locked)
		return ERR_DENY(e, "pod \"%s\" is not running", p->uuid.text);
	int r = pod_stage1_load(p, &st, e);
	if (r >= 0)
		r = pod_pid1(p, &pid1, e);
	if (r < 0)
		return err_wrap(e, r, "pod %s", p->uuid.text);
	const char *entry = stage1_entry(st.manifest, "stop");
	if (!entry)
		return stop_by_signal(p, pid1, force, e);
	_clean_(strv) struct strv args = STRV_INIT;
	struct stage1_simple stop = { .interface = st.interface,
		.debug = dbg_enabled(),
		.force = force,
		.uuid = p->uuid.text };
	strv_addf(&args, POD_STAGE1_ROOTFS "%s", entry);
	r = stage1_stop_encode(&stop, &args, e);
	if (r >= 0)
		r = proc_in_child(exec_entry, &(struct entry){ p, s, &st, pid1, entry, &args }, e);
	if (r > 0)
		r = err_set(e, ERR_PEER, EIO, "stage1's stop ended with status %d", r);
	return err_wrap(e, r, "pod %s", p->uuid.text);
}

/* --- gc ------------------------------------------------------------------------------------ */

int pod_stage1_gc(struct pod *p, struct store *s, const char *local_config, struct err *e)
{
	struct err none;
	_clean_(pod_stage1) struct pod_stage1 st = POD_STAGE1_INIT;
	/* One whose removal was begun before has lost its stage1: that was done then. */
	if (pod_stage1_load(p, &st, &none) < 0)
		return 0;
	const char *entry = stage1_entry(st.manifest, "gc");
	if (!entry)
		return 0;
	_clean_(strv) struct strv args = STRV_INIT;
	struct stage1_simple gc = { .interface = st.interface,
		.debug = dbg_enabled(),
		.local_config = local_config,
		.uuid = p->uuid.text };
	strv_addf(&args, POD_STAGE1_ROOTFS "%s", entry);
	int r = stage1_gc_encode(&gc, &args, e);
	if (r >= 0)
		r = proc_in_child(exec_entry, &(struct entry){ p, s, &st, 0, entry, &args }, e);
	if (r > 0)
		r = err_set(e, ERR_PEER, EIO, "stage1's gc ended with status %d", r);
	return r;
}
