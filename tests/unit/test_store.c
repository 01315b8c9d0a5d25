/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/self.h"
#include "stage0/store/store.h"

#define LABELS                                                                            \
	"\"labels\":[{\"name\":\"version\",\"value\":\"%s\"},{\"name\":\"os\",\"value\":" \
	"\"linux\"}]"
#define MANIFEST \
	"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"%s\"," LABELS "}"

static char scratch[] = "/tmp/rkt-test-store-XXXXXX", dir[64], self[PATH_MAX];
static struct store store = { .dirfd = -1 };
static struct arena arena;
static struct err e;

static void run(const char *command)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "'%s' failed", command);
}

/* Makes SCRATCH/FILE, an image of that name and version with a few files of each kind. */
static void make_aci(const char *file, const char *name, const char *version, const char *filter)
{
	char manifest[1024],
		*command = xasprintf(
			"cd %s && rm -rf src && mkdir -p src/rootfs/bin src/rootfs/etc/deep &&"
			"echo %s >src/rootfs/etc/file && ln src/rootfs/etc/file "
			"src/rootfs/etc/hard &&"
			"ln -s ../bin src/rootfs/etc/soft && chmod 4755 src/rootfs/etc/file &&"
			"mknod src/rootfs/null c 1 3 && mkfifo src/rootfs/fifo",
			dir, version);
	run(command);
	free(command);
	snprintf(manifest, sizeof manifest, MANIFEST, name, version);
	char *path = xasprintf("%s/src/manifest", dir);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, manifest, strlen(manifest), 0644, &e), 0);
	free(path);
	command = xasprintf("cd %s && tar -C src -c manifest rootfs | %s >%s", dir, filter, file);
	run(command);
	free(command);
}

static int import(const char *file, const char **id)
{
	char *path = xasprintf("%s/%s", dir, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	const struct import_options o = { .insecure = true, .source = path };
	e = ERR_INIT;
	int r = store_import(&store, fd, &o, &arena, id, &e);
	close(fd);
	free(path);
	return r;
}

static void setup(void)
{
	static char template[sizeof scratch];
	memcpy(template, scratch, sizeof scratch);
	ck_assert_ptr_nonnull(mkdtemp(template));
	memcpy(dir, template, sizeof template);
	/* build/tests/unit/test_store: the worker lies in build/libexec. */
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = '\0';
	self_dir_override = self;
	char *data = xasprintf("%s/data", dir);
	ck_assert_int_eq(store_open(&store, data, &e), 0);
	free(data);
}

static void teardown(void)
{
	store_close(&store);
	arena_release(&arena);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, dir, &e), 0);
}

#define ck_ok(expression) \
	ck_assert_msg((expression) >= 0, "%s: %s", #expression, (e.msg[e.len] = '\0', e.msg))

START_TEST(imports)
{
	const char *id, *again;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(strlen(id), 7 + 128);
	struct image image;
	ck_ok(store_get(&store, id, &arena, &image, &e));
	ck_assert_str_eq(image.name, "example.com/a");
	ck_assert_str_eq(image.version, "1");
	ck_assert(image.insecure);
	struct image_manifest *m;
	ck_ok(store_manifest(&store, id, &arena, &m, &e));
	ck_assert_str_eq(m->name, "example.com/a");
	struct treeref tree;
	ck_ok(store_tree(&store, id, &tree, &e));
	struct stat st;
	ck_assert_int_eq(fstatat(tree.rootfs_fd, "etc/file", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(st.st_mode, S_IFREG | 04755);
	ck_assert_int_eq(st.st_nlink, 2);
	treeref_release(&tree);
	ck_ok(import("a.aci", &again));
	ck_assert_str_eq(id, again);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *t = tcase_create("store");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, imports);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
