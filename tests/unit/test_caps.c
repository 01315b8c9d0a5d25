/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/caps.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(names_are_libcaps)
{
	for (unsigned i = 0; i < _CAP_MAX; i++) {
		cap_value_t value;
		ck_assert_int_eq(cap_from_name(cap_name(i), &value), 0);
		ck_assert_int_eq(value, (int)i);
	}
	ck_assert_ptr_null(cap_name(_CAP_MAX));
	ck_assert_ptr_null(cap_name(64));
}
END_TEST

START_TEST(parses)
{
	struct err e = ERR_INIT;
	ck_assert_int_eq(cap_parse("CAP_SYS_ADMIN", &e), 21);
	ck_assert_int_eq(cap_parse("sys_admin", &e), 21);
	ck_assert_int_eq(cap_parse("cap_Net_Raw", &e), 13);
	static const char *const bad[] = { "", "CAP_", "CAP_CAP_CHOWN", "SYS_ADMINS", "SYS", "21",
		" CHOWN" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(cap_parse(bad[i], &e), -ENOENT);
	uint64_t set = 0;
	const char *const names[] = { "CHOWN", "CAP_BPF" };
	ck_assert_int_eq(caps_parse(names, 2, &set, &e), 0);
	ck_assert_uint_eq(set, 1 | UINT64_C(1) << 39);
}
END_TEST

START_TEST(defaults_are_appcs_fourteen)
{
	ck_assert_int_eq(__builtin_popcountll(CAPS_APPC), 14);
	ck_assert_uint_eq(CAPS_APPC & CAP_BIT(SYS_ADMIN), 0);
	ck_assert_uint_ne(CAPS_APPC & CAP_BIT(NET_BIND_SERVICE), 0);
}
END_TEST

START_TEST(drops_and_reads_back)
{
	struct err e = ERR_INIT;
	struct caps held;
	ck_assert_int_eq(caps_get(&held, &e), 0);
	const uint64_t keep = CAP_BIT(CHOWN) | CAP_BIT(SETPCAP) | CAP_BIT(KILL);
	ck_assert_int_eq(caps_bound(keep, &e), 0);
	ck_assert_uint_eq(caps_bounding(), keep);
	const struct caps want = { CAP_BIT(KILL), CAP_BIT(KILL) | CAP_BIT(CHOWN), CAP_BIT(KILL) };
	ck_assert_int_eq(caps_set(&want, &e), 0);
	struct caps got;
	ck_assert_int_eq(caps_get(&got, &e), 0);
	ck_assert_uint_eq(got.effective, want.effective);
	ck_assert_uint_eq(got.permitted, want.permitted);
	ck_assert_uint_eq(got.inheritable, want.inheritable);
	ck_assert_int_eq(caps_ambient(CAP_BIT(KILL), &e), 0);
	ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
	ck_assert_int_eq(caps_ambient(CAP_BIT(CHOWN), &e), -EPERM);
	ck_assert_int_eq(caps_set(&held, &e), -EPERM);
	/* What has gone may be dropped again, what is there may not without SETPCAP. */
	ck_assert_int_eq(caps_bound(keep, &e), 0);
	ck_assert_int_eq(caps_bound(0, &e), -EPERM);
}
END_TEST

UNIT_MAIN("caps", &names_are_libcaps, &parses, &defaults_are_appcs_fourteen, &drops_and_reads_back)
