/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/confine/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/confine/filter.h"
#include "stage0/confine/landlock.h"

enum { NOBODY = 65534, MAX_OPEN_FILES = 1024, MAP_SIZE = 64 };

/* Where what has to be given up comes from. */
enum power {
	POWER_ROOT,
	POWER_OWN_USERS, /* root of a user namespace that has one user: who started us */
	POWER_NONE, /* what takes privilege to be given up stays; rules stand in for the root */
};

/* Where the view is built, in a mount namespace of our own: a directory that every host has and
 * that no view shows. */
#define VIEW_DIR "/proc"
#define VIEW_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

static int set_limits(const struct confinement *c, struct err *e)
{
	const struct {
		int what;
		uint64_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, MAX_OPEN_FILES },
		{ RLIMIT_FSIZE, c->max_file_size },
		{ RLIMIT_CPU, c->cpu_seconds },
#if !defined(__SANITIZE_ADDRESS__) && !defined(RKT_ASAN) /* whose shadow alone is larger */
		{ RLIMIT_AS, c->max_address_space },
#endif
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit l;
		if (getrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return ERR_SYS(e, "get a resource limit");
		/* Whoever started us may have been stricter; raising takes a capability. */
		if (l.rlim_max > limits[i].value)
			l.rlim_max = limits[i].value;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return ERR_SYS(e, "set a resource limit");
	}
	signal(SIGXFSZ, SIG_IGN); /* EFBIG says it better */
	return 0;
}

/* --- the root --------------------------------------------------------------------------------- */

/* Makes what lies below VIEW_DIR on the way to `target`, and itself: a directory or a file. */
static int make_target(char *target, bool directory, struct err *e)
{
	for (char *slash = strchr(target + strlen(VIEW_DIR) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(target, 0755);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return ERR_SYS(e, "create '%s'", target);
	}
	if (directory)
		return mkdir(target, 0755) < 0 && errno != EEXIST
			       ? ERR_SYS(e, "create '%s'", target)
			       : 0;
	int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return ERR_SYS(e, "create '%s'", target);
	fd_close(fd);
	return 0;
}

static int show(const char *path, struct err *e)
{
	struct stat st;
	char target[STR_MAX_PATH];
	if (stat(path, &st) < 0)
		return 0;
	snprintf(target, sizeof target, VIEW_DIR "%s", path);
	int r = make_target(target, S_ISDIR(st.st_mode), e);
	if (r < 0)
		return r;
	if (mount(path, target, NULL, MS_BIND, NULL) < 0 ||
		mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | VIEW_FLAGS, NULL) < 0)
		return ERR_SYS(e, "show '%s'", path);
	return 0;
}

static int make_view(const char *const *paths, struct err *e)
{
	/* Nothing of what follows may be seen outside. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ERR_SYS(e, "make mounts private");
	if (mount("none", VIEW_DIR, "tmpfs", VIEW_FLAGS & ~(unsigned long)MS_RDONLY,
		    "mode=755,size=64k,nr_inodes=256") < 0)
		return ERR_SYS(e, "mount tmpfs");
	for (; paths && *paths; paths++) {
		int r = show(*paths, e);
		if (r < 0)
			return r;
	}
	if (mount(NULL, VIEW_DIR, NULL, MS_REMOUNT | VIEW_FLAGS, NULL) < 0)
		return ERR_SYS(e, "make the view read-only");
	if (chdir(VIEW_DIR) < 0)
		return ERR_SYS(e, "enter the view");
	return 0;
}

static int change_root(const struct confinement *c, struct err *e)
{
	int spaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	if (unshare(c->host_network ? spaces : spaces | CLONE_NEWNET) < 0)
		return ERR_SYS(e, "unshare");
	if (c->rootfd < 0) {
		int r = make_view(c->view, e);
		if (r < 0)
			return r;
	} else if (fchdir(c->rootfd) < 0) {
		return ERR_SYS(e, "enter the directory");
	}
	if (chroot(".") < 0 || chdir("/") < 0)
		return ERR_SYS(e, "change root");
	umask(0);
	return 0;
}

/* --- identity --------------------------------------------------------------------------------- */

/* Whoever started us is nobody in there, and has every capability over what is in there. */
static int make_users(struct err *e)
{
	char uid[MAP_SIZE], gid[MAP_SIZE];
	snprintf(uid, sizeof uid, "%d %u 1", NOBODY, (unsigned)geteuid());
	snprintf(gid, sizeof gid, "%d %u 1", NOBODY, (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) < 0)
		return ERR_SYS(e, "unshare users");
	/* Groups can only be kept then. */
	int r = io_write_knob(AT_FDCWD, "/proc/self/setgroups", "deny", e);
	if (r >= 0)
		r = io_write_knob(AT_FDCWD, "/proc/self/uid_map", uid, e);
	return r < 0 ? r : io_write_knob(AT_FDCWD, "/proc/self/gid_map", gid, e);
}

/* Without root: in a user namespace of one's own, or where there is none to be had (forbidden, or
 * without any power in it) by rules about files. */
static int change_root_alone(const struct confinement *c, enum power *ret, struct err *e)
{
	struct err why = ERR_INIT, no_rules = ERR_INIT;
	*ret = POWER_OWN_USERS;
	int r = make_users(&why);
	if (r >= 0)
		r = change_root(c, &why);
	if (r >= 0)
		return r;
	*ret = POWER_NONE;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_SYS(e, "prctl");
	r = landlock_read_only(c->view, &no_rules);
	if (r >= 0)
		return r;
	dbg("confine: %s; %s", why.msg, no_rules.msg);
	return err_set(e, ERR_REFUSED, EPERM,
		"what a server sends is not read without confinement, for which this kernel offers "
		"users other than root neither user namespaces nor Landlock");
}

static int become_nobody(enum power power, struct err *e)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return ERR_SYS(e, "drop capability %d", cap);
	if ((power == POWER_ROOT && setgroups(0, NULL) < 0) || prctl(PR_SET_KEEPCAPS, 1) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return ERR_SYS(e, "become nobody");
	return 0;
}

static int drop_privileges(uint32_t caps, enum power power, struct err *e)
{
	int r = power == POWER_NONE ? 0 : become_nobody(power, e);
	if (r < 0)
		return r;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = { { .effective = caps, .permitted = caps } };
	if (syscall(SYS_capset, &header, data) < 0)
		return ERR_SYS(e, "set capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return ERR_SYS(e, "prctl");
	return 0;
}

/* A change of identity has forgotten the wish to die with the parent. */
static int die_with_parent(int socket, struct err *e)
{
	char byte;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return ERR_SYS(e, "prctl");
	if (recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return err_set(e, ERR_PEER, EPIPE, "the parent is gone");
	return 0;
}

int confine(const struct confinement *c, struct err *e)
{
	enum power power = POWER_ROOT;
	int r = set_limits(c, e);
	if (r >= 0)
		r = geteuid() == 0 ? change_root(c, e) : change_root_alone(c, &power, e);
	if (r >= 0)
		r = drop_privileges(c->caps, power, e);
	if (r >= 0)
		r = die_with_parent(c->socket, e);
	return r < 0 ? r : filter_load_calls(c->calls, c->n_calls, e);
}
