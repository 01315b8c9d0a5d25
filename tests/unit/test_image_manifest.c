/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "lib/fs/io.h"
#include "lib/spec/image.h"
#include "tests/unit/unit.h"

#define ID                                                                        \
	"sha512-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arena arena;
static struct err e;

static int decode(const char *text, struct image_manifest **ret)
{
	e = ERR_INIT;
	return image_manifest_decode(text, strlen(text), &arena, ret, &e);
}

static const char *encode(const struct image_manifest *m, bool pretty)
{
	struct str out = STR_INIT(STR_MAX_MANIFEST);
	image_manifest_encode(m, pretty, &out);
	ck_assert(str_ok(&out));
	const char *copy = arena_strdup(&arena, str_text(&out));
	str_release(&out);
	return copy;
}

/* The golden file has everything the schema has, as Go's MarshalIndent writes it. */
START_TEST(golden)
{
	struct str file = STR_INIT(STR_MAX_MANIFEST);
	struct image_manifest *m, *again;
	ck_assert_int_eq(io_read_file(AT_FDCWD, "tests/unit/data/image.json", &file, &e), 0);
	ck_assert_msg(decode(str_text(&file), &m) == 0, "%s", unit_message(&e));

	ck_assert_str_eq(m->ac_version, "0.8.11");
	ck_assert_str_eq(m->name, "example.com/reduce-worker");
	ck_assert_str_eq(nv_get(&m->labels, "version"), "1.0.0");
	ck_assert_str_eq(nv_get(&m->annotations, "homepage"), "https://example.com");
	ck_assert_uint_eq(m->n_dependencies, 2);
	ck_assert_str_eq(m->dependencies[0].image_id, ID);
	ck_assert_uint_eq(m->dependencies[0].size, 22017258);
	ck_assert_str_eq(nv_get(&m->dependencies[0].labels, "env"), "canary");
	ck_assert_ptr_null(m->dependencies[1].image_id);
	ck_assert(strlist_has(&m->path_whitelist, "/usr/bin/map-reduce-worker"));

	const struct app *app = m->app;
	ck_assert_uint_eq(app->exec.n, 2);
	ck_assert_str_eq(app->user, "100");
	ck_assert_str_eq(app->group, "300");
	ck_assert_uint_eq(app->n_supplementary_gids, 2);
	ck_assert_uint_eq(app->supplementary_gids[1], 500);
	ck_assert_str_eq(app->working_directory, "/opt/work");
	ck_assert_str_eq(nv_get(&app->environment, "EMPTY"), "");
	ck_assert_str_eq(app_event_handler(app, "post-stop")->exec.v[1], "--verbose");
	ck_assert_ptr_null(app_event_handler(app, "post-start"));
	ck_assert_uint_eq(app->n_mount_points, 2);
	ck_assert_str_eq(app->mount_points[0].name, "work");
	ck_assert(!app->mount_points[0].read_only);
	ck_assert_str_eq(app->mount_points[1].name, "config");
	ck_assert(app->mount_points[1].read_only);
	ck_assert(app->ports[0].socket_activated);
	ck_assert_uint_eq(app->ports[1].count, 100);
	ck_assert_int_eq(isolator_find(&app->isolators, ISO_CPU)->resource.limit.value, 500);
	ck_assert_str_eq(nv_get(&app->user_annotations, "b"), "<2>");
	ck_assert_str_eq(nv_get(&app->user_labels, "tier"), "back");

	const char *pretty = encode(m, true), *compact = encode(m, false);
	file.buf[file.len - 1] = '\0'; /* its newline */
	ck_assert_str_eq(pretty, str_text(&file));
	ck_assert_int_eq(decode(compact, &again), 0);
	ck_assert_str_eq(encode(again, true), pretty);
	str_release(&file);
}
END_TEST

START_TEST(clone_can_be_edited)
{
	struct image_manifest *m;
	ck_assert_int_eq(
		decode("{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"a\","
		       "\"app\":{\"exec\":[\"/a\"],\"user\":\"0\",\"group\":\"0\",\"ports\":"
		       "[{\"name\":\"p\",\"protocol\":\"tcp\",\"port\":1}],\"environment\":"
		       "[{\"name\":\"A\",\"value\":\"1\"}]}}",
			&m),
		0);
	const char *before = encode(m, false);
	struct app *copy = app_clone(&arena, m->app);
	copy->exec.v[0] = "/b";
	copy->ports[0].port = 2;
	copy->environment.v[0].value = "2";
	strlist_add(&arena, &copy->exec, "x");
	nv_set(&arena, &copy->environment, "B", "3");
	isolator_set(&arena, &copy->isolators, &(struct isolator){ .kind = ISO_NO_NEW_PRIVILEGES });
	ck_assert_str_eq(encode(m, false), before);
	ck_assert_uint_eq(copy->exec.n, 2);
}
END_TEST

#define HEAD "\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/a\""
#define APP(more) "{" HEAD ",\"app\":{\"exec\":[\"/a\"],\"user\":\"0\",\"group\":\"0\"," more "}}"

START_TEST(accepted)
{
	static const char *const texts[] = {
		"{" HEAD "}",
		"{" HEAD ",\"unknown\":{\"x\":[]},\"labels\":null,\"app\":null}",
		"{" HEAD ",\"labels\":[{\"name\":\"os\",\"value\":\"freebsd\"},"
		"{\"name\":\"arch\",\"value\":\"arm\"}]}",
		"{" HEAD ",\"labels\":[{\"name\":\"arch\",\"value\":\"vax\"}]}", /* without os */
		"{" HEAD ",\"app\":{\"user\":\"0\",\"group\":\"0\"}}",
		"{" HEAD ",\"app\":{\"exec\":null,\"user\":\"/etc/x\",\"group\":\"wheel\"}}",
		APP("\"workingDirectory\":\"\""),
		APP("\"ports\":[{\"name\":\"p\",\"protocol\":\"tcp\",\"port\":65535,\"count\":1}]"),
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct image_manifest *m;
		ck_assert_msg(decode(texts[i], &m) == 0, "%s: %s", texts[i], unit_message(&e));
	}
}
END_TEST

static const struct {
	const char *text, *message;
} refused[] = {
	{ "{", "not valid JSON at line 1, column 2: expected a key in quotes" },
	{ "{\n\n  \"a\": 1,\n  }", "not valid JSON at line 4, column 3: expected a key in quotes" },
	{ "[]", "expected object, found array" },
	{ "{}", "acKind: missing" },
	{ "{\"acKind\":\"PodManifest\"}", "acKind: expected 'ImageManifest', found 'PodManifest'" },
	{ "{\"acKind\":\"ImageManifest\"}", "acVersion: missing" },
	{ "{\"acKind\":\"ImageManifest\",\"acVersion\":\"1\"}",
		"acVersion: '1' is not a semantic version" },
	{ "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\"}", "name: missing" },
	{ "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"A\"}",
		"name: 'A' is not an AC identifier" },
	{ "{" HEAD ",\"labels\":{}}", "labels: expected array, found object" },
	{ "{" HEAD ",\"labels\":[{\"name\":\"name\",\"value\":\"x\"}]}",
		"labels: a label must not be named 'name'" },
	{ "{" HEAD ",\"labels\":[{\"name\":\"Os\",\"value\":\"x\"}]}",
		"labels[0].name: 'Os' is not a valid name of a label" },
	{ "{" HEAD ",\"labels\":[{\"name\":\"a\"}]}", "labels[0].value: missing" },
	{ "{" HEAD
	  ",\"labels\":[{\"name\":\"a\",\"value\":\"x\"},{\"name\":\"a\",\"value\":\"y\"}]}",
		"labels[1]: duplicate name 'a'" },
	{ "{" HEAD ",\"labels\":[{\"name\":\"os\",\"value\":\"plan9\"}]}",
		"labels: os 'plan9' is not one of linux, freebsd, darwin" },
	{ "{" HEAD ",\"labels\":[{\"name\":\"os\",\"value\":\"linux\"},"
	  "{\"name\":\"arch\",\"value\":\"x86_64\"}]}",
		"labels: arch 'x86_64' is not known for os 'linux'" },
	{ "{" HEAD ",\"annotations\":[{\"name\":\"created\",\"value\":\"yesterday\"}]}",
		"annotations: annotation 'created': 'yesterday' is not a time as in RFC 3339" },
	{ "{" HEAD ",\"annotations\":[{\"name\":\"homepage\",\"value\":\"ftp://x\"}]}",
		"annotations: annotation 'homepage': 'ftp://x' is not an http or https URL" },
	{ "{" HEAD ",\"dependencies\":[{}]}", "dependencies[0].imageName: missing" },
	{ "{" HEAD ",\"dependencies\":[{\"imageName\":\"a\",\"imageID\":\"sha512-0\"}]}",
		"dependencies[0].imageID: 'sha512-0' is not an image id" },
	{ "{" HEAD ",\"dependencies\":[{\"imageName\":\"a\",\"size\":-1}]}",
		"dependencies[0].size: expected a size in bytes" },
	{ "{" HEAD ",\"pathWhitelist\":[\"/a\",\"b\"]}",
		"pathWhitelist[1]: 'b' is not an absolute path" },
	{ "{" HEAD ",\"app\":{\"exec\":[\"/a\"],\"group\":\"0\"}}", "app.user: missing" },
	{ "{" HEAD ",\"app\":{\"exec\":[\"/a\"],\"user\":\"0\"}}", "app.group: missing" },
	{ "{" HEAD ",\"app\":{\"user\":\"\",\"group\":\"0\"}}", "app.user: must not be empty" },
	{ "{" HEAD ",\"app\":{\"exec\":[\"\"],\"user\":\"0\",\"group\":\"0\"}}",
		"app.exec: the program must not be empty" },
	{ "{" HEAD ",\"app\":{\"exec\":[1],\"user\":\"0\",\"group\":\"0\"}}",
		"app.exec[0]: expected string, found number" },
	{ APP("\"workingDirectory\":\"tmp\""),
		"app.workingDirectory: 'tmp' is not an absolute path" },
	{ APP("\"supplementaryGIDs\":[1,\"2\"]"),
		"app.supplementaryGIDs[1]: expected number, found string" },
	{ APP("\"supplementaryGIDs\":[4294967295]"),
		"app.supplementaryGIDs[0]: 4294967295 is not a group id" },
	{ APP("\"environment\":[{\"name\":\"A=B\",\"value\":\"\"}]"),
		"app.environment[0].name: 'A=B' is not a valid name" },
	{ APP("\"environment\":[{\"name\":\"A\",\"value\":\"\"},{\"name\":\"A\",\"value\":\"\"}]"),
		"app.environment[1]: duplicate name 'A'" },
	{ APP("\"eventHandlers\":[{\"name\":\"start\",\"exec\":[\"/a\"]}]"),
		"app.eventHandlers[0].name: 'start' is not 'pre-start' or 'post-stop'" },
	{ APP("\"eventHandlers\":[{\"name\":\"pre-start\",\"exec\":[]}]"),
		"app.eventHandlers[0].exec: must not be empty" },
	{ APP("\"eventHandlers\":[{\"name\":\"pre-start\",\"exec\":[\"/a\"]},"
	      "{\"name\":\"pre-start\",\"exec\":[\"/b\"]}]"),
		"app.eventHandlers[1]: duplicate event handler 'pre-start'" },
	{ APP("\"mountPoints\":[{\"name\":\"a\",\"path\":\"/a\"},{\"name\":\"a\",\"path\":\"/"
	      "b\"}]"),
		"app.mountPoints[1]: duplicate mount point 'a'" },
	{ APP("\"mountPoints\":[{\"name\":\"a_b\",\"path\":\"/a\"}]"),
		"app.mountPoints[0].name: 'a_b' is not an AC name" },
	{ APP("\"mountPoints\":[{\"name\":\"a\",\"path\":\"a\"}]"),
		"app.mountPoints[0].path: 'a' is not an absolute path" },
	{ APP("\"ports\":[{\"name\":\"p\",\"protocol\":\"tcp\",\"port\":0}]"),
		"app.ports[0]: ports 0 and the 0 after it are not all from 1 to 65535" },
	{ APP("\"ports\":[{\"name\":\"p\",\"protocol\":\"tcp\",\"port\":65535,\"count\":2}]"),
		"app.ports[0]: ports 65535 and the 1 after it" },
	{ APP("\"ports\":[{\"name\":\"p\",\"protocol\":\"tcp\",\"port\":1},"
	      "{\"name\":\"p\",\"protocol\":\"udp\",\"port\":1}]"),
		"app.ports[1]: duplicate port 'p'" },
	{ APP("\"userLabels\":{\"a\":1}"), "app.userLabels.a: expected string, found number" },
	{ APP("\"isolators\":[{\"name\":\"resource/cpu\",\"value\":{\"limit\":\"x\"}}]"),
		"app.isolators[0].value.limit: 'x' is not a quantity" },
};

START_TEST(refusals)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct image_manifest *m;
		ck_assert_msg(
			decode(refused[i].text, &m) == -EINVAL, "accepted: %s", refused[i].text);
		const char *said = str_after(unit_message(&e), "image manifest: ");
		ck_assert_msg(said && str_after(said, refused[i].message), "%s: %s",
			refused[i].text, unit_message(&e));
	}
}
END_TEST

START_TEST(too_large)
{
	struct image_manifest *m;
	char *text = xmalloc(STR_MAX_MANIFEST + 1);
	memset(text, ' ', STR_MAX_MANIFEST + 1);
	ck_assert_int_eq(
		image_manifest_decode(text, STR_MAX_MANIFEST + 1, &arena, &m, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "larger than"));
	free(text);
}
END_TEST

UNIT_MAIN("image_manifest", &golden, &clone_can_be_edited, &accepted, &refusals, &too_large)
