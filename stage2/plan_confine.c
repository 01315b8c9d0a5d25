/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/plan_confine.h"

#include "lib/sys/filter_list.h"
#include "lib/sys/sysctl.h"

int plan_find_pair(const struct isolators *l, enum isolator_kind one, enum isolator_kind other,
	const struct isolator **ret, struct err *e)
{
	const struct isolator *a = isolator_find(l, one), *b = isolator_find(l, other);
	if (a && b)
		return ERR_BAD(e, "isolators '%s' and '%s' exclude each other", a->name, b->name);
	*ret = a ? a : b;
	return 0;
}

static int plan_filter(const struct isolators *isolators, const struct app_facts *facts,
	struct arena *a, struct app_plan *plan, struct err *e)
{
	const struct isolator *iso;
	int r = plan_find_pair(isolators, ISO_SECCOMP_RETAIN, ISO_SECCOMP_REMOVE, &iso, e);
	if (r < 0 || facts->disable_seccomp)
		return r;
	plan->filter = FILTER_DEFAULT;
	if (!iso)
		return 0;
	const struct filter_list list = { iso->kind == ISO_SECCOMP_RETAIN, iso->set.names.v,
		iso->set.names.n, iso->set.errno_name };
	r = filter_compile(&list, a, &plan->filter_list, e);
	if (r < 0)
		return err_wrap(e, r, "isolator '%s'", iso->name);
	plan->filter = plan->filter_list.len ? FILTER_LIST : FILTER_NONE;
	if (plan->filter == FILTER_NONE)
		report_set(
			&plan->report, iso->name, REPORT_ENFORCED, "no system call is forbidden");
	return 0;
}

static void plan_labels(const struct isolators *app, const struct isolators *pod, struct arena *a,
	struct app_plan *plan)
{
	const struct isolator *selinux = isolator_find(app, ISO_SELINUX_CONTEXT);
	const struct isolator *apparmor = isolator_find(app, ISO_APPARMOR_PROFILE);
	selinux = selinux ? selinux : isolator_find(pod, ISO_SELINUX_CONTEXT);
	apparmor = apparmor ? apparmor : isolator_find(pod, ISO_APPARMOR_PROFILE);
	if (selinux)
		plan->selinux = isolator_selinux_text(selinux, a);
	if (apparmor)
		plan->apparmor = apparmor->profile;
}

static int plan_rlimits(
	const struct isolators *isolators, struct arena *a, struct app_plan *plan, struct err *e)
{
	const struct isolator *iso = isolator_find(isolators, ISO_RLIMITS);
	if (!iso)
		return 0;
	plan->rlimits = ARENA_ARRAY(a, struct rlimit_wish, iso->rlimits.n);
	for (size_t i = 0; i < iso->rlimits.n; i++) {
		const struct nv *nv = &iso->rlimits.v[i];
		int r = rlimit_parse(nv->name, nv->value, &plan->rlimits[i], e);
		if (r < 0)
			return err_wrap(e, r, "isolator '%s'", iso->name);
		plan->n_rlimits++;
	}
	return 0;
}

int plan_confine(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *plan, struct err *e)
{
	const struct isolators *own = &app->app->isolators;
	if (facts->bare)
		return 0;
	int r = plan_filter(own, facts, a, plan, e);
	if (r < 0)
		return r;
	plan_labels(own, &pod->isolators, a, plan);
	return plan_rlimits(own, a, plan, e);
}

int plan_sysctls(const struct pod_manifest *pod, const struct app_facts *facts,
	struct pod_plan *plan, struct err *e)
{
	const struct isolator *iso = isolator_find(&pod->isolators, ISO_SYSCTL);
	if (!iso || facts->bare)
		return 0;
	for (size_t i = 0; i < iso->sysctl.n; i++) {
		const struct nv *nv = &iso->sysctl.v[i];
		enum sysctl_space space;
		int r = sysctl_check(nv->name, nv->value, &space, e);
		if (r >= 0 && space == SYSCTL_NET && facts->host_network)
			r = ERR_DENY(
				e, "sysctl '%s' would be the host's, with --net=host", nv->name);
		if (r >= 0 && space == SYSCTL_IPC && facts->host_ipc)
			r = ERR_DENY(
				e, "sysctl '%s' would be the host's, with --ipc=parent", nv->name);
		if (r < 0)
			return err_wrap(e, r, "isolator '%s'", iso->name);
	}
	plan->sysctls = iso->sysctl;
	return 0;
}
