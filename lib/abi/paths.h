/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths: names inside a pod's directory, relative to it, and inside stage1's root.
 * Documentation/abi/pod-directory.md is the specification. The only spelling of each.
 */
#pragma once

#define POD_MANIFEST_FILE "pod"
#define POD_LOCK_FILE "pod.lck" /* flock: exclusive while the pod is prepared or runs */
#define POD_CREATED_FILE "pod-created"
#define POD_PID_FILE "pid"	    /* host pid of pid 1 of the pod */
#define POD_PPID_FILE "ppid"	    /* or: host pid of its parent, whose only child it is */
#define POD_APPSINFO_DIR "appsinfo" /* APP/manifest, APP/treeStoreID */
#define POD_TREE_ID_FILE "treeStoreID"
#define POD_OVERLAY_DIR "overlay" /* APP/{upper,work} */
#define POD_STAGE1_DIR "stage1"
#define POD_STAGE1_ROOTFS "stage1/rootfs"
#define POD_STAGE1_MANIFEST "stage1/manifest"
#define POD_STAGE1_TREE_ID "stage1TreeStoreID"
#define POD_STAGE1_OVERLAY "stage1/overlay"  /* {upper,work}, for a stage1 that is not read-only */
#define POD_INSECURE_FILE "insecure-options" /* what was loosened; absent: nothing */
#define POD_NO_OVERLAY_FILE "no-overlay"     /* present: the trees are copies in place */
/* SHIFT:COUNT of the pod's users. In the mount namespace that `run` starts in, where stage0 is
 * ours, their user namespace is bound there. */
#define POD_USERS_FILE "private-users-prepared"
#define POD_NET_INFO_FILE "net-info.json"
#define POD_ISOLATORS_FILE "isolators.json" /* what became of them; lib/spec/report.h */
#define POD_SUBCGROUP_FILE "subcgroup"
#define POD_VOLUMES_DIR "sharedVolumes" /* NAME/: empty and implicit volumes */
#define POD_IMAGE_VOLUMES_DIR \
	"imageVolumes" /* NAME/{treeStoreID,rootfs}: volumes that are images */

/* Of an app's name: files are named after it, with a suffix of their own. */
#define APP_NAME_MAX 200

/* Inside stage1's root. */
#define STAGE1_APPS_DIR "opt/stage2"   /* APP/rootfs */
#define STAGE1_STATUS_DIR "rkt/status" /* APP, APP-started: decimal text */
#define STAGE1_ENV_DIR "rkt/env"
#define STAGE1_ETC_DIR "rkt/etc"	/* hosts, resolv.conf for the apps, made by stage1; */
#define STAGE1_SHM_DIR "rkt/shm"	/* mounted by stage1: /dev/shm of all apps of the pod */
#define STAGE1_STAGE0_HOSTS "rkt-hosts" /* or, for the dns modes "stage0", these by stage0 */
#define STAGE1_STAGE0_RESOLV "rkt-resolv.conf"

/* Annotations of a stage1 image. */
#define STAGE1_ANNOTATION(entry) "coreos.com/rkt/stage1/" entry
#define STAGE1_ANNOTATION_INTERFACE "coreos.com/rkt/stage1/interface-version"
/* Ours, optional: "true" when stage1 writes nowhere in its root but below /rkt and /opt/stage2,
 * so that stage0 may bind its tree read-only instead of mounting an overlay. */
#define STAGE1_ANNOTATION_READ_ONLY "rkt.local/stage1/read-only-rootfs"
/* Ours, optional: "true" when stage1 writes POD_ISOLATORS_FILE, and refuses what it does not
 * enforce in a pod that has… */
#define STAGE1_ANNOTATION_REPORT "rkt.local/stage1/isolator-report"
/* … this annotation, with the value "true", in its own manifest. */
#define POD_ANNOTATION_STRICT "rkt.local/strict-isolators"
/* Ours, optional: "true" when `enter` knows --privileged. */
#define STAGE1_ANNOTATION_PRIVILEGED "rkt.local/stage1/enter-privileged"
/* Of a pod, likewise: size of /dev/shm in bytes. */
#define POD_ANNOTATION_SHM_SIZE "rkt.local/shm-size"

#define ENV_LOCK_FD "RKT_LOCK_FD"
