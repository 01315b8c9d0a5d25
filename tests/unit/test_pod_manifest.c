/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/pod.h"
#include "tests/unit/unit.h"

#define ID                                                                        \
	"sha512-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arena arena;
static struct err e;

static int decode(const char *text, struct pod_manifest **ret)
{
	e = ERR_INIT;
	return pod_manifest_decode(text, strlen(text), &arena, ret, &e);
}

static const char *encode(const struct pod_manifest *m, bool pretty)
{
	struct str out = STR_INIT(STR_MAX_MANIFEST);
	pod_manifest_encode(m, pretty, &out);
	ck_assert(str_ok(&out));
	const char *copy = arena_strdup(&arena, str_text(&out));
	str_release(&out);
	return copy;
}

START_TEST(golden)
{
	struct str file = STR_INIT(STR_MAX_MANIFEST);
	struct pod_manifest *m, *again;
	ck_assert_int_eq(io_read_file(AT_FDCWD, "tests/unit/data/pod.json", &file, &e), 0);
	ck_assert_msg(decode(str_text(&file), &m) == 0, "%s", unit_message(&e));

	ck_assert_uint_eq(m->n_apps, 2);
	const struct runtime_app *app = pod_app(m, "reduce-worker");
	ck_assert_str_eq(app->image.name, "example.com/reduce-worker");
	ck_assert_str_eq(app->image.id, ID);
	ck_assert_str_eq(nv_get(&app->image.labels, "version"), "1.0.0");
	ck_assert_str_eq(app->app->user, "100");
	ck_assert(app->read_only_root_fs);
	ck_assert_uint_eq(app->n_mounts, 2);
	ck_assert_ptr_null(app->mounts[0].app_volume);
	const struct volume *own = app->mounts[1].app_volume;
	ck_assert_int_eq(own->kind, VOLUME_EMPTY);
	ck_assert_uint_eq(own->mode, 01777);
	ck_assert_uint_eq(own->gid, 1001);
	ck_assert_str_eq(nv_get(&app->annotations, "foo"), "baz");
	ck_assert_ptr_null(pod_app(m, "backup")->app);
	ck_assert_ptr_null(pod_app(m, "backup")->image.name);
	ck_assert_ptr_null(pod_app(m, "none"));

	const struct volume *v = pod_volume(m, "worklib");
	ck_assert_int_eq(v->kind, VOLUME_HOST);
	ck_assert_str_eq(v->source, "/opt/tenant1/work");
	ck_assert(v->read_only && v->recursive && v->has_recursive);
	ck_assert(pod_volume(m, "plain")->recursive && !pod_volume(m, "plain")->has_recursive);
	ck_assert_uint_eq(pod_volume(m, "bare")->mode, 0755);
	ck_assert(!pod_volume(m, "bare")->has_mode);
	ck_assert_ptr_null(pod_volume(m, "none"));
	ck_assert_ptr_nonnull(isolator_find(&m->isolators, ISO_SYSCTL));
	ck_assert_uint_eq(m->ports[0].host_port, 2121);
	ck_assert_ptr_null(m->ports[0].host_ip);
	ck_assert_uint_eq(m->ports[1].pod_port->port, 4000);
	ck_assert_str_eq(nv_get(&m->user_labels, "l"), "w");

	const char *pretty = encode(m, true), *compact = encode(m, false);
	file.buf[file.len - 1] = '\0'; /* its newline */
	ck_assert_str_eq(pretty, str_text(&file));
	ck_assert_int_eq(decode(compact, &again), 0);
	ck_assert_str_eq(encode(again, true), pretty);
	str_release(&file);
}
END_TEST

#define HEAD "\"acVersion\":\"0.8.11\",\"acKind\":\"PodManifest\""
#define EMPTY_POD "{" HEAD ",\"apps\":[]"

/* rkt writes null where the schema has no omitempty. */
START_TEST(empty_lists_are_null)
{
	struct pod_manifest *m;
	static const char text[] = EMPTY_POD
		",\"volumes\":null,\"isolators\":null,\"annotations\":null,\"ports\":null}";
	ck_assert_int_eq(decode(EMPTY_POD "}", &m), 0);
	ck_assert_str_eq(encode(m, false), text);
	ck_assert_int_eq(decode(text, &m), 0);
	ck_assert_str_eq(encode(m, false), text);
}
END_TEST

#define IMAGE "\"image\":{\"id\":\"" ID "\"}"
#define POD(apps, more) "{" HEAD ",\"apps\":[" apps "]" more "}"
#define OK "{\"name\":\"a\"," IMAGE "}"

static const struct {
	const char *text, *message;
} refused[] = {
	{ "{\"acVersion\":\"0.8.11\",\"acKind\":\"ImageManifest\"}",
		"acKind: expected 'PodManifest', found 'ImageManifest'" },
	{ "{" HEAD "}", "apps: missing" },
	{ POD("{" IMAGE "}", ""), "apps[0].name: missing" },
	{ POD("{\"name\":\"../x\"," IMAGE "}", ""), "apps[0].name: '../x' is not an AC name" },
	{ POD("{\"name\":\"a\"}", ""), "apps[0].image: missing" },
	{ POD("{\"name\":\"a\",\"image\":{}}", ""), "apps[0].image.id: missing" },
	{ POD("{\"name\":\"a\",\"image\":{\"id\":\"sha512-xyz\"}}", ""),
		"apps[0].image.id: 'sha512-xyz' is not an image id" },
	{ POD(OK "," OK, ""), "apps[1]: duplicate app name 'a'" },
	{ POD(OK ",{\"name\":\"b\"," IMAGE ",\"mounts\":[{\"volume\":\"v\",\"path\":1}]}", ""),
		"apps[1].mounts[0].path: expected string, found number" },
	{ POD("{\"name\":\"a\"," IMAGE ",\"mounts\":[{\"volume\":\"v\",\"path\":\"x\"}]}", ""),
		"apps[0].mounts[0].path: 'x' is not an absolute path" },
	{ POD("{\"name\":\"a\"," IMAGE ",\"mounts\":[{\"volume\":\"v\",\"path\":\"/x\","
	      "\"appVolume\":{\"name\":\"v\",\"kind\":\"host\"}}]}",
		  ""),
		"apps[0].mounts[0].appVolume: a host volume needs a source" },
	{ POD("{\"name\":\"a\"," IMAGE ",\"app\":{\"user\":\"0\"}}", ""),
		"apps[0].app.group: missing" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\"},"
		  "{\"name\":\"v\",\"kind\":\"empty\"}]"),
		"volumes[1]: duplicate volume name 'v'" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\"}]"), "volumes[0].kind: missing" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"disk\"}]"),
		"volumes[0].kind: expected 'host', 'empty', 'tmpfs' or 'image'" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"host\",\"source\":\"a\"}]"),
		"volumes[0]: the source of a host volume must be an absolute path" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"host\",\"source\":\"/a\",\"uid\":1}]"),
		"volumes[0]: a host volume has no uid" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\",\"source\":\"/a\"}]"),
		"volumes[0]: an empty volume has no source" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\",\"mode\":493}]"),
		"volumes[0].mode: expected a string of octal digits" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\",\"mode\":\"0888\"}]"),
		"volumes[0].mode: expected a string of octal digits" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\",\"mode\":\"10000\"}]"),
		"volumes[0].mode: expected a string of octal digits" },
	{ POD(OK, ",\"volumes\":[{\"name\":\"v\",\"kind\":\"empty\",\"uid\":4294967295}]"),
		"volumes[0].uid: expected a number from 0 to 4294967294" },
	{ POD(OK, ",\"ports\":[{\"name\":\"p\",\"hostPort\":0}]"),
		"ports[0].hostPort: port 0 cannot be exposed" },
	{ POD(OK, ",\"ports\":[{\"name\":\"p\",\"hostPort\":1,\"hostIP\":\"1.2.3\"}]"),
		"ports[0].hostIP: '1.2.3' is not an IP address" },
	{ POD(OK, ",\"ports\":[{\"name\":\"p\",\"hostPort\":1},{\"name\":\"p\",\"hostPort\":2}]"),
		"ports[1]: duplicate port name 'p'" },
};

START_TEST(refusals)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct pod_manifest *m;
		ck_assert_msg(
			decode(refused[i].text, &m) == -EINVAL, "accepted: %s", refused[i].text);
		const char *said = str_after(unit_message(&e), "pod manifest: ");
		ck_assert_msg(said && str_after(said, refused[i].message), "%s: %s",
			refused[i].text, unit_message(&e));
	}
}
END_TEST

START_TEST(volume_flags)
{
	struct volume v;
	ck_assert_int_eq(
		volume_parse("data,kind=host,source=/srv/a=b c,readOnly=true", &arena, &v, &e), 0);
	ck_assert_str_eq(v.name, "data");
	ck_assert_int_eq(v.kind, VOLUME_HOST);
	ck_assert_str_eq(v.source, "/srv/a=b c");
	ck_assert(v.read_only && v.recursive && !v.has_recursive);
	ck_assert_int_eq(volume_parse("a,source=/x,recursive=f,kind=host", &arena, &v, &e), 0);
	ck_assert(!v.recursive && v.has_recursive && !v.read_only);
	ck_assert_int_eq(
		volume_parse("t,kind=empty,mode=1777,uid=1,gid=2,readOnly=1", &arena, &v, &e), 0);
	ck_assert_int_eq(v.kind, VOLUME_EMPTY);
	ck_assert_uint_eq(v.mode, 01777);
	ck_assert_uint_eq(v.uid, 1);
	ck_assert_uint_eq(v.gid, 2);
	ck_assert(v.has_mode && v.has_uid && v.has_gid && v.read_only);
	ck_assert_int_eq(volume_parse("t,kind=empty", &arena, &v, &e), 0);
	ck_assert_uint_eq(v.mode, 0755);
	ck_assert(!v.has_mode && !v.recursive);
	ck_assert_int_eq(volume_parse("t,kind=tmpfs,size=64Mi", &arena, &v, &e), 0);
	ck_assert_int_eq(v.kind, VOLUME_TMPFS);
	ck_assert_int_eq(v.size.value, 64 << 20);
	ck_assert_uint_eq(v.mode, 01777);
	ck_assert_int_eq(volume_parse("t,kind=image,source=a.b/c:1", &arena, &v, &e), 0);
	ck_assert_int_eq(v.kind, VOLUME_IMAGE);
	ck_assert(v.read_only);
	ck_assert_int_eq(
		volume_parse("t,kind=host,source=/x,propagation=rshared", &arena, &v, &e), 0);
	ck_assert_int_eq(v.propagation, PROPAGATION_SHARED);
	ck_assert_int_eq(volume_parse("t,kind=host,source=/x", &arena, &v, &e), 0);
	ck_assert_int_eq(v.propagation, PROPAGATION_SLAVE);
}
END_TEST

/* What is ours survives being written and read again. */
START_TEST(volumes_of_ours_round_trip)
{
	static const char text[] =
		"{\"acKind\":\"PodManifest\",\"acVersion\":\"0.8.11\",\"apps\":[],\"volumes\":["
		"{\"name\":\"a\",\"kind\":\"tmpfs\",\"size\":\"1Gi\",\"mode\":\"0700\"},"
		"{\"name\":\"b\",\"kind\":\"image\",\"source\":\"sha512-00\"},"
		"{\"name\":\"c\",\"kind\":\"host\",\"source\":\"/x\","
		"\"propagation\":\"shared\"}]}";
	struct pod_manifest *m;
	struct strlist shared = { 0 };
	_clean_(str) struct str out = STR_INIT(STR_MAX_MANIFEST);
	ck_assert_int_eq(pod_manifest_decode(text, strlen(text), &arena, &m, &e), 0);
	pod_manifest_encode(m, false, &out);
	ck_assert_int_eq(pod_manifest_decode(str_text(&out), out.len, &arena, &m, &e), 0);
	ck_assert_int_eq(m->volumes[0].size.value, 1 << 30);
	ck_assert_uint_eq(m->volumes[0].mode, 0700);
	ck_assert_str_eq(m->volumes[1].source, "sha512-00");
	ck_assert(m->volumes[1].read_only);
	ck_assert_int_eq(m->volumes[2].propagation, PROPAGATION_SHARED);
	pod_shared_sources(m, &arena, &shared);
	ck_assert_uint_eq(shared.n, 1);
	ck_assert_str_eq(shared.v[0], "/x");
}
END_TEST

START_TEST(volume_flags_refused)
{
	static const char *const bad[] = { "", "data", ",kind=empty", "Data,kind=empty", "d,",
		"d,kind", "d,kind=", "d,kind=disk", "d,kind=empty,", "d,kind=empty,kind=empty",
		"d,kind=host", "d,kind=host,source=", "d,kind=host,source=rel", "d,source=/x",
		"d,kind=host,source=/x,mode=0755", "d,kind=host,source=/x,uid=0",
		"d,kind=empty,source=/x", "d,kind=empty,recursive=true", "d,kind=empty,mode=8",
		"d,kind=empty,mode=", "d,kind=empty,uid=-1", "d,kind=empty,gid=4294967295",
		"d,kind=empty,readOnly=yes", "d,kind=empty,unknown=1", "d,kind=empty,name=x",
		"d,kind=tmpfs,source=/x", "d,kind=tmpfs,size=0", "d,kind=tmpfs,size=-1",
		"d,kind=tmpfs,size=x", "d,kind=tmpfs,size=9E9E", "d,kind=empty,size=1",
		"d,kind=image", "d,kind=image,source=", "d,kind=image,source=a,readOnly=false",
		"d,kind=image,source=a,mode=0755", "d,kind=host,source=/x,propagation=none",
		"d,kind=empty,propagation=private" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct volume v = { .name = "untouched" };
		ck_assert_msg(
			volume_parse(bad[i], &arena, &v, &e) == -EINVAL, "accepted '%s'", bad[i]);
		ck_assert_str_eq(v.name, "untouched");
	}
}
END_TEST

START_TEST(mount_flags)
{
	struct mount m;
	static const char *const bad[] = { "", "volume=a", "target=/x", "volume=A,target=/x",
		"volume=a,target=x", "volume=a,target=/x,target=/y", "volume=a,target=/x,ro=1",
		"a,target=/x", "volume=a,target=" };
	ck_assert_int_eq(mount_parse("volume=data,target=/var/lib", &arena, &m, &e), 0);
	ck_assert_str_eq(m.volume, "data");
	ck_assert_str_eq(m.path, "/var/lib");
	ck_assert_ptr_null(m.app_volume);
	ck_assert_int_eq(mount_parse("target=/x,volume=b", &arena, &m, &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(
			mount_parse(bad[i], &arena, &m, &e) == -EINVAL, "accepted '%s'", bad[i]);
}
END_TEST

UNIT_MAIN("pod_manifest", &golden, &empty_lists_are_null, &refusals, &volume_flags,
	&volume_flags_refused, &volumes_of_ours_round_trip, &mount_flags)
