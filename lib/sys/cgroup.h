/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: the groups of a pod.
 *
 *	<own group>/rkt-<uuid>/<app>	below the group that rkt itself was started in: a unit of
 *					systemd's, a container's, somebody's with limits
 *	/rkt.slice/rkt-<uuid>/<app>	where that is the root group, as the cgroup namespace has it
 *
 * Version 1, version 2 and the hybrid of both. A pod has groups in as few hierarchies as do:
 *
 *	tracking	cgroup2 wherever it is mounted, else name=systemd, else none
 *	controllers	where a limit was asked for: cgroup2 if it has the controller, else the
 *			hierarchy of version 1 that has it
 *	devices		version 1's, only where there is no cgroup2, which does it by a program
 *	freezer		likewise, so that nothing of an app forks away while it is killed
 *
 * so a pod without limits writes nothing into any controller's hierarchy. No group but our own is
 * ever changed, with one exception that version 2 demands: a limit needs the controller enabled for
 * the children of the group that we stand in (cgroup.subtree_control), and a group with enabled
 * controllers may hold no process itself. Then rkt's outer process moves to rkt-<uuid>/supervisor.
 * That works in a systemd service with Delegate=, where rkt is alone and the pod must stay. In a
 * group that others share (a login session) the pod's groups are made below the nearest ancestor
 * that can have them, unless the pod would leave limits behind by that.
 *
 * rkt.slice is there while a pod is in it: whoever finds it missing makes it, whoever leaves tries
 * to remove it, which the kernel refuses while there is another. No lock, and nothing stays.
 *
 * Nothing here follows what an app may have written: names come from the pod's UUID and manifest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/cgroup_limits.h"

/* --- where we stand: pure ------------------------------------------------------------------- */
#define CGROUP_KINDS(X)       \
	X(UNIFIED, "unified") \
	X(SYSTEMD, "systemd") \
	X(MEMORY, "memory")   \
	X(CPU, "cpu")         \
	X(PIDS, "pids")       \
	X(BLKIO, "blkio")     \
	X(DEVICES, "devices") \
	X(FREEZER, "freezer")
enum cgroup_kind {
#define X(name, text) CGROUP_##name,
	CGROUP_KINDS(X)
#undef X
		_CGROUP_KIND_MAX
};
const char *cgroup_kind_name(enum cgroup_kind kind);

struct cgroup_view {
	struct {
		const char *mount; /* NULL: no such hierarchy */
		const char *root;  /* which group is seen at `mount`: "/" but in some containers */
		const char *own;   /* group of the reader, from the hierarchy's root */
	} v[_CGROUP_KIND_MAX];
};
/* From the texts of /proc/self/mountinfo and /proc/self/cgroup. Strings are the arena's. */
void cgroup_view_parse(
	const char *mountinfo, const char *self, struct arena *a, struct cgroup_view *ret);
/* The groups of another process, by the text of its /proc/PID/cgroup, in place of our own. */
void cgroup_view_set_own(struct cgroup_view *view, const char *self, struct arena *a);
int cgroup_view_load(struct arena *a, struct cgroup_view *ret, struct err *e);
/* Version 2 alone where that can be told without the list of all mounts, else as above: enough for
 * groups without limits. */
int cgroup_view_load_tracking(struct arena *a, struct cgroup_view *ret, struct err *e);
/* Are we in a root group whose children are systemd's to make? */
bool cgroup_view_root_is_systemds(const struct cgroup_view *view);
/* Cuts the name of a group (from the hierarchy's root) to that of the group above; the root is its
 * own. */
void cgroup_group_up(char *group);
/* The directory of `group` (from the hierarchy's root), or NULL where it cannot be seen. */
const char *cgroup_view_dir(
	const struct cgroup_view *view, enum cgroup_kind kind, const char *group, struct arena *a);

/* --- a pod's groups ------------------------------------------------------------------------- */
struct cgroup_app {
	int fds[_CGROUP_KIND_MAX]; /* directory of the app's group; -1: none */
	int killer;		   /* of cgroup_app_hold_killer(), else -1 */
};
struct cgroup_pod {
	int base[_CGROUP_KIND_MAX];    /* the group that it is made in, or in whose slice */
	int pod[_CGROUP_KIND_MAX];     /* the pod's group */
	char *group[_CGROUP_KIND_MAX]; /* its name from the hierarchy's root; NULL: none */
	char *dir[_CGROUP_KIND_MAX];   /* its directory; NULL: none */
	bool in_slice[_CGROUP_KIND_MAX];
	char name[64], sliced[80]; /* rkt-<uuid>, rkt.slice/rkt-<uuid> */
	struct strv apps;	   /* names of the groups in it */
	bool supervised;	   /* we moved to the leaf "supervisor" */
	bool stay;		   /* CGROUP_STAY */
	/* Where it is counted who is killed for want of memory around the pod, which has no group
	 * for memory of its own; -1: nowhere. And how many they were. */
	int around;
	uint64_t killed_around;
	/* Where limits go; _CGROUP_KIND_MAX: no such limit was asked for. */
	enum cgroup_kind at[_CONTROLLER_MAX];
};
void cgroup_pod_init(struct cgroup_pod *p);
/* Writes down cgroup_pod_print() for gc. Called before any group of that text is made, so that one
 * made an instant before kill -9 is found; perhaps more than once. */
typedef int (*cgroup_record_fn)(void *ctx, const struct cgroup_pod *pod, struct err *e);
/* Among the controllers: -EAGAIN rather than groups below an ancestor of our own group. */
#define CGROUP_STAY (1U << 31)
/* `name` is rkt-<uuid>; controllers: those that the limits of the pod and its apps need. -ENOENT:
 * no hierarchy has one of them; -EBUSY: nobody gives them to us. */
int cgroup_pod_create(const struct cgroup_view *view, const char *name, unsigned controllers,
	cgroup_record_fn record, void *ctx, struct cgroup_pod *ret, struct err *e);
/* Limits of all apps together. Before the first app's group is made. */
int cgroup_pod_limit(const struct cgroup_pod *pod, const struct cgroup_limits *l, struct err *e);
int cgroup_app_create(struct cgroup_pod *pod, const char *app, const struct cgroup_limits *limits,
	struct cgroup_app *ret, struct err *e);
void cgroup_app_release(struct cgroup_app *a);
/* The caller joins; `placed`: it was cloned into fds[CGROUP_UNIFIED] already. */
int cgroup_app_join(const struct cgroup_app *a, bool placed, struct err *e);
/* The way in for a child of somebody who will have no right to the groups by then: a write asks
 * whether whoever opened it had (5.16, and what was mended before). */
struct cgroup_door {
	int fds[_CGROUP_KIND_MAX]; /* -1: none */
};
#define CGROUP_DOOR_INIT ((struct cgroup_door){ { [0 ... _CGROUP_KIND_MAX - 1] = -1 } })
int cgroup_door_open(const struct cgroup_app *a, struct cgroup_door *ret, struct err *e);
/* As cgroup_app_join(). */
int cgroup_door_enter(const struct cgroup_door *d, bool placed, struct err *e);
void cgroup_door_close(struct cgroup_door *d);
/* Kills what an app left behind: by cgroup.kill (5.14), with version 1 while it is frozen. */
void cgroup_app_kill(const struct cgroup_app *a);
/* Opens what that takes, for somebody who will have no right to it by then. */
void cgroup_app_hold_killer(struct cgroup_app *a);
/* How many processes in the app's group the kernel has killed for want of memory, where somebody
 * counts them, else 0. */
uint64_t cgroup_app_oom_kills(const struct cgroup_app *a);
/* Where memory is counted further up only (the limit of a systemd unit): finds where, of which
 * cgroup_pod_create() takes care, and asks whether there were more since the last time. */
void cgroup_pod_watch(const struct cgroup_view *view, struct cgroup_pod *p);
bool cgroup_pod_oom_killed(struct cgroup_pod *p);
/* Removes the groups; the processes have ended. What cannot go yet is left to gc. */
void cgroup_pod_remove(struct cgroup_pod *pod);
/* Closes its descriptors, for somebody who is to remove nothing. */
void cgroup_pod_close(struct cgroup_pod *pod);
/* The same, and frees it; removes nothing. */
void cgroup_pod_release(struct cgroup_pod *pod);

/* --- what is written down for gc ------------------------------------------------------------ */
/* rkt's `subcgroup`: the first line is the group for tracking, without its first '/', as rkt has
 * it. Then one line for each further hierarchy: "memory:/group/rkt-<uuid>". */
void cgroup_pod_print(const struct cgroup_pod *pod, struct str *out);
/* Kills what is left in each group of such a list and removes it, with the slice if that is empty.
 * Only groups whose last component is `name` are touched. Goes on past errors and reports the
 * first. */
int cgroup_collect(
	const struct cgroup_view *view, const char *list, const char *name, struct err *e);
