/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots are built in a private mount namespace, on a tmpfs that hides /tmp, from images that are
 * good and from images that lie; with the mount API, and with what older kernels have.
 */
#include "stage2/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/path.h"
#include "lib/sys/mnt.h"
#include "tests/unit/unit.h"

#define ROOT "/tmp/root"

static struct arena arena;
static struct err e;
static struct app_plan plan;
static struct app app;
static struct runtime_app runtime = { .name = "test", .app = &app };
static struct pod_manifest pod = { .apps = &runtime, .n_apps = 1 };
static struct app_facts facts = { .volumes_dir = "/tmp/volumes" };

static void must(int r)
{
	ck_assert_msg(r >= 0, "%s", strerror(errno));
}

static void write_text(const char *path, const char *text)
{
	_clean_(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	must(fd);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static const char *text_of(const char *path)
{
	static char text[256];
	_clean_(fd) int fd = open(path, O_RDONLY);
	must(fd);
	ssize_t n = read(fd, text, sizeof text - 1);
	must((int)n);
	text[n] = '\0';
	return text;
}

static bool is(const char *path, mode_t type)
{
	struct stat st;
	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/* A scratch machine: only this process sees it, and it goes with it. */
static void begin(void)
{
	static const char *exec[] = { "/bin/app", NULL };
	app.exec = (struct strlist){ exec, 1 };
	must(unshare(CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
	must(mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
	must(mkdir(ROOT, 0755));
	must(mkdir("/tmp/volumes", 0755));
	must(mkdir("/tmp/host", 0755));
	write_text("/tmp/host/file", "of the host");
}

static int build(void)
{
	struct root_sources sources;
	e = ERR_INIT;
	app_plan_release(&plan);
	int r = app_plan(&pod, &runtime, &facts, &arena, &plan, &e);
	if (r < 0 || (r = root_open_sources(&plan, &sources, &e)) < 0)
		return r;
	_clean_(fd) int root = root_open(AT_FDCWD, ROOT, &e);
	r = root < 0 ? root : root_build(root, &plan, &sources, NULL, &e);
	if (r == 0)
		r = root_enter(root, ROOT_PIVOT, &e);
	root_sources_release(&sources);
	return r;
}

static void add_volume(const char *source, const char *path, bool read_only)
{
	static struct volume volumes[8];
	static struct mount mounts[8];
	size_t i = pod.n_volumes++;
	runtime.n_mounts++;
	const char *name = arena_printf(&arena, "v%zu", i);
	volumes[i] = (struct volume){
		.name = name, .kind = VOLUME_HOST, .source = source, .read_only = read_only
	};
	mounts[i] = (struct mount){ .volume = name, .path = path };
	pod.volumes = volumes;
	runtime.mounts = mounts;
}

static void check_api(void)
{
	struct stat st;
	ck_assert(is("/proc/self", S_IFLNK));
	ck_assert(is("/sys/kernel", S_IFDIR));
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = { { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
		{ "/dev/console", 1, 3 } };
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		must(lstat(nodes[i].path, &st));
		ck_assert(S_ISCHR(st.st_mode));
		ck_assert_uint_eq(st.st_rdev, makedev(nodes[i].major, nodes[i].minor));
	}
	_clean_(fd) int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	must(terminal);
	_clean_(fd) int zero = open("/dev/zero", O_RDONLY);
	char c = 1;
	ck_assert_int_eq(read(zero, &c, 1), 1);
	ck_assert_int_eq(c, 0);
	must(stat("/dev/shm", &st));
	ck_assert_uint_eq(st.st_mode & 07777, 01777);
	ck_assert(is("/dev/fd", S_IFLNK) && is("/dev/stdin", S_IFLNK));
}

static void check_protected(void)
{
	struct statvfs fs;
	static const char *const read_only[] = { "/sys", "/proc/sys", "/proc/sysrq-trigger" };
	for (size_t i = 0; i < 3; i++) {
		if (statvfs(read_only[i], &fs) < 0 && errno == ENOENT)
			continue; /* a kernel without it */
		ck_assert_msg(fs.f_flag & ST_RDONLY, "%s", read_only[i]);
	}
	ck_assert_int_lt(open("/proc/sys/kernel/core_pattern", O_WRONLY), 0);
	ck_assert_int_eq(errno, EROFS);
	static const char *const masked[] = { "/sys/fs/cgroup", "/sys/firmware/acpi",
		"/sys/module/kernel" };
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(access(masked[i], F_OK) < 0, "%s", masked[i]);
	if (access("/proc/kallsyms", F_OK) == 0)
		ck_assert_str_eq(text_of("/proc/kallsyms"), "");
	must(statvfs("/proc", &fs));
	ck_assert_uint_eq(
		fs.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC), ST_NOSUID | ST_NODEV | ST_NOEXEC);
}

/* Nothing of the old root is there, and it is not mounted any more. */
static void check_closed_in(void)
{
	ck_assert_int_lt(access("/tmp/host", F_OK), 0);
	ck_assert_int_lt(access("/../../tmp/root", F_OK), 0);
	_clean_(file) FILE *f = fopen("/proc/self/mountinfo", "re");
	ck_assert_ptr_nonnull(f);
	char line[4096], *fields[5];
	while (fgets(line, sizeof line, f)) {
		char *rest = line;
		for (int i = 0; i < 5; i++)
			fields[i] = strsep(&rest, " ");
		static const char *const own[] = { "/proc", "/sys", "/dev", "/data", "/etc",
			"/lib" };
		bool known = strcmp(fields[4], "/") == 0;
		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			known |= strncmp(fields[4], own[i], strlen(own[i])) == 0;
		ck_assert_msg(known, "left over: %s", fields[4]);
	}
}

static const unsigned force[] = { 0, MNT_FORCE_NO_API, MNT_FORCE_NO_SETATTR, MNT_FORCE_NO_MKNOD,
	MNT_FORCE_NO_API | MNT_FORCE_NO_MKNOD };
enum { N_FORCE = sizeof force / sizeof *force };

START_TEST(empty_image)
{
	begin();
	mnt_force = force[_i];
	path_force_walk = _i == 1;
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	check_api();
	check_protected();
	check_closed_in();
}
END_TEST

START_TEST(volumes)
{
	begin();
	mnt_force = force[_i];
	path_force_walk = _i == 1;
	must(mkdir("/tmp/host/sub", 0755));
	must(mount("tmpfs", "/tmp/host/sub", "tmpfs", 0, NULL));
	write_text("/tmp/host/sub/inner", "inner");
	add_volume("/tmp/host", "/data/rw", false);
	add_volume("/tmp/host", "/data/ro", true);
	add_volume("/tmp/host/file", "/data/one/file", true);
	add_volume("/tmp/host/sub", "/data/rw/sub", false);
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_str_eq(text_of("/data/rw/file"), "of the host");
	ck_assert_str_eq(text_of("/data/one/file"), "of the host");
	ck_assert_str_eq(text_of("/data/ro/sub/inner"), "inner");
	write_text("/data/rw/new", "x");
	write_text("/data/rw/sub/new", "x");
	static const char *const read_only[] = { "/data/ro/file", "/data/ro/sub/inner",
		"/data/one/file" };
	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(open(read_only[i], O_WRONLY) < 0, "%s", read_only[i]);
		ck_assert_int_eq(errno, EROFS);
	}
	check_closed_in();
}
END_TEST

START_TEST(links_in_sources_are_refused)
{
	begin();
	path_force_walk = _i;
	must(symlink("host", "/tmp/link"));
	must(mkdir("/tmp/host/dir", 0755));
	add_volume(_i ? "/tmp/link/dir" : "/tmp/link", "/data", false);
	ck_assert_int_eq(build(), -ELOOP);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "symbolic link"));
	pod.volumes[0].source = "/tmp/not-there";
	ck_assert_int_eq(build(), -ENOENT);
	ck_assert_ptr_nonnull(
		strstr(unit_message(&e), "stat /tmp/not-there: No such file or directory"));
}
END_TEST

START_TEST(read_only_root)
{
	begin();
	mnt_force = force[_i];
	runtime.read_only_root_fs = true;
	add_volume("/tmp/host", "/data/here", false);
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_int_lt(mkdir("/new", 0755), 0);
	ck_assert_int_eq(errno, EROFS);
	write_text("/data/here/new", "x");
	write_text("/dev/shm/new", "x");
	check_api();
}
END_TEST

START_TEST(files_of_the_pod)
{
	begin();
	write_text("/tmp/hosts", "generated");
	write_text("/tmp/resolv", "generated");
	must(mkdir(ROOT "/etc", 0755));
	write_text(ROOT "/etc/hosts", "of the image");
	must(symlink("../run/not-there", ROOT "/etc/resolv.conf"));
	facts.hosts_file = "/tmp/hosts";
	facts.resolv_file = "/tmp/resolv";
	facts.resolv_replace = true;
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_str_eq(text_of("/etc/hosts"), "of the image");
	ck_assert_str_eq(text_of("/etc/resolv.conf"), "generated");
	char target[64] = "";
	must((int)readlink("/etc/mtab", target, sizeof target - 1));
	ck_assert_str_eq(target, "../proc/self/mounts");
}
END_TEST

START_TEST(files_where_the_image_has_none)
{
	begin();
	write_text("/tmp/hosts", "generated");
	facts.hosts_file = "/tmp/hosts";
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_str_eq(text_of("/etc/hosts"), "generated");
}
END_TEST

START_TEST(paths_can_be_left_open)
{
	begin();
	facts.disable_paths = true;
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	struct statvfs fs;
	must(statvfs("/proc/sys", &fs));
	ck_assert(!(fs.f_flag & ST_RDONLY));
	must(access("/sys/module/kernel", F_OK));
}
END_TEST

/* CVE-2019-18837, CVE-2023-28642, CVE-2026-47766: a link in place of what the runtime mounts on. */
START_TEST(hostile_links_for_the_kernels_directories)
{
	static const char *const paths[] = { "proc", "sys", "dev" };
	begin();
	must(mkdir("/tmp/outside", 0755));
	must(mkdir(ROOT "/inside", 0755));
	must(chdir(ROOT));
	must(symlink(_i < 3 ? "/tmp/outside" : "inside", paths[_i % 3]));
	ck_assert_int_eq(build(), -EPERM);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "not a directory"));
	ck_assert_int_lt(access("/tmp/outside/null", F_OK), 0);
}
END_TEST

/* CVE-2015-1335, CVE-2021-30465: a mount target that leads out of the root stays in it. */
START_TEST(hostile_links_in_targets)
{
	begin();
	path_force_walk = _i;
	must(mkdir("/tmp/outside", 0755));
	must(mkdir(ROOT "/tmp", 0755));
	must(mkdir(ROOT "/tmp/outside", 0755));
	must(symlink("/tmp/outside", ROOT "/data"));
	must(symlink("../../../../tmp/outside", ROOT "/data2"));
	add_volume("/tmp/host", "/data/a", false);
	add_volume("/tmp/host", "/data2/b", false);
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_str_eq(text_of("/tmp/outside/a/file"), "of the host");
	ck_assert_str_eq(text_of("/tmp/outside/b/file"), "of the host");
}
END_TEST

START_TEST(nothing_is_made_outside)
{
	begin();
	must(mkdir("/tmp/outside", 0755));
	must(symlink("/tmp/outside/made", ROOT "/data"));
	add_volume("/tmp/host", "/data/a", false);
	ck_assert_int_lt(build(), 0);
	ck_assert_int_lt(access("/tmp/outside/made", F_OK), 0);
}
END_TEST

static size_t entries(const char *path)
{
	_clean_(dir) DIR *d = opendir(path);
	size_t n = 0;
	ck_assert_ptr_nonnull(d);
	for (struct dirent *de; (de = readdir(d));)
		n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0;
	return n;
}

/* A volume that covers /etc, by name or through a link of the image: the host's directory stays as
 * it is, although it is of the same filesystem as the app's root. */
START_TEST(nothing_is_made_in_directories_of_the_host)
{
	begin();
	mnt_force = force[_i / 2];
	must(mkdir("/tmp/host/etc", 0755));
	must(symlink("../nowhere", "/tmp/host/etc/resolv.conf"));
	write_text("/tmp/hosts", "generated");
	facts.hosts_file = facts.resolv_file = "/tmp/hosts";
	facts.resolv_replace = true;
	if (_i % 2)
		must(symlink("data", ROOT "/etc"));
	add_volume("/tmp/host/etc", _i % 2 ? "/data" : "/etc", false);
	ck_assert_msg(build() == 0, "%s", unit_message(&e));
	ck_assert_uint_eq(entries("/etc"), 1);
	ck_assert(is("/etc/resolv.conf", S_IFLNK));
}
END_TEST

/* A volume in a volume: its mount point is made where that is the pod's own, and nowhere else. */
START_TEST(mount_points_in_volumes)
{
	static struct volume some[3];
	begin();
	mnt_force = force[_i / 2];
	must(mkdir("/tmp/host/outer", 0755));
	must(mkdir("/tmp/volumes/v0", 0755));
	add_volume("/tmp/host/outer", "/data", false);
	add_volume("/tmp/host/outer", "/other", false);
	add_volume("/tmp/host/file", "/data/sub/file", false);
	memcpy(some, pod.volumes, sizeof some);
	pod.volumes = some;
	if (_i % 2) {
		some[0].kind = VOLUME_EMPTY;
		ck_assert_msg(build() == 0, "%s", unit_message(&e));
		ck_assert_str_eq(text_of("/data/sub/file"), "of the host");
		ck_assert_uint_eq(entries("/other"), 0);
	} else {
		ck_assert_int_eq(build(), -EXDEV);
		ck_assert_ptr_nonnull(strstr(unit_message(&e), "make it there first"));
		ck_assert_uint_eq(entries("/tmp/host/outer"), 0);
	}
}
END_TEST

/* Whatever lies deep in /sys can be covered like what lies at its top. */
START_TEST(masks_at_any_depth)
{
	begin();
	facts.disable_paths = true;
	e = ERR_INIT;
	ck_assert_int_eq(app_plan(&pod, &runtime, &facts, &arena, &plan, &e), 0);
	static const char *const masked[] = { "/sys/devices/system", "/sys/devices/virtual/mem",
		"/sys/devices/virtual/not-there/at/all" };
	struct mnt_op *ops = xcalloc(plan.n_mounts + 3, sizeof *ops);
	memcpy(ops, plan.mounts, plan.n_mounts * sizeof *ops);
	for (size_t i = 0; i < 3; i++)
		ops[plan.n_mounts + i] = (struct mnt_op){ .kind = MNT_MASK, .dst = masked[i] };
	plan.mounts = ops;
	plan.n_mounts += 3;
	struct root_sources sources;
	ck_assert_int_eq(root_open_sources(&plan, &sources, &e), 0);
	_clean_(fd) int root = root_open(AT_FDCWD, ROOT, &e);
	must(root);
	ck_assert_msg(root_build(root, &plan, &sources, NULL, &e) == 0, "%s", unit_message(&e));
	must(root_enter(root, ROOT_PIVOT, &e));
	ck_assert_uint_eq(entries("/sys/devices/system"), 0);
	ck_assert_uint_eq(entries("/sys/devices/virtual/mem"), 0);
	root_sources_release(&sources);
	free(ops);
}
END_TEST

/* CVE-2019-16884, CVE-2019-19921: a volume over /proc, by name or through a link. */
START_TEST(volumes_cannot_replace_proc)
{
	static const char *const targets[] = { "/proc", "/proc/sys", "//proc/./self", "/dev/pts",
		"/dev", "/", "/link/sys", "relative", "/a/../proc" };
	begin();
	must(symlink("proc", ROOT "/link"));
	add_volume("/tmp/host", targets[_i], false);
	ck_assert_int_lt(build(), 0);
	ck_assert_int_eq(e.errnum, _i < 7 ? EPERM : EINVAL);
}
END_TEST

/* The same of the root and of what makes /dev, where only a link leads there. */
START_TEST(links_to_what_cannot_be_covered)
{
	static const char *const links[] = { "/", "dev", "/dev/pts", "../../dev/./" };
	begin();
	mnt_force = force[_i / 4];
	must(symlink(links[_i % 4], ROOT "/link"));
	add_volume("/tmp/host", "/link", false);
	ck_assert_int_eq(build(), -EPERM);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "nothing can be mounted at"));
}
END_TEST

/* Links of the image make one place of two targets, or turn the order of two round. */
START_TEST(volumes_do_not_hide_each_other)
{
	static const struct row {
		const char *link, *target, *first, *second, *hidden;
	} rows[] = {
		{ "/z", "real", "/real", "/z", "/real" },
		{ "/a", "z", "/a/sub", "/z", "/a/sub" },
		{ "/lib", "sys", "/lib", "/other", "/lib" },
		{ "/a", "z", "/a", "/z/sub", NULL },
	};
	const struct row *row = &rows[_i % 4];
	begin();
	mnt_force = force[_i / 4];
	must(mkdir("/tmp/host/sub", 0755));
	must(mkdir(arena_printf(&arena, ROOT "/%s", row->target), 0755));
	must(symlink(row->target, arena_printf(&arena, ROOT "%s", row->link)));
	add_volume("/tmp/host", row->first, false);
	add_volume("/tmp/host", row->second, false);
	if (!row->hidden) {
		ck_assert_msg(build() == 0, "%s", unit_message(&e));
		ck_assert_str_eq(text_of("/a/sub/file"), "of the host");
		return;
	}
	ck_assert_int_eq(build(), -EINVAL);
	/* Old kernels' remounts come across the hidden one first. */
	if (_i / 4 == 0) {
		ck_assert_ptr_nonnull(strstr(unit_message(&e), "would be hidden"));
		ck_assert_ptr_nonnull(strstr(unit_message(&e), row->hidden));
	}
}
END_TEST

START_TEST(target_of_the_wrong_kind)
{
	begin();
	if (_i == 0) {
		write_text(ROOT "/data", "file");
		add_volume("/tmp/host", "/data", false);
	} else {
		must(mkdir(ROOT "/data", 0755));
		add_volume("/tmp/host/file", "/data", false);
	}
	ck_assert_int_lt(build(), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "the image has a"));
}
END_TEST

/* CVE-2025-31133: a /dev/null that is something else masks nothing. Where nodes are bound instead
 * of made, the host's must be what they are called. */
START_TEST(false_devices_are_refused)
{
	begin();
	mnt_force = MNT_FORCE_NO_MKNOD;
	must(mount("/tmp/host/file", "/dev/null", NULL, MS_BIND, NULL));
	ck_assert_int_eq(build(), -EPERM);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "is not device 1:3"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case(NULL, NULL);
	tcase_add_loop_test(t, empty_image, 0, N_FORCE);
	tcase_add_loop_test(t, volumes, 0, N_FORCE);
	tcase_add_loop_test(t, links_in_sources_are_refused, 0, 2);
	tcase_add_loop_test(t, read_only_root, 0, N_FORCE);
	tcase_add_test(t, files_of_the_pod);
	tcase_add_test(t, files_where_the_image_has_none);
	tcase_add_test(t, paths_can_be_left_open);
	tcase_add_loop_test(t, hostile_links_for_the_kernels_directories, 0, 6);
	tcase_add_loop_test(t, hostile_links_in_targets, 0, 2);
	tcase_add_test(t, nothing_is_made_outside);
	tcase_add_loop_test(t, nothing_is_made_in_directories_of_the_host, 0, 2 * N_FORCE);
	tcase_add_loop_test(t, mount_points_in_volumes, 0, 2 * N_FORCE);
	tcase_add_test(t, masks_at_any_depth);
	tcase_add_loop_test(t, volumes_cannot_replace_proc, 0, 9);
	tcase_add_loop_test(t, links_to_what_cannot_be_covered, 0, 4 * N_FORCE);
	tcase_add_loop_test(t, volumes_do_not_hide_each_other, 0, 4 * N_FORCE);
	tcase_add_loop_test(t, target_of_the_wrong_kind, 0, 2);
	tcase_add_test(t, false_devices_are_refused);
	return unit_end("root", t);
}
