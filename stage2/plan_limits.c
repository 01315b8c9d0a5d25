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
	if (!iso)
		return 0;
	return value_of(iso->resource.request.set ? &iso->resource.request : &iso->resource.limit);
}

static uint64_t requests_together(const struct pod_manifest *pod, enum isolator_kind kind)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < pod->n_apps; i++) {
		const struct app *app = pod->apps[i].app;
		const uint64_t more = app ? request_of(&app->isolators, kind) : 0;
		sum += more < UINT64_MAX - sum ? more : 0;
	}
	return sum;
}

static uint64_t lower(uint64_t v, uint64_t bound)
{
	return bound && v > bound ? bound : v;
}

/* What is said of shares counts before what follows from a request, of which there is no more than
 * `most`; 0: as much as is asked for. */
static uint64_t shares_of(const struct isolators *l, uint64_t most)
{
	const struct isolator *iso = isolator_find(l, ISO_CPU_SHARES);
	if (iso && iso->number > 0)
		return (uint64_t)iso->number;
	uint64_t request = lower(request_of(l, ISO_CPU), most);
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

/* What an app asks for it has as far as its pod does. */
static void report_requests(
	const struct isolators *app, const struct pod_manifest *pod, struct report *report)
{
	static const enum isolator_kind kinds[] = { ISO_MEMORY, ISO_CPU };
	const struct isolator *cpu = isolator_find(app, ISO_CPU);
	if (cpu && isolator_find(app, ISO_CPU_SHARES))
		report_set(report, cpu->name, REPORT_ENFORCED,
			"for its request stands os/linux/cpu-shares");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const uint64_t own = request_of(app, kinds[i]),
			       all = request_of(&pod->isolators, kinds[i]);
		if (own && all && own > all)
			report_worsen(report, isolator_find(app, kinds[i])->name, REPORT_CHANGED,
				"the pod's is lower than the request");
		else if (own && all && requests_together(pod, kinds[i]) > all)
			report_worsen(report, isolator_find(app, kinds[i])->name, REPORT_CHANGED,
				"the pod's is lower than what its apps request together");
	}
}

void plan_limits(const struct isolators *app, const struct pod_manifest *pod,
	struct cgroup_limits *ret, struct report *report)
{
	struct cgroup_limits l = { 0 };
	report_requests(app, pod, report);
	for (size_t i = 0; i < N_LIMITS; i++) {
		uint64_t own = limit_of(app, limits[i].kind),
			 all = limit_of(&pod->isolators, limits[i].kind);
		if (own && all && own > all) {
			report_set(report, isolator_find(app, limits[i].kind)->name, REPORT_CHANGED,
				"the pod's limit is lower");
			own = all;
		} else if (!own && limits[i].inherited) {
			own = all;
		}
		*(uint64_t *)((char *)&l + limits[i].offset) = own;
	}
	l.memory_request =
		lower(request_of(app, ISO_MEMORY), request_of(&pod->isolators, ISO_MEMORY));
	l.cpu_shares = shares_of(app, request_of(&pod->isolators, ISO_CPU));
	*ret = l;
}

void plan_pod_limits(const struct pod_manifest *pod, struct cgroup_limits *ret)
{
	struct cgroup_limits l = { 0 };
	for (size_t i = 0; i < N_LIMITS; i++)
		*(uint64_t *)((char *)&l + limits[i].offset) =
			limit_of(&pod->isolators, limits[i].kind);
	l.cpu_shares = shares_of(&pod->isolators, 0);
	/* A group is protected as far as those that it is in are. */
	l.memory_request = request_of(&pod->isolators, ISO_MEMORY);
	if (!l.memory_request)
		l.memory_request = requests_together(pod, ISO_MEMORY);
	l.memory_request = lower(l.memory_request, l.memory);
	*ret = l;
}
