/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what one app of a pod will be, decided before anything is done.
 *
 * app_plan() is pure: manifests and the few facts of struct app_facts in, a value out, which
 * app_plan_print() shows as text (golden tests need no root). stage1 flavors carry it out, in this
 * order, in the process that becomes the app:
 *
 *	app_plan()                  → struct app_plan
 *	root_open_sources(&plan, …) what is bound from outside, opened    stage2/root.h
 *	root_build(root, &plan, …)  mounts by fd below the app's root     stage2/root.h
 *	root_enter(root, how, …)    pivot_root or chroot                  stage2/root.h
 *	ident_resolve(root, user …) names in the image → numbers          stage2/ident.h
 *	app_apply(&plan, &ident, …) the one column in which privileges leave, then execve
 *	                                                                  stage2/apply.h
 */
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/idrange.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/spec/pod.h"
#include "lib/spec/report.h"
#include "lib/sys/cgroup_limits.h"
#include "lib/sys/rlimits.h"

enum mnt_kind {
	MNT_PROC,
	MNT_SYSFS,
	MNT_TMPFS,
	MNT_DEVPTS,
	MNT_MQUEUE,
	MNT_DEVICE,	/* character device rdev: made at dst, or the host's node src bound there */
	MNT_CONSOLE,	/* the terminal of descriptor 0 bound to dst; without one, as MNT_DEVICE */
	MNT_NO_DEVICES, /* dst, one of ours: no device opens there any more, but those made before
			 */
	MNT_LINK,	/* symbolic link dst -> src, where there is nothing yet */
	MNT_BIND,	/* volume: src of the host to dst */
	MNT_BIND_FILE,	/* generated file (hosts, resolv.conf) of stage1 to dst */
	MNT_CGROUPS,	/* dst, "/sys/fs" or "/sys/fs/cgroup", shows the app's control groups,
			 * read-only;
			 * "/sys/fs" nothing else */
	MNT_MASK,	/* dst becomes src (a file) or an empty directory; absent dst is fine */
	MNT_READ_ONLY,	/* dst bound onto itself read-only; absent dst is fine */
	MNT_ROOT_READ_ONLY
};

struct mnt_op {
	enum mnt_kind kind;
	const char *src, *dst; /* dst: path in the app's root */
	const char *data;      /* options of the filesystem */
	unsigned long flags;   /* MS_* */
	dev_t rdev;	       /* MNT_DEVICE, MNT_CONSOLE */
	bool recursive;
	bool no_symlinks;	 /* MNT_BIND: a link anywhere in src is refused (host volumes) */
	bool optional;		 /* failure is reported by dbg() only */
	bool make_target;	 /* create the mount point where missing, 0755 root */
	bool keep_existing;	 /* MNT_BIND_FILE: nothing is done where the image has dst */
	bool foreign;		 /* MNT_BIND: of the host, which nothing is created in */
	bool is_volume;		 /* MNT_BIND: asked for by name, and to be seen at dst */
	bool is_empty_volume;	 /* MNT_BIND: src is volumes_dir/NAME, which stage1 makes with… */
	uint32_t mode, uid, gid; /* … these; MNT_DEVPTS, MNT_MQUEUE: not 0, owner of its root */
	bool is_tmpfs;		 /* … and a tmpfs of the options `data` on it */
	bool copy_up;	 /* MNT_BIND: an empty src gets what the image has at dst, as Docker does */
	bool keep_owner; /* … but mode, uid and gid, which the user chose */
	enum propagation propagation; /* MNT_BIND */
	bool idmap; /* MNT_BIND: ids of the disk are the pod's, by its user namespace */
};

enum caps_source { CAPS_DEFAULT, CAPS_RETAIN, CAPS_REMOVE, CAPS_ALL };

struct cred_plan {
	const char *user, *group; /* as in the manifest, resolved inside the root later */
	uint32_t *supplementary_gids;
	size_t n_supplementary_gids;
	uint64_t caps; /* bit N: capability N; bounding = permitted = effective (root) */
	bool ambient;  /* raise them for a user that is not root */
	bool no_new_privs;
};

enum filter_choice { FILTER_NONE, FILTER_DEFAULT, FILTER_LIST };

struct app_facts {
	const char *uuid, *hostname;
	struct id_range users; /* of the pod; count 0: they are the host's */
	bool host_network, host_ipc;
	/* fly: /proc, /sys and /dev are the host's, bound recursively; no masks, limits or filter,
	 * every capability of the caller. */
	bool bare;
	bool interactive;
	bool disable_caps, disable_paths, disable_seccomp;
	const char *metadata_url; /* NULL: none */
	const char *term;	  /* TERM where the image sets none; NULL: not set */
	const char *shm_dir;	  /* bound to /dev/shm, so that apps share it; NULL: each its own */
	const char *shm_size;	  /* of /dev/shm, in bytes; NULL: the kernel's default */
	const char *volumes_dir;  /* where implicit and empty volumes of the pod live */
	const char *images_dir;	  /* NAME/rootfs: trees of volumes that are images */
	const char *hosts_file, *resolv_file; /* absolute, to be bound; or NULL */
	bool hosts_replace, resolv_replace;   /* also where the image has one of its own */
};

/* A hierarchy that the app is in: `dir`, its group, is shown as /sys/fs/cgroup/NAME. */
struct cgroup_shown {
	const char *name; /* NULL, of the only one: as /sys/fs/cgroup itself */
	const char *dir;
};

struct app_plan {
	const char *name;
	struct strv argv, envv;
	const char *cwd;
	struct cred_plan cred;
	enum filter_choice filter;
	struct sock_fprog filter_list; /* FILTER_LIST */
	const char *selinux,
		*apparmor; /* context and profile of execve; NULL: those that there are */
	struct rlimit_wish *rlimits;
	size_t n_rlimits;
	int64_t oom_score_adj; /* INT64_MIN: leave */
	/* Not 0: SIGKILL when this parent dies (fly, which has no pid namespace to die with it).
	 * app_apply() sets it after the last change of credentials, which would clear it, and
	 * checks that the parent is still there. */
	pid_t die_with;
	/* Not 0: a close-on-exec descriptor (a pipe or socket, never a directory) that app_apply()
	 * leaves open until it executes, for its caller to report an error on. */
	int report_fd;
	struct mnt_op *mounts;
	size_t n_mounts;
	const struct event_handler *pre_start, *post_stop;
	/* Set by stage1, who makes the groups. */
	struct cgroup_shown *cgroups;
	size_t n_cgroups;
	struct cgroup_limits limits; /* of the app's group; the devices are found by stage1 */
	struct report report;	     /* of the isolators of the app */
};

/* The mount operations, environment and strings of *ret live in `a` and in the manifest; argv and
 * envv are freed by app_plan_release(). */
int app_plan(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *ret, struct err *e);

/* What the isolators of the pod itself, which bound or set its apps', come to. */
struct pod_plan {
	/* What all apps may use together, and, as a request, what they ask for together. */
	struct cgroup_limits limits;
	struct nvlist sysctls; /* for pid 1 to set in the pod's namespaces, sysctl_write() */
	struct report report;
};
int pod_plan(const struct pod_manifest *pod, const struct app_facts *facts, struct arena *a,
	struct pod_plan *ret, struct err *e);
/* Mount options of the tmpfs at /dev/shm, also where it is one for all apps. */
const char *plan_shm_options(const struct app_facts *facts, struct arena *a);
void app_plan_print(const struct app_plan *plan, struct str *out);
void app_plan_release(struct app_plan *plan);
