/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/sys/caps.h"
#include "stage1/fly/fly.h"
#include "stage1/inner.h"
#include "stage1/load.h"
#include "stage1/who.h"
#include "stage2/apply.h"
#include "stage2/root.h"

/* The mount namespace of the pod, and in it the pod's directory as the working directory again. */
static int join(pid_t pid, const char *cwd, struct err *e)
{
	_clean_(proc) struct proc app = PROC_INIT;
	int r = stage1_open_inner(pid, &app, NULL, e);
	if (r < 0)
		return r;
	_clean_(fd) int fd = openat(app.dirfd, "ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "mount namespace of process %d", (int)pid);
	if (setns(fd, CLONE_NEWNS) < 0)
		return ERR_SYS(e, "join the mount namespace of process %d", (int)pid);
	if (chdir(cwd) < 0)
		return ERR_SYS(e, "change to the pod's directory '%s'", cwd);
	return 0;
}

static int open_rootfs(const char *app, struct err *e)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR "/%s/rootfs", app);
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open '%s'", path) : fd;
}

/* argv of the plan is its own: the command's words replace it. */
static void replace_command(struct app_plan *plan, char *const *argv)
{
	strv_release(&plan->argv);
	for (; *argv; argv++)
		strv_add(&plan->argv, *argv);
}

/* Ready to become the command: in the app's root, with *ret_plan and *ret_ident saying how. */
static int prepare(struct stage1_pod *pod, const struct stage1_enter *enter, const char *cwd,
	struct app_plan **ret_plan, struct ident *ret_ident, struct err *e)
{
	struct app_plan *plan = NULL;
	for (size_t i = 0; i < pod->manifest->n_apps; i++)
		if (str_eq(pod->plans[i].name, enter->app))
			plan = &pod->plans[i];
	if (!plan)
		return ERR_NOENT(e, "the pod has no app of that name");
	int r = join(enter->pid, cwd, e);
	if (r < 0)
		return r;
	_clean_(fd) int rootfs_fd = open_rootfs(plan->name, e);
	if (rootfs_fd < 0)
		return rootfs_fd;
	pid_t pid;
	r = who_read(pod->dirfd, plan->name, &pid, ret_ident, e);
	if (r < 0 || (r = root_enter(rootfs_fd, ROOT_CHROOT, e)) < 0)
		return r;
	replace_command(plan, enter->argv);
	if (enter->privileged) {
		plan->cred = (struct cred_plan){ .caps = CAPS_EVERY };
		*ret_ident = (struct ident){ 0 };
	}
	*ret_plan = plan;
	return 0;
}

int fly_enter(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_enter enter;
	char cwd[PATH_MAX];
	int r = stage1_enter_decode(argc, argv, &enter, e);
	if (r < 0)
		return r;
	if (!getcwd(cwd, sizeof cwd))
		return ERR_SYS(e, "path of the pod's directory");
	/* Nothing that run was told matters here but the UUID, which the directory is named by. */
	struct stage1_run run = { .net = "host", .uuid = path_base(cwd) };
	struct stage1_pod pod = { .dirfd = -1, .lock_fd = -1 };
	struct app_plan *plan = NULL;
	struct ident ident;
	r = stage1_load(&run, STAGE1_BARE | STAGE1_LOOK, &pod, e);
	if (r >= 0)
		r = prepare(&pod, &enter, cwd, &plan, &ident, e);
	if (r < 0)
		r = err_wrap(e, r, "app '%s'", enter.app);
	else
		r = app_apply(plan, &ident, ret_status, e);
	stage1_pod_release(&pod);
	return r;
}
