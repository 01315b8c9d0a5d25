/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/uuid.h"
#include "tests/unit/unit.h"

#define UUID "076292e6-54c4-4cc8-9fa7-679c5f7dcfd3"

START_TEST(generated)
{
	struct uuid a, b;
	struct err e;
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(uuid_generate(&a, &e), 0);
		ck_assert_int_eq(uuid_generate(&b, &e), 0);
		ck_assert_str_ne(a.text, b.text);
		ck_assert(uuid_valid(a.text));
		ck_assert_int_eq(a.text[14], '4');
		ck_assert_ptr_nonnull(strchr("89ab", a.text[19]));
	}
}
END_TEST

START_TEST(valid)
{
	static const char *const bad[] = { "", "0", "076292e6-54c4-4cc8-9fa7-679c5f7dcfd", UUID "0",
		"076292E6-54c4-4cc8-9fa7-679c5f7dcfd3", "076292e6054c4-4cc8-9fa7-679c5f7dcfd3",
		"076292e6-54c4-4cc8-9fa7-679c5f7dcfg3", "../../../../../../../../../../../../",
		"{76292e6-54c4-4cc8-9fa7-679c5f7dcfd}" };
	ck_assert(uuid_valid(UUID));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!uuid_valid(bad[i]), "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(prefixes)
{
	char text[40];
	for (size_t n = 1; n <= 36; n++) {
		memcpy(text, UUID, n);
		text[n] = '\0';
		ck_assert(uuid_prefix_valid(text));
	}
	ck_assert(!uuid_prefix_valid("") && !uuid_prefix_valid("-") && !uuid_prefix_valid("0-"));
	ck_assert(!uuid_prefix_valid("076292e654") && !uuid_prefix_valid(UUID "0"));
	ck_assert(!uuid_prefix_valid("..") && !uuid_prefix_valid("AB"));
}
END_TEST

UNIT_MAIN("uuid", &generated, &valid, &prefixes)
