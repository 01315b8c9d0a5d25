/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

static char base[] = "/tmp/io.XXXXXX";
static struct err e;
static int dir = -1;

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static void end(void)
{
	close(dir);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static void put(const char *name, const char *text)
{
	ck_assert_msg(
		io_write_new(dir, name, text, strlen(text), 0640, &e) == 0, "%s", unit_message(&e));
}

START_TEST(whole_files)
{
	begin();
	struct str s = STR_INIT(100), small = STR_INIT(3);
	struct stat st;
	umask(0);
	put("a", "hello");
	ck_assert_int_eq(fstatat(dir, "a", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(io_write_new(dir, "a", "x", 1, 0640, &e), -EEXIST);
	ck_assert_int_eq(io_read_file(dir, "a", &s, &e), 0);
	ck_assert_int_eq(io_read_file(dir, "a", &s, &e), 0);
	ck_assert_str_eq(str_text(&s), "hellohello");
	ck_assert_int_eq(io_read_file(dir, "a", &small, &e), -EFBIG);
	ck_assert_int_eq(io_read_file(dir, "none", &s, &e), -ENOENT);
	str_release(&s);
	str_release(&small);
	end();
}
END_TEST

/* A FIFO would block for ever, a device may do anything, a link leads elsewhere. */
START_TEST(only_regular_files)
{
	begin();
	struct str s = STR_INIT(100);
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", dir, "link"), 0);
	ck_assert_int_eq(mkdirat(dir, "dir", 0700), 0);
	ck_assert_int_eq(io_read_file(dir, "fifo", &s, &e), -EINVAL);
	ck_assert_int_eq(io_read_file(dir, "link", &s, &e), -ELOOP);
	ck_assert_int_eq(io_read_file(dir, "dir", &s, &e), -EINVAL);
	ck_assert_int_eq(io_read_file(dir, "/dev/zero", &s, &e), -EINVAL);
	ck_assert_uint_eq(s.len, 0);
	end();
}
END_TEST

START_TEST(lines)
{
	begin();
	char buf[8] = "old";
	static const struct {
		const char *text;
		const char *line; /* NULL: refused */
	} rows[] = {
		{ "", "" },
		{ "\n", "" },
		{ "1234567", "1234567" },
		{ "123456\n", "123456" },
		{ "1\n2", NULL },
		{ "1\n\n", NULL },
		{ "12345678", NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		put("f", rows[i].text);
		int r = io_read_line(dir, "f", buf, sizeof buf, &e);
		ck_assert_msg((r == 0) == (rows[i].line != NULL), "'%s'", rows[i].text);
		if (rows[i].line)
			ck_assert_str_eq(buf, rows[i].line);
		unlinkat(dir, "f", 0);
	}
	ck_assert_int_eq(io_write_new(dir, "nul", "a\0b", 3, 0600, &e), 0);
	ck_assert_int_lt(io_read_line(dir, "nul", buf, sizeof buf, &e), 0);
	end();
}
END_TEST

static void *slow_writer(void *arg)
{
	for (int i = 0; i < 10; i++) {
		usleep(1000);
		ck_assert_int_eq(write(*(int *)arg, "ab", 2), 2);
	}
	close(*(int *)arg);
	return NULL;
}

START_TEST(full_reads)
{
	int p[2];
	char buf[64];
	pthread_t t;
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, slow_writer, &p[1]), 0);
	ck_assert_int_eq(io_read_full(p[0], buf, 15, &e), 15);
	ck_assert_mem_eq(buf, "abababababababa", 15);
	ck_assert_int_eq(io_read_full(p[0], buf, sizeof buf, &e), 5);
	ck_assert_int_eq(io_read_full(p[0], buf, sizeof buf, &e), 0);
	pthread_join(t, NULL);
	close(p[0]);
	ck_assert_int_eq(io_read_full(p[0], buf, 1, &e), -EBADF);
}
END_TEST

START_TEST(knobs)
{
	begin();
	struct str s = STR_INIT(100);
	ck_assert_int_eq(io_write_knob(dir, "knob", "1", &e), -ENOENT);
	put("knob", "abc");
	ck_assert_int_eq(io_write_knob(dir, "knob", "1", &e), 0);
	ck_assert_int_eq(io_read_file(dir, "knob", &s, &e), 0);
	ck_assert_str_eq(str_text(&s), "1bc"); /* neither made nor cut */
	ck_assert_int_eq(io_write_knob(dir, "/proc/sys/kernel/ostype", "x", &e) < 0, 1);
	str_release(&s);
	end();
}
END_TEST

/* --- atomic --------------------------------------------------------------------------------------
 */

START_TEST(replaced_as_a_whole)
{
	begin();
	struct str s = STR_INIT(100);
	struct stat st;
	umask(077); /* the mode asked for is the mode given */
	ck_assert_int_eq(atomic_write(dir, "f", "one", 3, 0644, ATOMIC_VISIBLE, &e), 0);
	ck_assert_int_eq(atomic_write(dir, "f", "two!", 4, 0640, ATOMIC_DURABLE, &e), 0);
	ck_assert_int_eq(io_read_file(dir, "f", &s, &e), 0);
	ck_assert_str_eq(str_text(&s), "two!");
	ck_assert_int_eq(fstatat(dir, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	/* A link at the place is replaced, not followed. */
	ck_assert_int_eq(symlinkat("f", dir, "link"), 0);
	ck_assert_int_eq(atomic_write(dir, "link", "x", 1, 0600, ATOMIC_VISIBLE, &e), 0);
	ck_assert_int_eq(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISREG(st.st_mode));
	str_clear(&s);
	ck_assert_int_eq(io_read_file(dir, "f", &s, &e), 0);
	ck_assert_str_eq(str_text(&s), "two!");
	str_release(&s);
	end();
}
END_TEST

START_TEST(failure_leaves_nothing)
{
	begin();
	ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
	put("d/x", "");
	ck_assert_int_lt(atomic_write(dir, "d", "x", 1, 0600, ATOMIC_VISIBLE, &e), 0);
	ck_assert_int_lt(atomic_write(dir, "no/f", "x", 1, 0600, ATOMIC_VISIBLE, &e), 0);
	DIR *d = fdopendir(dup(dir));
	for (struct dirent *entry; (entry = readdir(d));)
		ck_assert_msg(strncmp(entry->d_name, ".tmp-", 5) != 0, "left: %s", entry->d_name);
	closedir(d);
	end();
}
END_TEST

START_TEST(published_once)
{
	begin();
	struct stat st;
	put("a", "a");
	put("b", "b");
	ck_assert_int_eq(atomic_publish(dir, "a", dir, "b", ATOMIC_DURABLE, &e), -EEXIST);
	ck_assert_int_eq(atomic_publish(dir, "a", dir, "c", ATOMIC_DURABLE, &e), 0);
	ck_assert_int_eq(fstatat(dir, "a", &st, 0), -1);
	ck_assert_int_eq(mkdirat(dir, "d1", 0700) | mkdirat(dir, "d2", 0700), 0);
	ck_assert_int_eq(atomic_publish(dir, "d1", dir, "d2", ATOMIC_VISIBLE, &e), -EEXIST);
	ck_assert_int_eq(atomic_publish(dir, "none", dir, "x", ATOMIC_VISIBLE, &e), -ENOENT);
	int path = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(dir_sync(path, &e), 0);
	close(path);
	end();
}
END_TEST

UNIT_MAIN("io", &whole_files, &only_regular_files, &lines, &full_reads, &knobs,
	&replaced_as_a_whole, &failure_leaves_nothing, &published_once)
