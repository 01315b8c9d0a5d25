/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

/* base/outside is what nobody may reach, base/root the hostile tree. */
static char base[] = "/tmp/path.XXXXXX";
static struct err e;
static int basefd, root;

static void link_to(const char *name, const char *target)
{
	ck_assert_int_eq(symlinkat(target, root, name), 0);
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	basefd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(basefd, "root", 0755), 0);
	ck_assert_int_eq(io_write_new(basefd, "outside", "secret", 6, 0644, &e), 0);
	root = openat(basefd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(root, "a", 0755) | mkdirat(root, "a/b", 0755) |
				 mkdirat(root, "etc", 0755) | mkdirat(root, "proc", 0755),
		0);
	ck_assert_int_eq(io_write_new(root, "a/b/file", "inside", 6, 0644, &e), 0);
	ck_assert_int_eq(io_write_new(root, "etc/passwd", "fake", 4, 0644, &e), 0);
	ck_assert_int_eq(io_write_new(root, "outside", "decoy", 5, 0644, &e), 0);
	ck_assert_int_eq(mkfifoat(root, "fifo", 0600), 0);
	link_to("up", "..");
	link_to("up2", "../outside");
	link_to("deepup", "a/b/../../../../../../outside");
	link_to("abs", "/etc/passwd");
	link_to("absdir", "/a");
	link_to("absroot", "/");
	link_to("host", base);
	link_to("loop", "loop");
	link_to("ping", "pong");
	link_to("pong", "ping");
	link_to("dangling", "nowhere");
	link_to("danglingdir", "/new/dir");
	link_to("slash", "a/b/");
	link_to("tofile", "a/b/file");
	link_to("fileslash", "a/b/file/");
	link_to("dot", ".");
	link_to("a/sideways", "../etc");
	link_to("a/b/top", "/");
	link_to("chain0", "chain1");
	for (int i = 1; i < 45; i++) {
		char name[16], target[16];
		snprintf(name, sizeof name, "chain%d", i);
		snprintf(target, sizeof target, "chain%d", i + 1);
		link_to(name, i < 44 ? target : "a");
	}
}

static void end(void)
{
	close(root);
	close(basefd);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

/* Which file it is, or the error, as text. */
static const char *answer(const char *path, int flags)
{
	static char text[64];
	struct stat st;
	int fd = path_open_in(root, path, flags, 0600, &e);
	if (fd < 0) {
		snprintf(text, sizeof text, "%s", strerrorname_np(-fd));
		return text;
	}
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(text, sizeof text, "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	close(fd);
	return text;
}

/* chain4 is one link too many. Exactly 40 are not asked for: the kernel counts those of a walk that
 * it begins anew, because something moved, twice. */
static const char *const paths[] = { "", "/", ".", "..", "/..", "../..", "a", "/a/", "a/b/file",
	"a//b///file", "a/./b/../b/file", "a/b/file/", "a/b/file/.", "a/b/file/..", "a/b/file/x",
	"a/none", "none/a", "none/..", "none/", "up", "up/", "up/outside", "up/up/up/outside",
	"up2", "deepup", "outside", "../outside", "../../../outside", "abs", "abs/", "absdir",
	"absdir/b/file", "absdir/..", "absroot", "absroot/etc/passwd", "host", "host/outside",
	"loop", "loop/", "loop/x", "ping", "pong/x", "dangling", "dangling/", "dangling/x", "slash",
	"slash/file", "tofile", "tofile/", "fileslash", "dot", "dot/dot/dot/a", "a/sideways/passwd",
	"a/b/top/etc/passwd", "a/b/top/../../outside", "a/sideways/../a/b/top/up2", "chain0",
	"chain4", "chain26", "chain27/b", "chain4/b", "chain26/b/file", "fifo/", "fifo/x",
	"./..//.", "a/..", "a/../..", "etc/../up2" };
static const int flag_sets[] = { O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY,
	O_PATH | O_DIRECTORY | O_NOFOLLOW, O_RDONLY | O_NONBLOCK,
	O_RDONLY | O_NONBLOCK | O_NOFOLLOW, O_RDONLY | O_DIRECTORY | O_NONBLOCK,
	O_WRONLY | O_NONBLOCK };

START_TEST(walk_answers_as_the_kernel)
{
	begin();
	unsigned differ = 0;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		for (size_t k = 0; k < sizeof flag_sets / sizeof *flag_sets; k++) {
			char kernel[64];
			path_force_walk = 0;
			snprintf(kernel, sizeof kernel, "%s", answer(paths[i], flag_sets[k]));
			path_force_walk = 1;
			const char *walk = answer(paths[i], flag_sets[k]);
			if (strcmp(kernel, walk) == 0)
				continue;
			differ++;
			fprintf(stderr, "'%s' with %o: kernel %s, walk %s\n", paths[i],
				flag_sets[k], kernel, walk);
		}
	}
	ck_assert_uint_eq(differ, 0);
	end();
}
END_TEST

/* Whatever the path, what is opened lies below the root. */
START_TEST(nothing_leads_out)
{
	begin();
	struct stat secret;
	ck_assert_int_eq(fstatat(basefd, "outside", &secret, 0), 0);
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++)
		for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
			struct stat st;
			int fd = path_open_in(root, paths[i], O_PATH, 0, &e);
			if (fd < 0)
				continue;
			ck_assert_int_eq(fstat(fd, &st), 0);
			ck_assert_msg(st.st_ino != secret.st_ino, "'%s' leads out", paths[i]);
			close(fd);
		}
	end();
}
END_TEST

/* Creates `path` both ways, each in a fresh tree; what it does must be the same. */
static void create_both_ways(const char *path, int flags, int expected)
{
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		begin();
		int fd =
			path_open_in(root, path, flags | O_CREAT | O_WRONLY | O_NONBLOCK, 0640, &e);
		ck_assert_msg(fd == expected || (fd >= 0 && expected == 0),
			"'%s' (walk %d): %d, not %d: %s", path, path_force_walk, fd, expected,
			unit_message(&e));
		if (fd >= 0)
			close(fd);
		end();
		memcpy(base + sizeof base - 7, "XXXXXX", 6);
	}
}

START_TEST(creating)
{
	umask(022);
	create_both_ways("a/new", 0, 0);
	create_both_ways("a/new", O_EXCL, 0);
	create_both_ways("a/b/file", 0, 0);
	create_both_ways("a/b/file", O_EXCL, -EEXIST);
	create_both_ways("none/new", 0, -ENOENT);
	create_both_ways("dangling", O_EXCL, -EEXIST);
	create_both_ways("dangling", O_NOFOLLOW, -ELOOP);
	create_both_ways("up2", O_EXCL, -EEXIST);
	create_both_ways("dangling", 0, 0); /* makes "nowhere", inside */
	create_both_ways("up2", 0, 0);	    /* writes the decoy, inside */
	create_both_ways("a", 0, -EISDIR);
	create_both_ways("loop", 0, -ELOOP);
}
END_TEST

START_TEST(deep_and_long)
{
	begin();
	struct str path = STR_INIT(3 * PATH_MAX);
	char name[NAME_MAX + 2];
	int at = dup(root);
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		ck_assert_int_eq(path_open_in(root, name, O_PATH, 0, &e), -ENAMETOOLONG);
		ck_assert_int_eq(path_open_in(root, name + 1, O_PATH, 0, &e), -ENOENT);
	}
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
		int next = openat(at, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
		str_add(&path, "/d");
	}
	close(at);
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		int fd = path_open_in(root, str_text(&path), O_PATH | O_DIRECTORY, 0, &e);
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	while (path.len < PATH_MAX + 10)
		str_add(&path, "/.");
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++)
		ck_assert_int_eq(path_open_in(root, str_text(&path), O_PATH, 0, &e), -ENAMETOOLONG);
	str_release(&path);
	end();
}
END_TEST

START_TEST(magic_links)
{
	begin();
	char path[64];
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof path, "%d/fd/%d", getpid(), fd);
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		ck_assert_int_eq(path_open_in(proc, path, O_PATH, 0, &e), -ELOOP);
		snprintf(path, sizeof path, "%d/cwd/x", getpid());
		ck_assert_int_eq(path_open_in(proc, path, O_PATH, 0, &e), -ELOOP);
	}
	close(fd);
	close(proc);
	end();
}
END_TEST

START_TEST(directories)
{
	static const struct {
		const char *path, *made; /* NULL: refused */
	} rows[] = {
		{ "/x/y/z", "x/y/z" },
		{ "x", "x" },
		{ "/", "." },
		{ "", "." },
		{ "a/b", "a/b" },
		{ "absdir/new/", "a/new" },
		{ "a/sideways/new", "etc/new" },
		{ "up/up/new", "new" },
		{ "../../escape/x", "escape/x" },
		{ "host/x", NULL },
		{ "dangling", NULL },
		{ "dangling/x", NULL },
		{ "danglingdir", NULL },
		{ "loop/x", NULL },
		{ "a/b/file", NULL },
		{ "a/b/file/x", NULL },
		{ "fifo/x", NULL },
	};
	umask(0);
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		const char *path = rows[i / 2].path, *made = rows[i / 2].made;
		struct stat st, got;
		path_force_walk = i % 2;
		begin();
		int fd = path_mkdir_in(root, path, 0711, &e);
		ck_assert_msg((fd >= 0) == (made != NULL), "'%s' (walk %d): %s", path,
			path_force_walk, unit_message(&e));
		if (fd >= 0) {
			ck_assert_int_eq(fstatat(root, made, &st, AT_SYMLINK_NOFOLLOW), 0);
			ck_assert_int_eq(fstat(fd, &got), 0);
			ck_assert_uint_eq(st.st_ino, got.st_ino);
			ck_assert(S_ISDIR(st.st_mode));
			close(fd);
		}
		/* Beside root and outside, nothing appeared. */
		ck_assert_int_eq(fstatat(basefd, "escape", &st, 0), -1);
		ck_assert_int_eq(fstatat(basefd, "new", &st, 0), -1);
		end();
		memcpy(base + sizeof base - 7, "XXXXXX", 6);
	}
}
END_TEST

START_TEST(parents)
{
	static const char *const bad[] = { "", "/", ".", "..", "a/", "a/.", "a/..", "none/x",
		"a/b/file/x", "loop/x" };
	begin();
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		const char *name = NULL, *path = "absdir/b/file";
		struct stat st, got;
		int fd = path_open_parent_in(root, path, &name, &e);
		ck_assert_int_ge(fd, 0);
		ck_assert_ptr_eq(name, path + 9);
		ck_assert_int_eq(fstat(fd, &got) | fstatat(root, "a/b", &st, 0), 0);
		ck_assert_uint_eq(st.st_ino, got.st_ino);
		close(fd);
		fd = path_open_parent_in(root, "new", &name, &e);
		ck_assert_int_ge(fd, 0);
		close(fd);
		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
			ck_assert_msg(path_open_parent_in(root, bad[i], &name, &e) < 0,
				"'%s' has a parent", bad[i]);
	}
	end();
}
END_TEST

/* A file with a lease gives EAGAIN, which is no reason to open something else. */
START_TEST(leases)
{
	signal(SIGIO, SIG_IGN); /* what the holder is told by */
	begin();
	_clean_(fd) int held = openat(root, "a/b/file", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fcntl(held, F_SETLEASE, F_RDLCK), 0);
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++)
		ck_assert_int_eq(
			path_open_in(root, "a/b/file", O_WRONLY | O_NONBLOCK, 0, &e), -EAGAIN);
	end();
}
END_TEST

UNIT_MAIN("path", &walk_answers_as_the_kernel, &nothing_leads_out, &creating, &deep_and_long,
	&magic_links, &directories, &parents, &leases)
