/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "tests/unit/unit.h"

static char base[] = "/tmp/app_status.XXXXXX";
static struct err e;

static int directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void end(int fd)
{
	close(fd);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

START_TEST(write_and_read)
{
	int fd = directory(), status = -1;
	char text[16];
	ck_assert_int_eq(app_status_read(fd, "redis", &status, &e), 0);
	ck_assert_int_eq(status, -1);
	for (int value = 0; value <= 255; value += 51) {
		ck_assert_int_eq(app_status_write(fd, "redis", value, &e), 0);
		ck_assert_int_eq(app_status_read(fd, "redis", &status, &e), 1);
		ck_assert_int_eq(status, value);
	}
	ck_assert_int_eq(io_read_line(fd, "redis", text, sizeof text, &e), 0);
	ck_assert_str_eq(text, "255");
	ck_assert_int_eq(faccessat(fd, "redis-started", F_OK, 0), -1);
	ck_assert_int_eq(app_started_write(fd, "redis", &e), 0);
	ck_assert_int_eq(faccessat(fd, "redis-started", F_OK, 0), 0);
	end(fd);
}
END_TEST

START_TEST(refusals)
{
	static const char *const names[] = { "", "..", ".", ".tmp-x", "a/b", "../a" };
	static const char *const texts[] = { "", "x", "-1", "256", "1\n2", "1 ", " 1",
		"111111111111111111111111111111" };
	int fd = directory(), status = -1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ck_assert_int_eq(app_status_write(fd, names[i], 1, &e), -EINVAL);
		ck_assert_int_eq(app_status_read(fd, names[i], &status, &e), -EINVAL);
		ck_assert_int_eq(app_started_write(fd, names[i], &e), -EINVAL);
	}
	ck_assert_int_eq(app_status_write(fd, "a", -1, &e), -EINVAL);
	ck_assert_int_eq(app_status_write(fd, "a", 256, &e), -EINVAL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(io_write_new(fd, "a", texts[i], strlen(texts[i]), 0644, &e), 0);
		ck_assert_msg(app_status_read(fd, "a", &status, &e) < 0, "accepted '%s'", texts[i]);
		unlinkat(fd, "a", 0);
	}
	/* The directory is the app's to write when something went wrong before. */
	ck_assert_int_eq(symlinkat("/etc/hostname", fd, "a"), 0);
	ck_assert_int_lt(app_status_read(fd, "a", &status, &e), 0);
	unlinkat(fd, "a", 0);
	ck_assert_int_eq(mkfifoat(fd, "a", 0600), 0);
	ck_assert_int_lt(app_status_read(fd, "a", &status, &e), 0);
	ck_assert_int_eq(status, -1);
	end(fd);
}
END_TEST

START_TEST(reasons)
{
	int fd = directory();
	char reason[APP_REASON_MAX] = "";
	static const char *const texts[] = { "", "Oom", "a b", "\033[1m", "a\nb",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz" };
	ck_assert_int_eq(app_reason_read(fd, "a", reason, &e), 0);
	ck_assert_int_eq(app_reason_write(fd, "a", APP_REASON_OOM, &e), 0);
	ck_assert_int_eq(app_reason_read(fd, "a", reason, &e), 1);
	ck_assert_str_eq(reason, "oom");
	ck_assert_int_eq(app_reason_write(fd, "../a", APP_REASON_OOM, &e), -EINVAL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(app_reason_write(fd, "b", texts[i], &e), -EINVAL);
		ck_assert_int_eq(
			io_write_new(fd, "b-reason", texts[i], strlen(texts[i]), 0644, &e), 0);
		ck_assert_msg(app_reason_read(fd, "b", reason, &e) < 0, "took '%s'", texts[i]);
		unlinkat(fd, "b-reason", 0);
	}
	end(fd);
}
END_TEST

START_TEST(names_that_clash)
{
	ck_assert(app_names_clash("x", "x-started"));
	ck_assert(app_names_clash("x-started-started", "x-started"));
	ck_assert(app_names_clash("x-reason", "x"));
	ck_assert(!app_names_clash("x", "y-started"));
	ck_assert(!app_names_clash("x", "x-started-1"));
	ck_assert(!app_names_clash("x", "x"));
}
END_TEST

UNIT_MAIN("app_status", &write_and_read, &refusals, &reasons, &names_that_clash)
