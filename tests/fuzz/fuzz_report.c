/* SPDX-License-Identifier: Apache-2.0 */
/* isolators.json of a pod's directory, which a stage1 wrote. */
#include "lib/spec/report.h"
#include "tests/fuzz/fuzz.h"

static void lines_hold(const struct report *r)
{
	const struct report_line *loose = report_loose(r);
	FUZZ_HOLDS(!loose || loose->state != REPORT_ENFORCED);
	for (size_t i = 0; i < r->n; i++) {
		FUZZ_HOLDS(r->v[i].isolator && r->v[i].state < _REPORT_STATE_MAX);
		FUZZ_HOLDS(report_find(r, r->v[i].isolator));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(str) struct str first = STR_INIT(STR_MAX_OUTPUT), second = STR_INIT(STR_MAX_OUTPUT);
	struct pod_report r = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	if (pod_report_decode(text, size, &a, &r, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return 0;
	}
	lines_hold(&r.pod);
	for (size_t i = 0; i < r.n_apps; i++) {
		FUZZ_HOLDS(pod_report_app(&r, r.apps[i].name) == &r.apps[i].report);
		lines_hold(&r.apps[i].report);
	}
	pod_report_encode(&r, &first);
	FUZZ_HOLDS(pod_report_decode(str_text(&first), first.len, &a, &again, &e) == 0);
	pod_report_encode(&again, &second);
	FUZZ_HOLDS(strcmp(str_text(&first), str_text(&second)) == 0);
	str_release(&second);
	return 0;
}
