/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/plan_limits.h"

#include <stddef.h>

static uint64_t value_of(const struct quantity *q)
{
	return q->set && q->value > 0 ? (uint64_t)q->value : 0;
}

static uint64_t limit_of(const struct isolators *l, enum isolator_kind kind)
{
	const struct isolator *iso = isolator_find(l, kind);
	return iso ? value_of(&iso->resource.limit) : 0;
}

static uint64_t request_of(const struct isolators *l, enum isolator_kind kind)
{
	const struct isolator *iso = isolator_find(l, kind);
	return iso ? value_of(&iso->resource.request) : 0;
}

/* What is said of shares counts before what follows from a request. */
static uint64_t shares_of(const struct isolators *l)
{
	const struct isolator *iso = isolator_find(l, ISO_CPU_SHARES);
	if (iso && iso->number > 0)
		return (uint64_t)iso->number;
	uint64_t request = request_of(l, ISO_CPU);
	return request ? cgroup_shares(request) : 0;
}

static const struct {
	enum isolator_kind kind;
	size_t offset;
	bool inherited; /* an app without a limit gets the pod's */
} limits[] = {
	{ ISO_MEMORY, offsetof(struct cgroup_limits, memory), false },
	{ ISO_CPU, offsetof(struct cgroup_limits, cpu_milli), false },
	{ ISO_PIDS, offsetof(struct cgroup_limits, pids), false },
	{ ISO_BLOCK_BANDWIDTH, offsetof(struct cgroup_limits, block_bandwidth), true },
	{ ISO_BLOCK_IOPS, offsetof(struct cgroup_limits, block_iops), true },
};
enum { N_LIMITS = sizeof limits / sizeof *limits };

void plan_limits(const struct isolators *app, const struct isolators *pod,
	struct cgroup_limits *ret, struct report *report)
{
	struct cgroup_limits l = { 0 };
	for (size_t i = 0; i < N_LIMITS; i++) {
		uint64_t own = limit_of(app, limits[i].kind), all = limit_of(pod, limits[i].kind);
		if (own && all && own > all) {
			report_set(report, isolator_find(app, limits[i].kind)->name, REPORT_CHANGED,
				"the pod's limit is lower");
			own = all;
		} else if (!own && limits[i].inherited) {
			own = all;
		}
		*(uint64_t *)((char *)&l + limits[i].offset) = own;
	}
	l.memory_request = request_of(app, ISO_MEMORY);
	if (l.memory && l.memory_request > l.memory)
		l.memory_request = l.memory;
	l.cpu_shares = shares_of(app);
	*ret = l;
}

void plan_pod_limits(const struct pod_manifest *pod, struct cgroup_limits *ret)
{
	struct cgroup_limits l = { 0 };
	for (size_t i = 0; i < N_LIMITS; i++)
		*(uint64_t *)((char *)&l + limits[i].offset) =
			limit_of(&pod->isolators, limits[i].kind);
	l.cpu_shares = shares_of(&pod->isolators);
	/* A group is protected as far as those that it is in are. */
	l.memory_request = request_of(&pod->isolators, ISO_MEMORY);
	for (size_t i = 0; i < pod->n_apps && !request_of(&pod->isolators, ISO_MEMORY); i++) {
		const struct app *app = pod->apps[i].app;
		uint64_t more = app ? request_of(&app->isolators, ISO_MEMORY) : 0;
		l.memory_request += more < UINT64_MAX - l.memory_request ? more : 0;
	}
	if (l.memory && l.memory_request > l.memory)
		l.memory_request = l.memory;
	*ret = l;
}
