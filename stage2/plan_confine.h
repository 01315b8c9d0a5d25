/* SPDX-License-Identifier: Apache-2.0 */
/* plan_confine: isolators → filter, labels, limits of processes, sysctls. For plan.c. */
#pragma once

#include "stage2/plan.h"

/* One of two isolators that exclude each other, or NULL. */
int plan_find_pair(const struct isolators *l, enum isolator_kind one, enum isolator_kind other,
	const struct isolator **ret, struct err *e);
/* plan->filter, selinux, apparmor, rlimits. An app's own label overrides the pod's. */
int plan_confine(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *plan, struct err *e);
/* plan->sysctls: refused where they are not of a namespace that is the pod's own. */
int plan_sysctls(const struct pod_manifest *pod, const struct app_facts *facts,
	struct pod_plan *plan, struct err *e);
