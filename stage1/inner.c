/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/inner.h"

#include <sys/stat.h>

#include "lib/base/cleanup.h"

static bool works_here(const struct proc *p)
{
	struct stat here, there;
	return stat(".", &here) == 0 && fstatat(p->dirfd, "cwd", &there, 0) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int stage1_open_inner(pid_t pid, struct proc *ret, struct proc *ret_run, struct err *e)
{
	_clean_(proc) struct proc inner = PROC_INIT, run = PROC_INIT;
	struct proc_status status;
	if (proc_open(pid, &inner, e) < 0 || proc_status(&inner, &status, e) < 0 ||
		status.ppid < 2 || proc_open(status.ppid, &run, e) < 0 || !works_here(&run))
		return err_set(e, ERR_NOT_FOUND, ESRCH, "pod is not running");
	*ret = inner;
	inner = PROC_INIT;
	if (ret_run) {
		*ret_run = run;
		run = PROC_INIT;
	}
	return 0;
}
