/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users: a pod whose users are not the host's.
 *
 * pid 1 and the apps' children begin with the host's users and all privileges, since only those may
 * open what is bound, mount kernel filesystems in any environment, and join control groups. What
 * the children create meanwhile belongs to the pod's root (userns_act_as()). Then each joins the
 * user namespace and has no privilege over the host any more: pid 1 before it makes the network,
 * which so belongs to the pod; a child once its root stands, before a handler or the app is
 * executed.
 *
 * The mount namespace of an app stays one of the host's users: nothing in the pod may change it. An
 * app that may mount, and handlers, get a copy of it that is theirs; the kernel locks in it what
 * hides or protects something (mount_namespaces(7)).
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/sys/caps.h"
#include "lib/sys/mnt.h"
#include "lib/sys/userns.h"
#include "stage1/native/native.h"

enum { PIPEFS_MAGIC = 0x50495045 };

int users_open(const struct id_range *range, int *ret_fd, struct err *e)
{
	pid_t made;
	_clean_(fd) int fd = open(POD_USERS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && userns_is(fd)) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	int own = userns_new(range, &made, e);
	if (own < 0)
		return own;
	userns_reap(made);
	*ret_fd = own;
	return 0;
}

int users_show_root(const struct native *n, int pod, const char *path, struct err *e)
{
	struct stat st;
	_clean_(fd) int fd = openat(pod, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_SYS(e, "open the app's root '%s'", path);
	if (id_range_has(&n->pod.facts.users, st.st_uid))
		return 0;
	_clean_(fd) int done = mnt_bind_idmapped(fd, fd, false, n->userns, path, e);
	return done < 0
		       ? err_wrap(e, done,
				 "the app's root has the host's users, and stage0 did not map them")
		       : 0;
}

int users_unshift(
	const struct app_plan *plan, const struct id_range *users, struct ident *id, struct err *e)
{
	const struct {
		const char *text;
		uint32_t *id;
	} ids[] = { { plan->cred.user, &id->uid }, { plan->cred.group, &id->gid } };
	for (size_t i = 0; i < 2; i++) {
		if (ids[i].text && ids[i].text[0] == '/' && id_range_has(users, *ids[i].id))
			*ids[i].id -= users->first;
		else if (ids[i].text && ids[i].text[0] == '/')
			return ERR_BAD(e, "'%s' belongs to nobody of the pod", ids[i].text);
		if (*ids[i].id >= users->count)
			return ERR_BAD(e, "the pod has only users and groups 0 to %u, not %u",
				(unsigned)users->count - 1, (unsigned)*ids[i].id);
	}
	return 0;
}

int users_give_terminal(const struct id_range *users, uint32_t uid)
{
	enum { GID_TTY = 5 };
	const bool own = users->count > GID_TTY;
	return fchown(STDIN_FILENO, id_range_shift(users, uid),
		own ? (gid_t)id_range_shift(users, GID_TTY) : (gid_t)-1);
}

void users_give_pipes(const struct id_range *users, const struct ident *id)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		struct statfs fs;
		/* Nothing that has a name: it may be meant for somebody else, too. */
		if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != PIPEFS_MAGIC)
			continue;
		if (fchown(fd, id_range_shift(users, id->uid), id_range_shift(users, id->gid)) < 0)
			dbg("owner of descriptor %d: %s", fd, strerror(errno));
	}
}

int users_join(int userns, struct app_plan *plan, struct err *e)
{
	const bool mounts = plan->pre_start || plan->post_stop || plan->cred.caps == CAPS_EVERY ||
			    (plan->cred.caps & CAP_BIT(SYS_ADMIN));
	app_set_oom_score(plan);
	int r = userns_enter(userns, e);
	if (r >= 0 && mounts && unshare(CLONE_NEWNS) < 0)
		return ERR_SYS(e, "new mount namespace");
	return r;
}
