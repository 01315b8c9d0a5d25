/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "lib/sys/lsm.h"
#include "stage1/load.h"

static const char *name_of(enum isolator_kind kind)
{
	static const char *const names[_ISO_MAX] = {
#define X(id, text) [ISO_##id] = text,
		ISOLATORS(X)
#undef X
	};
	return names[kind];
}

/* `host_users`: the app is set up with the rights of the host's users, not of a namespace's. */
static int foresee_rlimits(struct app_plan *plan, bool host_users, struct err *e)
{
	for (size_t i = 0; i < plan->n_rlimits; i++) {
		struct rlimit_wish *w = &plan->rlimits[i];
		int r = rlimit_clamp(w, host_users, e);
		if (r < 0)
			return r;
		if (r > 0)
			report_worsen(&plan->report, name_of(ISO_RLIMITS), REPORT_CHANGED,
				"%s is %llu, the most that may be set here", w->name,
				(unsigned long long)w->hard);
	}
	return 0;
}

/* Says which of those that a retain set names are not rkt's to give. */
static int foresee_caps(struct app_plan *plan, struct err *e)
{
	struct caps held;
	if (!report_find(&plan->report, name_of(ISO_CAPS_RETAIN)) || plan->cred.caps == CAPS_EVERY)
		return 0;
	int r = caps_get(&held, e);
	const uint64_t missing = plan->cred.caps & ~held.permitted;
	for (unsigned i = 0; r >= 0 && i < _CAP_MAX; i++)
		if (missing >> i & 1)
			report_worsen(&plan->report, name_of(ISO_CAPS_RETAIN), REPORT_CHANGED,
				"rkt does not hold %s", cap_name(i));
	return r;
}

/* Tried, and taken back: how low it may be is not to be seen. */
static void foresee_oom_score(struct app_plan *plan, bool host_users)
{
	static const char knob[] = "/proc/self/oom_score_adj";
	char before[16], text[16];
	int64_t now;
	struct err e = ERR_INIT;
	if (plan->oom_score_adj == INT64_MIN ||
		io_read_line(AT_FDCWD, knob, before, sizeof before, &e) < 0)
		return;
	snprintf(text, sizeof text, "%d", (int)plan->oom_score_adj);
	const bool lower = parse_i64(before, -1000, 1000, &now) && plan->oom_score_adj < now;
	if (!(lower && !host_users) && io_write_knob(AT_FDCWD, knob, text, &e) >= 0)
		(void)io_write_knob(AT_FDCWD, knob, before, &e);
	else
		report_worsen(&plan->report, name_of(ISO_OOM_SCORE_ADJ), REPORT_CHANGED,
			"it stays %s: to lower it takes CAP_SYS_RESOURCE", before);
}

/* appc leaves it to executors to ignore a context where SELinux is not; a profile is to be
 * refused, and so is what the modules that there are do not know. */
static int foresee_labels(struct stage1_pod *p, struct app_plan *plan, struct err *e)
{
	if (plan->selinux && !lsm_selinux_enabled()) {
		const char *why = "SELinux is not enabled";
		plan->selinux = NULL;
		if (report_find(&plan->report, name_of(ISO_SELINUX_CONTEXT)))
			report_set(&plan->report, name_of(ISO_SELINUX_CONTEXT), REPORT_IGNORED,
				"%s", why);
		if (report_find(&p->plan.report, name_of(ISO_SELINUX_CONTEXT)))
			report_set(&p->plan.report, name_of(ISO_SELINUX_CONTEXT), REPORT_IGNORED,
				"%s", why);
	}
	int r = plan->selinux ? lsm_selinux_check(plan->selinux, e) : 0;
	if (r < 0)
		return err_wrap(e, r, "isolator '%s'", name_of(ISO_SELINUX_CONTEXT));
	r = plan->apparmor ? lsm_apparmor_check(plan->apparmor, e) : 0;
	return r < 0 ? err_wrap(e, r, "isolator '%s'", name_of(ISO_APPARMOR_PROFILE)) : 0;
}

int stage1_foresee(struct stage1_pod *p, struct err *e)
{
	const bool host_users = p->facts.users.count == 0;
	for (size_t i = 0; i < p->manifest->n_apps; i++) {
		struct app_plan *plan = &p->plans[i];
		int r = foresee_rlimits(plan, host_users, e);
		if (r >= 0)
			r = foresee_caps(plan, e);
		if (r >= 0)
			r = foresee_labels(p, plan, e);
		if (r < 0)
			return err_wrap(e, r, "app '%s'", plan->name);
		foresee_oom_score(plan, host_users);
	}
	return 0;
}
