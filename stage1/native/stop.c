/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop: asks `run` of this pod to stop it (TERM), or ends the pod at once (--force).
 *
 * The pod's `pid` is that of pid 1; its parent is `run`. Numbers are reused: a parent is only taken
 * for `run` when its working directory is this pod's directory, and signals go to the very process
 * that was looked at.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/proc.h"
#include "stage1/native/native.h"

static int read_pid(pid_t *ret, struct err *e)
{
	char text[16];
	uint32_t pid;
	int r = io_read_line(AT_FDCWD, POD_PID_FILE, text, sizeof text, e);
	if (r == -ENOENT)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "pod is not running, or not yet");
	if (r < 0)
		return r;
	if (!parse_u32(text, 2, INT32_MAX, &pid))
		return ERR_BAD(e, "'" POD_PID_FILE "' holds no process id");
	*ret = (pid_t)pid;
	return 0;
}

static bool works_here(const struct proc *p)
{
	struct stat here, there;
	return stat(".", &here) == 0 && fstatat(p->dirfd, "cwd", &there, 0) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int stop(bool force, struct err *e)
{
	_clean_(proc) struct proc pid1 = PROC_INIT, run = PROC_INIT;
	struct proc_status status;
	pid_t pid = 0;
	int r = read_pid(&pid, e);
	if (r < 0 || (r = proc_open(pid, &pid1, e)) < 0 || (r = proc_status(&pid1, &status, e)) < 0)
		return r;
	if (status.ppid < 2 || (r = proc_open(status.ppid, &run, e)) < 0 || !works_here(&run))
		return err_set(e, ERR_NOT_FOUND, ESRCH, "pod is not running");
	/* Without pid 1 every app is gone; `run` then records it and cleans up. */
	return force ? proc_signal(&pid1, SIGKILL, e) : proc_signal(&run, SIGTERM, e);
}

/* native_stop(): the host's namespaces; privileged enough to send signals. */
int native_stop(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple arguments;
	int r = stage1_stop_decode(argc, argv, &arguments, e);
	if (r < 0)
		return r;
	dbg_enable(arguments.debug);
	if ((r = stop(arguments.force, e)) < 0)
		return r;
	*ret_status = EXIT_OK;
	return 0;
}
