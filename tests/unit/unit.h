/* SPDX-License-Identifier: Apache-2.0 */
/* unit: what every unit test program needs. UNIT_MAIN(name, test_a, test_b…) is its main. */
#pragma once

#include <check.h>
#include <stdlib.h>

#include "lib/base/err.h"

#define UNIT_MAIN(suite, ...)                                                     \
	int main(void)                                                            \
	{                                                                         \
		static const TTest *const *const tests[] = { __VA_ARGS__, NULL }; \
		return unit_run(suite, tests);                                    \
	}

/* A main of one's own: unit_case(), tcase_add_test() and its like, and at the end unit_end(), which
 * is what main returns. setup, teardown: before and after each test, in its process; NULL: nothing.
 */
static inline TCase *unit_case(void (*setup)(void), void (*teardown)(void))
{
	TCase *c = tcase_create("all");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	return c;
}

static inline int unit_end(const char *suite, TCase *c)
{
	Suite *s = suite_create(suite);
	suite_add_tcase(s, c);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int unit_run(const char *suite, const TTest *const *const *tests)
{
	TCase *c = unit_case(NULL, NULL);
	for (; *tests; tests++)
		tcase_add_test(c, **tests);
	return unit_end(suite, c);
}

/* The error as a user reads it; valid until the next call. */
static inline const char *unit_message(const struct err *e)
{
	static char text[2048];
	err_format(e, false, text, sizeof text);
	return text;
}
