/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "stage0/audit.h"
#include "tests/unit/unit.h"

#define UUID "6e52a8b2-2f9e-4b5b-8f5e-0d2f7a9a1c11"

static void text_of(const struct audit_who *who, char *const *argv, struct str *out)
{
	audit_text(who, &(struct audit_command){ UUID, "redis", argv }, out);
	ck_assert(str_ok(out));
	ck_assert_uint_le(out->len, AUDIT_LINE_MAX);
	ck_assert(str_is_one_line(str_text(out)));
}

START_TEST(one_line)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	const struct audit_who who = { .uid = 0, .loginuid = "1000", .sudo_user = "alice" };
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, (char[]){ "" }, NULL };
	text_of(&who, argv, &out);
	ck_assert_str_eq(str_text(&out),
		"privileged command: uid=0 loginuid=1000 sudo_user=\"alice\" pod=" UUID
		" app=redis command=\"/bin/sh\" \"-c\" \"\"");
	str_clear(&out);
	const struct audit_who nobody_s = { .uid = 12 };
	argv[1] = NULL;
	text_of(&nobody_s, argv, &out);
	ck_assert_str_eq(str_text(&out),
		"privileged command: uid=12 pod=" UUID " app=redis command=\"/bin/sh\"");
}
END_TEST

START_TEST(nothing_can_be_forged)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	const struct audit_who who = { .sudo_user = "x\" uid=1\n<0>kernel: \x1b[2J" };
	char *argv[] = { (char[]){ "a\\\" \"b" }, (char[]){ "\xc3\xa4\r\x7f" }, NULL };
	text_of(&who, argv, &out);
	ck_assert_str_eq(str_text(&out),
		"privileged command: uid=0 sudo_user=\"x\\x22 uid=1\\x0a<0>kernel: \\x1b[2J\" "
		"pod=" UUID " app=redis command=\"a\\x5c\\x22 \\x22b\" \"\\xc3\\xa4\\x0d\\x7f\"");
}
END_TEST

START_TEST(long_ones_are_cut)
{
	static char big[9000], name[3000];
	memset(big, '\n', sizeof big - 1);
	memset(name, 'n', sizeof name - 1);
	const struct audit_who who = { .sudo_user = name };
	for (size_t n = 1; n < 3000; n += n < 40 || (n > 400 && n < 520) ? 1 : 97) {
		_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
		char *argv[] = { big + sizeof big - 1 - n, big, big, NULL };
		text_of(&who, argv, &out);
		ck_assert_ptr_nonnull(strstr(str_text(&out), "…"));
		ck_assert_ptr_nonnull(strstr(str_text(&out), "pod=" UUID " app=redis command=\""));
	}
	static char *many[4096];
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	for (size_t i = 0; i < 4095; i++)
		many[i] = big + sizeof big - 2;
	text_of(&who, many, &out);
	ck_assert(str_ends(str_text(&out), "…"));
}
END_TEST

START_TEST(who_it_is)
{
	struct audit_who who;
	setenv("SUDO_USER", "bob", 1);
	audit_who(&who);
	ck_assert_str_eq(who.sudo_user, "bob");
	ck_assert_uint_eq(who.uid, getuid());
	unsetenv("SUDO_USER");
	audit_who(&who);
	ck_assert_ptr_null(who.sudo_user);
}
END_TEST

UNIT_MAIN("audit", &one_line, &nothing_can_be_forged, &long_ones_are_cut, &who_it_is)
