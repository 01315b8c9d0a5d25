/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap: malloc() of the programs on the hot path, in the place of musl's.
 *
 * These live for milliseconds, or wait for the rest of their life in some ten kilobytes. What costs
 * them is not the allocator but the pages that it touches: each is a fault, each is copied once
 * more by a fork, each counts as memory of the pod. Here objects lie side by side in a few pages;
 * what is freed is used again for its class of sizes, and what was allocated last goes back whole.
 *
 * Each object has a header that knows its size and proves that it is one: an overrun or a second
 * free() ends the process. For one thread; the workers, the tests and the sanitizers have their C
 * library's.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	ALIGN = 16,
	FIRST_SIZE = 32 * 1024, /* of the program's own memory; touched page by page */
	MORE_SIZE = 256 * 1024,
	LARGEST = 64 * 1024, /* what is larger is mapped on its own */
	CLASSES = 13,	     /* ALIGN << 0 … ALIGN << 12 */
};
_Static_assert(ALIGN << (CLASSES - 1) == LARGEST, "the last class is the largest");

struct object {
	uint64_t proof;
	size_t size; /* what follows, a power of two, or the pages of a mapping */
	_Alignas(ALIGN) char bytes[];
};
struct freed { /* in the bytes of an object that was freed */
	struct object *next;
};

#define IN_USE 0x6f626a6563742121u
#define FREED 0x6672656564212121u

static _Alignas(ALIGN) char first[FIRST_SIZE];
static char *top = first, *end = first + FIRST_SIZE;
static struct object *freed[CLASSES];

static uint64_t proof(const struct object *o, uint64_t state)
{
	return state ^ (uintptr_t)o ^ o->size << 7;
}

static unsigned class_of(size_t n)
{
	unsigned c = 0;
	while ((size_t)ALIGN << c < n)
		c++;
	return c;
}

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void *give(struct object *o, size_t size)
{
	o->size = size;
	o->proof = proof(o, IN_USE);
	return o->bytes;
}

static struct object *take(void *p, uint64_t state)
{
	struct object *o = (struct object *)(void *)((char *)p - sizeof *o);
	if ((uintptr_t)p % ALIGN || o->proof != proof(o, state))
		abort();
	return o;
}

static struct object *carve(size_t size)
{
	size_t need = sizeof(struct object) + size;
	if ((size_t)(end - top) < need) {
		char *more = map(MORE_SIZE);
		if (!more)
			return NULL;
		top = more;
		end = more + MORE_SIZE;
	}
	struct object *o = (struct object *)(void *)top;
	top += need;
	return o;
}

void *malloc(size_t n)
{
	if (n > LARGEST) {
		if (n > PTRDIFF_MAX - 2 * sizeof(struct object)) {
			errno = ENOMEM;
			return NULL;
		}
		struct object *o = map(n + sizeof *o);
		return o ? give(o, n) : NULL;
	}
	unsigned c = class_of(n);
	struct object *o = freed[c];
	if (!o) {
		o = carve((size_t)ALIGN << c);
		return o ? give(o, (size_t)ALIGN << c) : NULL;
	}
	take(o->bytes, FREED);
	freed[c] = ((struct freed *)(void *)o->bytes)->next;
	return give(o, o->size);
}

void free(void *p)
{
	if (!p)
		return;
	struct object *o = take(p, IN_USE);
	if (o->size > LARGEST) {
		munmap(o, o->size + sizeof *o);
		return;
	}
	if (o->bytes + o->size == top) {
		o->proof = 0;
		top = (char *)o;
		return;
	}
	unsigned c = class_of(o->size);
	o->proof = proof(o, FREED);
	((struct freed *)(void *)o->bytes)->next = freed[c];
	freed[c] = o;
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	void *p = malloc(bytes);
	/* A mapping is zero already. */
	return p && bytes <= LARGEST ? memset(p, 0, bytes) : p;
}

void *realloc(void *p, size_t n)
{
	if (!p)
		return malloc(n);
	struct object *o = take(p, IN_USE);
	if (n <= o->size)
		return p;
	void *fresh = malloc(n);
	if (!fresh)
		return NULL;
	memcpy(fresh, p, o->size);
	free(p);
	return fresh;
}
