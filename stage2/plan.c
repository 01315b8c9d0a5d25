/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/plan.h"

#include <string.h>

#include "lib/sys/caps.h"
#include "stage2/plan_confine.h"
#include "stage2/plan_limits.h"
#include "stage2/plan_mounts.h"

/* What rkt gives to an app that does not say otherwise. */
static const struct nv default_env[] = {
	{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	{ "SHELL", "/bin/sh" },
	{ "USER", "root" },
	{ "LOGNAME", "root" },
	{ "HOME", "/root" },
};

enum { N_DEFAULT_ENV = sizeof default_env / sizeof *default_env };

/* What the executor says about itself, whatever the manifest has; a NULL value is not set. */
static size_t executor_env(
	const struct runtime_app *app, const struct app_facts *facts, struct nv env[3])
{
	size_t n = 0;
	env[n++] = (struct nv){ "AC_APP_NAME", app->name };
	if (facts->metadata_url)
		env[n++] = (struct nv){ "AC_METADATA_URL", facts->metadata_url };
	env[n++] = (struct nv){ "container", "rkt" };
	return n;
}

static bool has_name(const struct nv *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return true;
	return false;
}

static void plan_env(
	const struct runtime_app *app, const struct app_facts *facts, struct strv *envv)
{
	const struct nvlist *own = &app->app->environment;
	struct nv last[3];
	size_t n_last = executor_env(app, facts, last);
	for (size_t i = 0; i < N_DEFAULT_ENV; i++)
		if (!nv_get(own, default_env[i].name))
			strv_addf(envv, "%s=%s", default_env[i].name, default_env[i].value);
	if (facts->term && !nv_get(own, "TERM"))
		strv_addf(envv, "TERM=%s", facts->term);
	for (size_t i = 0; i < own->n; i++)
		if (!has_name(last, n_last, own->v[i].name))
			strv_addf(envv, "%s=%s", own->v[i].name, own->v[i].value);
	for (size_t i = 0; i < n_last; i++)
		strv_addf(envv, "%s=%s", last[i].name, last[i].value);
}

static int plan_exec(const struct runtime_app *app, struct app_plan *plan, struct err *e)
{
	const struct strlist *exec = &app->app->exec;
	if (exec->n == 0 || !*exec->v[0])
		return ERR_BAD(e, "nothing to execute: neither the image nor the pod names a "
				  "program (see --exec)");
	for (size_t i = 0; i < exec->n; i++)
		strv_add(&plan->argv, exec->v[i]);
	plan->cwd = str_empty(app->app->working_directory) ? "/" : app->app->working_directory;
	if (*plan->cwd != '/')
		return ERR_BAD(e, "working directory '%s' is not an absolute path", plan->cwd);
	plan->pre_start = app_event_handler(app->app, "pre-start");
	plan->post_stop = app_event_handler(app->app, "post-stop");
	return 0;
}

static int plan_caps(const struct isolators *isolators, struct cred_plan *cred, struct err *e)
{
	const struct isolator *iso;
	int r = plan_find_pair(isolators, ISO_CAPS_RETAIN, ISO_CAPS_REMOVE, &iso, e);
	cred->caps = CAPS_APPC;
	if (r < 0 || !iso)
		return r;
	const bool retain = iso->kind == ISO_CAPS_RETAIN;
	uint64_t named;
	r = caps_parse(iso->set.names.v, iso->set.names.n, &named, e);
	if (r < 0)
		return err_wrap(e, r, "isolator '%s'", iso->name);
	cred->caps = retain ? named : CAPS_APPC & ~named;
	/* Who names what an app may keep means the app's user, root or not; defaults are for root
	 * only, as a default that other users had would be a way to become root. */
	cred->ambient = retain;
	return 0;
}

static int plan_cred(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct cred_plan *cred, struct report *report, struct err *e)
{
	const struct app *a = app->app;
	cred->user = str_empty(a->user) ? "0" : a->user;
	cred->group = str_empty(a->group) ? "0" : a->group;
	cred->supplementary_gids = a->supplementary_gids;
	cred->n_supplementary_gids = a->n_supplementary_gids;
	const struct isolator *nnp = isolator_find(&a->isolators, ISO_NO_NEW_PRIVILEGES);
	const struct isolator *all = isolator_find(&pod->isolators, ISO_NO_NEW_PRIVILEGES);
	cred->no_new_privs = ((nnp && nnp->flag) || (all && all->flag)) && !facts->bare;
	if (nnp && cred->no_new_privs && !nnp->flag)
		report_set(report, nnp->name, REPORT_CHANGED, "the pod's is true");
	if (facts->bare || facts->disable_caps) {
		cred->caps = CAPS_EVERY;
		return 0;
	}
	return plan_caps(&a->isolators, cred, e);
}

enum { BY_APP = 1, BY_POD = 2 };

static const uint8_t enforced[_ISO_MAX] = {
	[ISO_CPU] = BY_APP | BY_POD,
	[ISO_MEMORY] = BY_APP | BY_POD,
	[ISO_PIDS] = BY_APP | BY_POD,
	[ISO_BLOCK_BANDWIDTH] = BY_APP | BY_POD,
	[ISO_BLOCK_IOPS] = BY_APP | BY_POD,
	[ISO_CPU_SHARES] = BY_APP | BY_POD,
	[ISO_OOM_SCORE_ADJ] = BY_APP,
	[ISO_NO_NEW_PRIVILEGES] = BY_APP | BY_POD,
	[ISO_CAPS_RETAIN] = BY_APP,
	[ISO_CAPS_REMOVE] = BY_APP,
	[ISO_SECCOMP_RETAIN] = BY_APP,
	[ISO_SECCOMP_REMOVE] = BY_APP,
	[ISO_SELINUX_CONTEXT] = BY_APP | BY_POD,
	[ISO_APPARMOR_PROFILE] = BY_APP | BY_POD,
	[ISO_SYSCTL] = BY_POD,
	[ISO_RLIMITS] = BY_APP,
};

/* Of each interface but the loopback one, and a pod has no other that is its own. */
static void report_network(
	const struct isolator *iso, const struct app_facts *facts, struct report *report)
{
	if (facts->host_network)
		report_set(report, iso->name, REPORT_IGNORED,
			"the pod uses the host's network, which is not limited for it");
	else
		report_set(report, iso->name, REPORT_ENFORCED,
			"the pod has no interface but the loopback one, which is never limited");
}

/* What no code enforces at that level; the rest is so until somebody says otherwise. */
static void plan_report(const struct isolators *isolators, unsigned level,
	const struct app_facts *facts, struct report *report)
{
	for (size_t i = 0; i < isolators->n; i++) {
		const struct isolator *iso = &isolators->v[i];
		const unsigned by = (unsigned)iso->kind < _ISO_MAX ? enforced[iso->kind] : 0;
		const bool caps = iso->kind == ISO_CAPS_RETAIN || iso->kind == ISO_CAPS_REMOVE;
		const bool seccomp =
			iso->kind == ISO_SECCOMP_RETAIN || iso->kind == ISO_SECCOMP_REMOVE;
		if (facts->bare)
			report_set(report, iso->name, REPORT_IGNORED,
				"this flavor of stage1 enforces none");
		else if (caps && facts->disable_caps)
			report_set(report, iso->name, REPORT_IGNORED,
				"--insecure-options=capabilities");
		else if (seccomp && facts->disable_seccomp)
			report_set(report, iso->name, REPORT_IGNORED, "--insecure-options=seccomp");
		else if (isolator_is_empty(iso))
			report_set(report, iso->name, REPORT_IGNORED,
				"it has neither a limit nor a request");
		else if (iso->kind == ISO_NETWORK_BANDWIDTH)
			report_network(iso, facts, report);
		else if (iso->kind == ISO_UNKNOWN)
			report_set(report, iso->name, REPORT_IGNORED, "it is not known");
		else if (by & level)
			report_set(report, iso->name, REPORT_ENFORCED, NULL);
		else
			report_set(report, iso->name, REPORT_IGNORED, "%s",
				!by	       ? "it is not enforced"
				: by == BY_POD ? "it is one of pods, not of apps"
					       : "it is one of apps, not of pods");
	}
}

int app_plan(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *ret, struct err *e)
{
	if (!app->app)
		return ERR_BAD(
			e, "neither the pod's manifest nor the image's says what to execute");
	struct app_plan plan = { .name = app->name, .oom_score_adj = INT64_MIN, .report.arena = a };
	plan_report(&app->app->isolators, BY_APP, facts, &plan.report);
	int r = plan_exec(app, &plan, e);
	if (r == 0)
		r = isolators_check_limits(&app->app->isolators, e);
	if (r == 0)
		r = plan_cred(pod, app, facts, &plan.cred, &plan.report, e);
	if (r == 0)
		r = plan_confine(pod, app, facts, a, &plan, e);
	if (r == 0)
		r = plan_mounts(pod, app, facts, a, &plan, e);
	if (r < 0) {
		app_plan_release(&plan);
		return r;
	}
	plan_env(app, facts, &plan.envv);
	if (!facts->bare) {
		plan_limits(&app->app->isolators, pod, &plan.limits, &plan.report);
		const struct isolator *oom = isolator_find(&app->app->isolators, ISO_OOM_SCORE_ADJ);
		if (oom)
			plan.oom_score_adj = oom->number;
	}
	*ret = plan;
	return 0;
}

int pod_plan(const struct pod_manifest *pod, const struct app_facts *facts, struct arena *a,
	struct pod_plan *ret, struct err *e)
{
	struct pod_plan plan = { .report.arena = a };
	int r = isolators_check_pod_limits(&pod->isolators, e);
	if (r >= 0)
		r = plan_sysctls(pod, facts, &plan, e);
	if (r < 0)
		return r;
	plan_report(&pod->isolators, BY_POD, facts, &plan.report);
	if (!facts->bare)
		plan_pod_limits(pod, &plan.limits);
	*ret = plan;
	return 0;
}

void app_plan_release(struct app_plan *plan)
{
	strv_release(&plan->argv);
	strv_release(&plan->envv);
}
