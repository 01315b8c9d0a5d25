/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/rmtree.h"
#include "stage1/load.h"
#include "tests/unit/unit.h"

static char base[64];
static struct err e;
static struct stage1_pod pod;
static struct pod_manifest manifest;
static struct app_plan plans[2];
static struct mnt_op ops[2];

static void setup(void)
{
	e = ERR_INIT;
	umask(077);
	snprintf(base, sizeof base, "/tmp/volumes.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(chdir(base), 0);
	manifest = (struct pod_manifest){ .n_apps = 2 };
	memset(ops, 0, sizeof ops);
	memset(plans, 0, sizeof plans);
	plans[0].mounts = &ops[0];
	plans[1].mounts = &ops[1];
	pod = (struct stage1_pod){ .manifest = &manifest,
		.plans = plans,
		.dirfd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	pod.facts.volumes_dir = arena_printf(&pod.arena, "%s/sharedVolumes", base);
}

static void teardown(void)
{
	arena_release(&pod.arena);
	close(pod.dirfd);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

/* App i mounts the empty volume `name`. */
static void app_mounts(int i, const char *name, uint32_t mode, uint32_t uid, uint32_t gid)
{
	ops[i] = (struct mnt_op){ .kind = MNT_BIND,
		.src = arena_printf(&pod.arena, "%s/%s", pod.facts.volumes_dir, name),
		.dst = "/data",
		.is_empty_volume = true,
		.mode = mode,
		.uid = uid,
		.gid = gid };
	plans[i].n_mounts = 1;
}

static struct stat look(const char *path)
{
	struct stat st;
	ck_assert_int_eq(lstat(path, &st), 0);
	return st;
}

START_TEST(mode_and_owner)
{
	app_mounts(0, "data", 02775, 1000, 2000);
	app_mounts(1, "other", 0, 0, 0);
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), 0);
	struct stat st = look("sharedVolumes/data");
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 02775);
	ck_assert_uint_eq(st.st_uid, 1000);
	ck_assert_uint_eq(st.st_gid, 2000);
	ck_assert_uint_eq(look("sharedVolumes/other").st_mode, S_IFDIR);
}
END_TEST

START_TEST(the_first_to_name_it_makes_it)
{
	app_mounts(0, "data", 0750, 1, 1);
	app_mounts(1, "data", 0777, 2, 2);
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), 0);
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), 0);
	struct stat st = look("sharedVolumes/data");
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0750);
	ck_assert_uint_eq(st.st_uid, 1);
}
END_TEST

START_TEST(nothing_is_made_for_nothing)
{
	plans[0].n_mounts = 1;
	ops[0] = (struct mnt_op){ .kind = MNT_BIND, .src = "/srv", .dst = "/srv" };
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), 0);
	ck_assert_int_eq(access("sharedVolumes", F_OK), -1);
}
END_TEST

START_TEST(names_that_lead_away)
{
	static const char *const names[] = { "", "..", ".", "a/b", "../../tmp/x", "/x" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		app_mounts(0, names[i], 0755, 0, 0);
		ck_assert_int_eq(stage1_make_volumes(&pod, &e), -EINVAL);
	}
	app_mounts(0, "x", 0755, 0, 0);
	ops[0].src = "/tmp/elsewhere";
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), -EINVAL);
	ops[0].src = arena_printf(&pod.arena, "%sX/x", pod.facts.volumes_dir);
	ck_assert_int_eq(stage1_make_volumes(&pod, &e), -EINVAL);
	ck_assert_int_eq(access("sharedVolumes", F_OK), -1);
}
END_TEST

START_TEST(links_are_not_followed)
{
	app_mounts(0, "data", 0777, 1, 1);
	ck_assert_int_eq(mkdir("victim", 0700) | mkdir("sharedVolumes", 0755), 0);
	ck_assert_int_eq(symlink("../victim", "sharedVolumes/data"), 0);
	ck_assert_int_lt(stage1_make_volumes(&pod, &e), 0);
	ck_assert_int_eq(unlink("sharedVolumes/data") | rmdir("sharedVolumes"), 0);
	ck_assert_int_eq(symlink("victim", "sharedVolumes"), 0);
	ck_assert_int_lt(stage1_make_volumes(&pod, &e), 0);
	ck_assert_uint_eq(look("victim").st_mode, S_IFDIR | 0700);
	ck_assert_uint_eq(look("victim").st_uid, 0);
	ck_assert_int_eq(access("victim/data", F_OK), -1);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, mode_and_owner);
	tcase_add_test(t, the_first_to_name_it_makes_it);
	tcase_add_test(t, nothing_is_made_for_nothing);
	tcase_add_test(t, names_that_lead_away);
	tcase_add_test(t, links_are_not_followed);
	return unit_end("volumes", t);
}
