/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/mountinfo.h"

#include <stdio.h>
#include <sys/sysmacros.h>

#include "tests/unit/unit.h"

START_TEST(fields_and_escapes)
{
	struct mountinfo m;
	char line[] =
		"36 35 98:0 /mnt\\134x /a\\040b rw,noatime shared:7 master:1 - ext3 /dev/root "
		"rw,errors=continue\n";
	ck_assert(mountinfo_parse(line, &m));
	ck_assert_uint_eq(m.id, 36);
	ck_assert_uint_eq(m.device, makedev(98, 0));
	ck_assert_str_eq(m.root, "/mnt\\x");
	ck_assert_str_eq(m.point, "/a b");
	ck_assert_str_eq(m.type, "ext3");
	ck_assert_str_eq(m.options, "rw,errors=continue");
	ck_assert(m.shared);
}
END_TEST

START_TEST(only_an_optional_field_says_shared)
{
	struct mountinfo m;
	char line[] = "36 35 0:9 / /shared:1 shared:1 - tmpfs shared:1 shared:1";
	ck_assert(mountinfo_parse(line, &m));
	ck_assert(!m.shared);
	ck_assert_str_eq(m.point, "/shared:1");
}
END_TEST

START_TEST(what_is_no_line)
{
	static const char *const bad[] = { "", "36", "36 35 0:9 / /x rw",
		"36 35 0:9 / /x rw - tmpfs x", "36 35 0:9 / x rw - tmpfs x rw",
		"x 35 0:9 / /x rw - tmpfs x rw", "36 35 0:9 / /x rw shared:1 tmpfs x rw",
		"36 35 09 / /x rw - tmpfs x rw", "36 35 0:x / /x rw - tmpfs x rw",
		"36 35 :9 / /x rw - tmpfs x rw" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mountinfo m;
		char line[64];
		snprintf(line, sizeof line, "%s", bad[i]);
		ck_assert_msg(!mountinfo_parse(line, &m), "%s", bad[i]);
	}
}
END_TEST

UNIT_MAIN("mountinfo", &fields_and_escapes, &only_an_optional_field_says_shared, &what_is_no_line)
