/* SPDX-License-Identifier: Apache-2.0 */
/* plan_limits: isolators → limits of control groups. For plan.c. */
#pragma once

#include "lib/spec/pod.h"
#include "lib/spec/report.h"
#include "lib/sys/cgroup_limits.h"

/* Of one app; what the pod's limits make of it, and of what all its apps ask for together, is
 * reported. No limit of its own is above the pod's; where it has none, the pod's group bounds it,
 * but for block devices, which version 1 does not limit for a group and what is below it together.
 * A request that is not there is the limit (appc).
 */
void plan_limits(const struct isolators *app, const struct pod_manifest *pod,
	struct cgroup_limits *ret, struct report *report);
/* Of all apps together. */
void plan_pod_limits(const struct pod_manifest *pod, struct cgroup_limits *ret);
