/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/atomic.h"
#include "stage1/load.h"

static void print_loose(const char *app, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report_line *line = &r->v[i];
		char name[256]; /* whatever an image calls it */
		if (line->state == REPORT_ENFORCED)
			continue;
		text_escape(line->isolator, name, sizeof name);
		fprintf(stderr, "%s%s%s: isolator '%s' is %s: %s\n", app ? "app '" : "pod",
			app ? app : "", app ? "'" : "", name, report_state_name(line->state),
			line->why);
	}
}

static int refuse_loose(const char *app, const struct report *r, struct err *e)
{
	const struct report_line *line = report_loose(r);
	if (!line)
		return 0;
	int res = ERR_DENY(e, "isolator '%s' is %s: %s (--strict-isolators)", line->isolator,
		report_state_name(line->state), line->why);
	return app ? err_wrap(e, res, "app '%s'", app) : res;
}

static int record(const struct stage1_pod *p, const struct pod_report *all, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	pod_report_encode(all, &text);
	if (!str_ok(&text))
		return ERR_NUM(e, EFBIG, "'" POD_ISOLATORS_FILE "'");
	return atomic_write(
		p->dirfd, POD_ISOLATORS_FILE, str_text(&text), text.len, 0644, ATOMIC_VISIBLE, e);
}

int stage1_report(const struct stage1_pod *p, struct err *e)
{
	const size_t n = p->manifest->n_apps;
	const bool strict =
		str_eq(nv_get(&p->manifest->annotations, POD_ANNOTATION_STRICT), "true");
	_clean_(arena) struct arena a = ARENA_INIT;
	struct pod_report all = { .pod = p->plan.report };
	size_t lines = all.pod.n;
	int r = strict ? refuse_loose(NULL, &all.pod, e) : 0;
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct app_plan *plan = &p->plans[i];
		lines += plan->report.n;
		if (strict)
			r = refuse_loose(plan->name, &plan->report, e);
	}
	if (r < 0 || lines == 0)
		return r;
	all.apps = ARENA_ARRAY(&a, struct report_app, n);
	all.n_apps = n;
	for (size_t i = 0; i < n; i++)
		all.apps[i] = (struct report_app){ p->plans[i].name, p->plans[i].report };
	print_loose(NULL, &all.pod);
	for (size_t i = 0; i < n; i++)
		print_loose(all.apps[i].name, &all.apps[i].report);
	return record(p, &all, e);
}
