/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch: what run, prepare and run-prepared share.
 */
#pragma once

#include "cmd/session.h"

/* What the pod is made of, from the command line: images found, manifest composed or read. */
struct pod_parts {
	struct pod_manifest *manifest;
	const char **trees; /* of each app: struct prepare_options */
	struct stage1_image stage1;
	struct id_range users; /* of the pod, once it is prepared; count 0: the host's */
};
int launch_compose(struct session *s, struct pod_parts *ret, struct err *e);
/* A new pod, locked, in phase prepare and filled. On error nothing of it is left. */
int launch_prepare(struct session *s, struct pod_parts *parts, struct pod *ret, struct err *e);
/* Checks the settings that only matter when a pod starts. */
int launch_check(const struct cli *cli, const struct pod_manifest *m, struct err *e);
/* Whether a pod with users of its own, which was just prepared, can have them. */
int launch_rehearse(struct session *s, struct pod *p, const struct pod_parts *parts, struct err *e);
/* Becomes the pod. Returns on error only. `parts` may be NULL. */
int launch_exec(struct session *s, struct pod *p, const struct pod_parts *parts, struct err *e);
