/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolators: what is wrong with the isolators of a pod, seen before anything of it is created.
 *
 * Their form was checked when they were decoded (lib/spec/isolator.h). Here it is what they name:
 * capabilities, system calls, errnos, labels of security modules. stage1 does the same again, as it
 * may be another's pod.
 */
#pragma once

#include "lib/spec/pod.h"

/* Of the pod and of those apps that it spells out: "app 'x': isolator 'y': …". */
int isolators_check(const struct pod_manifest *m, struct err *e);
/* Of one app, which may be NULL; for those that are their image's. */
int isolators_check_app(const struct app *app, struct err *e);
/* An image does not give itself what is as good as root of the host: CAP_SYS_ADMIN, CAP_SYS_PTRACE
 * and their like. For an app whose capabilities nobody but its image has asked for; may be NULL. */
int isolators_check_image(const struct app *app, struct err *e);
/* Nor what takes CAP_SYS_RESOURCE: a hard limit above rkt's own, or a score of the OOM killer below
 * it. For an app of an image, which may be NULL; what was said on the command line is not the
 * image's: `rlimits`, as NAME=…, and a score. */
int isolators_check_image_limits(
	const struct app *app, const struct strlist *rlimits, bool score, struct err *e);
/* Of the pod, when it is known which namespaces it has of its own. */
int isolators_check_spaces(
	const struct pod_manifest *m, bool host_network, bool host_ipc, struct err *e);

/* --sysctl NAME=VALUE and --rlimit NAME=SOFT[:HARD], which replace those of the same name. */
int isolators_set_sysctls(
	struct arena *a, struct isolators *l, const struct strlist *texts, struct err *e);
int isolators_set_rlimits(
	struct arena *a, struct isolators *l, const struct strlist *texts, struct err *e);
