/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/proc.h"
#include "stage1/entry.h"

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

/* Numbers are reused: what `pid` names is the pod's only while its parent is `run`, which is told
 * by its working directory, and signals go to the very process that was looked at. */
static int signal_pod(bool force, struct err *e)
{
	_clean_(proc) struct proc inner = PROC_INIT, run = PROC_INIT;
	struct proc_status status;
	pid_t pid = 0;
	int r = read_pid(&pid, e);
	if (r < 0)
		return r;
	if (proc_open(pid, &inner, e) < 0 || proc_status(&inner, &status, e) < 0 ||
		status.ppid < 2 || proc_open(status.ppid, &run, e) < 0 || !works_here(&run))
		return err_set(e, ERR_NOT_FOUND, ESRCH, "pod is not running");
	return force ? proc_signal(&inner, SIGKILL, e) : proc_signal(&run, SIGTERM, e);
}

int stage1_stop(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple stop;
	int r = stage1_stop_decode(argc, argv, &stop, e);
	if (r < 0)
		return r;
	dbg_enable(stop.debug);
	if ((r = signal_pod(stop.force, e)) < 0)
		return r;
	*ret_status = EXIT_OK;
	return 0;
}
