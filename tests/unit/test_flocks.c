/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/flocks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(lines)
{
	static const struct {
		const char *text;
		bool line, held;
	} cases[] = {
		{ "1: FLOCK  ADVISORY  WRITE 1234 fe:01:393221 0 EOF\n", true, true },
		{ "12: FLOCK  ADVISORY  WRITE 1 fe:01:393221 0 EOF", true, true },
		{ "1: -> FLOCK  ADVISORY  WRITE 1234 fe:01:393221 0 EOF\n", true, false },
		{ "1:   -> FLOCK  ADVISORY  WRITE 1234 fe:01:393221 0 EOF\n", true, false },
		{ "1: FLOCK  ADVISORY  READ  1234 fe:01:393221 0 EOF\n", true, false },
		{ "1: POSIX  ADVISORY  WRITE 1234 fe:01:393221 0 EOF\n", true, false },
		{ "1: OFDLCK ADVISORY  WRITE -1 fe:01:393221 0 EOF\n", true, false },
		{ "1: FLOCK  MSNFS     WRITE 7 <none>:0 0 EOF\n", true, false },
		{ "1: FLOCK  ADVISORY  WRITE 1234 fe:393221 0 EOF\n", true, false },
		{ "1: FLOCK  ADVISORY  WRITE 1234 fefefefefe:01:393221 0 EOF\n", true, false },
		{ "1: FLOCK  ADVISORY  WRITE 1234 fe::393221 0 EOF\n", true, false },
		{ "1: FLOCK  ADVISORY  WRITE 1234\n", false, false },
		{ "FLOCK  ADVISORY  WRITE 1234 fe:01:393221 0 EOF\n", false, false },
		{ "\n", false, false },
		{ "", false, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct flock_line l = { 0 };
		char line[80];
		snprintf(line, sizeof line, "%s", cases[i].text);
		ck_assert_msg(flock_line_parse(line, &l) == cases[i].line, "%s", cases[i].text);
		ck_assert_msg(l.held == cases[i].held, "%s", cases[i].text);
		if (l.held) {
			ck_assert_uint_eq(l.device, makedev(0xfe, 1));
			ck_assert_uint_eq(l.inode, 393221);
		}
	}
}
END_TEST

static bool held(int dir, uint64_t inode)
{
	_clean_(flocks) struct flocks l = FLOCKS_INIT;
	struct err e = ERR_INIT;
	ck_assert_msg(flocks_load(&l, dir, &e) == 0, "%s", e.msg);
	return flocks_has(&l, inode);
}

/* What the kernel says is what was done. */
START_TEST(of_the_kernel)
{
	char base[] = "/tmp/flocks.XXXXXX";
	struct stat st;
	ck_assert_ptr_nonnull(mkdtemp(base));
	_clean_(fd) int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(fd) int fd = openat(dir, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(!held(dir, st.st_ino));
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	ck_assert(!held(dir, st.st_ino));
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert(held(dir, st.st_ino));
	/* of another filesystem */
	_clean_(fd) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(!held(proc, st.st_ino));
	ck_assert_int_eq(flock(fd, LOCK_UN), 0);
	ck_assert(!held(dir, st.st_ino));
	ck_assert_int_eq(unlinkat(dir, "f", 0), 0);
	ck_assert_int_eq(rmdir(base), 0);
}
END_TEST

UNIT_MAIN("flocks", &lines, &of_the_kernel)
