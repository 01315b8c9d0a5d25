/* SPDX-License-Identifier: Apache-2.0 */
/* From images to a running stage1 and back to nothing, with a shell script as stage1. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/fs/rmtree.h"
#include "stage0/pod/internal.h"
#include "stage0/self.h"
#include "tests/unit/unit.h"

#define ok(expression) \
	ck_assert_msg((expression) >= 0, "line %d: %s: %s", __LINE__, #expression, unit_message(&e))

static char scratch[64], data[PATH_MAX], self[PATH_MAX];
static struct store store = { .dirfd = -1 };
static struct pods ps;
static struct arena arena;
static struct err e;
static struct stage1_image stage1;
static const char *app_id;

static void shell(const char *command)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "'%s' failed", command);
}

/* Packs SCRATCH/src with this manifest, and imports it. */
static const char *import(const char *manifest)
{
	const char *id;
	shell(arena_printf(&arena, "rm -f %s/src/manifest", scratch));
	ok(io_write_new(AT_FDCWD, arena_printf(&arena, "%s/src/manifest", scratch), manifest,
		strlen(manifest), 0644, &e));
	shell(arena_printf(&arena, "tar -C %s/src -cf %s/aci manifest rootfs", scratch, scratch));
	_clean_(fd) int fd = open(arena_printf(&arena, "%s/aci", scratch), O_RDONLY | O_CLOEXEC);
	const struct import_options o = { .insecure = true, .source = "test" };
	ok(store_import(&store, fd, &o, &arena, &id, &e));
	return id;
}

static const char run_script[] =
	"#!/bin/sh\n"
	"exec >run.out 2>&1\n"
	"echo args: \"$0\" \"$@\"\n"
	"echo fds: `ls /proc/self/fd`\n"
	"flock -n 9 9<pod.lck && echo 'lock is free' || echo 'lock is held'\n"
	"test -e /proc/self/fd/$RKT_LOCK_FD && echo lock is open\n"
	"cat stage1/rootfs/etc/of-stage1\n"
	"cd stage1/rootfs/opt/stage2/app/rootfs\n"
	"cat etc/file\n"
	"echo new >new; rm etc/file\n"
	"stat -c '%a %u:%g' .\n"
	"cd ../../../../../..\n"
	"touch stage1/rootfs/mine 2>/dev/null && echo stage1 is writable\n"
	"echo 7 >stage1/rootfs/rkt/status/app\n"
	"touch stage1/rootfs/rkt/status/app-started\n"
	"exit 7\n";

static void make_stage1(const char *more)
{
	shell(arena_printf(&arena,
		"cd %s; rm -rf src; mkdir -p src/rootfs/etc src/rootfs/rkt src/rootfs/opt/stage2;"
		"echo of stage1 >src/rootfs/etc/of-stage1",
		scratch));
	const char *root = arena_printf(&arena, "%s/src/rootfs", scratch);
	ok(io_write_new(AT_FDCWD, arena_printf(&arena, "%s/run.real", root), run_script,
		sizeof run_script - 1, 0755, &e));
	/* Links of the image are resolved within it. */
	shell(arena_printf(&arena,
		"cd %s; ln -s /run.real run; ln -s /../../../../../../../../bin/true escape;"
		"printf '#!/bin/sh\\necho gc \"$@\" in `basename $PWD` >>../../gc.out\\n' >gc;"
		"printf '#!/bin/sh\\necho stop \"$@\" >stop.out\\n' >stop;"
		"printf '#!/bin/sh\\necho enter \"$@\" >enter.out\\n' >enter;"
		"chmod 755 gc stop enter",
		root));
	stage1.id = import(arena_printf(&arena,
		"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"test/stage1\","
		"\"labels\":[{\"name\":\"version\",\"value\":\"1\"}],\"annotations\":["
		"{\"name\":\"coreos.com/rkt/stage1/gc\",\"value\":\"/gc\"},"
		"{\"name\":\"coreos.com/rkt/stage1/stop\",\"value\":\"/stop\"},"
		"{\"name\":\"coreos.com/rkt/stage1/enter\",\"value\":\"/enter\"},"
		"{\"name\":\"coreos.com/rkt/stage1/interface-version\",\"value\":\"6\"}%s]}",
		more));
	struct image_manifest *m;
	ok(store_manifest(&store, stage1.id, &arena, &m, &e));
	stage1.manifest = m;
}

#define RUN_ENTRY ",{\"name\":\"coreos.com/rkt/stage1/run\",\"value\":\"/run\"}"
#define READ_ONLY ",{\"name\":\"" STAGE1_ANNOTATION_READ_ONLY "\",\"value\":\"true\"}"

static void make_app(void)
{
	shell(arena_printf(&arena,
		"cd %s; rm -rf src; mkdir -p src/rootfs/etc; chown 3:4 src/rootfs;"
		"chmod 1751 src/rootfs; echo of the app >src/rootfs/etc/file",
		scratch));
	app_id = import("{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":"
			"\"test/app\",\"labels\":[{\"name\":\"version\",\"value\":\"2\"}]}");
}

/* dir: below the scratch directory. */
static void begin(const char *dir, const char *annotations)
{
	e = ERR_INIT;
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	snprintf(scratch, sizeof scratch, "/tmp/launch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(mount("tmpfs", scratch, "tmpfs", 0, "mode=0755"), 0);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = '\0';
	self_dir_override = self;
	snprintf(data, sizeof data, "%s/%s", scratch, dir);
	ok(store_open(&store, data, &e));
	ok(pods_open(&ps, data, true, &e));
	make_stage1(annotations);
	make_app();
}

static void end(void)
{
	store_close(&store);
	pods_close(&ps);
	arena_release(&arena);
	ck_assert_int_eq(chdir("/"), 0);
	umount2(scratch, MNT_DETACH);
	rmdir(scratch);
}

static struct pod_manifest *manifest(void)
{
	static const char text[] =
		"{\"acVersion\":\"0.8.11\",\"acKind\":\"PodManifest\",\"apps\":[{\"name\":\"app\","
		"\"image\":{\"id\":\"%s\"},\"app\":{\"exec\":[\"/x\"],\"user\":\"0\",\"group\":"
		"\"0\"}}]}";
	struct pod_manifest *m;
	const char *json = arena_printf(&arena, text, app_id);
	ok(pod_manifest_decode(json, strlen(json), &arena, &m, &e));
	return m;
}

static struct pod prepare(bool no_overlay)
{
	struct pod p = POD_INIT;
	const struct prepare_options o = { .stage1 = &stage1, .no_overlay = no_overlay };
	ok(pod_create(&ps, &p, &e));
	ok(pod_prepare(&ps, &p, &store, manifest(), &o, &e));
	ok(pod_transition(&ps, &p, POD_EV_COMMIT, &e));
	return p;
}

/* In a child, which becomes stage1. The pod is unlocked afterwards. Returns the exit status. */
static int launch(struct pod *p, int (*before)(void))
{
	const struct launch_options o = { .net = "none", .local_config = "/etc/rkt" };
	ok(pod_transition(&ps, p, POD_EV_START, &e));
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int r = before ? before() : 0;
		r = r < 0 ? r : pod_launch(p, &store, &o, &e);
		fprintf(stderr, "launch: %s\n", unit_message(&e));
		_exit(99);
	}
	p->lock_fd = fd_close(p->lock_fd);
	p->locked = false;
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static const char *slurp(int at, const char *path)
{
	struct str s = STR_INIT(STR_MAX_LINE);
	ok(io_read_file(at, path, &s, &e));
	const char *text = arena_strdup(&arena, str_text(&s));
	str_release(&s);
	return text;
}

static bool there(const struct pod *p, const char *path)
{
	return faccessat(p->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void nothing_is_mounted(void)
{
	const char *mounts = slurp(AT_FDCWD, "/proc/self/mountinfo");
	/* Others may have pods, too. */
	for (const char *at = mounts; (at = strstr(at, scratch)); at++)
		ck_assert_ptr_null(memmem(at, strcspn(at, " "), "/pods/", 6));
	ck_assert_ptr_null(strstr(mounts, "overlay overlay rw,lowerdir=/tmp/launch."));
}

#define has(text, what) ck_assert_msg(strstr(text, what) != NULL, "no '%s' in:\n%s", what, text)

static int words(const char *line)
{
	int n = 0;
	for (line += strspn(line, " "); *line && *line != '\n'; line += strspn(line, " ")) {
		n++;
		line += strcspn(line, " \n");
	}
	return n;
}

static void check_run(const struct pod *p, bool overlay)
{
	const char *out = slurp(p->dirfd, "run.out");
	has(out, arena_printf(&arena, "--net=none --local-config=/etc/rkt %s\n", p->uuid.text));
	/* 0, 1, 2, the lock, and the directory that ls reads. */
	ck_assert_int_eq(words(strstr(out, "fds: ") + 5), 5);
	has(out, "lock is held\nlock is open\nof stage1\nof the app\n1751 3:4\n");
	ck_assert_str_eq(slurp(p->dirfd, "stage1/rootfs/rkt/status/app"), "7\n");
	if (overlay) {
		ck_assert_str_eq(slurp(p->dirfd, "overlay/app/upper/new"), "new\n");
		ck_assert(!there(p, "stage1/rootfs/opt/stage2/app/rootfs/new"));
	} else {
		ck_assert(there(p, "stage1/rootfs/opt/stage2/app/rootfs/new"));
		ck_assert(!there(p, "overlay"));
	}
	nothing_is_mounted();
}

static void collect(struct pod *p)
{
	const struct gc_options o = { .local_config = "/etc/rkt" };
	struct pod none = POD_INIT;
	ok(pods_gc(&ps, &store, &o, NULL, NULL, &e));
	ck_assert_int_eq(pod_get(&ps, p->uuid.text, &none, &e), -ENOENT);
	const char *out = slurp(AT_FDCWD, arena_printf(&arena, "%s/pods/gc.out", data));
	ck_assert_str_eq(out, arena_printf(&arena, "gc --local-config=/etc/rkt %s in %s\n",
				      p->uuid.text, p->uuid.text));
	pod_close(p);
	nothing_is_mounted();
}

START_TEST(overlay_stage1)
{
	begin("data", RUN_ENTRY);
	struct pod p = prepare(false);
	ck_assert_int_eq(launch(&p, NULL), 7);
	check_run(&p, true);
	has(slurp(p.dirfd, "run.out"), "stage1 is writable");
	ck_assert(there(&p, "stage1/overlay/upper/mine"));
	collect(&p);
	end();
}
END_TEST

START_TEST(read_only_stage1)
{
	begin("data", RUN_ENTRY READ_ONLY);
	struct pod p = prepare(false);
	ck_assert(!there(&p, POD_STAGE1_OVERLAY));
	ck_assert_int_eq(launch(&p, NULL), 7);
	check_run(&p, true);
	ck_assert_ptr_null(strstr(slurp(p.dirfd, "run.out"), "stage1 is writable"));
	collect(&p);
	end();
}
END_TEST

START_TEST(no_overlay)
{
	begin("data", RUN_ENTRY);
	struct pod p = prepare(true);
	ck_assert_int_eq(launch(&p, NULL), 7);
	check_run(&p, false);
	collect(&p);
	end();
}
END_TEST

/* Overlay's own syntax must not get at a path. */
START_TEST(strange_data_directory)
{
	begin("da:ta,lowerdir=\\x \"y", RUN_ENTRY);
	struct pod p = prepare(false);
	ck_assert_int_eq(launch(&p, NULL), 7);
	check_run(&p, true);
	pod_close(&p);
	end();
}
END_TEST

static int old_kernel(void)
{
	static const int calls[] = { SCMP_SYS(fsopen), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
		SCMP_SYS(mount_setattr), SCMP_SYS(openat2), SCMP_SYS(close_range),
		SCMP_SYS(renameat2) };
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		r |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), calls[i], 0);
	r |= seccomp_load(f);
	seccomp_release(f);
	return r;
}

START_TEST(old_kernels)
{
	begin("da:ta", _i ? RUN_ENTRY READ_ONLY : RUN_ENTRY);
	struct pod p = prepare(false);
	ck_assert_int_eq(launch(&p, old_kernel), 7);
	check_run(&p, true);
	pod_close(&p);
	end();
}
END_TEST

static int no_fsopen(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENODEV), SCMP_SYS(fsopen), 0);
	r |= seccomp_load(f);
	seccomp_release(f);
	return r;
}

static struct pod launched;
static int try_launch(struct err *err)
{
	const struct launch_options o = { .net = "none", .local_config = "/etc/rkt" };
	return pod_launch(&launched, &store, &o, err);
}

START_TEST(no_overlayfs)
{
	begin("data", RUN_ENTRY);
	launched = prepare(false);
	ok(pod_transition(&ps, &launched, POD_EV_START, &e));
	ck_assert_int_ge(no_fsopen(), 0);
	ck_assert_int_lt(try_launch(&e), 0);
	has(unit_message(&e), "this kernel has no overlayfs: --no-overlay does without it");
	end();
}
END_TEST

/* An overlay over an overlay's upper directory is what no kernel does: the trees are copied. */
START_TEST(no_upper_directory)
{
	begin("plain", RUN_ENTRY);
	shell(arena_printf(&arena,
		"cd %s; mkdir -p l1 u1 w1 over; mount -t overlay o -o lowerdir=l1,upperdir=u1,"
		"workdir=w1 over; ",
		scratch));
	store_close(&store);
	pods_close(&ps);
	snprintf(data, sizeof data, "%s/over/data", scratch);
	ok(store_open(&store, data, &e));
	ok(pods_open(&ps, data, true, &e));
	make_stage1(RUN_ENTRY);
	make_app();
	launched = prepare(false);
	ok(faccessat(launched.dirfd, POD_NO_OVERLAY_FILE, F_OK, 0));
	end();
}
END_TEST

START_TEST(entry_out_of_the_image)
{
	begin("data", ",{\"name\":\"coreos.com/rkt/stage1/run\",\"value\":\"/escape\"}");
	launched = prepare(false);
	ok(pod_transition(&ps, &launched, POD_EV_START, &e));
	ck_assert_int_lt(try_launch(&e), 0);
	has(unit_message(&e), "/escape");
	/* Its mounts were made, and are no obstacle. */
	e = ERR_INIT;
	ok(pod_remove(&ps, &launched, &store, &e));
	end();
}
END_TEST

START_TEST(entry_with_dots)
{
	begin("data", ",{\"name\":\"coreos.com/rkt/stage1/run\",\"value\":\"/a/../../run\"}");
	ck_assert_ptr_null(stage1_entry(stage1.manifest, "run"));
	ck_assert_str_eq(stage1_entry(stage1.manifest, "gc"), "/gc");
	end();
}
END_TEST

/* A process that holds the lock in a mount namespace of stage0's stands for the pod. */
static pid_t stand_in(struct pod *p)
{
	ok(pod_transition(&ps, p, POD_EV_START, &e));
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	const char *line = arena_printf(&arena, "%d\n", (int)pid);
	ok(io_write_new(p->dirfd, POD_PID_FILE, line, strlen(line), 0644, &e));
	p->lock_fd = fd_close(p->lock_fd);
	return pid;
}

START_TEST(stop_and_enter)
{
	begin("data", RUN_ENTRY);
	struct pod p = prepare(false), q = POD_INIT;
	pid_t pid = stand_in(&p);
	ok(pod_get(&ps, p.uuid.text, &q, &e));
	ok(pod_stop(&q, &store, true, &e));
	ck_assert_str_eq(
		slurp(q.dirfd, "stop.out"), arena_printf(&arena, "stop --force %s\n", p.uuid.text));
	char *const argv[] = { (char[]){ "ls" }, (char[]){ "-l" }, NULL };
	struct pod_command command = { .app = "app", .argv = argv };
	pid_t child = fork();
	if (child == 0) {
		pod_enter(&q, &store, &command, &e);
		fprintf(stderr, "enter: %s\n", unit_message(&e));
		_exit(99);
	}
	waitpid(child, NULL, 0);
	has(slurp(q.dirfd, "enter.out"),
		arena_printf(&arena, "enter --pid=%d --appname=app -- ls -l\n", (int)pid));
	/* Not of an image that does not announce that it can. */
	command.privileged = true;
	ck_assert_int_eq(pod_enter(&q, &store, &command, &e), -EPERM);
	has(unit_message(&e), "--privileged");
	command.privileged = false;
	/* It cannot be removed while it runs. */
	ck_assert_int_eq(pod_remove(&ps, &q, &store, &e), -EBUSY);
	has(unit_message(&e), "is currently running");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_lt(pod_enter(&q, &store, &command, &e), 0);
	has(unit_message(&e), "is not running");
	ok(pod_remove(&ps, &q, &store, &e));
	pod_close(&q);
	pod_close(&p);
	nothing_is_mounted();
	end();
}
END_TEST

START_TEST(information)
{
	begin("data", RUN_ENTRY);
	struct pod p = prepare(false);
	struct pod_info info;
	pod_info(&p, &arena, &info);
	ck_assert_str_eq(info.state, "prepared");
	ck_assert(info.created_ns > 0 && !info.started_ns && !info.exited && !info.insecure);
	ck_assert_int_eq(launch(&p, NULL), 7);
	pod_info(&p, &arena, &info);
	ck_assert_str_eq(info.state, "exited");
	ck_assert_uint_eq(info.n_apps, 1);
	ck_assert_str_eq(info.apps[0].image_name, "test/app:2");
	ck_assert_str_eq(info.apps[0].image_id, app_id);
	ck_assert(info.apps[0].has_status && info.apps[0].status == 7);
	ck_assert(info.apps[0].started_ns && info.apps[0].finished_ns);
	ck_assert_ptr_null(info.damage);
	pod_close(&p);
	end();
}
END_TEST

START_TEST(insecure_is_recorded)
{
	begin("data", RUN_ENTRY);
	struct pod p = POD_INIT;
	struct pod_info info;
	const struct prepare_options o = {
		.stage1 = &stage1, .disable_seccomp = true, .disable_caps = true
	};
	ok(pod_create(&ps, &p, &e));
	ok(pod_prepare(&ps, &p, &store, manifest(), &o, &e));
	pod_info(&p, &arena, &info);
	ck_assert_str_eq(info.insecure, "capabilities,seccomp");
	ck_assert_int_eq(launch(&p, NULL), 7);
	has(slurp(p.dirfd, "run.out"), "--disable-capabilities-restriction --disable-seccomp");
	pod_close(&p);
	end();
}
END_TEST

/* gc goes on past a pod that cannot be removed, and past a gc of stage1 that fails. */
START_TEST(gc_goes_on)
{
	begin("data", RUN_ENTRY);
	struct pod stuck = prepare(false), other = prepare(false), none = POD_INIT;
	const struct gc_options o = { 0 };
	ck_assert_int_eq(launch(&stuck, NULL), 7);
	ck_assert_int_eq(launch(&other, NULL), 7);
	shell(arena_printf(&arena,
		"mkdir %s/pods/run/%s/sharedVolumes; mount -t tmpfs x %s/pods/run/%s/sharedVolumes;"
		"touch %s/pods/run/%s/sharedVolumes/precious",
		data, stuck.uuid.text, data, stuck.uuid.text, data, stuck.uuid.text));
	ck_assert_int_lt(pods_gc(&ps, &store, &o, NULL, NULL, &e), 0);
	has(unit_message(&e), stuck.uuid.text);
	ck_assert_int_eq(pod_get(&ps, other.uuid.text, &none, &e), -ENOENT);
	ok(pod_get(&ps, stuck.uuid.text, &none, &e));
	ck_assert(there(&none, "sharedVolumes/precious") && there(&none, "pod"));
	pod_close(&none);
	pod_close(&stuck);
	pod_close(&other);
	shell(arena_printf(&arena, "umount %s/pods/exited-garbage/*/sharedVolumes", data));
	ok(pods_gc(&ps, &store, &o, NULL, NULL, &e));
	end();
}
END_TEST

static const TTest *const *const tests[] = { &overlay_stage1, &read_only_stage1, &no_overlay,
	&strange_data_directory, &no_overlayfs, &no_upper_directory, &entry_out_of_the_image,
	&entry_with_dots, &stop_and_enter, &information, &insecure_is_recorded, &gc_goes_on, NULL };

int main(void)
{
	TCase *c = unit_case(NULL, NULL);
	for (const TTest *const *const *t = tests; *t; t++)
		tcase_add_test(c, **t);
	tcase_add_loop_test(c, old_kernels, 0, 2);
	return unit_end("launch", c);
}
