/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator of the hot path under other names, beside the C library's. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define malloc heap_malloc
#define calloc heap_calloc
#define realloc heap_realloc
#define free heap_free
void *heap_malloc(size_t n);
void *heap_calloc(size_t n, size_t size);
void *heap_realloc(void *p, size_t n);
void heap_free(void *p);
#include "lib/heap/heap.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

#include "tests/unit/unit.h"

START_TEST(sizes)
{
	static const size_t some[] = { 0, 1, 15, 16, 17, 100, 4096, 65536, 65537, 1 << 20 };
	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		char *p = heap_malloc(some[i]);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		memset(p, 0xaa, some[i]);
		heap_free(p);
		p = heap_calloc(some[i], 1);
		for (size_t k = 0; k < some[i]; k++)
			ck_assert_int_eq(p[k], 0);
		heap_free(p);
	}
	heap_free(NULL);
	ck_assert_ptr_null(heap_malloc((size_t)PTRDIFF_MAX));
	ck_assert_ptr_null(heap_calloc(SIZE_MAX / 2, 3));
}
END_TEST

/* Many at once, of all sizes, in no order: nobody's bytes are another's. */
START_TEST(churn)
{
	enum { SLOTS = 200, STEPS = 20000 };
	static struct {
		unsigned char *p, fill;
		size_t n;
	} slots[SLOTS];
	srand(7);
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % SLOTS;
		for (size_t k = 0; k < slots[i].n; k += 97)
			ck_assert_int_eq(slots[i].p[k], slots[i].fill);
		size_t n = (size_t)(rand() % (rand() % 50 ? 600 : 100000)), old = slots[i].n;
		if (rand() % 3 == 0) {
			heap_free(slots[i].p);
			slots[i].p = heap_malloc(n);
		} else {
			slots[i].p = heap_realloc(slots[i].p, n);
			for (size_t k = 0; k < (n < old ? n : old); k += 97)
				ck_assert_int_eq(slots[i].p[k], slots[i].fill);
		}
		slots[i].n = n;
		slots[i].fill = (unsigned char)step;
		memset(slots[i].p, slots[i].fill, n);
	}
}
END_TEST

/* What is freed is used again: a loop needs no more than one turn of it. */
START_TEST(reuse)
{
	char *before = NULL;
	for (int i = 0; i < 100000; i++) {
		char *a = heap_malloc(500), *b = heap_malloc(3000);
		heap_free(a);
		heap_free(b);
		ck_assert(!before || a == before || b == before);
		before = a;
	}
}
END_TEST

static bool aborts(void (*fn)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void free_twice(void)
{
	char *a = heap_malloc(40);
	heap_malloc(40);
	heap_free(a);
	heap_free(a);
}

static void free_last_twice(void)
{
	char *a = heap_malloc(40);
	heap_free(a);
	heap_free(a);
}

static void overrun(void)
{
	char *a = heap_malloc(64);
	char *b = heap_malloc(64);
	memset(a, 'x', 64 + 8);
	heap_free(b);
}

static void inside(void)
{
	char *a = heap_calloc(1, 64);
	heap_free(a + 16);
}

START_TEST(misuse)
{
	ck_assert(aborts(free_twice));
	ck_assert(aborts(free_last_twice));
	ck_assert(aborts(overrun));
	ck_assert(aborts(inside));
}
END_TEST

UNIT_MAIN("heap", &sizes, &churn, &reuse, &misuse)
