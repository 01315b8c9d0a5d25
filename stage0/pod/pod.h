/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod: one directory below DATA/pods, and its life.
 *
 * State is which directory the pod lies in plus whether its lock is held: see
 * Documentation/abi/pod-directory.md. A struct pod is a snapshot for reading (pod_get, pods_each)
 * or the owner of the lock (pod_create, pod_lock). Only the owner may make a transition. Nothing is
 * cached.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/abi/pod_phase.h"
#include "lib/base/err.h"
#include "lib/base/idrange.h"
#include "lib/base/mem.h"
#include "lib/base/uuid.h"
#include "lib/spec/pod.h"
#include "lib/spec/report.h"
#include "stage0/stage1_image.h"

struct pods {
	int dirfd; /* of DATA/pods; -1: there is none yet, and so no pod */
	char *path;
	struct flocks *locks; /* while pods_each() runs, of who may not open the pods' locks */
};
int pods_open(struct pods *ps, const char *data_dir, bool create, struct err *e);
void pods_close(struct pods *ps);

struct pod {
	struct uuid uuid;
	enum pod_phase phase;
	bool locked; /* held by somebody when we looked */
	int dirfd;   /* the pod's directory, -1 when closed */
	int lock_fd; /* >= 0: we hold it */
};
#define POD_INIT ((struct pod){ .dirfd = -1, .lock_fd = -1 })
void pod_close(struct pod *p);
static inline void pod_cleanup(struct pod *p)
{
	pod_close(p);
}

/* A new pod in `embryo`, locked, moved to `prepare`. */
int pod_create(struct pods *ps, struct pod *ret, struct err *e);
/* By UUID or unambiguous prefix. Errors: `no matches found for "X"`, `UUID cannot be empty`,
 * ambiguous ones name the candidates. */
int pod_get(struct pods *ps, const char *prefix, struct pod *ret, struct err *e);
/* Every pod; `fn` may return < 0 to stop. A pod that moves while we look is seen once. */
int pods_each(struct pods *ps, int (*fn)(void *ctx, struct pod *p), void *ctx, struct err *e);
/* Takes the exclusive lock of a pod that pod_get found: 1 taken, 0 somebody holds it. Looks again
 * for its phase afterwards. */
int pod_lock(struct pods *ps, struct pod *p, struct err *e);

enum pod_event {
	POD_EV_LOCKED, /* embryo → prepare */
	POD_EV_COMMIT, /* prepare → prepared */
	POD_EV_START,  /* prepare, prepared → run */
	POD_EV_MARK,   /* run → exited-garbage; embryo, prepare, prepared → garbage */
	_POD_EVENT_MAX
};
int pod_transition(struct pods *ps, struct pod *p, enum pod_event ev, struct err *e);

/* What list and status show. Strings are owned by the arena. */
struct pod_app_info {
	const char *name, *image_name, *image_id;
	bool has_status;
	int status;
	const char *reason;		 /* "oom", where the kernel ended it for that; or NULL */
	int64_t started_ns, finished_ns; /* 0: not yet */
};
struct pod_net_info { /* net-info.json of the pod, when it has networks */
	const char *name, *ip;
};
struct pod_info {
	const char *uuid, *state; /* pod_phase_state() */
	enum pod_phase phase;
	bool running, exited;
	int64_t created_ns, started_ns; /* 0: not yet */
	int32_t pid;			/* of pid 1 in the host's pid namespace; 0: none */
	struct pod_app_info *apps;
	size_t n_apps;
	struct pod_net_info *networks;
	size_t n_networks;
	const struct pod_manifest *manifest; /* NULL when it cannot be read (embryo, damaged) */
	const char *insecure;  /* "capabilities,paths,seccomp": what was loosened; NULL: nothing */
	struct id_range users; /* the pod's; count 0: the host's */
	const char *damage;    /* why not, or NULL */
	bool has_report;       /* stage1 said what became of the isolators */
	bool hidden;	       /* how the apps ended is closed to this user */
	struct pod_report report;
};
/* What cannot be read is absent; `damage` says why. */
void pod_info(struct pod *p, struct arena *a, struct pod_info *ret);
/* The same without pid, insecure, report, and what happened to the apps: half the work, for long
 * lists. */
void pod_info_summary(struct pod *p, struct arena *a, struct pod_info *ret);
/* The pod's pid 1 in our pid namespace (from `pid`, or the only child of `ppid`), checked to
 * belong to the pod while its lock is held. -ESRCH when it does not run. */
int pod_pid1(struct pod *p, pid_t *ret, struct err *e);
/* Waits until the lock is free (exited) or, ready, until pid/ppid is there. timeout_ns < 0: for
 * ever. 1 reached, 0 timed out. */
int pod_wait(struct pods *ps, struct pod *p, bool ready, int64_t timeout_ns, struct err *e);

/* For store_gc's callback: does any pod refer to this tree? */
bool pods_use_tree(void *pods, const char *image_id);

/* --- stage0/pod/prepare.c ------------------------------------------------------------------ */
struct prepare_options {
	const struct stage1_image *stage1;
	/* Of each app: the name of the tree that is put together for it (store_render); NULL: its
	 * image's own. The array may be missing. */
	const char *const *trees;
	bool no_overlay;
	bool disable_caps, disable_paths, disable_seccomp; /* --insecure-options, recorded */
	/* Not NULL: the pod gets users of its own, which are these; NULL: it has the host's. */
	struct id_range *ret_users;
};
/* Fills the locked pod in phase prepare: manifest, appsinfo, stage1, overlay directories. Syncing
 * them is the business of POD_EV_COMMIT: a pod that runs at once is not worth more than its
 * process. */
int pod_prepare(struct pods *ps, struct pod *p, struct store *s, const struct pod_manifest *m,
	const struct prepare_options *o, struct err *e);

/* --- stage0/pod/launch.c ------------------------------------------------------------------- */
struct launch_options {
	const char *net, *hostname, *ipc, *dns_resolv, *dns_hosts, *local_config, *mds_token;
	const char *resolv_text, *hosts_text; /* files for the dns modes "stage0"; or NULL */
	bool interactive, debug;
	bool disable_caps, disable_paths, disable_seccomp;
	/* What pod_prepare() has just written, so that it need not be read again; NULL: read it. */
	const struct pod_manifest *manifest;
	const struct stage1_image *stage1;
	const char *const *trees;     /* as for pod_prepare(); with manifest */
	const struct id_range *users; /* what pod_prepare() reserved; NULL: none, or read it */
};
/* Private mount namespace, mounts, then execs stage1's run entry point in the pod's directory.
 * Returns only on error. The pod is locked and in phase run. */
int pod_launch(struct pod *p, struct store *s, const struct launch_options *o, struct err *e);
/* Could it be launched? Makes the mounts of a pod in phase prepare in a process of their own, which
 * ends again: for a pod that is to run later, whose users some filesystem may not be able to show.
 */
int pod_rehearse(struct pod *p, struct store *s, const struct launch_options *o, struct err *e);
/* exec of stage1's enter / run of its stop and gc entry points. */
struct pod_command {
	const char *app;
	char *const *argv; /* NULL-terminated */
	bool privileged;   /* refused where stage1 does not know it */
	/* Called when all is known to be well, before stage1 is executed; or NULL. */
	void (*announce)(const char *uuid, const struct pod_command *c);
};
int pod_enter(struct pod *p, struct store *s, const struct pod_command *c, struct err *e);
int pod_stop(struct pod *p, struct store *s, bool force, struct err *e);

/* --- stage0/pod/collect.c ------------------------------------------------------------------ */
struct gc_options {
	int64_t grace_ns, expire_prepared_ns;
	bool mark_only;
	const char *local_config;
};
/* Tells the user: fmt has one %s, the UUID. */
typedef void (*gc_say_fn)(void *ctx, const char *fmt, const char *uuid);
/* Marks and sweeps; never stops at the first bad pod; returns the first error at the end. */
int pods_gc(struct pods *ps, struct store *s, const struct gc_options *o, gc_say_fn say, void *ctx,
	struct err *e);
/* rkt rm: of a pod that is not running. */
int pod_remove(struct pods *ps, struct pod *p, struct store *s, struct err *e);

/* --- stage0/pod/export.c ------------------------------------------------------------------- */
/* Writes the app of a pod that has ended, as it left its root, to fd as an image. The caller holds
 * the pod's lock. Puts this process into a mount namespace of its own, and the working directory
 * into the pod's. */
int pod_export(struct pod *p, struct store *s, const char *app, int fd, struct err *e);
