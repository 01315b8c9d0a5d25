/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/keystore.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define S "sha256-cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static char base[] = "/tmp/rkt-test-keystore-XXXXXX";
static struct arena arena;
static struct err e;
static struct keystore ks;

static char *at(const char *path)
{
	return arena_printf(&arena, "%s/%s", base, path);
}

/* A file below base, with every directory on its way. */
static void put(const char *path, const char *text)
{
	char *full = at(path);
	for (char *slash = full + strlen(base); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	ck_assert_msg(io_write_new(AT_FDCWD, full, text, strlen(text), 0644, &e) == 0, "%s",
		unit_message(&e));
}

static void setup(void)
{
	memcpy(base + sizeof base - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(base));
	ks = (struct keystore){ { at("vendor"), at("local"), at("user") } };
}

static void teardown(void)
{
	(void)rmtree_at(AT_FDCWD, base, &e);
	arena_release(&arena);
}

/* "level:prefix:fingerprint's first letter", for each that is in force for the name. */
static const char *in_force(const char *name)
{
	struct trust_entries all, v;
	struct str out = STR_INIT(STR_MAX_LINE);
	ck_assert_msg(keystore_list(&ks, &arena, &all, &e) == 0, "%s", unit_message(&e));
	keystore_for(&all, name, &arena, &v);
	for (size_t i = 0; i < v.n; i++)
		str_addf(&out, "%s%s%d:%s:%c", out.len ? " " : "", v.v[i].misplaced ? "!" : "",
			v.v[i].level, v.v[i].prefix ? v.v[i].prefix : "", v.v[i].fingerprint[0]);
	const char *text = arena_strdup(&arena, str_text(&out));
	str_release(&out);
	return text;
}

static const struct {
	const char *prefix, *name;
	bool covers;
} prefixes[] = {
	{ "foo", "foo", true },
	{ "foo", "foo/bar", true },
	{ "foo", "foobar", false },
	{ "foo", "foo-bar", false },
	{ "foo", "foo.bar/x", false },
	{ "foo", "fo", false },
	{ "foo/bar", "foo", false },
	{ "foo/bar", "foo/bar/baz", true },
	{ "foo/bar", "foo/barbaz", false },
	{ "foo/bar", "x/foo/bar", false },
	{ "example.com", "example.com.evil.org/foo", false },
	{ "example.com/a", "example.com/a~b", false },
	{ "", "foo", false },
};

START_TEST(prefixes_cover_components)
{
	ck_assert_msg(prefix_covers(prefixes[_i].prefix, prefixes[_i].name) == prefixes[_i].covers,
		"'%s' and '%s'", prefixes[_i].prefix, prefixes[_i].name);
}
END_TEST

START_TEST(prefixes_are_checked)
{
	static const char *const good[] = { "a", "example.com", "example.com/a-b_c~d/e",
		"example.com:5000/x", "a/...", "docker.io/library/Redis" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..",
		"a/./b", "a b", "a\nb", "a\\b", "a*", "\xc3\xa4" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(prefix_valid(good[i]), "'%s'", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!prefix_valid(bad[i]), "'%s'", bad[i]);
}
END_TEST

START_TEST(nothing_there)
{
	ck_assert_str_eq(in_force("foo"), "");
	ks = (struct keystore){ { NULL, "", at("none") } };
	ck_assert_str_eq(in_force("foo"), "");
}
END_TEST

START_TEST(keys_are_found)
{
	put("vendor/trustedkeys/root.d/" A, "k");
	put("local/trustedkeys/prefix.d/foo/" B, "k");
	put("local/trustedkeys/prefix.d/foo/bar/" S, "k");
	put("user/trustedkeys/prefix.d/example.com/" B, "k");
	put("local/trustedkeys/prefix.d/foo/.tmp-1", "half");
	ck_assert_str_eq(in_force("foo"), "0::a 1:foo:b");
	ck_assert_str_eq(in_force("foobar"), "0::a");
	ck_assert_str_eq(in_force("example.com/x"), "0::a 2:example.com:b");
	ck_assert_ptr_nonnull(strstr(in_force("foo/bar/x"), "1:foo/bar:s"));
	ck_assert_ptr_nonnull(strstr(in_force("foo/bar/x"), "1:foo:b"));
}
END_TEST

START_TEST(masks_of_root_cover_everything)
{
	put("vendor/trustedkeys/root.d/" A, "k");
	put("vendor/trustedkeys/prefix.d/foo/" A, "k");
	put("vendor/trustedkeys/root.d/" B, "k");
	put("local/trustedkeys/root.d/" A, "");
	ck_assert_str_eq(in_force("foo"), "0::b");
	put("user/trustedkeys/root.d/" A, "k"); /* a mask works backwards only */
	ck_assert_str_eq(in_force("bar"), "0::b 2::a");
}
END_TEST

START_TEST(masks_of_a_prefix_cover_it)
{
	put("vendor/trustedkeys/root.d/" A, "k");
	put("vendor/trustedkeys/prefix.d/foo/" B, "k");
	put("local/trustedkeys/prefix.d/foo/" A, "");
	put("local/trustedkeys/prefix.d/foo/bar/" B, "");
	ck_assert_str_eq(in_force("foobar"), "0::a");
	ck_assert_str_eq(in_force("foo"), "0:foo:b");
	ck_assert_str_eq(in_force("foo/bar/x"), "");
}
END_TEST

START_TEST(misplaced_files_concern_what_they_cover)
{
	put("local/trustedkeys/prefix.d/foo/README", "x");
	put("local/trustedkeys/prefix.d/" A, "a key for no prefix");
	put("local/trustedkeys/prefix.d/bar/" B "0", "x");
	ck_assert_str_eq(in_force("foo"), "!1::a !1:foo:R");
	ck_assert_str_eq(in_force("bar"), "!1::a !1:bar:b");
	ck_assert_str_eq(in_force("else"), "!1::a");
}
END_TEST

START_TEST(a_prefix_that_is_none)
{
	struct trust_entries all;
	put("local/trustedkeys/prefix.d/a b/" A, "k");
	ck_assert_int_eq(keystore_list(&ks, &arena, &all, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "a b"));
}
END_TEST

START_TEST(added_and_removed)
{
	struct trust_entries all;
	struct stat st;
	const char *path;
	ck_assert_int_eq(keystore_add(&ks, "foo/bar", A, "key", 3, &arena, &path, &e), 0);
	ck_assert_str_eq(path, at("local/trustedkeys/prefix.d/foo/bar/" A));
	ck_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644 && st.st_size == 3);
	ck_assert_int_eq(keystore_add(&ks, "foo", B, "key", 3, &arena, &path, &e), 0);
	ck_assert_int_eq(keystore_mask(&ks, NULL, S, &arena, &path, &e), 0);
	ck_assert_str_eq(path, at("local/trustedkeys/root.d/" S));
	ck_assert_int_eq(keystore_allow_unsigned(&ks, "foo", &arena, &path, &e), 0);
	ck_assert_int_eq(keystore_list(&ks, &arena, &all, &e), 0);
	ck_assert_uint_eq(all.n, 4);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].kind == TRUST_KEY)
			ck_assert_int_eq(keystore_remove(&all.v[i], &e), 0);
	ck_assert(access(at("local/trustedkeys/prefix.d/foo"), F_OK) < 0);
	ck_assert(access(at("local/trustedkeys/prefix.d"), F_OK) == 0);
	ck_assert_int_eq(keystore_list(&ks, &arena, &all, &e), 0);
	ck_assert_uint_eq(all.n, 1);
	ck_assert_int_eq(all.v[0].kind, TRUST_UNSIGNED);
}
END_TEST

START_TEST(changes_are_refused)
{
	struct trust_entries all;
	const char *path;
	ck_assert_int_lt(keystore_add(&ks, "../foo", A, "k", 1, &arena, &path, &e), 0);
	ck_assert_int_lt(keystore_add(&ks, "foo", "../" A, "k", 1, &arena, &path, &e), 0);
	ck_assert_int_lt(keystore_add(&ks, "foo", "A" A, "k", 1, &arena, &path, &e), 0);
	put("vendor/trustedkeys/root.d/" A, "k");
	ck_assert_int_eq(keystore_list(&ks, &arena, &all, &e), 0);
	ck_assert_int_eq(keystore_remove(&all.v[0], &e), -EPERM);
	ck_assert(access(at("vendor/trustedkeys/root.d/" A), F_OK) == 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_loop_test(
		t, prefixes_cover_components, 0, (int)(sizeof prefixes / sizeof *prefixes));
	tcase_add_test(t, prefixes_are_checked);
	tcase_add_test(t, nothing_there);
	tcase_add_test(t, keys_are_found);
	tcase_add_test(t, masks_of_root_cover_everything);
	tcase_add_test(t, masks_of_a_prefix_cover_it);
	tcase_add_test(t, misplaced_files_concern_what_they_cover);
	tcase_add_test(t, a_prefix_that_is_none);
	tcase_add_test(t, added_and_removed);
	tcase_add_test(t, changes_are_refused);
	return unit_end("keystore", t);
}
