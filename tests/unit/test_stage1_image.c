/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/self.h"
#include "stage0/stage1_image.h"
#include "tests/unit/unit.h"

static char base[64], self[PATH_MAX];
static struct store store = { .dirfd = -1 };
static struct arena arena;
static struct err e;
static struct stage1_image got;

#define path_of(name) arena_printf(&arena, "%s/%s", base, name)

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

/* BASE/FILE, a stage1 image of that name; run: its entry point. */
static void make(const char *file, const char *name, const char *run)
{
	const char *manifest = arena_printf(&arena,
		"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"%s\","
		"\"labels\":[{\"name\":\"version\",\"value\":\"1\"}],\"annotations\":[{\"name\":"
		"\"coreos.com/rkt/stage1/%s\",\"value\":\"/run\"}]}",
		name, run);
	shell(arena_printf(&arena, "mkdir -p %s/src/rootfs; rm -f %s/src/manifest", base, base));
	ck_assert_int_eq(io_write_new(AT_FDCWD, path_of("src/manifest"), manifest, strlen(manifest),
				 0644, &e),
		0);
	shell(arena_printf(&arena, "cd %s; tar -C src -cf %s manifest rootfs", base, file));
}

/* The program's directory is BASE/bin: its own images lie there. */
static void setup(void)
{
	e = ERR_INIT;
	snprintf(base, sizeof base, "/tmp/stage1.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = '\0';
	shell(arena_printf(&arena,
		"mkdir -p %s/bin/libexec; ln -s %s/libexec/rkt %s/bin/libexec/rkt", base, self,
		base));
	self_dir_override = path_of("bin");
	ck_assert_int_eq(store_open(&store, path_of("data"), &e), 0);
	make("bin/stage1-native.aci", "test/native", "run");
	make("bin/stage1-fly.aci", "test/fly", "run");
	make("other.aci", "test/other", "run");
}

static void teardown(void)
{
	store_close(&store);
	arena_release(&arena);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static int resolve(struct config c, struct stage1_choice choice, bool insecure)
{
	e = ERR_INIT;
	static const struct keystore no_keys;
	return stage1_image_resolve(&store, &c, &no_keys, &choice, insecure, &arena, &got, &e);
}

#define gives(want, ...)                                                          \
	do {                                                                      \
		ck_assert_msg(resolve(__VA_ARGS__) == 0, "%s", unit_message(&e)); \
		ck_assert_str_eq(got.manifest->name, want);                       \
	} while (0)
#define refuses(text, ...)                                                             \
	do {                                                                           \
		ck_assert_int_lt(resolve(__VA_ARGS__), 0);                             \
		ck_assert_msg(strstr(unit_message(&e), text), "%s", unit_message(&e)); \
	} while (0)
#define NO_CONFIG ((struct config){ 0 })
#define CHOOSE(...) ((struct stage1_choice){ __VA_ARGS__ })

START_TEST(by_default)
{
	gives("test/native", NO_CONFIG, CHOOSE(NULL), false);
	ck_assert(image_id_valid(got.id));
	gives("test/native", NO_CONFIG, CHOOSE(NULL), false); /* from the store */
	shell(arena_printf(&arena, "rm %s/bin/stage1-native.aci", base));
	refuses("stage1-native.aci", NO_CONFIG, CHOOSE(NULL), false);
}
END_TEST

START_TEST(by_path)
{
	const char *other = path_of("other.aci"), *fly = path_of("bin/stage1-fly.aci");
	refuses("--insecure-options=image", NO_CONFIG, CHOOSE(.path = other), false);
	gives("test/other", NO_CONFIG, CHOOSE(.path = other), true);
	gives("test/fly", NO_CONFIG, CHOOSE(.path = fly), false); /* came with the program */
	refuses("No such file", NO_CONFIG, CHOOSE(.path = path_of("none.aci")), true);
	/* A link beside the program to something else is something else. */
	shell(arena_printf(&arena, "ln -s %s %s/bin/link.aci", other, base));
	refuses("--insecure-options=image", NO_CONFIG, CHOOSE(.path = path_of("bin/link.aci")),
		false);
	refuses("--insecure-options=image", NO_CONFIG, CHOOSE(.path = path_of("bin/../other.aci")),
		false);
}
END_TEST

/* What is fetched is other.aci, whatever is asked for. */
static const char *fetched;
static int fetch(void *ctx, const char *what, const char **ret_id, struct err *err)
{
	(void)ctx;
	(void)err;
	fetched = what;
	gives("test/other", NO_CONFIG, CHOOSE(.path = path_of("other.aci")), true);
	*ret_id = got.id;
	return 0;
}
static const struct stage1_remote remote = { fetch, NULL };

START_TEST(by_url)
{
	gives("test/other", NO_CONFIG,
		CHOOSE(.url = arena_printf(&arena, "file://%s/other.aci", base)), true);
	refuses("--insecure-options=image", NO_CONFIG,
		CHOOSE(.url = arena_printf(&arena, "file://%s/other.aci", base)), false);
	refuses("file:// URLs can be read", NO_CONFIG, CHOOSE(.url = "https://x/s.aci"), true);
	refuses("file:// URLs can be read", NO_CONFIG,
		CHOOSE(.url = "ftp://x/s.aci", .remote = &remote), true);
	gives("test/other", NO_CONFIG, CHOOSE(.url = "https://x/s.aci", .remote = &remote), false);
	ck_assert_str_eq(fetched, "https://x/s.aci");
	refuses("absolute path", NO_CONFIG, CHOOSE(.url = "file://other.aci"), true);
}
END_TEST

START_TEST(by_name_and_hash)
{
	refuses("test/other", NO_CONFIG, CHOOSE(.name = "test/other"), true);
	gives("test/other", NO_CONFIG, CHOOSE(.path = path_of("other.aci")), true);
	const char *id = arena_printf(&arena, "%.20s", got.id);
	gives("test/other", NO_CONFIG, CHOOSE(.name = "test/other"), false);
	gives("test/other", NO_CONFIG, CHOOSE(.name = "test/other:1"), false);
	gives("test/other", NO_CONFIG, CHOOSE(.hash = id), false);
	refuses("test/other:2", NO_CONFIG, CHOOSE(.name = "test/other:2"), false);
}
END_TEST

START_TEST(from_dir)
{
	const struct config c = { .stage1_images = base };
	gives("test/fly", NO_CONFIG, CHOOSE(.from_dir = "stage1-fly.aci"), false);
	refuses("--insecure-options=image", c, CHOOSE(.from_dir = "other.aci"), false);
	gives("test/other", c, CHOOSE(.from_dir = "other.aci"), true);
	refuses("name of a file", c, CHOOSE(.from_dir = "../other.aci"), true);
	refuses("name of a file", c, CHOOSE(.from_dir = ".."), true);
}
END_TEST

START_TEST(configured)
{
	const struct config located = { .stage1_location = path_of("other.aci") };
	const struct config both = { .stage1_name = "test/none",
		.stage1_version = "1",
		.stage1_location = path_of("other.aci") };
	const struct config named = { .stage1_name = "test/other", .stage1_version = "1" };
	refuses("test/other", named, CHOOSE(NULL), true);
	refuses("--insecure-options=image", located, CHOOSE(NULL), false);
	gives("test/other", located, CHOOSE(NULL), true);
	gives("test/other", named, CHOOSE(NULL), false);
	gives("test/other", both, CHOOSE(NULL), true);
	gives("test/fly", named, CHOOSE(.from_dir = "stage1-fly.aci"), false); /* flags win */
}
END_TEST

START_TEST(no_stage1)
{
	make("app.aci", "test/app", "gc");
	refuses("is not a stage1", NO_CONFIG, CHOOSE(.path = path_of("app.aci")), true);
}
END_TEST

static unsigned interface_of(const char *text)
{
	struct nv nv = { STAGE1_ANNOTATION_INTERFACE, text };
	struct image_manifest m = { .name = "x", .annotations = { &nv, text ? 1 : 0 } };
	unsigned v = 0;
	e = ERR_INIT;
	return stage1_interface(&m, &v, &e) < 0 ? 0 : v;
}

START_TEST(interfaces)
{
	ck_assert_uint_eq(interface_of(NULL), 1);
	ck_assert_uint_eq(interface_of("5"), 5);
	ck_assert_uint_eq(interface_of("6"), 6);
	ck_assert_uint_eq(interface_of("7"), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "this rkt knows 1 to 6"));
	ck_assert_uint_eq(interface_of("0"), 0);
	ck_assert_uint_eq(interface_of("x"), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, by_default);
	tcase_add_test(t, by_path);
	tcase_add_test(t, by_url);
	tcase_add_test(t, by_name_and_hash);
	tcase_add_test(t, from_dir);
	tcase_add_test(t, configured);
	tcase_add_test(t, no_stage1);
	tcase_add_test(t, interfaces);
	return unit_end("stage1_image", t);
}
