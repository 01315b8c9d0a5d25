/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/ident.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "tests/unit/unit.h"

static char dir[] = "/tmp/test_ident.XXXXXX";
static int root;
static struct err e;
static struct ident id;

static const char passwd[] = "# accounts\n"
			     "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "+nis::::::\n"
			     "short:x\n"
			     "redis:x:999:998:Redis:/var/lib/redis:/usr/sbin/nologin\n"
			     "redis:x:0:0:again:/:/bin/sh\n"
			     "1000:x:77:77:digits:/:/bin/sh\n"
			     "4294967296:x:78:78::/:/bin/sh\n"
			     "wraps:x:4294967296:1::/:/bin/sh\n"
			     "minus:x:-1:1::/:/bin/sh\n"
			     "large:x:2147483648:1::/:/bin/sh\n"
			     "space:x: 5:1::/:/bin/sh\n"
			     "bare:x:12:12\n"
			     "last:x:55:55::/home/last:/bin/sh";
static const char group[] = "root:x:0:\nredis:x:998:a,b\n1000:x:88:\nwraps:x:4294967296:\n";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void end(void)
{
	close(root);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const void *bytes, size_t n)
{
	(void)unlinkat(root, name, 0);
	ck_assert_int_eq(io_write_new(root, name, bytes, n, 0644, &e), 0);
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(root, "etc", 0755), 0);
	put("etc/passwd", passwd, sizeof passwd - 1);
	put("etc/group", group, sizeof group - 1);
}

static int resolve(const char *user, const char *grp)
{
	e = ERR_INIT;
	id = (struct ident){ .uid = 4242, .gid = 4242 };
	return ident_resolve(root, user, grp, &id, &e);
}

static void check(const char *user, const char *grp, uid_t uid, gid_t gid)
{
	ck_assert_msg(resolve(user, grp) == 0, "%s", unit_message(&e));
	ck_assert_uint_eq(id.uid, uid);
	ck_assert_uint_eq(id.gid, gid);
}

START_TEST(names_and_numbers)
{
	check("root", "root", 0, 0);
	check("0", "0", 0, 0);
	check("redis", "redis", 999, 998);
	ck_assert_str_eq(id.home, "/var/lib/redis");
	ck_assert_str_eq(id.shell, "/usr/sbin/nologin");
	ck_assert_str_eq(id.name, "redis");
	check("999", "998", 999, 998);
	ck_assert_str_eq(id.name, "redis");
	check("31337", "31337", 31337, 31337);
	ck_assert_str_eq(id.home, "");
	check("bare", "0", 12, 0);
	check("last", "0", 55, 0);
	ck_assert_str_eq(id.home, "/home/last");
	check("2147483647", "2147483647", 2147483647, 2147483647);
}
END_TEST

/* CVE-2016-3697: appc looks names up first, all-digit ones too. */
START_TEST(digits_are_names_first)
{
	check("1000", "1000", 77, 88);
}
END_TEST

/* CVE-2026-46680: a number of an OCI image is a number, whatever its passwd says. */
START_TEST(a_plus_makes_a_number)
{
	check("+1000", "+1000", 1000, 1000);
	check("+0", "+999", 0, 999);
	ck_assert_int_lt(resolve("+2147483648", "0"), 0);
	ck_assert_int_lt(resolve("+", "0"), 0);
	ck_assert_int_lt(resolve("+1000x", "0"), 0);
}
END_TEST

/* CVE-2024-40635, CVE-2026-46680: numbers that wrap, or are taken for another account. */
START_TEST(numbers_out_of_range)
{
	static const char *const bad[] = { "2147483648", "4294967295", "4294967297",
		"99999999999999999999", "wraps", "minus", "large", "space" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(resolve(bad[i], "0") < 0, "%s became %u", bad[i], id.uid);
	ck_assert_int_lt(resolve("0", "4294967296"), 0);
	ck_assert_int_lt(resolve("0", "wraps"), 0);
	ck_assert_uint_eq(id.gid, 4242);
}
END_TEST

START_TEST(not_there)
{
	ck_assert_int_eq(resolve("user2", "0"), -ENOENT);
	ck_assert_str_eq(unit_message(&e), "\"user2\" user not found");
	ck_assert_int_eq(resolve("0", "group2"), -ENOENT);
	ck_assert_str_eq(unit_message(&e), "\"group2\" group not found");
	static const char *const odd[] = { "", "short", "+nis", "# accounts", "root:x", "redis\n" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		ck_assert_msg(resolve(odd[i], "0") < 0, "'%s' became %u", odd[i], id.uid);
}
END_TEST

START_TEST(owners_of_files)
{
	put("file", "", 0);
	ck_assert_int_eq(fchownat(root, "file", 123, 456, 0), 0);
	check("/file", "/file", 123, 456);
	ck_assert_int_eq(symlinkat("/../../../../etc/hostname", root, "link"), 0);
	ck_assert_int_eq(fchownat(root, "link", 7, 8, AT_SYMLINK_NOFOLLOW), 0);
	check("/link", "/link", 7, 8);
	ck_assert_int_lt(resolve("/nothing", "0"), 0);
	/* Nothing of the host is looked at. */
	ck_assert_int_lt(resolve("/../../../../etc/hostname", "0"), 0);
}
END_TEST

START_TEST(images_without_accounts)
{
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(unlinkat(root, "etc/group", 0), 0);
	check("root", "root", 0, 0);
	check("1000", "1000", 1000, 1000);
	ck_assert_int_lt(resolve("redis", "0"), 0);
	ck_assert_str_eq(unit_message(&e),
		"\"redis\" user not found: open '/etc/passwd': No such file or directory");
}
END_TEST

/* CVE-2024-9676: what blocks or never ends; CVE-2026-47262: what is huge. */
START_TEST(hostile_databases)
{
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(mkfifoat(root, "etc/passwd", 0666), 0);
	ck_assert_int_lt(resolve("redis", "0"), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "not a regular file"));

	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(symlinkat("/../../../../../dev/zero", root, "etc/passwd"), 0);
	ck_assert_int_lt(resolve("redis", "0"), 0);

	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	_clean_(fd) int fd = openat(root, "etc/passwd", O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(ftruncate(fd, 2 * 1024 * 1024), 0);
	ck_assert_int_lt(resolve("redis", "0"), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "larger than"));

	static const char nul[] = "evil\0redis:x:0:0::/:/bin/sh\nredis:x:5:5::/:/bin/sh\n";
	put("etc/passwd", nul, sizeof nul - 1);
	ck_assert_int_lt(resolve("redis", "0"), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(begin, end);
	tcase_add_test(t, names_and_numbers);
	tcase_add_test(t, digits_are_names_first);
	tcase_add_test(t, a_plus_makes_a_number);
	tcase_add_test(t, numbers_out_of_range);
	tcase_add_test(t, not_there);
	tcase_add_test(t, owners_of_files);
	tcase_add_test(t, images_without_accounts);
	tcase_add_test(t, hostile_databases);
	return unit_end("ident", t);
}
