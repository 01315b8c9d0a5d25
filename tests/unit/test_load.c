/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage1/inner.h"
#include "stage1/load.h"
#include "tests/unit/unit.h"

#define UUID "076292e6-54c4-4cc8-9fa7-679c5f7dcfd3"
#define HEX "00112233445566778899aabbccddeeff"
#define ID "sha512-" HEX HEX HEX HEX
#define APP(command) "{\"exec\":[\"" command "\"],\"user\":\"0\",\"group\":\"0\"}"
#define RUNTIME_APP(name, more) "{\"name\":\"" name "\",\"image\":{\"id\":\"" ID "\"}" more "}"
#define POD(apps) "{\"acVersion\":\"0.8.11\",\"acKind\":\"PodManifest\",\"apps\":[" apps "]}"
#define IMAGE(more) \
	"{\"acVersion\":\"0.8.11\",\"acKind\":\"ImageManifest\",\"name\":\"example.com/a\"" more "}"

static char base[64];
static struct err e;
static struct stage1_pod pod;
static struct stage1_run run;

static void setup(void)
{
	e = ERR_INIT;
	run = (struct stage1_run){ .uuid = UUID, .net = "none" };
	pod = (struct stage1_pod){ .dirfd = -1, .lock_fd = -1 };
	snprintf(base, sizeof base, "/tmp/load.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(chdir(base), 0);
	ck_assert_int_eq(mkdir("stage1", 0755) | mkdir("stage1/rootfs", 0755) |
				 mkdir("stage1/rootfs/rkt", 0755) | mkdir("appsinfo", 0755) |
				 mkdir("appsinfo/two", 0755),
		0);
	char text[16];
	int fd = open(base, O_RDONLY | O_DIRECTORY);
	snprintf(text, sizeof text, "%d", fd);
	ck_assert_int_eq(setenv(ENV_LOCK_FD, text, 1), 0);
}

static void teardown(void)
{
	stage1_pod_release(&pod);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static void put(const char *path, const char *text)
{
	unlink(path);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, text, strlen(text), 0644, &e), 0);
}

static void expect_error(int r, const char *part)
{
	char text[2048];
	ck_assert_int_lt(r, 0);
	err_format(&e, false, text, sizeof text);
	ck_assert_msg(strstr(text, part), "'%s' is not in '%s'", part, text);
}

START_TEST(two_apps)
{
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one")) "," RUNTIME_APP("two", "")));
	put("appsinfo/two/manifest", IMAGE(",\"app\":" APP("/two")));
	ck_assert_int_eq(stage1_load(&run, STAGE1_SHM, &pod, &e), 0);
	ck_assert_uint_eq(pod.manifest->n_apps, 2);
	/* Whoever enforces something later says so there. */
	ck_assert_ptr_eq(pod.plan.report.arena, &pod.arena);
	ck_assert_ptr_eq(pod.plans[1].report.arena, &pod.arena);
	report_set(&pod.plans[1].report, "x", REPORT_CHANGED, "%s", "why");
	ck_assert_str_eq(report_find(&pod.plans[1].report, "x")->why, "why");
	ck_assert_str_eq(pod.plans[0].argv.v[0], "/one");
	ck_assert_str_eq(pod.plans[1].argv.v[0], "/two");
	ck_assert_str_eq(pod.facts.hostname, "rkt-" UUID);
	ck_assert_str_eq(pod.facts.uuid, UUID);
	ck_assert(!pod.facts.bare && !pod.facts.host_network && !pod.facts.disable_caps);
	char want[128];
	snprintf(want, sizeof want, "%s/sharedVolumes", base);
	ck_assert_str_eq(pod.facts.volumes_dir, want);
	snprintf(want, sizeof want, "%s/stage1/rootfs/rkt/etc/hosts", base);
	ck_assert_str_eq(pod.facts.hosts_file, want);
	snprintf(want, sizeof want, "%s/stage1/rootfs/rkt/shm", base);
	ck_assert_str_eq(pod.facts.shm_dir, want);
	ck_assert_int_ge(pod.lock_fd, 0);
}
END_TEST

START_TEST(facts_follow_the_arguments)
{
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one"))));
	run.hostname = "web-1.example";
	run.net = "host";
	run.disable_seccomp = run.disable_paths = run.disable_capabilities_restriction = true;
	ck_assert_int_eq(stage1_load(&run, STAGE1_SHM, &pod, &e), 0);
	ck_assert_str_eq(pod.facts.hostname, "web-1.example");
	ck_assert(pod.facts.host_network && pod.facts.disable_caps);
	ck_assert(pod.facts.disable_paths && pod.facts.disable_seccomp);
	ck_assert_ptr_null(pod.facts.shm_dir); /* nobody to share it with */
	teardown();
	setup();
	run.net = "hostile";
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one"))));
	ck_assert_int_eq(stage1_load(&run, STAGE1_BARE, &pod, &e), 0);
	ck_assert(pod.facts.bare && pod.facts.host_network);
	ck_assert_ptr_null(pod.facts.shm_dir);
}
END_TEST

START_TEST(looking_takes_and_writes_nothing)
{
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one"))));
	unsetenv(ENV_LOCK_FD);
	ck_assert_int_eq(stage1_load(&run, STAGE1_LOOK, &pod, &e), 0);
	ck_assert_int_eq(pod.lock_fd, -1);
	ck_assert_int_ne(access("stage1/rootfs/rkt/etc", F_OK), 0);
}
END_TEST

START_TEST(the_lock_is_required)
{
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one"))));
	unsetenv(ENV_LOCK_FD);
	expect_error(stage1_load(&run, 0, &pod, &e), ENV_LOCK_FD);
}
END_TEST

START_TEST(bad_pod_manifests)
{
	expect_error(stage1_load(&run, 0, &pod, &e), "open 'pod'");
	put("pod", "{");
	expect_error(stage1_load(&run, 0, &pod, &e), "pod manifest");
	put("pod", POD(""));
	expect_error(stage1_load(&run, 0, &pod, &e), "at least one application");
	put("pod", POD(RUNTIME_APP("../two", ",\"app\":" APP("/one"))));
	expect_error(stage1_load(&run, 0, &pod, &e), "../two");
	put("pod", POD(RUNTIME_APP("x-started", ",\"app\":" APP("/one")) "," RUNTIME_APP(
			   "x", ",\"app\":" APP("/one"))));
	expect_error(stage1_load(&run, 0, &pod, &e), "share a status file");
	unlink("pod");
	ck_assert_int_eq(mkfifo("pod", 0644), 0);
	expect_error(stage1_load(&run, 0, &pod, &e), "not a regular file");
	put("pod", "");
	ck_assert_int_eq(truncate("pod", STR_MAX_MANIFEST + 1), 0);
	expect_error(stage1_load(&run, 0, &pod, &e), "larger than");
}
END_TEST

START_TEST(bad_image_manifests)
{
	put("pod", POD(RUNTIME_APP("two", "")));
	expect_error(stage1_load(&run, 0, &pod, &e), "app 'two': open 'appsinfo/two/manifest'");
	put("appsinfo/two/manifest", IMAGE(""));
	expect_error(stage1_load(&run, 0, &pod, &e), "app 'two': neither");
	put("appsinfo/two/manifest", "[]");
	expect_error(stage1_load(&run, 0, &pod, &e), "app 'two': 'appsinfo/two/manifest'");
	unlink("appsinfo/two/manifest");
	put("elsewhere", IMAGE(",\"app\":" APP("/two")));
	ck_assert_int_eq(symlink("../../elsewhere", "appsinfo/two/manifest"), 0);
	expect_error(stage1_load(&run, 0, &pod, &e), "app 'two': open 'appsinfo/two/manifest'");
}
END_TEST

START_TEST(host_names)
{
	static const char *const bad[] = { "", "a b", "a\nb", "-a", ".", "a/b",
		"0123456789012345678901234567890123456789012345678901234567890123456789" };
	put("pod", POD(RUNTIME_APP("one", ",\"app\":" APP("/one"))));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		run.hostname = bad[i];
		expect_error(stage1_load(&run, 0, &pod, &e), "is not a host name");
	}
	run.hostname = NULL;
	run.uuid = "../x";
	expect_error(stage1_load(&run, 0, &pod, &e), "UUID");
}
END_TEST

START_TEST(arguments_of_a_running_pod)
{
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		setenv("TEST_LOAD_PAUSE", "1", 1);
		execl("/proc/self/exe", "run", "--net=host", "--hostname=h", UUID, (char *)NULL);
		_exit(1);
	}
	_clean_(strv) struct strv argv = STRV_INIT;
	_clean_(proc) struct proc p = PROC_INIT;
	struct stage1_run got = { 0 };
	int r = -1;
	ck_assert_int_eq(proc_open(child, &p, &e), 0);
	/* Until it has exec'd, its command line is ours. */
	for (int i = 0; i < 1000 && r < 0; i++, usleep(2000)) {
		strv_release(&argv);
		r = stage1_recover_run(&p, &argv, &got, &e);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(got.uuid, UUID);
	ck_assert_str_eq(got.net, "host");
	ck_assert_str_eq(got.hostname, "h");
	kill(child, SIGKILL);
	/* A zombie has no command line. */
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	strv_release(&argv);
	expect_error(stage1_recover_run(&p, &argv, &got, &e), "has ended");
	waitpid(child, NULL, 0);
	expect_error(stage1_recover_run(&p, &argv, &got, &e), "has ended");
}
END_TEST

/* A number that is somebody else's by now names no process of this pod. */
START_TEST(numbers_that_were_passed_on)
{
	_clean_(proc) struct proc p = PROC_INIT, parent = PROC_INIT;
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	ck_assert_int_eq(stage1_open_inner(child, &p, &parent, &e), 0);
	ck_assert_int_eq(p.pid, child);
	ck_assert_int_eq(parent.pid, getpid());
	proc_close(&p);
	/* The same process, seen from the directory of another pod. */
	pid_t other = fork();
	if (other == 0) {
		int r = mkdir("other", 0700) | chdir("other");
		r |= stage1_open_inner(child, &p, NULL, &e) != -ESRCH;
		_exit(r ? 1 : 0);
	}
	int status = -1;
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ck_assert_int_eq(stage1_open_inner(child, &p, NULL, &e), -ESRCH);
}
END_TEST

int main(void)
{
	if (getenv("TEST_LOAD_PAUSE"))
		return pause();
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, two_apps);
	tcase_add_test(t, facts_follow_the_arguments);
	tcase_add_test(t, looking_takes_and_writes_nothing);
	tcase_add_test(t, the_lock_is_required);
	tcase_add_test(t, bad_pod_manifests);
	tcase_add_test(t, bad_image_manifests);
	tcase_add_test(t, host_names);
	tcase_add_test(t, arguments_of_a_running_pod);
	tcase_add_test(t, numbers_that_were_passed_on);
	return unit_end("load", t);
}
