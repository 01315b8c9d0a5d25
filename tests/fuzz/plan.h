/* SPDX-License-Identifier: Apache-2.0 */
/* plan: from a pod manifest to what would be done, as stage1 goes on with it, for fuzzers. */
#pragma once

#include "stage2/plan.h"
#include "tests/fuzz/fuzz.h"

/* What the kernel would be asked for is well formed, whatever the manifest says. */
static inline void plan_holds(const struct app_plan *p)
{
	FUZZ_HOLDS(p->argv.n > 0 && *p->argv.v[0] && *p->cwd == '/');
	for (size_t i = 0; i < p->envv.n; i++)
		FUZZ_HOLDS(strchr(p->envv.v[i], '=') > p->envv.v[i]);
	FUZZ_HOLDS(*p->cred.user && *p->cred.group);
	FUZZ_HOLDS(p->filter != FILTER_LIST || (p->filter_list.len && p->filter_list.filter));
	for (size_t i = 0; i < p->n_rlimits; i++)
		FUZZ_HOLDS(p->rlimits[i].soft <= p->rlimits[i].hard);
	FUZZ_HOLDS(!p->selinux || *p->selinux);
	FUZZ_HOLDS(!p->apparmor || *p->apparmor);
	for (size_t i = 0; i < p->n_mounts; i++)
		FUZZ_HOLDS(p->mounts[i].kind == MNT_ROOT_READ_ONLY || *p->mounts[i].dst == '/');
	for (size_t i = 0; i < p->report.n; i++)
		FUZZ_HOLDS(p->report.v[i].state < _REPORT_STATE_MAX && *p->report.v[i].isolator);
}

static inline void plan_app(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str text = STR_INIT(STR_MAX_OUTPUT);
	struct app_plan plan = { 0 };
	struct err e = ERR_INIT;
	if (app_plan(pod, app, facts, &a, &plan, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	plan_holds(&plan);
	app_plan_print(&plan, &text);
	FUZZ_HOLDS(text.len > 0);
	app_plan_release(&plan);
}

/* Each app that the manifest spells out, in a pod of each kind. */
static inline void plan_pod(const struct pod_manifest *m)
{
	static const struct app_facts facts[] = {
		{ .uuid = "ef5d0b0b-c4b0-4b1e-8d8e-7e4b2a6f8f00",
			.hostname = "h",
			.volumes_dir = "/pod/sharedVolumes",
			.images_dir = "/pod/imageVolumes",
			.hosts_file = "/pod/hosts",
			.resolv_file = "/pod/resolv.conf" },
		{ .uuid = "ef5d0b0b-c4b0-4b1e-8d8e-7e4b2a6f8f00",
			.hostname = "h",
			.volumes_dir = "/pod/sharedVolumes",
			.images_dir = "/pod/imageVolumes",
			.users = { 0x70000000, 65536 },
			.host_network = true,
			.host_ipc = true,
			.interactive = true,
			.disable_seccomp = true,
			.shm_dir = "/pod/shm" },
		{ .uuid = "ef5d0b0b-c4b0-4b1e-8d8e-7e4b2a6f8f00",
			.hostname = "h",
			.volumes_dir = "/pod/sharedVolumes",
			.images_dir = "/pod/imageVolumes",
			.bare = true },
	};
	for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct pod_plan pod = { 0 };
		struct err e = ERR_INIT;
		if (pod_plan(m, &facts[f], &a, &pod, &e) < 0)
			FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		for (size_t i = 0; i < m->n_apps && i < 4; i++)
			if (m->apps[i].app)
				plan_app(m, &m->apps[i], &facts[f]);
	}
}
