/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: allocation that does not fail, and arenas.
 *
 * Every input of this project is bounded before memory is asked for, so running out means that the
 * machine has none left: the x* functions then write one line and end the process with status 254.
 * They are the only functions of lib/ that may do so.
 *
 * An arena owns many small objects that die together (a decoded manifest, a plan). What is
 * allocated from it is zeroed, and freed by arena_release() at once; nothing is freed alone.
 */
#pragma once

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size); /* checks n * size */
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct arena_block;
struct arena {
	struct arena_block *head;
};
#define ARENA_INIT ((struct arena){ 0 })

void *arena_alloc(struct arena *a, size_t n, size_t size); /* zeroed array; n may be 0 */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_release(struct arena *a);
void arena_wipe(struct arena *a); /* the same, of what was secret */
static inline void arena_cleanup(struct arena *a)
{
	arena_release(a);
}

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))
