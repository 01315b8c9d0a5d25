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

static inline int unit_run(const char *suite, const TTest *const *const *tests)
{
	Suite *s = suite_create(suite);
	TCase *c = tcase_create(suite);
	tcase_set_timeout(c, 60);
	for (; *tests; tests++)
		tcase_add_test(c, **tests);
	suite_add_tcase(s, c);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The error as a user reads it; valid until the next call. */
static inline const char *unit_message(const struct err *e)
{
	static char text[2048];
	err_format(e, false, text, sizeof text);
	return text;
}
