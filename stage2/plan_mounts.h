/* SPDX-License-Identifier: Apache-2.0 */
/* plan_mounts: the part of app_plan() that decides what is mounted where. Pure. */
#pragma once

#include "stage2/plan.h"

int plan_mounts(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *plan, struct err *e);
