/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/report.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct err e;

START_TEST(one_line_an_isolator)
{
	struct report r = { .arena = &arena };
	ck_assert_ptr_null(report_loose(&r));
	report_set(&r, "a", REPORT_ENFORCED, NULL);
	report_set(&r, "b", REPORT_CHANGED, "is %d", 3);
	report_set(&r, "a", REPORT_ENFORCED, "as asked");
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(report_find(&r, "a")->why, "as asked");
	ck_assert_str_eq(report_loose(&r)->isolator, "b");
	ck_assert_str_eq(report_loose(&r)->why, "is 3");
	ck_assert_ptr_null(report_find(&r, "c"));

	/* What is graver stays. */
	report_worsen(&r, "b", REPORT_ENFORCED, NULL);
	ck_assert_int_eq(report_find(&r, "b")->state, REPORT_CHANGED);
	report_worsen(&r, "b", REPORT_IGNORED, "gone");
	ck_assert_int_eq(report_find(&r, "b")->state, REPORT_IGNORED);
	report_worsen(&r, "c", REPORT_CHANGED, "new");
	ck_assert_int_eq(report_find(&r, "c")->state, REPORT_CHANGED);
}
END_TEST

START_TEST(to_a_file_and_back)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	struct report_app apps[2] = { { "x", { .arena = &arena } }, { "y", { .arena = &arena } } };
	struct pod_report back, all = { .pod = { .arena = &arena }, .apps = apps, .n_apps = 2 };
	report_set(&all.pod, "os/unix/sysctl", REPORT_ENFORCED, NULL);
	report_set(&apps[1].report, "a\"b", REPORT_IGNORED, "why\n");
	pod_report_encode(&all, &text);
	ck_assert_str_eq(str_text(&text),
		"{\"pod\":[{\"isolator\":\"os/unix/sysctl\",\"state\":\"enforced\"}],"
		"\"apps\":{\"x\":[],\"y\":[{\"isolator\":\"a\\\"b\",\"state\":\"ignored\","
		"\"why\":\"why\\n\"}]}}\n");
	ck_assert_msg(pod_report_decode(str_text(&text), text.len, &arena, &back, &e) == 0, "%s",
		unit_message(&e));
	ck_assert_uint_eq(back.pod.n, 1);
	ck_assert_ptr_null(back.pod.v[0].why);
	ck_assert_uint_eq(pod_report_app(&back, "x")->n, 0);
	ck_assert_int_eq(pod_report_app(&back, "y")->v[0].state, REPORT_IGNORED);
	ck_assert_str_eq(pod_report_app(&back, "y")->v[0].why, "why\n");
	ck_assert_ptr_null(pod_report_app(&back, "z"));
}
END_TEST

START_TEST(what_is_no_report_is_refused)
{
	static const char *const bad[] = { "", "[]", "{\"pod\":1}", "{\"apps\":[]}",
		"{\"apps\":{\"x\":{}}}", "{\"pod\":[{\"isolator\":\"a\"}]}",
		"{\"pod\":[{\"isolator\":\"a\",\"state\":\"broken\"}]}",
		"{\"pod\":[{\"isolator\":\"a\",\"state\":1}]}",
		"{\"pod\":[{\"isolator\":1,\"state\":\"ignored\"}]}",
		"{\"pod\":[{\"isolator\":\"\",\"state\":\"ignored\"}]}", "{\"pod\":[1]}" };
	struct pod_report r;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(pod_report_decode(bad[i], strlen(bad[i]), &arena, &r, &e) < 0, "%s",
			bad[i]);
	ck_assert_int_eq(pod_report_decode("{}", 2, &arena, &r, &e), 0);
}
END_TEST

UNIT_MAIN("report", &one_line_an_isolator, &to_a_file_and_back, &what_is_no_report_is_refused)
