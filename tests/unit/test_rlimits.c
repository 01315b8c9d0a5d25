/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/rlimits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/sys/caps.h"
#include "tests/unit/unit.h"

static struct err e;

START_TEST(forms)
{
	static const struct {
		const char *value;
		uint64_t soft, hard;
	} good[] = { { "5", 5, 5 }, { "5:9", 5, 9 }, { "0", 0, 0 },
		{ "unlimited", RLIMIT_UNLIMITED, RLIMIT_UNLIMITED },
		{ "-1", RLIMIT_UNLIMITED, RLIMIT_UNLIMITED },
		{ "5:unlimited", 5, RLIMIT_UNLIMITED },
		{ "9223372036854775807", INT64_MAX, INT64_MAX } };
	static const char *const bad[] = { "", ":", "5:", ":5", "5:4", "unlimited:5", "-2", "+5",
		"5:6:7", "5k", "9223372036854775808", "99999999999999999999999999", "x" };
	struct rlimit_wish w;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_msg(
			rlimit_parse("nofile", good[i].value, &w, &e) == 0, "%s", unit_message(&e));
		ck_assert_int_eq(w.resource, RLIMIT_NOFILE);
		ck_assert(w.soft == good[i].soft && w.hard == good[i].hard);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(rlimit_parse("core", bad[i], &w, &e) < 0, "accepted '%s'", bad[i]);
	ck_assert_int_lt(rlimit_parse("files", "5", &w, &e), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "'files' is not a limit"));
}
END_TEST

START_TEST(in_force)
{
	struct rlimit_wish w;
	ck_assert_int_eq(rlimit_parse("nofile", "3:100", &w, &e), 0);
	ck_assert_int_eq(rlimit_clamp(&w, true, &e), 0);
	ck_assert_int_eq(rlimit_apply(&w, &e), 0);
	ck_assert_int_lt(open("/", O_RDONLY), 0);
	ck_assert_int_eq(errno, EMFILE);
	w.soft = w.hard; /* sanitizers look around at the end */
	ck_assert_int_eq(rlimit_apply(&w, &e), 0);
	ck_assert_int_ge(open("/", O_RDONLY), 0);
}
END_TEST

START_TEST(of_a_user_namespace)
{
	struct rlimit limit = { 50, 60 };
	struct rlimit_wish w;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(rlimit_parse("nofile", "70:80", &w, &e), 0);
	ck_assert_int_eq(rlimit_clamp(&w, false, &e), 1);
	ck_assert_uint_eq(w.hard, 60);
}
END_TEST

/* Without the right to raise it, a hard limit stays what it is. */
START_TEST(lowered_to_what_may_be)
{
	struct rlimit limit = { 50, 60 };
	struct rlimit_wish w;
	struct caps caps;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(caps_get(&caps, &e), 0);
	caps.effective &= ~CAP_BIT(SYS_RESOURCE);
	caps.permitted &= ~CAP_BIT(SYS_RESOURCE);
	ck_assert_int_eq(caps_set(&caps, &e), 0);
	ck_assert_int_eq(rlimit_parse("nofile", "70:80", &w, &e), 0);
	struct rlimit_wish unclamped = w;
	ck_assert_int_eq(rlimit_clamp(&w, true, &e), 1);
	ck_assert_uint_eq(w.hard, 60);
	ck_assert_uint_eq(w.soft, 60);
	ck_assert_int_eq(rlimit_apply(&unclamped, &e), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(limit.rlim_cur == 60 && limit.rlim_max == 60);
	ck_assert_int_eq(rlimit_parse("nofile", "10:20", &w, &e), 0);
	ck_assert_int_eq(rlimit_clamp(&w, true, &e), 0);
}
END_TEST

UNIT_MAIN("rlimits", &forms, &in_force, &of_a_user_namespace, &lowered_to_what_may_be)
