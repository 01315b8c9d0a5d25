/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/unit/unit.h"

static struct err e;

START_TEST(set)
{
	errno = ENOENT;
	ck_assert_int_eq(ERR_SYS(&e, "open '%s'", "/x"), -ENOENT);
	ck_assert_int_eq(e.kind, ERR_SYSTEM);
	ck_assert_int_eq(e.errnum, ENOENT);
	ck_assert_uint_eq(e.len, strlen(e.msg));
	ck_assert_str_eq(unit_message(&e), "open '/x': No such file or directory");
	ck_assert_int_eq(ERR_BAD(&e, "'%s' is bad", "x"), -EINVAL);
	ck_assert_str_eq(unit_message(&e), "'x' is bad");
	ck_assert_int_eq(ERR_NOENT(&e, "none"), -ENOENT);
	ck_assert_int_eq(e.kind, ERR_NOT_FOUND);
	ck_assert_int_eq(ERR_DENY(&e, "no"), -EPERM);
	ck_assert_int_eq(e.kind, ERR_REFUSED);
	ck_assert_int_eq(ERR_NUM(&e, EIO, "read"), -EIO);
	ck_assert_int_eq(err_set(&e, ERR_PEER, 0, "gone"), -EINVAL);
}
END_TEST

START_TEST(wrap)
{
	char text[512];
	ERR_NUM(&e, EPERM, "mount '/proc'");
	ck_assert_int_eq(err_wrap(&e, -EPERM, "app '%s'", "redis"), -EPERM);
	ck_assert_int_eq(err_wrap(&e, -7, "pod"), -7);
	ck_assert_str_eq(
		unit_message(&e), "pod: app 'redis': mount '/proc': Operation not permitted");
	ck_assert_int_eq(e.errnum, EPERM);
	ck_assert_uint_eq(e.len, strlen(e.msg));
	err_format(&e, true, text, sizeof text);
	ck_assert_str_eq(text, "pod:\n  app 'redis':\n  mount '/proc':\n  Operation not permitted");
}
END_TEST

START_TEST(long_messages_are_cut)
{
	char big[2000], small[8];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	ck_assert_int_eq(ERR_NUM(&e, ENOENT, "%s", big), -ENOENT);
	ck_assert_uint_eq(e.len, sizeof e.msg - 1);
	ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
	for (int i = 0; i < 600; i++)
		err_wrap(&e, -1, "level");
	ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
	err_wrap(&e, -1, "%s", big);
	ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
	ck_assert_uint_eq(e.len, strlen(e.msg));
	ERR_BAD(&e, "0123456789");
	err_format(&e, false, small, sizeof small);
	ck_assert_str_eq(small, "0123456");
}
END_TEST

START_TEST(terminals_are_safe)
{
	char text[128];
	ERR_BAD(&e, "'\x1b[2J\r\n\t\x7f\xc2\x9b\xc3\xa9'");
	ck_assert_str_eq(unit_message(&e), "'\\x1b[2J\\x0d\\x0a\\x09\\x7f\\xc2\\x9b\xc3\xa9'");
	text_escape("a\x1b]0;x\x07\xc2\x9d\n\xe2\x82\xac", text, sizeof text);
	ck_assert_str_eq(text, "a\\x1b]0;x\\x07\\xc2\\x9d\\x0a\xe2\x82\xac");
	text_escape("\x1b\x1b\x1b", text, 6);
	ck_assert_str_eq(text, "\\x1b\\");
	/* A stray continuation byte is C1 to a terminal that does not speak UTF-8. */
	text_escape("\x9b[2J", text, sizeof text);
	ck_assert_ptr_null(strchr(text, '\x9b'));
}
END_TEST

START_TEST(of_another_process)
{
	memset(&e, 0xff, sizeof e);
	err_sanitize(&e);
	ck_assert_int_eq(e.kind, ERR_PEER);
	ck_assert_int_eq(e.errnum, EPROTO);
	ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
	ck_assert_uint_eq(e.len, strlen(e.msg));
	e = ERR_INIT;
	err_sanitize(&e);
	ck_assert_uint_eq(e.len, 0);
}
END_TEST

UNIT_MAIN("err", &set, &wrap, &long_messages_are_cut, &terminals_are_safe, &of_another_process)
