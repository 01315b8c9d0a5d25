/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/config.h"
#include "tests/unit/unit.h"

static char base[64], dirs[3][96];
static struct arena arena;
static struct err e;
static struct config c;

static void setup(void)
{
	e = ERR_INIT;
	snprintf(base, sizeof base, "/tmp/config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	static const char *const names[] = { "vendor", "local", "user" };
	for (int i = 0; i < 3; i++) {
		snprintf(dirs[i], sizeof dirs[i], "%s/%s", base, names[i]);
		ck_assert_int_eq(mkdir(dirs[i], 0755), 0);
		ck_assert_int_eq(mkdir(arena_printf(&arena, "%s/paths.d", dirs[i]), 0755), 0);
		ck_assert_int_eq(mkdir(arena_printf(&arena, "%s/pods.d", dirs[i]), 0755), 0);
		ck_assert_int_eq(mkdir(arena_printf(&arena, "%s/stage1.d", dirs[i]), 0755), 0);
		ck_assert_int_eq(mkdir(arena_printf(&arena, "%s/trust.d", dirs[i]), 0755), 0);
	}
}

static void teardown(void)
{
	arena_release(&arena);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static void put(int dir, const char *name, const char *json)
{
	const char *path = arena_printf(&arena, "%s/%s", dirs[dir], name);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, json, strlen(json), 0644, &e), 0);
}

static int load(void)
{
	e = ERR_INIT;
	return config_load(dirs[0], dirs[1], dirs[2], &arena, &c, &e);
}

static void fails(const char *what)
{
	ck_assert_int_lt(load(), 0);
	ck_assert_msg(
		strstr(unit_message(&e), what) != NULL, "no '%s' in '%s'", what, unit_message(&e));
}

#define PATHS(more) "{\"rktKind\":\"paths\",\"rktVersion\":\"v1\"" more "}"
#define TRUST(more) "{\"rktKind\":\"trust\",\"rktVersion\":\"v1\"" more "}"
#define STAGE1(more) "{\"rktKind\":\"stage1\",\"rktVersion\":\"v1\"" more "}"

START_TEST(nothing)
{
	struct str out = STR_INIT(STR_MAX_LINE);
	ck_assert_int_eq(load(), 0);
	ck_assert_ptr_null(c.data);
	config_encode(&c, false, &out);
	ck_assert_str_eq(str_text(&out),
		"{\"stage0\":[{\"rktVersion\":\"v1\",\"rktKind\":\"paths\",\"data\":\"\","
		"\"stage1-images\":\"\"},{\"rktVersion\":\"v1\",\"rktKind\":\"stage1\",\"name\":"
		"\"\",\"version\":\"\",\"location\":\"\"}]}");
	str_release(&out);
	ck_assert_int_eq(config_load(NULL, "", "/no/such/dir", &arena, &c, &e), 0);
}
END_TEST

START_TEST(later_directories_win)
{
	put(0, "paths.d/a.json", PATHS(",\"data\":\"/vendor\",\"stage1-images\":\"/images\""));
	put(1, "paths.d/zz.json", PATHS(",\"data\":\"/local\""));
	put(0, "stage1.d/a.json",
		STAGE1(",\"name\":\"v/s\",\"version\":\"1\",\"location\":\"/v.aci\""));
	put(1, "stage1.d/a.json", STAGE1(",\"name\":\"l/s\",\"version\":\"2\""));
	put(2, "stage1.d/a.json", STAGE1(",\"location\":\"https://u/s.aci\""));
	ck_assert_int_eq(load(), 0);
	ck_assert_str_eq(c.data, "/local");
	ck_assert_str_eq(c.stage1_images, "/images");
	ck_assert_str_eq(c.stage1_name, "l/s");
	ck_assert_str_eq(c.stage1_version, "2");
	ck_assert_str_eq(c.stage1_location, "https://u/s.aci");
}
END_TEST

START_TEST(twice_in_one_directory)
{
	put(1, "paths.d/a.json", PATHS(",\"data\":\"/a\""));
	put(1, "paths.d/b.json", PATHS(",\"stage1-images\":\"/a\"")); /* another value: fine */
	ck_assert_int_eq(load(), 0);
	put(1, "paths.d/c.json", PATHS(",\"data\":\"/a\""));
	fails("data directory is already specified");
}
END_TEST

START_TEST(stage1_twice)
{
	put(1, "stage1.d/a.json", STAGE1(",\"name\":\"a\",\"version\":\"1\""));
	put(1, "stage1.d/b.json", STAGE1(",\"location\":\"/x\""));
	ck_assert_int_eq(load(), 0);
	put(1, "stage1.d/c.json", STAGE1(",\"name\":\"a\",\"version\":\"1\""));
	fails("name and version of a default stage1 image are already specified");
}
END_TEST

/* Only regular files named *.json, and nothing below. */
START_TEST(other_files)
{
	put(1, "paths.d/README", "not JSON");
	put(1, "paths.d/x.json.bak", "not JSON");
	mkdir(arena_printf(&arena, "%s/paths.d/sub.json", dirs[1]), 0755);
	put(1, "paths.d/sub.json/a.json", "not JSON");
	mkfifo(arena_printf(&arena, "%s/paths.d/fifo.json", dirs[1]), 0644);
	ck_assert_int_eq(
		symlink("/etc/passwd", arena_printf(&arena, "%s/paths.d/l.json", dirs[1])), 0);
	ck_assert_int_eq(load(), 0);
}
END_TEST

static const struct {
	const char *file, *json, *error;
} bad[] = {
	{ "paths.d/a.json", "", "failed to parse" },
	{ "paths.d/a.json", "[]", "a.json" },
	{ "paths.d/a.json", "{\"rktVersion\":\"v1\"}", "no rktKind specified" },
	{ "paths.d/a.json", "{\"rktKind\":\"paths\"}", "no rktVersion specified" },
	{ "paths.d/a.json", "{\"rktKind\":\"paths\",\"rktVersion\":\"v2\"}",
		"no parser available for configuration of kind \"paths\" and version \"v2\"" },
	{ "paths.d/a.json", STAGE1(""), "expects to have configuration files of kinds \"paths\"" },
	{ "stage1.d/a.json", "{\"rktKind\":\"nonsense\",\"rktVersion\":\"v1\"}",
		"has kind of \"nonsense\"" },
	{ "paths.d/a.json", PATHS(",\"data\":\"relative\""), "must be an absolute path" },
	{ "paths.d/a.json", PATHS(",\"data\":7"), "data" },
	{ "paths.d/a.json", PATHS(",\"data\":\"/a\",\"data\":\"/b\""), "data" },
	{ "stage1.d/a.json", STAGE1(",\"name\":\"x\""), "version is missing" },
	{ "stage1.d/a.json", STAGE1(",\"version\":\"x\""), "name is missing" },
	{ "stage1.d/a.json", STAGE1(",\"location\":\"x/y\""),
		"default stage1 image location is either a relative path or a URL without scheme" },
	{ "stage1.d/a.json", STAGE1(",\"location\":\"ftp://x\""), "invalid scheme" },
	{ "pods.d/a.json", "{\"rktKind\":\"pods\",\"rktVersion\":\"v1\",\"privateUser\":true}",
		"privateUsers is missing: true or false" },
	{ "trust.d/a.json", TRUST(",\"policy\":\"policy.json\""), "absolute path" },
	{ "trust.d/a.json", TRUST(",\"policy\":true"), "policy" },
	{ "trust.d/a.json", TRUST(",\"polcy\":\"system\""), "policy is missing" },
};

START_TEST(bad_files)
{
	put(1, bad[_i].file, bad[_i].json);
	fails(bad[_i].error);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "a.json"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, nothing);
	tcase_add_test(t, later_directories_win);
	tcase_add_test(t, twice_in_one_directory);
	tcase_add_test(t, stage1_twice);
	tcase_add_test(t, other_files);
	tcase_add_loop_test(t, bad_files, 0, (int)(sizeof bad / sizeof *bad));
	return unit_end("config", t);
}
