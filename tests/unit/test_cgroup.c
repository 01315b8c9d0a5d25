/* SPDX-License-Identifier: Apache-2.0 */
/* The views are golden texts of real machines; the groups are made below our own, for real. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/cgroup.h"
#include "lib/sys/proc.h"
#include "tests/unit/unit.h"

static struct err e;
static struct arena a;

static struct cgroup_view view_of(const char *mounts, const char *self)
{
	struct cgroup_view v;
	cgroup_view_parse(mounts, self, &a, &v);
	return v;
}

#define DIR(view, kind) cgroup_view_dir((view), CGROUP_##kind, (view)->v[CGROUP_##kind].own, &a)
#define HAS(view, kind) ((view)->v[CGROUP_##kind].mount != NULL)

START_TEST(version_2_in_a_service)
{
	struct cgroup_view v = view_of("21 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
				       "29 21 0:26 / /sys/fs/cgroup "
				       "rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "
				       "rw,nsdelegate,memory_recursiveprot\n",
		"0::/system.slice/web.service\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/sys/fs/cgroup/system.slice/web.service");
	ck_assert(!HAS(&v, SYSTEMD) && !HAS(&v, MEMORY) && !HAS(&v, CPU));
}
END_TEST

START_TEST(version_1)
{
	struct cgroup_view v = view_of(
		"25 17 0:22 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755\n"
		"26 25 0:23 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup "
		"rw,xattr,name=systemd\n"
		"28 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup "
		"rw,cpu,cpuacct\n"
		"29 25 0:26 / /sys/fs/cgroup/cpuset rw shared:12 - cgroup cgroup rw,cpuset\n"
		"30 25 0:27 / /sys/fs/cgroup/memory rw shared:13 - cgroup cgroup rw,memory\n",
		"5:memory:/user.slice\n4:cpuset:/\n3:cpu,cpuacct:/user.slice/user-0.slice\n"
		"1:name=systemd:/user.slice/user-0.slice/session-1.scope\n");
	ck_assert(!HAS(&v, UNIFIED));
	ck_assert_str_eq(
		DIR(&v, SYSTEMD), "/sys/fs/cgroup/systemd/user.slice/user-0.slice/session-1.scope");
	ck_assert_str_eq(DIR(&v, MEMORY), "/sys/fs/cgroup/memory/user.slice");
	ck_assert_str_eq(DIR(&v, CPU), "/sys/fs/cgroup/cpu,cpuacct/user.slice/user-0.slice");
}
END_TEST

START_TEST(hybrid)
{
	struct cgroup_view v = view_of(
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
		"33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
		"9:name=systemd:/\n4:memory:/vm/77a9\n2:cpuacct:/other\n1:cpu:/\n0::/\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/sys/fs/cgroup/unified");
	ck_assert_str_eq(DIR(&v, SYSTEMD), "/sys/fs/cgroup/systemd");
	ck_assert_str_eq(DIR(&v, MEMORY), "/sys/fs/cgroup/memory/vm/77a9");
	ck_assert_str_eq(DIR(&v, CPU), "/sys/fs/cgroup/cpu");
}
END_TEST

/* Without a cgroup namespace a container sees its part of the hierarchy at the mount. */
START_TEST(nested_container)
{
	const char *mounts =
		"900 899 0:26 /docker/4f1c /sys/fs/cgroup ro,nosuid master:9 - cgroup2 cgroup rw\n";
	struct cgroup_view v = view_of(mounts, "0::/docker/4f1c/init\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/sys/fs/cgroup/init");
	v = view_of(mounts, "0::/docker/4f1c\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/sys/fs/cgroup");
	/* Elsewhere, though the names begin alike; above our namespace; removed under us. */
	v = view_of(mounts, "0::/docker/4f1cc\n");
	ck_assert(!HAS(&v, UNIFIED));
	v = view_of(mounts, "0::/../../docker/4f1c\n");
	ck_assert(!HAS(&v, UNIFIED));
	v = view_of(mounts, "0::/docker/4f1c (deleted)\n");
	ck_assert(!HAS(&v, UNIFIED));
	/* A mount of all of it is better than one of a part. */
	v = view_of("1 0 0:26 /a /part rw - cgroup2 c rw\n2 0 0:26 / /all rw - cgroup2 c rw\n",
		"0::/b\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/all/b");
}
END_TEST

START_TEST(odd_texts)
{
	struct cgroup_view v = view_of("", "");
	ck_assert(!HAS(&v, UNIFIED) && !HAS(&v, SYSTEMD));
	static const char *const mounts[] = { "\n\n", " - cgroup2", "1 2 3 - cgroup2 a b\n",
		"1 2 3 4 5 6 - cgroup2\n", "1 2 3 / /x rw - cgroup3 a rw,memory\n",
		"1 2 3 relative /x rw - cgroup2 a rw\n" };
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		v = view_of(mounts[i], "0::/\n5:memory:/\n");
		ck_assert_msg(!HAS(&v, UNIFIED) && !HAS(&v, MEMORY), "%s", mounts[i]);
	}
	static const char *const own[] = { "0", "0:", "0::", "0::relative\n", "x::/\n", "00::/\n",
		"0:memory:/\n" };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		v = view_of("1 2 0:3 / /x rw - cgroup2 a rw\n", own[i]);
		ck_assert_msg(!HAS(&v, UNIFIED), "%s", own[i]);
	}
	/* A blank in a path; a word that only looks like a controller. */
	v = view_of(
		"1 2 0:3 / /my\\040dir rw - cgroup2 a rw\n1 2 0:4 / /m rw - cgroup a rw,memoryx\n",
		"0::/a b\n");
	ck_assert_str_eq(DIR(&v, UNIFIED), "/my dir/a b");
	ck_assert(!HAS(&v, MEMORY));
	ck_assert_ptr_null(cgroup_view_dir(&v, CGROUP_UNIFIED, "/a/../../b", &a));
	ck_assert_ptr_null(cgroup_view_dir(&v, CGROUP_UNIFIED, "a", &a));
}
END_TEST

/* --- with the kernel ------------------------------------------------------------------------- */

static char recorded[4096];
static int records;

static int record(void *ctx, const struct cgroup_pod *pod, struct err *err)
{
	(void)ctx;
	(void)err;
	_clean_(str) struct str text = STR_INIT(sizeof recorded - 1);
	cgroup_pod_print(pod, &text);
	snprintf(recorded, sizeof recorded, "%s", str_text(&text));
	records++;
	/* Nothing is there yet that is not written down. */
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		ck_assert(pod->pod[k] < 0 || strlen(recorded) > 0);
	return 0;
}

static bool is_there(const char *dir, const char *path)
{
	struct stat st;
	return stat(arena_printf(&a, "%s/%s", dir, path), &st) == 0;
}

static bool exists(const struct cgroup_view *v, enum cgroup_kind k, const char *name)
{
	const char *own = v->v[k].own, *slice = strcmp(own, "/") == 0 ? "rkt.slice/" : "";
	return is_there(cgroup_view_dir(v, k, own, &a), arena_printf(&a, "%s%s", slice, name));
}

static void make_name(char *name, size_t size)
{
	snprintf(name, size, "rkt-unit-%d", (int)getpid());
}

START_TEST(track_and_collect)
{
	struct cgroup_view v;
	struct cgroup_pod pod;
	struct cgroup_app app;
	char name[64];
	make_name(name, sizeof name);
	ck_assert_int_eq(cgroup_view_load(&a, &v, &e), 0);
	enum cgroup_kind k = HAS(&v, UNIFIED) ? CGROUP_UNIFIED : CGROUP_SYSTEMD;
	if (!v.v[k].mount)
		return; /* a machine without any: a pod then goes untracked */
	const struct cgroup_limits none = { 0 };
	ck_assert_int_eq(cgroup_pod_create(&v, name, 0, record, NULL, &pod, &e), 0);
	ck_assert_int_eq(records, 1);
	ck_assert_int_eq(cgroup_app_create(&pod, "app", &none, &app, &e), 0);
	ck_assert(exists(&v, k, name));
	ck_assert(!HAS(&v, MEMORY) || !exists(&v, CGROUP_MEMORY, name));

	bool placed;
	pid_t pid = proc_clone(0, app.fds[CGROUP_UNIFIED], &placed, &e);
	if (pid == 0) {
		if (cgroup_app_join(&app, placed, &e) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	/* As after kill -9 of everything: gc knows the record only. */
	cgroup_app_release(&app);
	cgroup_pod_release(&pod);
	ck_assert_int_eq(cgroup_collect(&v, recorded, "rkt-another", &e), 0);
	ck_assert(exists(&v, k, name));
	usleep(20000); /* until the child has joined where it was not placed */
	/* It dies of the collection; somebody has to reap it. */
	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(cgroup_collect(&v, recorded, name, &e), 0);
	ck_assert(!exists(&v, k, name));
	ck_assert_int_eq(cgroup_collect(&v, recorded, name, &e), 0);
}
END_TEST

static void read_knob(int dirfd, const char *knob, char *buf, size_t size)
{
	ck_assert_int_eq(io_read_line(dirfd, knob, buf, size, &e), 0);
}

/* The short way says the same as the long one, of what it says. */
START_TEST(short_way)
{
	struct cgroup_view full, quick;
	ck_assert_int_eq(cgroup_view_load(&a, &full, &e), 0);
	ck_assert_int_eq(cgroup_view_load_tracking(&a, &quick, &e), 0);
	ck_assert_pstr_eq(quick.v[CGROUP_UNIFIED].mount, full.v[CGROUP_UNIFIED].mount);
	ck_assert_pstr_eq(quick.v[CGROUP_UNIFIED].root, full.v[CGROUP_UNIFIED].root);
	ck_assert_pstr_eq(quick.v[CGROUP_UNIFIED].own, full.v[CGROUP_UNIFIED].own);
	/* Another namespace counts groups from elsewhere: then there is only the long one. */
	if (unshare(CLONE_NEWCGROUP) < 0)
		return;
	ck_assert_int_eq(cgroup_view_load(&a, &full, &e), 0);
	ck_assert_int_eq(cgroup_view_load_tracking(&a, &quick, &e), 0);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		ck_assert_pstr_eq(quick.v[k].mount, full.v[k].mount);
}
END_TEST

/* --- the slice: directories of ours do as well ------------------------------------------------ */

static struct cgroup_view fake_view(const char *dir, const char *own)
{
	struct cgroup_view v = { 0 };
	v.v[CGROUP_UNIFIED].mount = dir;
	v.v[CGROUP_UNIFIED].root = "/";
	v.v[CGROUP_UNIFIED].own = own;
	return v;
}

START_TEST(slice_of_the_root_group)
{
	char dir[] = "/tmp/rkt-unit-cgroup.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct cgroup_view v = fake_view(dir, "/");
	struct cgroup_pod one, two;
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-1", 0, record, NULL, &one, &e), 0);
	ck_assert_str_eq(recorded, "rkt.slice/rkt-1\n");
	ck_assert_str_eq(one.dir[CGROUP_UNIFIED], arena_printf(&a, "%s/rkt.slice/rkt-1", dir));
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-2", 0, record, NULL, &two, &e), 0);
	cgroup_pod_remove(&one);
	ck_assert(!is_there(dir, "rkt.slice/rkt-1") && is_there(dir, "rkt.slice/rkt-2"));
	cgroup_pod_remove(&two);
	ck_assert(!is_there(dir, "rkt.slice"));
	cgroup_pod_release(&one);
	cgroup_pod_release(&two);

	/* After kill -9: with its group, before there was one, and beside another pod. */
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-1", 0, record, NULL, &one, &e), 0);
	cgroup_pod_release(&one);
	ck_assert_int_eq(cgroup_collect(&v, "rkt.slice/rkt-1\n", "rkt-1", &e), 0);
	ck_assert(!is_there(dir, "rkt.slice"));
	ck_assert_int_eq(mkdir(arena_printf(&a, "%s/rkt.slice", dir), 0755), 0);
	ck_assert_int_eq(cgroup_collect(&v, "rkt.slice/rkt-1\n", "rkt-1", &e), 0);
	ck_assert(!is_there(dir, "rkt.slice"));
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-2", 0, record, NULL, &two, &e), 0);
	ck_assert_int_eq(cgroup_collect(&v, "rkt.slice/rkt-1\n", "rkt-1", &e), 0);
	ck_assert(is_there(dir, "rkt.slice/rkt-2"));
	cgroup_pod_remove(&two);
	cgroup_pod_release(&two);

	/* In somebody's group nothing is between it and the pod, whatever it is called. */
	ck_assert_int_eq(mkdir(arena_printf(&a, "%s/rkt.slice", dir), 0755), 0);
	v = fake_view(dir, "/rkt.slice");
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-1", 0, record, NULL, &one, &e), 0);
	ck_assert(is_there(dir, "rkt.slice/rkt-1"));
	cgroup_pod_remove(&one);
	cgroup_pod_release(&one);
	ck_assert(is_there(dir, "rkt.slice"));
	ck_assert_int_eq(rmdir(arena_printf(&a, "%s/rkt.slice", dir)), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* Pods that begin while others end: each finds a slice, and nothing stays. */
START_TEST(slice_that_comes_and_goes)
{
	enum { STARTERS = 4, PODS = 300 };
	char dir[] = "/tmp/rkt-unit-cgroup.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct cgroup_view v = fake_view(dir, "/");
	pid_t pids[STARTERS];
	for (int i = 0; i < STARTERS; i++) {
		pids[i] = fork();
		for (int n = 0; pids[i] == 0 && n < PODS; n++) {
			struct cgroup_pod pod;
			if (cgroup_pod_create(&v, arena_printf(&a, "rkt-%d", i), 0, record, NULL,
				    &pod, &e) < 0 ||
				pod.pod[CGROUP_UNIFIED] < 0)
				_exit(1);
			cgroup_pod_remove(&pod);
			cgroup_pod_release(&pod);
		}
		if (pids[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < STARTERS; i++)
		ck_assert_int_eq(proc_wait(pids[i], &e), 0);
	ck_assert(!is_there(dir, "rkt.slice"));
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static void put(const char *path, const char *text)
{
	_clean_(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
}

/* The nearest group above that counts memory, where the pod has none; each kill counts once. */
START_TEST(killed_for_want_of_memory_around)
{
	char dir[] = "/tmp/rkt-unit-cgroup.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct cgroup_view v = fake_view(dir, "/unit/inner");
	const char *unit = arena_printf(&a, "%s/unit", dir);
	const char *inner = arena_printf(&a, "%s/inner", unit);
	const char *events = arena_printf(&a, "%s/memory.events", unit);
	struct cgroup_pod pod;
	ck_assert_int_eq(mkdir(unit, 0755), 0);
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-1", 0, record, NULL, &pod, &e), 0);
	ck_assert_int_eq(pod.around, -1);
	ck_assert(!cgroup_pod_oom_killed(&pod));
	cgroup_pod_remove(&pod);
	cgroup_pod_release(&pod);

	put(events, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 7\n");
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-1", 0, record, NULL, &pod, &e), 0);
	ck_assert(!cgroup_pod_oom_killed(&pod));
	put(events, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 4\noom_group_kill 7\n");
	cgroup_pod_close(&pod); /* as pid 1 does */
	ck_assert(cgroup_pod_oom_killed(&pod));
	ck_assert(!cgroup_pod_oom_killed(&pod));
	put(events, "oom_kill -1\noom_kill x\n");
	ck_assert(!cgroup_pod_oom_killed(&pod));
	cgroup_pod_release(&pod);
	ck_assert_int_eq(cgroup_collect(&v, recorded, "rkt-1", &e), 0);
	ck_assert_int_eq(unlink(events), 0);
	ck_assert_int_eq(rmdir(inner), 0);
	ck_assert_int_eq(rmdir(unit), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* systemd's own group tells whose root it is. */
START_TEST(root_group_of_systemd)
{
	char dir[] = "/tmp/rkt-unit-cgroup.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct cgroup_view v = fake_view(dir, "/");
	ck_assert(!cgroup_view_root_is_systemds(&v));
	ck_assert_int_eq(mkdir(arena_printf(&a, "%s/init.scope", dir), 0755), 0);
	ck_assert(cgroup_view_root_is_systemds(&v));
	v = fake_view(dir, "/system.slice/web.service");
	ck_assert(!cgroup_view_root_is_systemds(&v));
	memset(&v, 0, sizeof v);
	ck_assert(!cgroup_view_root_is_systemds(&v));
	ck_assert_int_eq(rmdir(arena_printf(&a, "%s/init.scope", dir)), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

#define MIB (1024 * 1024)

static const struct knob {
	enum cgroup_controller controller;
	const char *v2, *text2, *v1, *text1;
} knobs[] = {
	{ CONTROLLER_MEMORY, "memory.max", "67108864", "memory.limit_in_bytes", "67108864" },
	{ CONTROLLER_MEMORY, "memory.low", "33554432", "memory.soft_limit_in_bytes", "33554432" },
	{ CONTROLLER_CPU, "cpu.max", "50000 100000", "cpu.cfs_quota_us", "50000" },
	{ CONTROLLER_CPU, "cpu.weight", "50", "cpu.shares", "512" },
	{ CONTROLLER_PIDS, "pids.max", "7", "pids.max", "7" },
};

/* Every limit where its controller is, of the pod and of an app. */
START_TEST(limits)
{
	struct cgroup_view v;
	struct cgroup_pod pod;
	struct cgroup_app app;
	char name[64], text[64];
	make_name(name, sizeof name);
	ck_assert_int_eq(cgroup_view_load(&a, &v, &e), 0);
	const struct cgroup_limits l = { .memory = 64 * MIB,
		.memory_request = 32 * MIB,
		.cpu_milli = 500,
		.cpu_shares = 512,
		.pids = 7 };
	const unsigned set = cgroup_limits_need(&l) | cgroup_limits_like(&l);
	int r = cgroup_pod_create(&v, name, set, record, NULL, &pod, &e);
	if (r == -ENOENT) {
		ck_assert_ptr_nonnull(strstr(e.msg, "controller"));
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(cgroup_pod_limit(&pod, &l, &e), 0);
	ck_assert_int_eq(cgroup_app_create(&pod, "app", &l, &app, &e), 0);
	ck_assert_int_eq((int)cgroup_app_oom_kills(&app), 0);
	for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
		enum cgroup_kind k = pod.at[knobs[i].controller];
		const bool v2 = k == CGROUP_UNIFIED;
		const int dirs[] = { app.fds[k], pod.pod[k] };
		for (size_t d = 0; d < 2; d++) {
			/* rkt itself may have to stand in the pod's group */
			if (d == 1 && pod.supervised && knobs[i].controller == CONTROLLER_PIDS)
				continue;
			read_knob(dirs[d], v2 ? knobs[i].v2 : knobs[i].v1, text, sizeof text);
			ck_assert_str_eq(text, v2 ? knobs[i].text2 : knobs[i].text1);
		}
		if (!v2)
			ck_assert_ptr_nonnull(strstr(recorded, ":/"));
	}
	cgroup_app_release(&app);
	cgroup_pod_remove(&pod);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		ck_assert(!v.v[k].mount || !exists(&v, (enum cgroup_kind)k, name));
	cgroup_pod_release(&pod);
}
END_TEST

/* What the kernel takes no number of, or none that says it so plainly. */
START_TEST(odd_limits_of_processors)
{
	static const struct {
		uint64_t pod, app;
		const char *v2, *v1, *v1_period;
	} rows[] = {
		{ 0, 1, "1000 1000000", "1000", "1000000" },
		{ 0, 9, "9000 1000000", "9000", "1000000" },
		{ 0, 10, "1000 100000", "1000", "100000" },
		{ 0, INT64_MAX, "8796093022208 100000", "8796093022208", "100000" },
		{ 500, 2000, "200000 100000", "50000", "100000" },
		{ 5, 2000, "200000 100000", "5000", "1000000" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cgroup_view v;
		struct cgroup_pod pod;
		struct cgroup_app app;
		char name[64], text[64];
		make_name(name, sizeof name);
		ck_assert_int_eq(cgroup_view_load(&a, &v, &e), 0);
		const struct cgroup_limits all = { .cpu_milli = rows[i].pod },
					   own = { .cpu_milli = rows[i].app };
		int r = cgroup_pod_create(
			&v, name, cgroup_limits_need(&own), record, NULL, &pod, &e);
		if (r == -ENOENT)
			return;
		ck_assert_msg(r == 0, "%s", unit_message(&e));
		ck_assert_msg(cgroup_pod_limit(&pod, &all, &e) == 0, "%s", unit_message(&e));
		r = cgroup_app_create(&pod, "app", &own, &app, &e);
		ck_assert_msg(r == 0, "row %zu: %s", i, unit_message(&e));
		const bool v2 = pod.at[CONTROLLER_CPU] == CGROUP_UNIFIED;
		const int dir = app.fds[pod.at[CONTROLLER_CPU]];
		read_knob(dir, v2 ? "cpu.max" : "cpu.cfs_quota_us", text, sizeof text);
		ck_assert_str_eq(text, v2 ? rows[i].v2 : rows[i].v1);
		if (!v2) {
			read_knob(dir, "cpu.cfs_period_us", text, sizeof text);
			ck_assert_str_eq(text, rows[i].v1_period);
		}
		cgroup_app_release(&app);
		cgroup_pod_remove(&pod);
		cgroup_pod_release(&pod);
	}
}
END_TEST

START_TEST(conversions)
{
	/* The usual share is the usual weight, and half of it half. */
	ck_assert_uint_eq(cgroup_weight(1024), 100);
	ck_assert_uint_eq(cgroup_weight(512), 50);
	ck_assert_uint_eq(cgroup_weight(2), 1);
	ck_assert_uint_eq(cgroup_weight(0), 1);
	ck_assert_uint_eq(cgroup_weight(262144), 10000);
	ck_assert_uint_eq(cgroup_weight(UINT64_MAX), 10000);
	ck_assert(!cgroup_weight_fits(2) && !cgroup_weight_fits(5) && cgroup_weight_fits(6));
	ck_assert(cgroup_weight_fits(102400) && !cgroup_weight_fits(102410));
	ck_assert_uint_eq(cgroup_shares(1000), 1024);
	ck_assert_uint_eq(cgroup_shares(500), 512);
	ck_assert_uint_eq(cgroup_shares(0), 2);
	ck_assert_uint_eq(cgroup_shares(INT64_MAX), 262144);
	const struct cgroup_limits requests = { .memory_request = 1, .cpu_shares = 1 };
	ck_assert_uint_eq(cgroup_limits_need(&requests), 0);
	ck_assert_uint_eq(
		cgroup_limits_like(&requests), 1 << CONTROLLER_MEMORY | 1 << CONTROLLER_CPU);
	const struct cgroup_limits block = { .block_iops = 1 };
	ck_assert_uint_eq(cgroup_limits_need(&block), 1 << CONTROLLER_IO);
}
END_TEST

START_TEST(no_controller)
{
	struct cgroup_view v;
	struct cgroup_pod pod;
	ck_assert_int_eq(cgroup_view_load(&a, &v, &e), 0);
	v.v[CGROUP_MEMORY].mount = v.v[CGROUP_UNIFIED].mount = NULL;
	const unsigned set = 1 << CONTROLLER_MEMORY;
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-unit", set, record, NULL, &pod, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "memory limit"));
	/* Without a limit a pod runs where there is no hierarchy at all. */
	memset(&v, 0, sizeof v);
	ck_assert_int_eq(cgroup_pod_create(&v, "rkt-unit", 0, record, NULL, &pod, &e), 0);
	cgroup_pod_release(&pod);
}
END_TEST

UNIT_MAIN("cgroup", &version_2_in_a_service, &version_1, &hybrid, &nested_container, &odd_texts,
	&track_and_collect, &slice_of_the_root_group, &slice_that_comes_and_goes,
	&killed_for_want_of_memory_around, &root_group_of_systemd, &short_way, &limits,
	&odd_limits_of_processors, &conversions, &no_controller)
