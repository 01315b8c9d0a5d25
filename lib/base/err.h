/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: the one error value of this project.
 *
 * A struct err lives on the caller's stack, never allocates, and has a fixed size of 512 bytes, so
 * that it works when memory is short, after clone(), and can be sent over a socket as it is.
 *
 * Convention: a function that can fail takes `struct err *e` as its last parameter and returns
 * 0 (or a count) on success and a negative errno on failure, after having filled *e. Its `ret_`
 * parameters are written on success only. `e` is never NULL.
 *
 * The innermost function says what failed; each noun on the way up adds its own context in front:
 *
 *	if (fd < 0)
 *		return ERR_SYS(e, "open '%s'", path);          // "open '/x': No such file…"
 *	if (r < 0)
 *		return err_wrap(e, r, "app '%s'", name);       // "app 'redis': open '/x': …"
 *
 * Messages: lower case, no full stop, the subject in 'quotes'. The parts are kept apart by
 * ERR_JOINT inside msg; err_format() prints them with ": " (one line) or one a line (chain) and
 * escapes every control byte, so a hostile name cannot drive the terminal.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ERR_JOINT '\x1f'

enum err_kind {
	ERR_NONE,      /* nothing happened yet */
	ERR_SYSTEM,    /* the kernel said no; errnum is its answer */
	ERR_INPUT,     /* bytes from outside are malformed or contradictory */
	ERR_NOT_FOUND, /* the named thing does not exist */
	ERR_REFUSED,   /* policy or privilege forbids it */
	ERR_BUSY,      /* somebody else holds it */
	ERR_PEER,      /* the other process died or spoke nonsense */
	_ERR_KIND_MAX
};

struct err {
	int32_t errnum; /* positive errno value, 0 when there is none */
	uint16_t kind;	/* enum err_kind */
	uint16_t len;	/* strlen(msg) */
	char msg[504];
};
_Static_assert(sizeof(struct err) == 512, "struct err crosses sockets");

#define ERR_INIT ((struct err){ 0 })

/* Fill *e; `errnum` (positive) is appended as its text when kind is ERR_SYSTEM. Returns -errnum,
 * or -EINVAL when errnum is 0. */
int err_set(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The most common forms. */
#define ERR_SYS(e, ...) err_set((e), ERR_SYSTEM, errno, __VA_ARGS__)
#define ERR_NUM(e, num, ...) err_set((e), ERR_SYSTEM, (num), __VA_ARGS__)
#define ERR_BAD(e, ...) err_set((e), ERR_INPUT, EINVAL, __VA_ARGS__)
#define ERR_NOENT(e, ...) err_set((e), ERR_NOT_FOUND, ENOENT, __VA_ARGS__)
#define ERR_DENY(e, ...) err_set((e), ERR_REFUSED, EPERM, __VA_ARGS__)

/* Put "context" in front of what *e says and return r unchanged. The tail is cut if need be. */
int err_wrap(struct err *e, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Render into buf (always terminated). chain: one part a line, indented; else joined by ": ". */
void err_format(const struct err *e, bool chain, char *buf, size_t size);

/* Make a struct err that came from another process safe to use: clamps kind, terminates msg. */
void err_sanitize(struct err *e);

/* Copy src to dst with every byte that a terminal could act upon written as \xNN; always
 * terminated. For names that come from images, manifests and directories. */
void text_escape(const char *src, char *dst, size_t size);
