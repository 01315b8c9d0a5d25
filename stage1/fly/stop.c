/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "lib/sys/compat.h"
#include "stage1/fly/fly.h"

static int read_pid(pid_t *ret, struct err *e)
{
	char text[16];
	uint32_t pid;
	int r = io_read_line(AT_FDCWD, POD_PID_FILE, text, sizeof text, e);
	if (r < 0)
		return r;
	if (!parse_u32(text, 2, INT32_MAX, &pid))
		return ERR_BAD(e, "'" POD_PID_FILE "' holds no process id");
	*ret = (pid_t)pid;
	return 0;
}

/* `run`: the parent of the app. */
static int read_parent(pid_t pid, pid_t *ret, struct err *e)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	int r = io_read_file(AT_FDCWD, path, &text, e);
	if (r < 0)
		return r;
	const char *line = strstr(str_text(&text), "\nPPid:\t");
	uint32_t parent;
	char number[16] = "";
	if (line)
		snprintf(number, sizeof number, "%.*s", (int)strcspn(line + 7, "\n"), line + 7);
	if (!parse_u32(number, 2, INT32_MAX, &parent))
		return err_set(e, ERR_PEER, ESRCH, "process %d has no parent any more", (int)pid);
	*ret = (pid_t)parent;
	return 0;
}

static int signal_process(pid_t pid, int sig, struct err *e)
{
	int fd = sys_pidfd_open(pid, 0);
	if (fd < 0 && errno != ENOSYS)
		return ERR_SYS(e, "open process %d", (int)pid);
	/* While the pod's lock is held, `run` is alive, and so is the id that it recorded: asked
	 * after the process was opened, this rules out that the id belongs to a stranger. */
	int r = lockfd_held(AT_FDCWD, POD_LOCK_FILE, e);
	if (r == -ENOENT) /* a stage0 that locks something else */
		r = 1;
	if (r == 0)
		r = err_set(e, ERR_NOT_FOUND, ESRCH, "pod is not running");
	else if (r > 0)
		r = (fd < 0 ? kill(pid, sig) : sys_pidfd_send_signal(fd, sig)) < 0
			    ? ERR_SYS(e, "signal process %d", (int)pid)
			    : 0;
	fd_close(fd);
	return r;
}

/* Forced, the app is killed; `run` sees it and records the status. Else `run` is told, which gives
 * the app its time and kills it then. */
int fly_stop(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple stop;
	pid_t app = 0, parent = 0;
	int r = stage1_stop_decode(argc, argv, &stop, e);
	if (r < 0)
		return r;
	dbg_enable(stop.debug);
	if ((r = read_pid(&app, e)) < 0)
		return r;
	if (stop.force)
		r = signal_process(app, SIGKILL, e);
	else if ((r = read_parent(app, &parent, e)) >= 0)
		r = signal_process(parent, SIGTERM, e);
	if (r < 0)
		return r;
	*ret_status = EXIT_OK;
	return 0;
}

/* The pod's mounts and processes have ended with `run`; nothing else was made. */
int fly_gc(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple gc;
	int r = stage1_gc_decode(argc, argv, &gc, e);
	if (r >= 0)
		*ret_status = EXIT_OK;
	return r;
}
