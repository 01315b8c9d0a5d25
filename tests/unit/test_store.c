/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/self.h"
#include "stage0/store/store.h"
#include "tests/unit/unit.h"

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

static bool never(void *ctx, const char *id)
{
	(void)ctx;
	(void)id;
	return false;
}

static bool always(void *ctx, const char *id)
{
	(void)ctx;
	(void)id;
	return true;
}

/* How many names a directory of the store has. */
static unsigned names(const char *sub)
{
	unsigned n = 0;
	char *path = xasprintf("%s/%s", store.path, sub);
	_clean_(dir) DIR *d = opendir(path);
	free(path);
	ck_assert_ptr_nonnull(d);
	for (const struct dirent *entry; (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	return n;
}

START_TEST(directories_are_private)
{
	const char *id;
	struct stat st;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	char *path = xasprintf("%s/tree/%s", store.path, id + 7);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	free(path);
	path = xasprintf("%s/tree", store.path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	free(path);
}
END_TEST

/* Compressed or not: the id is that of the archive within. */
START_TEST(id_is_of_the_uncompressed)
{
	const char *plain, *squeezed;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &plain));
	char *command = xasprintf("cd %s && gzip -n <a.aci >b.aci && "
				  "test sha512-$(sha512sum <a.aci | cut -c1-128) = %s",
		dir, plain);
	run(command);
	free(command);
	ck_ok(import("b.aci", &squeezed));
	ck_assert_str_eq(plain, squeezed);
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_uint_eq(names("tmp"), 0);
	/* The blob is the last that came, as it came. */
	command = xasprintf("cd %s && cmp b.aci data/cas/blob/sha512/%s", dir, plain + 7);
	run(command);
	free(command);
}
END_TEST

START_TEST(bad_images_leave_nothing)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "head -c 3000");
	ck_assert_int_lt(import("a.aci", &id), 0);
	ck_assert_uint_eq(names("tmp") + names("tree") + names("image") + names("blob/sha512"), 0);
	make_aci("a.aci", "Not A Name", "1", "gzip");
	ck_assert_int_lt(import("a.aci", &id), 0);
	ck_assert_uint_eq(names("tmp") + names("tree") + names("image") + names("blob/sha512"), 0);
}
END_TEST

START_TEST(resolves)
{
	const char *one, *two;
	struct image image;
	make_aci("1.aci", "example.com/a", "1", "cat");
	make_aci("2.aci", "example.com/a", "2", "cat");
	ck_ok(import("1.aci", &one));
	ck_ok(import("2.aci", &two));
	ck_ok(store_resolve(&store, "example.com/a", &arena, &image, &e));
	ck_assert_str_eq(image.id, two);
	ck_ok(store_resolve(&store, "example.com/a:1", &arena, &image, &e));
	ck_assert_str_eq(image.id, one);
	ck_ok(store_resolve(&store, "example.com/a,version=1,os=linux", &arena, &image, &e));
	ck_assert_str_eq(image.id, one);
	ck_ok(store_resolve(&store, arena_strndup(&arena, one, 30), &arena, &image, &e));
	ck_assert_str_eq(image.id, one);
	ck_ok(store_resolve(&store, two, &arena, &image, &e));
	ck_assert_str_eq(image.id, two);
	static const struct {
		const char *ref, *says;
	} bad[] = {
		{ "sha512-", "image ID too short" },
		{ "sha512-a", "image ID too short" },
		{ "sha512-../../etc", "no image IDs found" },
		{ "sha512-zz", "no image IDs found" },
		{ "example.com/a:3", "no image 'example.com/a:3'" },
		{ "example.com/a,os=freebsd", "no image" },
		{ "example.com/a,os", "not a label" },
		{ "", "no image" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e = ERR_INIT;
		ck_assert_int_lt(store_resolve(&store, bad[i].ref, &arena, &image, &e), 0);
		ck_assert_msg(strstr(e.msg, bad[i].says), "'%s' says '%s'", bad[i].ref, e.msg);
	}
	struct images all;
	ck_ok(store_list(&store, &arena, &all, &e));
	ck_assert_uint_eq(all.n, 2);
	ck_assert_str_eq(all.v[0].id, one);
}
END_TEST

START_TEST(ambiguous)
{
	const char *id;
	struct image image;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	char other[140];
	snprintf(other, sizeof other, "%s", id);
	other[134] = other[134] == '0' ? '1' : '0';
	char *command = xasprintf("cd %s/image && cp %s %s", store.path, id + 7, other + 7);
	run(command);
	free(command);
	ck_assert_int_lt(
		store_resolve(&store, arena_strndup(&arena, id, 20), &arena, &image, &e), 0);
	ck_assert_str_eq(e.msg, "ambiguous image ID");
}
END_TEST

START_TEST(removes)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "gzip");
	ck_ok(import("a.aci", &id));
	/* A tree in use stays, its record does not. */
	ck_ok(store_remove(&store, id, always, NULL, &e));
	ck_assert_uint_eq(names("image"), 0);
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_int_eq(store_remove(&store, id, never, NULL, &e), -ENOENT);
	ck_ok(store_gc(&store, 0, always, NULL, NULL, &e));
	ck_assert_uint_eq(names("tree"), 1);
	/* So does one that somebody has just taken hold of. */
	struct treeref tree;
	ck_ok(store_tree(&store, id, &tree, &e));
	ck_ok(store_gc(&store, 0, never, NULL, NULL, &e));
	ck_assert_uint_eq(names("tree"), 1);
	treeref_release(&tree);
	/* Imported again, it is complete again. */
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	ck_ok(store_remove(&store, id, never, NULL, &e));
	ck_assert_uint_eq(names("tmp") + names("tree") + names("image") + names("blob/sha512"), 0);
}
END_TEST

static void count(void *ctx, const char *id)
{
	ck_assert_int_eq(strlen(id), 135);
	++*(unsigned *)ctx;
}

START_TEST(collects)
{
	const char *id;
	unsigned removed = 0;
	make_aci("a.aci", "example.com/a", "1", "gzip");
	ck_ok(import("a.aci", &id));
	char *command = xasprintf("cd %s && mkdir -p tmp/left/over && echo >tmp/over &&"
				  "cp -a tree/%s tree/$(printf %%0128d 1) &&"
				  "cp -a blob/sha512/%s blob/sha512/$(printf %%0128d 1)",
		store.path, id + 7, id + 7);
	run(command);
	free(command);
	ck_ok(store_gc(&store, 3600, never, &removed, count, &e));
	ck_assert_uint_eq(removed, 1);
	ck_assert_uint_eq(names("tmp"), 0);
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_uint_eq(names("blob/sha512"), 1);
	command = xasprintf("touch -d '2 hours ago' %s/image/%s", store.path, id + 7);
	run(command);
	ck_ok(store_gc(&store, 3600, always, &removed, NULL, &e));
	ck_assert_uint_eq(names("image"), 1);
	store_touch(&store, id);
	ck_ok(store_gc(&store, 3600, never, &removed, count, &e));
	ck_assert_uint_eq(names("image"), 1);
	run(command);
	free(command);
	ck_ok(store_gc(&store, 3600, never, &removed, count, &e));
	ck_assert_uint_eq(removed, 2);
	ck_assert_uint_eq(names("tmp") + names("tree") + names("image") + names("blob/sha512"), 0);
}
END_TEST

/* Images whose records are out of sight are no orphans. */
START_TEST(keeps_what_it_cannot_judge)
{
	const char *id;
	unsigned removed = 0;
	make_aci("a.aci", "example.com/a", "1", "gzip");
	ck_ok(import("a.aci", &id));
	char *aside = xasprintf("mv %s/image %s/aside", store.path, store.path);
	char *replace = xasprintf("touch %s/image", store.path);
	char *back = xasprintf(
		"rm -f %s/image && mv %s/aside %s/image", store.path, store.path, store.path);
	run(aside);
	ck_ok(store_gc(&store, 3600, never, &removed, count, &e));
	run(replace);
	ck_assert_int_lt(store_gc(&store, 3600, never, &removed, count, &e), 0);
	ck_assert_uint_eq(removed, 0);
	run(back);
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_uint_eq(names("blob/sha512"), 1);
	e = ERR_INIT;
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	free(aside);
	free(replace);
	free(back);
}
END_TEST

START_TEST(verifies)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "xz");
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	static const char *const damage[] = { "echo x >>rootfs/etc/file", "rm -r rootfs/etc",
		"touch rootfs/new", "rm manifest", "chmod 777 rootfs" };
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		char *command = xasprintf("cd %s/tree/%s && %s", store.path, id + 7, damage[i]);
		run(command);
		free(command);
		ck_assert_msg(store_verify(&store, id, &e) == 0, "%s: %s", damage[i], e.msg);
		ck_assert_int_eq(store_verify(&store, id, &e), 1);
	}
	char *command = xasprintf("rm -r %s/tree/%s", store.path, id + 7);
	run(command);
	free(command);
	ck_assert_int_eq(store_verify(&store, id, &e), 0);
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	ck_assert_uint_eq(names("tmp"), 0);
	/* A bad blob is an error, and the tree stays. */
	command = xasprintf(
		"cd %s/blob/sha512 && head -c -20 %s >x && mv x %s", store.path, id + 7, id + 7);
	run(command);
	free(command);
	ck_assert_int_lt(store_verify(&store, id, &e), 0);
	ck_assert_uint_eq(names("tree"), 1);
}
END_TEST

START_TEST(exports)
{
	const char *id, *other;
	make_aci("a.aci", "example.com/a", "1", "tee plain | gzip");
	ck_ok(import("a.aci", &id));
	char *path = xasprintf("%s/out", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	ck_ok(store_export(&store, id, fd, &e));
	close(fd);
	char *command = xasprintf("cd %s && cmp out plain", dir);
	run(command);
	free(command);
	ck_ok(import("out", &other));
	ck_assert_str_eq(id, other);
}
END_TEST

START_TEST(extracts)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	char *command = xasprintf("cd %s && mkdir all root", dir);
	run(command);
	free(command);
	char *all = xasprintf("%s/all", dir), *root = xasprintf("%s/root", dir);
	_clean_(fd) int all_fd = open(all, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(fd) int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(all);
	free(root);
	ck_ok(store_extract(&store, id, all_fd, false, &e));
	ck_ok(store_extract(&store, id, root_fd, true, &e));
	command = xasprintf("cd %s && diff -r --no-dereference src all 2>&1 | grep -v ' is a ' |"
			    "grep . && exit 1; diff all/rootfs/etc/file root/etc/file",
		dir);
	run(command);
	free(command);
}
END_TEST

START_TEST(packs)
{
	const char *id;
	struct treeref tree;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	ck_ok(store_tree(&store, id, &tree, &e));
	ck_ok(store_manifest_bytes(&store, id, &manifest, &e));
	char *path = xasprintf("%s/out", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	ck_ok(store_pack(tree.rootfs_fd, str_text(&manifest), manifest.len, fd, &e));
	close(fd);
	treeref_release(&tree);
	char *command =
		xasprintf("cd %s && mkdir x && tar -C x -xf out && "
			  "test x/rootfs/etc/file -ef x/rootfs/etc/hard && "
			  "test -u x/rootfs/etc/file -a -c x/rootfs/null -a -p x/rootfs/fifo",
			dir);
	run(command);
	free(command);
	ck_ok(import("out", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
}
END_TEST

/* Many at once: all succeed, and one tree is left. */
START_TEST(imports_at_once)
{
	make_aci("a.aci", "example.com/a", "1", "gzip");
	enum { N = 8 };
	pid_t pids[N];
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			const char *id;
			_exit(import("a.aci", &id) < 0 || store_verify(&store, id, &e) != 1);
		}
	}
	for (int i = 0; i < N; i++) {
		int status;
		waitpid(pids[i], &status, 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_uint_eq(names("image"), 1);
	ck_assert_uint_eq(names("tmp"), 0);
}
END_TEST

/* Imports, removals and collections against each other: nobody fails, nothing half is left. */
START_TEST(all_at_once)
{
	make_aci("a.aci", "example.com/a", "1", "gzip");
	enum { N = 6, ROUNDS = 12 };
	pid_t pids[N];
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			const char *id;
			e = ERR_INIT;
			if (i < 3 && import("a.aci", &id) < 0)
				_exit(1);
			if (i == 3 && store_gc(&store, 0, never, NULL, NULL, &e) < 0)
				_exit(2);
			struct images all;
			if (store_list(&store, &arena, &all, &e) < 0)
				_exit(3);
			int r = i == 4 && all.n ? store_remove(&store, all.v[0].id, never, NULL, &e)
						: 0;
			if (r < 0 && r != -ENOENT)
				_exit(4);
		}
		_exit(0);
	}
	for (int i = 0; i < N; i++) {
		int status;
		waitpid(pids[i], &status, 0);
		ck_assert_int_eq(status, 0);
	}
	const char *id;
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	ck_ok(store_gc(&store, 3600, never, NULL, NULL, &e));
	ck_assert_uint_eq(names("tmp"), 0);
	ck_assert_uint_eq(names("tree"), 1);
}
END_TEST

/* kill -9 anywhere: the store is sound, and the collector cleans up. */
START_TEST(killed)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "gzip");
	unsigned seed = (unsigned)getpid();
	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			_exit(import("a.aci", &id) < 0);
		}
		seed = seed * 1103515245 + 12345;
		usleep(seed >> 8 & 0x3fff);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		struct images all;
		ck_ok(store_list(&store, &arena, &all, &e));
		for (size_t k = 0; k < all.n; k++)
			ck_assert_msg(store_verify(&store, all.v[k].id, &e) == 1, "seed %u", seed);
		if (i % 2)
			ck_ok(store_gc(&store, 0, never, NULL, NULL, &e));
	}
	usleep(50000); /* the last worker dies with its parent, but not in the same instant */
	ck_ok(store_gc(&store, 0, never, NULL, NULL, &e));
	ck_assert_uint_eq(names("tmp") + names("tree") + names("blob/sha512"), 0);
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
}
END_TEST

/* Kernels and filesystems without renameat2. */
START_TEST(without_renameat2)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof filter / sizeof *filter, filter };
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0);
	verifies_fn(0);
}
END_TEST

/* Limits of whoever started rkt that are stricter than ours, and that root cannot raise. */
START_TEST(strict_limits)
{
	const char *id;
	const struct rlimit files = { 100, 100 }, cpu = { 60, 60 };
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_CPU, &cpu), 0);
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
}
END_TEST

START_TEST(disk_full)
{
	const char *id;
	make_aci("a.aci", "example.com/a", "1", "cat");
	char *command = xasprintf("cd %s && head -c 8000000 /dev/zero >src/rootfs/large &&"
				  "tar -C src -c manifest rootfs | gzip >large.aci",
		dir);
	run(command);
	free(command);
	char *small = xasprintf("%s/small", dir);
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mkdir(small, 0700), 0);
	ck_assert_int_eq(mount("small", small, "tmpfs", 0, "size=1m"), 0);
	store_close(&store);
	ck_ok(store_open(&store, small, &e));
	ck_assert_int_lt(import("large.aci", &id), 0);
	ck_assert_int_eq(e.errnum, ENOSPC);
	ck_assert_uint_eq(names("tmp") + names("tree") + names("image") + names("blob/sha512"), 0);
	ck_ok(import("a.aci", &id));
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
	store_close(&store);
	ck_assert_int_eq(umount2(small, MNT_DETACH), 0);
	free(small);
}
END_TEST

/* Every directory of the store in turn cannot be written to. */
START_TEST(read_only)
{
	const char *id, *other;
	make_aci("a.aci", "example.com/a", "1", "cat");
	ck_ok(import("a.aci", &id));
	make_aci("b.aci", "example.com/b", "1", "cat");
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	static const char *const subs[] = { "image", "tree", "blob/sha512", "tmp", "." };
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
		char *path = xasprintf("%s/%s", store.path, subs[i]);
		ck_assert_int_eq(mount(path, path, NULL, MS_BIND, NULL), 0);
		ck_assert_int_eq(mount("", path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
		/* The directory was opened before, as a program does that starts later. */
		struct store again;
		char *data = xasprintf("%s/data", dir);
		ck_ok(store_open(&again, data, &e));
		struct store writable = store;
		store = again;
		ck_assert_msg(import("b.aci", &other) < 0, "imported with '%s' read-only", subs[i]);
		struct images all;
		ck_ok(store_list(&store, &arena, &all, &e));
		ck_assert_uint_eq(all.n, 1);
		store_touch(&store, id);
		struct treeref tree;
		ck_ok(store_tree(&store, id, &tree, &e));
		treeref_release(&tree);
		store = writable;
		store_close(&again);
		ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
		free(data);
		free(path);
	}
	ck_ok(store_gc(&store, 3600, never, NULL, NULL, &e));
	ck_assert_uint_eq(names("tmp"), 0);
	ck_assert_uint_eq(names("tree"), 1);
	ck_assert_int_eq(store_verify(&store, id, &e), 1);
}
END_TEST

/* The value of a line of /proc/PID/status. */
static void status_of(pid_t pid, const char *key, char *value, size_t size)
{
	_clean_(str) struct str all = STR_INIT(STR_MAX_LINE);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	ck_ok(io_read_file(AT_FDCWD, path, &all, &e));
	const char *line = strstr(str_text(&all), key);
	ck_assert_ptr_nonnull(line);
	line += strlen(key) + 1;
	line += strspn(line, "\t ");
	snprintf(value, size, "%.*s", (int)strcspn(line, "\n"), line);
}

/* A worker that waits for its archive is looked at from outside. */
START_TEST(worker_is_confined)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const char *id;
		const struct import_options o = { .timeout_s = 20 };
		close(ends[1]);
		_exit(store_import(&store, ends[0], &o, &arena, &id, &e) < 0);
	}
	close(ends[0]);
	char path[64], children[64] = "", value[256];
	pid_t worker = 0;
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
		(void)io_read_line(AT_FDCWD, path, children, sizeof children, &e);
		if (*children) {
			char *end = strchr(children, ' ');
			if (end)
				*end = '\0';
			uint32_t n;
			ck_assert(parse_u32(children, 1, INT32_MAX, &n));
			worker = (pid_t)n;
			status_of(worker, "\nSeccomp:", value, sizeof value);
			if (*value == '2')
				break;
		}
		usleep(10000);
	}
	ck_assert_str_eq(value, "2");
	static const struct {
		const char *key, *value;
	} want[] = {
		{ "\nUid:", "65534\t65534\t65534\t65534" },
		{ "\nGid:", "65534\t65534\t65534\t65534" },
		{ "\nGroups:", "" },
		{ "\nCapInh:", "0000000000000000" },
		/* chown, dac_override, fowner, fsetid, mknod, setfcap */
		{ "\nCapPrm:", "000000008800001b" },
		{ "\nCapEff:", "000000008800001b" },
		{ "\nCapBnd:", "0000000000000000" },
		{ "\nCapAmb:", "0000000000000000" },
		{ "\nNoNewPrivs:", "1" },
	};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		status_of(worker, want[i].key, value, sizeof value);
		ck_assert_msg(strcmp(value, want[i].value) == 0, "%s %s", want[i].key + 1, value);
	}
	snprintf(path, sizeof path, "/proc/%d/root", worker);
	ssize_t n = readlink(path, value, sizeof value - 1);
	ck_assert_int_gt(n, 0);
	value[n] = '\0';
	ck_assert_msg(strstr(value, "/cas/tmp/"), "root is '%s'", value);
	static const char *const spaces[] = { "mnt", "net", "ipc", "uts" };
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		struct stat ours, theirs;
		snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
		ck_assert_int_eq(stat(path, &ours), 0);
		snprintf(path, sizeof path, "/proc/%d/ns/%s", worker, spaces[i]);
		ck_assert_int_eq(stat(path, &theirs), 0);
		ck_assert_uint_ne(ours.st_ino, theirs.st_ino);
	}
	/* It dies with its parent, and leaves what it held to the collector. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 500 && kill(worker, 0) == 0; i++)
		usleep(10000);
	ck_assert_int_eq(kill(worker, 0), -1);
	close(ends[1]);
	ck_ok(store_gc(&store, 0, never, NULL, NULL, &e));
	ck_assert_uint_eq(names("tmp"), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { imports, directories_are_private, id_is_of_the_uncompressed,
		bad_images_leave_nothing, resolves, ambiguous, removes, collects,
		keeps_what_it_cannot_judge, verifies, exports, extracts, packs, imports_at_once,
		all_at_once, killed, worker_is_confined, without_renameat2, strict_limits,
		disk_full, read_only };
	TCase *t = unit_case(setup, teardown);
	tcase_set_timeout(t, 120);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(t, tests[i]);
	return unit_end("store", t);
}
