/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/userns.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"

#ifndef CLONE_NEWUSER
#define CLONE_NEWUSER 0x10000000
#endif

enum { NSFS_MAGIC = 0x6e736673, STACK_SIZE = 16384 };

/* Shares our memory, and touches none of it but its stack. */
static int hold(void *arg)
{
	const pid_t *parent = arg;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == *parent)
		pause();
	_exit(0);
}

static int clone_error(struct err *e)
{
	int num = errno;
	if (num == EINVAL || num == ENOSYS)
		return err_set(e, ERR_REFUSED, num, "this kernel has no user namespaces");
	if (num == ENOSPC || num == EUSERS)
		return err_set(e, ERR_REFUSED, num,
			"no more user namespaces are allowed: see 'user.max_user_namespaces' of "
			"sysctl(8)");
	return ERR_NUM(e, num, "new user namespace");
}

static int write_maps(pid_t pid, const struct id_range *range, int *ret_fd, struct err *e)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	char path[64], text[48];
	snprintf(text, sizeof text, "0 %u %u\n", (unsigned)range->first, (unsigned)range->count);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, maps[i]);
		int r = io_write_knob(AT_FDCWD, path, text, e);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? ERR_SYS(e, "open '%s'", path) : 0;
}

int userns_new(const struct id_range *range, pid_t *ret_made, struct err *e)
{
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	pid_t self = getpid();
	pid_t pid = clone(hold, stack + sizeof stack, CLONE_VM | CLONE_NEWUSER | SIGCHLD, &self);
	if (pid < 0)
		return clone_error(e);
	int fd = -1, r = write_maps(pid, range, &fd, e);
	kill(pid, SIGKILL);
	if (r < 0) {
		userns_reap(pid);
		return err_wrap(e, r, "user namespace");
	}
	*ret_made = pid;
	return fd;
}

void userns_reap(pid_t made)
{
	if (made > 0)
		while (waitpid(made, NULL, 0) < 0 && errno == EINTR)
			;
}

bool userns_is(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == NSFS_MAGIC;
}

int userns_enter(int fd, struct err *e)
{
	if (setns(fd, CLONE_NEWUSER) < 0)
		return ERR_SYS(e, "join the user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return ERR_SYS(e, "become root of the user namespace");
	/* A change of credentials sets what fs.suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return ERR_SYS(e, "forbid tracing");
	return 0;
}

/* setfsuid(2) says nothing of success: what it is now, the next call returns. Away from root it
 * takes the capabilities of files out of the effective set, where they are put back. */
static int act_as(uint32_t id, struct err *e)
{
	struct caps caps;
	int r = caps_get(&caps, e);
	if (r < 0)
		return r;
	setfsgid(id);
	setfsuid(id);
	if ((uint32_t)setfsgid((gid_t)-1) != id || (uint32_t)setfsuid((uid_t)-1) != id)
		return ERR_DENY(e, "cannot act as user %u", (unsigned)id);
	return caps_set(&caps, e);
}

int userns_act_as(const struct id_range *range, struct err *e)
{
	return act_as(range->first, e);
}

int userns_act_as_self(struct err *e)
{
	return act_as(0, e);
}
