/* SPDX-License-Identifier: Apache-2.0 */
/* What app_plan() decides, as text: tests/unit/data/plan/NAME.json becomes NAME.txt there. With
 * UPDATE=1 in the environment the texts are written anew, to be read before they are committed. */
#include "stage2/plan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct err e;
static struct app_plan plan;
static struct app_facts facts;

static void reset(void)
{
	facts = (struct app_facts){ .uuid = "ef5d0b0b-c4b0-4b1e-8d8e-7e4b2a6f8f00",
		.hostname = "rkt-ef5d0b0b",
		.volumes_dir = "/pod/sharedVolumes",
		.hosts_file = "/pod/hosts",
		.resolv_file = "/pod/resolv.conf",
		.resolv_replace = true };
}

static struct pod_manifest *load(const char *name)
{
	char path[256];
	struct pod_manifest *pod;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	snprintf(path, sizeof path, "tests/unit/data/plan/%s.json", name);
	ck_assert_msg(io_read_file(AT_FDCWD, path, &bytes, &e) == 0, "%s", unit_message(&e));
	ck_assert_msg(pod_manifest_decode(str_text(&bytes), bytes.len, &arena, &pod, &e) == 0, "%s",
		unit_message(&e));
	return pod;
}

static int make(const struct pod_manifest *pod)
{
	e = ERR_INIT;
	return app_plan(pod, &pod->apps[0], &facts, &arena, &plan, &e);
}

static void compare(const char *name, const char *golden)
{
	char path[256];
	const struct pod_manifest *pod = load(name);
	ck_assert_msg(make(pod) == 0, "%s", unit_message(&e));
	_clean_(str) struct str got = STR_INIT(STR_MAX_OUTPUT);
	_clean_(str) struct str want = STR_INIT(STR_MAX_OUTPUT);
	app_plan_print(&plan, &got);
	app_plan_release(&plan);
	snprintf(path, sizeof path, "tests/unit/data/plan/%s.txt", golden);
	if (getenv("UPDATE")) {
		unlink(path);
		ck_assert_int_eq(io_write_new(AT_FDCWD, path, got.buf, got.len, 0644, &e), 0);
	}
	ck_assert_msg(io_read_file(AT_FDCWD, path, &want, &e) == 0, "%s", unit_message(&e));
	ck_assert_str_eq(str_text(&got), str_text(&want));
}

START_TEST(golden)
{
	reset();
	compare("plain", "plain");
	compare("full", "full");
	facts.bare = true;
	compare("full", "bare");
	reset();
	facts.interactive = facts.disable_paths = facts.disable_caps = facts.disable_seccomp = true;
	facts.term = "xterm";
	facts.metadata_url = "http://169.254.169.255/token";
	facts.shm_dir = "/pod/shm";
	facts.hosts_file = facts.resolv_file = NULL;
	compare("plain", "loose");
}
END_TEST

static const struct mnt_op *find(const char *dst)
{
	for (size_t i = 0; i < plan.n_mounts; i++)
		if (strcmp(plan.mounts[i].dst, dst) == 0)
			return &plan.mounts[i];
	return NULL;
}

static void refuse(const struct pod_manifest *pod, const char *want)
{
	ck_assert_int_lt(make(pod), 0);
	ck_assert_msg(strstr(unit_message(&e), want) != NULL, "'%s' is not in '%s'", want,
		unit_message(&e));
}

START_TEST(refusals)
{
	reset();
	struct pod_manifest *pod = load("full");
	struct runtime_app *ra = &pod->apps[0];
	struct app *app = ra->app;
	const struct runtime_app saved = *ra;

	app->exec.n = 0;
	refuse(pod, "nothing to execute");
	app->exec.n = 3;
	app->working_directory = "data";
	refuse(pod, "working directory 'data'");
	app->working_directory = NULL;
	ra->mounts[0].volume = "none";
	refuse(pod, "no volume 'none' for the mount at '/data'");
	ra->mounts[0].volume = "data";
	ra->mounts[1].path = "/data/./";
	refuse(pod, "two mounts at '/data'");
	ra->mounts[1].path = "/a/../b";
	refuse(pod, "'/a/../b'");
	ra->mounts[1].path = "/proc//sys/kernel";
	refuse(pod, "below '/proc'");
	ra->mounts[1].path = "/.";
	refuse(pod, "nothing can be mounted at '/'");
	ra->mounts[1].path = "/processes";
	ck_assert_int_eq(make(pod), 0);
	app_plan_release(&plan);
	ra->app = NULL;
	refuse(pod, "what to execute");
	*ra = saved;
}
END_TEST

START_TEST(capabilities)
{
	reset();
	struct pod_manifest *pod = load("full");
	struct isolators *isolators = &pod->apps[0].app->isolators;
	struct isolator remove = { .kind = ISO_CAPS_REMOVE,
		.name = "os/linux/capabilities-remove-set" };
	strlist_add(&arena, &remove.set.names, "chown");
	strlist_add(&arena, &remove.set.names, "CAP_SYS_ADMIN");

	isolator_set(&arena, isolators, &remove);
	refuse(pod, "exclude each other");

	*isolators = (struct isolators){ 0 };
	isolator_set(&arena, isolators, &remove);
	ck_assert_int_eq(make(pod), 0);
	ck_assert_uint_eq(plan.cred.caps, CAPS_APPC & ~CAP_BIT(CHOWN));
	ck_assert(!plan.cred.ambient);
	app_plan_release(&plan);

	facts.disable_caps = true;
	ck_assert_int_eq(make(pod), 0);
	ck_assert_uint_eq(plan.cred.caps, CAPS_EVERY);
	app_plan_release(&plan);
	facts.disable_caps = false;

	isolators->v[0].set.names.v[0] = "CAP_NONSENSE";
	refuse(pod, "'CAP_NONSENSE' is not a capability");
}
END_TEST

static const struct {
	const char *pod, *one, *two; /* isolators */
	/* of the first app; why: NULL: enforced without a word */
	uint64_t memory, memory_request, shares, pod_memory_request;
	enum report_state state;
	const char *why;
} requests[] = {
#define MEMORY(value) "[{\"name\":\"resource/memory\",\"value\":" value "}]"
#define CPU(value) "[{\"name\":\"resource/cpu\",\"value\":" value "}]"
	/* appc: what is not requested is the limit */
	{ "[]", MEMORY("{\"limit\":\"64M\"}"), "[]", 64000000, 64000000, 0, 64000000 },
	{ "[]", MEMORY("{\"limit\":\"64M\",\"request\":\"0\"}"), "[]", 64000000 },
	{ "[]", MEMORY("{\"request\":\"64M\"}"), MEMORY("{\"request\":\"32M\"}"), 0, 64000000, 0,
		96000000 },
	{ "[]", CPU("{\"limit\":\"500m\"}"), "[]", .shares = 512 },
	{ "[]", MEMORY("{}"), "[]", .state = REPORT_IGNORED,
		.why = "it has neither a limit nor a request" },
	/* no more than the pod has */
	{ MEMORY("{\"limit\":\"32M\"}"), MEMORY("{\"limit\":\"64M\"}"), "[]", 32000000, 32000000, 0,
		32000000, REPORT_CHANGED, "the pod's limit is lower" },
	{ MEMORY("{\"limit\":\"32M\"}"), MEMORY("{\"request\":\"64M\"}"), "[]", 0, 32000000, 0,
		32000000, REPORT_CHANGED, "the pod's is lower than the request" },
	{ MEMORY("{\"limit\":\"96M\",\"request\":\"32M\"}"), MEMORY("{\"limit\":\"64M\"}"), "[]",
		64000000, 32000000, 0, 32000000, REPORT_CHANGED,
		"the pod's is lower than the request" },
	{ MEMORY("{\"limit\":\"96M\"}"), MEMORY("{\"limit\":\"64M\"}"),
		MEMORY("{\"limit\":\"64M\"}"), 64000000, 64000000, 0, 96000000, REPORT_CHANGED,
		"the pod's is lower than what its apps request together" },
	{ MEMORY("{\"limit\":\"96M\"}"), MEMORY("{\"limit\":\"64M\",\"request\":\"48M\"}"),
		MEMORY("{\"limit\":\"64M\",\"request\":\"48M\"}"), 64000000, 48000000, 0,
		96000000 },
	{ CPU("{\"limit\":\"1\"}"), CPU("{\"request\":\"2\"}"), "[]", .shares = 1024,
		.state = REPORT_CHANGED, .why = "the pod's is lower than the request" },
	{ CPU("{\"limit\":\"1\"}"), CPU("{\"request\":\"600m\"}"), CPU("{\"request\":\"600m\"}"),
		.shares = 614, .state = REPORT_CHANGED,
		.why = "the pod's is lower than what its apps request together" },
	{ "[]",
		"[{\"name\":\"resource/cpu\",\"value\":{\"request\":\"1\"}},"
		"{\"name\":\"os/linux/cpu-shares\",\"value\":200}]",
		"[]", .shares = 200, .why = "for its request stands os/linux/cpu-shares" },
#undef MEMORY
#undef CPU
};

START_TEST(requests_and_the_pod)
{
	reset();
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct pod_manifest *pod;
		struct pod_plan all;
		char text[2048];
		snprintf(text, sizeof text,
			"{\"acKind\":\"PodManifest\",\"acVersion\":\"0.8.11\",\"isolators\":%s,"
			"\"apps\":[{\"name\":\"one\",\"image\":{\"id\":\"sha512-00\"},\"app\":{"
			"\"exec\":"
			"[\"/"
			"x\"],\"user\":\"0\",\"group\":\"0\",\"isolators\":%s}},{\"name\":\"two\","
			"\"image\":{\"id\":\"sha512-00\"},\"app\":{\"exec\":[\"/"
			"x\"],\"user\":\"0\","
			"\"group\":\"0\",\"isolators\":%s}}]}",
			requests[i].pod, requests[i].one, requests[i].two);
		ck_assert_msg(pod_manifest_decode(text, strlen(text), &arena, &pod, &e) == 0, "%s",
			unit_message(&e));
		ck_assert_msg(make(pod) == 0, "%zu: %s", i, unit_message(&e));
		ck_assert_int_eq(pod_plan(pod, &facts, &arena, &all, &e), 0);
		ck_assert_msg(plan.limits.memory == requests[i].memory, "%zu", i);
		ck_assert_msg(plan.limits.memory_request == requests[i].memory_request, "%zu", i);
		ck_assert_msg(plan.limits.cpu_shares == requests[i].shares, "%zu", i);
		ck_assert_msg(
			all.limits.memory_request == requests[i].pod_memory_request, "%zu", i);
		ck_assert_msg(plan.report.v[0].state == requests[i].state, "%zu", i);
		ck_assert_pstr_eq(plan.report.v[0].why, requests[i].why);
		app_plan_release(&plan);
	}
}
END_TEST

/* What nobody before has refused: stage1 trusts no stage0. */
START_TEST(limits_of_a_pod_that_make_no_sense)
{
	reset();
	struct pod_manifest *pod = load("full");
	struct pod_plan all;
	struct isolator iso = { .kind = ISO_MEMORY };
	ck_assert_int_eq(quantity_parse("0", false, &arena, &iso.resource.limit, &e), 0);
	isolator_set(&arena, &pod->isolators, &iso);
	ck_assert_int_lt(pod_plan(pod, &facts, &arena, &all, &e), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "limits of the pod"));
}
END_TEST

START_TEST(shares_of_a_pod)
{
	reset();
	struct pod_manifest *pod = load("full");
	struct pod_plan all;
	const struct isolator iso = { .kind = ISO_CPU_SHARES, .number = 200 };
	isolator_set(&arena, &pod->isolators, &iso);
	ck_assert_int_eq(pod_plan(pod, &facts, &arena, &all, &e), 0);
	ck_assert_uint_eq(all.limits.cpu_shares, 200);
	ck_assert_int_eq(
		(int)report_find(&all.report, "os/linux/cpu-shares")->state, REPORT_ENFORCED);
}
END_TEST

/* The parent of each mount is mounted before it, whatever the manifest's order. */
START_TEST(parents_come_first)
{
	reset();
	struct pod_manifest *pod = load("full");
	static struct mount mounts[] = { { "host", "/m/a/b/c" }, { "data", "/m/a-b" },
		{ "conf", "/m/a" }, { "host", "/m/a/b" }, { "data", "/m" } };
	pod->apps[0].mounts = mounts;
	pod->apps[0].n_mounts = 5;
	pod->apps[0].app->n_mount_points = 0;
	ck_assert_int_eq(make(pod), 0);
	static const char *const order[] = { "/m", "/m/a", "/m/a-b", "/m/a/b", "/m/a/b/c" };
	for (size_t i = 1; i < 5; i++)
		ck_assert(find(order[i - 1]) < find(order[i]));
	app_plan_release(&plan);
}
END_TEST

/* Two apps' implicit volumes, and one of the pod that has such a name, are three directories. */
START_TEST(implicit_volumes_are_an_apps_own)
{
	reset();
	struct pod_manifest *pod = load("full");
	ck_assert_int_eq(make(pod), 0);
	const char *first = arena_strdup(&arena, find("/var/spool/redis")->src);
	app_plan_release(&plan);
	pod->volumes[0].name = path_base(first);
	pod->apps[0].n_mounts = 0;
	ck_assert_int_eq(make(pod), 0);
	ck_assert_str_ne(find("/var/spool/redis")->src, first);
	ck_assert(ac_name_valid(path_base(find("/var/spool/redis")->src)));
	app_plan_release(&plan);
}
END_TEST

UNIT_MAIN("plan", &golden, &refusals, &capabilities, &requests_and_the_pod,
	&limits_of_a_pod_that_make_no_sense, &shares_of_a_pod, &parents_come_first,
	&implicit_volumes_are_an_apps_own)
