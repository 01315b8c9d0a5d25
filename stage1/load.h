/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: what every flavor of stage1 reads from the pod's directory, which is the working directory.
 *
 * The pod's manifest comes from `pod`, an app that the pod manifest does not spell out from
 * appsinfo/APP/manifest. All of it is bounded and validated anew: stage1 trusts nobody.
 */
#pragma once

#include "lib/abi/handover.h"
#include "lib/sys/proc.h"
#include "stage2/plan.h"

struct stage1_pod {
	struct arena arena;
	struct pod_manifest *manifest; /* every app has an .app */
	int dirfd;		       /* the pod's directory */
	int lock_fd;
	struct app_facts facts; /* common to all apps */
	struct app_plan *plans; /* one per app, in the manifest's order */
	struct pod_plan plan;	/* of the pod itself */
	struct strlist shared;	/* pod_shared_sources() */
};
enum stage1_load_flags {
	STAGE1_BARE = 1, /* fly: facts.bare */
	STAGE1_SHM = 2,	 /* of several apps: facts.shm_dir is rkt/shm of stage1's root, where the
			  * caller makes a directory and mounts a tmpfs for the apps to share */
	STAGE1_LOOK = 4, /* for enter: takes no lock descriptor and writes nothing; lock_fd is -1 */
};
/* *ret stays where it is while it is in use. On error it is empty. */
int stage1_load(
	const struct stage1_run *run, unsigned flags, struct stage1_pod *ret, struct err *e);
void stage1_pod_release(struct stage1_pod *p);

/* What `run` was told, for enter: from the command line of a process of the pod that never exec'd
 * since (native: pid 1). `argv` owns the strings that ret points to. */
int stage1_recover_run(
	const struct proc *p, struct strv *argv, struct stage1_run *ret, struct err *e);

/* Writes hosts and resolv.conf of the pod as run->dns_* ask to stage1/rootfs/rkt/etc/, and sets
 * facts.hosts_file, resolv_file and their _replace. Called by stage1_load before planning.
 * What stage0 made for "stage0" is at rkt/etc/rkt-{hosts,resolv.conf} of stage1's root, or at
 * etc/rkt-{hosts,resolv.conf} where stage0 is rkt's. */
int stage1_write_etc(const struct stage1_run *run, struct stage1_pod *p, struct err *e);
/* Cuts the plans down to what this machine and this process can do, and says so in their reports:
 * limits that may not be raised, capabilities that are not held, security modules that are not
 * there. Refuses labels that these modules do not know. Called by stage1_load after planning;
 * looks at nothing that no isolator needs. */
int stage1_foresee(struct stage1_pod *p, struct err *e);
/* For `run`, when all that can be enforced is, and no process of the pod is there yet: records what
 * became of each isolator in the pod's directory (nothing is written where there are none), and
 * prints, a line each, those that are not enforced as written: "app 'x': isolator
 * 'os/linux/selinux-context' is ignored: WHY". Where the pod asks for that, refuses the first of
 * them instead: the record has them all. */
int stage1_report(const struct stage1_pod *p, struct err *e);
/* No mount of ours reaches the host any more (MS_SLAVE), but for volumes that are shared with it.
 */
int stage1_leave_host(const struct stage1_pod *p, struct err *e);
/* Volumes that are a tmpfs, mounted at their directories, relative to the working directory: in a
 * mount namespace that has left the host's and that the apps' are made from. */
bool stage1_has_tmpfs(const struct stage1_pod *p);
int stage1_mount_tmpfs(const struct stage1_pod *p, struct err *e);
/* Makes the directories of empty, tmpfs and implicit volumes below the pod's sharedVolumes/. */
int stage1_make_volumes(const struct stage1_pod *p, struct err *e);
