/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "stage0/compose.h"

#define ID "sha512-" ID64 ID64
#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arena a;
static struct err e;
static struct compose c;
static struct compose_app apps[2];

static const struct image_manifest *image(const char *more)
{
	struct image_manifest *m;
	char *text = arena_printf(&a,
		"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":"
		"\"example.com/redis\",\"labels\":[{\"name\":\"os\",\"value\":\"linux\"},"
		"{\"name\":\"arch\",\"value\":\"%s\"}]%s}",
		target_arch(), more);
	int r = image_manifest_decode(text, strlen(text), &a, &m, &e);
	ck_assert_msg(r == 0, "%s", unit_message(&e));
	return m;
}

#define APP(more) \
	",\"app\":{\"exec\":[\"/bin/redis\",\"-x\"],\"user\":\"0\",\"group\":\"0\"" more "}"

static void begin(size_t n, const char *more)
{
	arena_release(&a);
	e = ERR_INIT;
	memset(apps, 0, sizeof apps);
	c = (struct compose){ .apps = apps, .n_apps = n };
	for (size_t i = 0; i < n; i++) {
		apps[i].image = "redis.aci";
		apps[i].image_id = ID;
		apps[i].manifest = image(more);
	}
}

static struct pod_manifest *good(void)
{
	struct pod_manifest *m = NULL;
	int r = compose_pod(&c, &a, &m, &e);
	ck_assert_msg(r == 0, "%s", unit_message(&e));
	return m;
}

static void bad(const char *text)
{
	struct pod_manifest *m = NULL;
	ck_assert_int_lt(compose_pod(&c, &a, &m, &e), 0);
	ck_assert_ptr_null(m);
	ck_assert_msg(strstr(unit_message(&e), text), "%s", unit_message(&e));
}

static void add(struct strlist *l, const char *text)
{
	strlist_add(&a, l, text);
}

START_TEST(golden)
{
	begin(1, APP(",\"environment\":[{\"name\":\"A\",\"value\":\"image\"}],"
		     "\"mountPoints\":[{\"name\":\"data\",\"path\":\"/var/lib/redis\"},"
		     "{\"name\":\"tmp\",\"path\":\"/tmp\"}]"));
	add(&apps[0].args, "--port");
	add(&apps[0].args, "");
	apps[0].user = "redis";
	apps[0].memory = "64M";
	apps[0].cpu = "500m";
	apps[0].cpu_shares = "2048";
	apps[0].oom_score_adj = "-5";
	apps[0].readonly_rootfs = "true";
	add(&apps[0].annotations, "note=x=y");
	add(&apps[0].user_annotations, "who=me");
	add(&apps[0].user_labels, "tier=db");
	add(&apps[0].supplementary_gids, "5,6");
	add(&apps[0].supplementary_gids, "7");
	add(&apps[0].caps_retain, "CAP_KILL,CAP_CHOWN");
	add(&c.volumes, "data,kind=host,source=/srv,readOnly=true");
	add(&c.volumes, "extra,kind=empty");
	add(&apps[0].mounts, "volume=extra,target=/extra");
	struct pod_manifest *m = good();
	_clean_(str) struct str out = STR_INIT(STR_MAX_MANIFEST);
	m->apps[0].image.labels.n = 0; /* this machine's */
	pod_manifest_encode(m, false, &out);
	static const char expected[] =
		"{\"acVersion\":\"0.8.11\",\"acKind\":\"PodManifest\",\"apps\":[{\"name\":"
		"\"redis\","
		"\"image\":{\"name\":\"example.com/redis\",\"id\":\"" ID "\"},\"app\":{\"exec\":["
		"\"/bin/redis\",\"-x\",\"--port\",\"\"],\"user\":\"redis\",\"group\":\"0\","
		"\"supplementaryGIDs\":[5,6,7],\"environment\":[{\"name\":\"A\",\"value\":"
		"\"image\"}"
		"],\"mountPoints\":[{\"name\":\"data\",\"path\":\"/var/lib/redis\"},{\"name\":"
		"\"tmp\",\"path\":\"/tmp\"}],\"isolators\":[{\"name\":\"resource/"
		"memory\",\"value\":"
		"{\"default\":false,\"request\":\"64M\",\"limit\":\"64M\"}},{\"name\":\"resource/"
		"cpu\",\"value\":{\"default\":false,"
		"\"request\":\"500m\",\"limit\":\"500m\"}},{\"name\":\"os/linux/cpu-shares\","
		"\"value\":2048},{\"name\":\"os/linux/oom-score-adj\",\"value\":-5},{\"name\":"
		"\"os/linux/capabilities-retain-set\",\"value\":{\"set\":[\"CAP_KILL\","
		"\"CAP_CHOWN\"]}}],\"userAnnotations\":{\"who\":\"me\"},\"userLabels\":{\"tier\":"
		"\"db\"}},\"readOnlyRootFS\":true,\"mounts\":[{\"volume\":\"extra\",\"path\":"
		"\"/extra\"},{\"volume\":\"data\",\"path\":\"/var/lib/redis\"},{\"volume\":"
		"\"redis-tmp\",\"path\":\"/tmp\"}],\"annotations\":[{\"name\":\"note\",\"value\":"
		"\"x=y\"}]}],\"volumes\":[{\"name\":\"data\",\"kind\":\"host\",\"source\":\"/srv\","
		"\"readOnly\":true},{\"name\":\"extra\",\"kind\":\"empty\"},{\"name\":\"redis-"
		"tmp\","
		"\"kind\":\"empty\",\"mode\":\"0755\",\"uid\":0,\"gid\":0}],\"isolators\":null,"
		"\"annotations\":null,\"ports\":null}";
	/* too long for the message of ck_assert_str_eq */
	ck_assert_msg(!strcmp(str_text(&out), expected), "%.2000s", str_text(&out));
}
END_TEST

START_TEST(environment_has_rkt_s_precedence)
{
	begin(1, APP(",\"environment\":[{\"name\":\"B\",\"value\":\"image\"},{\"name\":\"C\","
		     "\"value\":\"image\"},{\"name\":\"D\",\"value\":\"image\"},{\"name\":\"E\","
		     "\"value\":\"image\"}]"));
	static const char *const names[] = { "A", "B", "C", "D", "E" };
	for (int i = 0; i < 5; i++)
		nv_set(&a, &c.parent_env, names[i], "parent");
	nv_set(&a, &c.parent_env, "BASH_FUNC_x%%", "() {}");
	ck_assert_int_eq(compose_env_file("# comment\n\n C=file \r\nD=file\nE=file=x", "f", &a,
				 &c.env_file, &e),
		0);
	add(&c.set_env, "D=set");
	add(&c.set_env, "E=set");
	add(&apps[0].environment, "E=app=1");
	const struct nvlist *env = &good()->apps[0].app->environment;
	ck_assert_uint_eq(env->n, 5);
	ck_assert_str_eq(nv_get(env, "A"), "parent");
	ck_assert_str_eq(nv_get(env, "B"), "image");
	ck_assert_str_eq(nv_get(env, "C"), "file");
	ck_assert_str_eq(nv_get(env, "D"), "set");
	ck_assert_str_eq(nv_get(env, "E"), "app=1");
}
END_TEST

START_TEST(environment_is_checked)
{
	begin(1, APP(""));
	add(&c.set_env, "=x");
	bad("--set-env '=x': NAME=VALUE wanted");
	begin(1, APP(""));
	add(&apps[0].environment, "a b=x");
	bad("bad name 'a b'");
	struct nvlist l = { 0 };
	ck_assert_int_lt(compose_env_file("A=1\nnothing\n", "f", &a, &l, &e), 0);
	ck_assert_str_eq(unit_message(&e), "--set-env-file 'f': line 2: NAME=VALUE wanted");
}
END_TEST

START_TEST(names_come_from_images_and_differ)
{
	begin(2, APP(""));
	bad("multiple apps with name redis");
	begin(2, APP(""));
	apps[1].name = "other";
	struct pod_manifest *m = good();
	ck_assert_str_eq(m->apps[0].name, "redis");
	ck_assert_str_eq(m->apps[1].name, "other");
	ck_assert_int_eq(compose_check_names(m, &e), 0);
	apps[1].name = "redis-started";
	ck_assert_int_eq(compose_check_names(good(), &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "'redis' beside 'redis-started'"));
	begin(1, APP(""));
	apps[0].name = "Not/Good";
	bad("--name 'Not/Good'");
	begin(0, "");
	bad("pod must contain at least one application");
}
END_TEST

START_TEST(exec_may_come_from_image_or_user)
{
	begin(1, "");
	bad("give a program with --exec");
	begin(1, "");
	add(&apps[0].args, ""); /* is no program either */
	bad("give a program with --exec");
	begin(1, "");
	apps[0].exec = "/bin/sh";
	add(&apps[0].args, "-c");
	struct app *app = good()->apps[0].app;
	ck_assert_uint_eq(app->exec.n, 2);
	ck_assert_str_eq(app->exec.v[0], "/bin/sh");
	ck_assert_str_eq(app->exec.v[1], "-c");
	ck_assert_str_eq(app->user, "0");
	begin(1, APP(""));
	apps[0].exec = "/bin/sh";
	ck_assert_uint_eq(good()->apps[0].app->exec.n, 1);
	/* the image's own manifest is not touched */
	ck_assert_uint_eq(apps[0].manifest->app->exec.n, 2);
}
END_TEST

START_TEST(volumes_and_mounts_are_checked)
{
	begin(1, APP(""));
	add(&c.volumes, "v,kind=empty");
	add(&c.volumes, "v,kind=empty");
	bad("duplicate volume name");
	begin(1, APP(""));
	add(&apps[0].mounts, "volume=v,target=/x");
	bad("no --volume is named 'v'");
	begin(1, APP(""));
	add(&c.volumes, "v,kind=empty");
	add(&c.volumes, "w,kind=empty");
	add(&apps[0].mounts, "volume=v,target=/x");
	add(&apps[0].mounts, "volume=w,target=/x");
	bad("two volumes, 'v' and 'w', at '/x'");
	begin(1, APP(""));
	add(&c.volumes, "v,kind=nothing");
	bad("--volume 'v,kind=nothing'");
}
END_TEST

/* Each error says once which text is meant, and then what is wanted. */
START_TEST(what_a_volume_wants)
{
	static const struct {
		const char *text, *wants;
	} rows[] = {
		{ "v", "NAME,kind=host|empty|tmpfs|image,… wanted" },
		{ "V,kind=empty", "a name of lower-case letters" },
		{ "v,source=/", "kind=host, empty, tmpfs or image wanted" },
		{ "v,kind=empty,foo=1", "unknown parameter 'foo'" },
		{ "v,kind=empty,mode", "'mode' is not KEY=VALUE" },
		{ "v,kind=empty,mode=1,mode=2", "'mode' is given twice" },
		{ "v,kind=empty,mode=9", "mode=MODE (octal, up to 7777) wanted" },
		{ "v,kind=empty,uid=a", "uid=NUMBER wanted" },
		{ "v,kind=tmpfs,size=x", "size=BYTES (as 64M) wanted" },
		{ "v,kind=host,source=/,readOnly=x", "readOnly=true or false wanted" },
		{ "v,kind=host,source=/,propagation=x", "propagation=slave, private or shared" },
		{ "v,kind=host", "a host volume needs a source" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(1, APP(""));
		add(&c.volumes, rows[i].text);
		bad(arena_printf(&a, "--volume '%s': %s", rows[i].text, rows[i].wants));
	}
	begin(1, APP(""));
	add(&apps[0].mounts, "volume=v,target=x");
	bad("--mount 'volume=v,target=x': target=PATH wanted, an absolute path");
}
END_TEST

START_TEST(early_mounts_are_of_all_apps)
{
	begin(2, APP(""));
	apps[1].name = "other";
	add(&c.volumes, "v,kind=empty");
	add(&c.mounts, "volume=v,target=/x");
	struct pod_manifest *m = good();
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(m->apps[i].n_mounts, 1);
		ck_assert_str_eq(m->apps[i].mounts[0].path, "/x");
	}
}
END_TEST

START_TEST(implicit_volumes_are_each_app_s_own)
{
	begin(2, APP(",\"mountPoints\":[{\"name\":\"data\",\"path\":\"/data\"}]"));
	apps[1].name = "other";
	struct pod_manifest *m = good();
	ck_assert_uint_eq(m->n_volumes, 2);
	ck_assert_str_eq(m->volumes[0].name, "redis-data");
	ck_assert_str_eq(m->volumes[1].name, "other-data");
	ck_assert_str_eq(m->apps[1].mounts[0].volume, "other-data");
	/* … and never somebody else's that has the name */
	begin(1, APP(",\"mountPoints\":[{\"name\":\"data\",\"path\":\"/data\"}]"));
	add(&c.volumes, "redis-data,kind=empty");
	ck_assert_str_eq(good()->apps[0].mounts[0].volume, "redis-data-implicit");
}
END_TEST

START_TEST(isolators_are_checked_and_replace_the_image_s)
{
	begin(1, APP(""));
	apps[0].memory = "16m";
	bad("too low");
	begin(1, APP(""));
	apps[0].memory = "lots";
	bad("--memory 'lots'");
	begin(1, APP(""));
	apps[0].oom_score_adj = "1001";
	bad("--oom-score-adj '1001'");
	begin(1, APP(""));
	add(&apps[0].caps_retain, "CAP_KILL");
	add(&apps[0].caps_remove, "CAP_KILL");
	bad("exclude each other");
	begin(1, APP(""));
	add(&apps[0].caps_retain, "kill");
	bad("--caps-retain 'kill'");
	begin(1, APP(",\"isolators\":[{\"name\":\"os/linux/capabilities-retain-set\",\"value\":{"
		     "\"set\":[\"CAP_CHOWN\"]}}]"));
	add(&apps[0].caps_remove, "CAP_KILL");
	const struct isolators *l = &good()->apps[0].app->isolators;
	ck_assert_ptr_null(isolator_find(l, ISO_CAPS_RETAIN));
	ck_assert_ptr_nonnull(isolator_find(l, ISO_CAPS_REMOVE));
}
END_TEST

START_TEST(platform_is_checked)
{
	struct image_manifest m = { .name = "x" };
	e = ERR_INIT;
	ck_assert_int_lt(compose_check_platform(&m, &e), 0);
	ck_assert_str_eq(unit_message(&e), "missing os label in the image manifest");
	nv_set(&a, &m.labels, "os", "freebsd");
	ck_assert_int_lt(compose_check_platform(&m, &e), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "bad os \"freebsd\""));
	nv_set(&a, &m.labels, "os", "linux");
	ck_assert_int_lt(compose_check_platform(&m, &e), 0);
	ck_assert_str_eq(unit_message(&e), "missing arch label in the image manifest");
	nv_set(&a, &m.labels, "arch", "z80");
	ck_assert_int_lt(compose_check_platform(&m, &e), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "bad arch \"z80\""));
	nv_set(&a, &m.labels, "arch", target_arch());
	ck_assert_int_eq(compose_check_platform(&m, &e), 0);
}
END_TEST

START_TEST(host_volumes_must_exist)
{
	struct volume v = { .name = "v", .kind = VOLUME_HOST, .source = "/does/not/exist" };
	struct pod_manifest m = { .volumes = &v, .n_volumes = 1 };
	ck_assert_int_lt(compose_check_volumes(&m, &e), 0);
	ck_assert_str_eq(
		unit_message(&e), "volume 'v': stat /does/not/exist: No such file or directory");
	v.source = "/";
	ck_assert_int_eq(compose_check_volumes(&m, &e), 0);
}
END_TEST

UNIT_MAIN("compose", &golden, &environment_has_rkt_s_precedence, &environment_is_checked,
	&names_come_from_images_and_differ, &exec_may_come_from_image_or_user,
	&volumes_and_mounts_are_checked, &what_a_volume_wants, &early_mounts_are_of_all_apps,
	&implicit_volumes_are_each_app_s_own, &isolators_are_checked_and_replace_the_image_s,
	&platform_is_checked, &host_volumes_must_exist)
