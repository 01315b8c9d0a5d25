/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose: images and settings of the command line → a pod manifest.
 *
 * Pure: reads no file and asks nobody, so that tests compare its result with golden manifests.
 * Texts are taken as the user wrote them and checked here, so that each mistake is reported with
 * the name of its flag. The result points into the inputs and into the arena.
 *
 * Environment, each overriding what stands before it, as in rkt:
 *	parent's (only names that nobody else sets) < image < --set-env-file < --set-env
 *	< --environment of the app
 */
#pragma once

#include "lib/spec/pod.h"

struct compose_app {
	/* Where the app comes from. */
	const char *image;     /* as the user wrote it, for errors */
	const char *signature; /* file with the image's signature; NULL: beside it */
	const char *image_id;
	const char *tree; /* that is put together for it (store_render); NULL: the image's own */
	const struct image_manifest *manifest;
	/* Its settings; NULL or empty where the user said nothing. */
	const char *name, *exec, *working_dir, *user, *group;
	const char *memory, *cpu, *cpu_shares, *pids, *oom_score_adj;
	struct strlist rlimits;	     /* NAME=SOFT[:HARD] */
	struct strlist seccomp;	     /* mode=retain|remove[,errno=NAME],CALL... */
	const char *readonly_rootfs; /* "true", "false" */
	struct strlist args;	     /* after "--": appended to exec */
	struct strlist supplementary_gids, caps_retain, caps_remove; /* each may hold a,b,c */
	struct strlist mounts, annotations, user_annotations, user_labels, environment;
};

struct compose {
	struct compose_app *apps;
	size_t n_apps;
	struct strlist volumes; /* --volume */
	const char *shm_size;	/* --shm-size; NULL: not said */
	struct strlist mounts;	/* --mount before the first image: of every app */
	struct nvlist parent_env;
	struct nvlist env_file;		 /* --set-env-file */
	struct strlist set_env;		 /* --set-env, NAME=VALUE */
	struct strlist sysctls;		 /* --sysctl, NAME=VALUE */
	const char *memory, *cpu, *pids; /* of all apps together; NULL: no limit */
};

/* What is wrong with the flags of volumes, limits and isolators, whatever the images are: for
 * before they are looked for, fetched and put into the store. compose_pod() looks at all of it
 * again. */
int compose_check_flags(const struct compose *c, struct err *e);
int compose_pod(const struct compose *c, struct arena *a, struct pod_manifest **ret, struct err *e);

/* The labels os and arch of an image that is to run here: "missing os label in the image
 * manifest", "bad os "freebsd"", … */
int compose_check_platform(const struct image_manifest *m, struct err *e);

/* No two apps have names that cannot stand side by side in one pod. */
int compose_check_names(const struct pod_manifest *m, struct err *e);

/* Limits that nothing can start with, of the pod or of an app. */
int compose_check_limits(const struct pod_manifest *m, struct err *e);

/* Every `host` volume of the manifest is there: "stat /x: no such file or directory". Not pure. */
int compose_check_volumes(const struct pod_manifest *m, struct err *e);

/* A --set-env-file: NAME=VALUE lines; '#' and ';' begin comments, empty lines are skipped. */
int compose_env_file(
	const char *text, const char *what, struct arena *a, struct nvlist *ret, struct err *e);
