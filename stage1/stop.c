/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
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
#include "stage1/inner.h"

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

static int signal_pod(bool force, struct err *e)
{
	_clean_(proc) struct proc inner = PROC_INIT, run = PROC_INIT;
	pid_t pid = 0;
	int r = read_pid(&pid, e);
	if (r < 0 || (r = stage1_open_inner(pid, &inner, &run, e)) < 0)
		return r;
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
