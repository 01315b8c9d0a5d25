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

static int tell(bool strict, const char *app, const struct report *r, struct err *e)
{
	if (strict)
		return refuse_loose(app, r, e);
	print_loose(app, r);
	return 0;
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
	size_t lines = p->plan.report.n;
	for (size_t i = 0; i < n; i++)
		lines += p->plans[i].report.n;
	if (lines == 0)
		return 0;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct pod_report all = { .pod = p->plan.report };
	all.apps = ARENA_ARRAY(&a, struct report_app, n);
	all.n_apps = n;
	for (size_t i = 0; i < n; i++)
		all.apps[i] = (struct report_app){ p->plans[i].name, p->plans[i].report };
	int r = record(p, &all, e);
	if (r >= 0)
		r = tell(strict, NULL, &all.pod, e);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = tell(strict, all.apps[i].name, &all.apps[i].report, e);
	return r;
}
