/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "tests/unit/unit.h"

START_TEST(strings)
{
	char *s = xstrdup("abc");
	ck_assert_str_eq(s, "abc");
	free(s);
	s = xstrndup("abc", 2);
	ck_assert_str_eq(s, "ab");
	free(s);
	s = xstrndup("abc", 20);
	ck_assert_str_eq(s, "abc");
	free(s);
	s = xasprintf("%s-%d", "x", 7);
	ck_assert_str_eq(s, "x-7");
	free(s);
	free(xmalloc(0));
	char *zero = xcalloc(1000, 3);
	for (size_t i = 0; i < 3000; i++)
		ck_assert_int_eq(zero[i], 0);
	zero = xrealloc(zero, 0, 3);
	ck_assert_ptr_nonnull(zero);
	free(zero);
}
END_TEST

START_TEST(arenas)
{
	struct arena a = ARENA_INIT;
	uint64_t *last = NULL;
	for (size_t i = 1; i < 3000; i++) {
		size_t n = i % 97 == 0 ? 5000 : i % 50;
		uint64_t *p = ARENA_ARRAY(&a, uint64_t, n);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < n; k++)
			ck_assert_uint_eq(p[k], 0);
		memset(p, 0xff, n * sizeof *p); /* ASan and the next loop see an overlap */
		ck_assert(!last || *last == i - 1);
		last = ARENA_NEW(&a, uint64_t);
		ck_assert_uint_eq(*last, 0);
		*last = i;
	}
	ck_assert_str_eq(arena_strdup(&a, "x"), "x");
	ck_assert_str_eq(arena_strndup(&a, "xyz", 2), "xy");
	char big[20000];
	memset(big, 'b', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	ck_assert_str_eq(arena_printf(&a, "%s", big), big);
	arena_release(&a);
	ck_assert_ptr_null(a.head);
	arena_release(&a);
}
END_TEST

START_TEST(running_out_ends_with_254)
{
	int out[2], status;
	char text[64] = "";
	ck_assert_int_eq(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		volatile size_t huge = SIZE_MAX / 4;
		xrealloc(NULL, huge, 8);
		_exit(0);
	}
	close(out[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 254);
	ck_assert_int_gt(read(out[0], text, sizeof text - 1), 0);
	ck_assert_str_eq(text, "rkt: out of memory\n");
	close(out[0]);
}
END_TEST

START_TEST(scopes)
{
	int fd = dup(0), kept;
	{
		_clean_(fd) int inner = fd;
		_clean_(mem) char *p = xstrdup("x");
		ck_assert_str_eq(p, "x");
		errno = 77;
		ck_assert_int_ge(inner, 0);
	}
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(close(fd), -1);
	{
		_clean_(fd) int inner = dup(0);
		kept = take_fd(&inner);
	}
	ck_assert_int_eq(fd_close(kept), -1);
	ck_assert_int_eq(fd_close(-1), -1);
}
END_TEST

UNIT_MAIN("mem", &strings, &arenas, &running_out_ends_with_254, &scopes)
