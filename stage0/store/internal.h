/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share, and nobody else sees.
 *
 * `hex` is the part of an image id behind "sha512-", already checked.
 */
#pragma once

#include <limits.h>

#include "stage0/store/store.h"
#include "stage0/unpack.h"

enum { HEX_SIZE = 2 * UNPACK_DIGEST_SIZE, PLACE_SIZE = 256 };
#define ID_PREFIX "sha512-"

#define CAS_BLOB "blob/sha512"
#define CAS_IMAGE "image"
#define CAS_TREE "tree"
#define CAS_TMP "tmp"
#define CAS_REMOTE "remote"

/* "image/<hex>" and its like, in a buffer of PLACE_SIZE. */
struct place {
	char path[PLACE_SIZE];
};
struct place place(const char *dir, const char *name);

/* The hex part of an id that somebody gave us; NULL and an error when it is not one. */
const char *id_hex(const char *id, struct err *e);
bool hex_valid(const char *name);

/* --- cas.c: the directories --- */
int cas_make_dirs(struct store *s, struct err *e);
/* Calls fn for each name of a directory of the store that is a digest. Goes on past errors,
 * returns the first. */
typedef int (*cas_fn)(void *ctx, const char *name, struct err *e);
int cas_each(
	struct store *s, const char *dir, bool only_digests, cas_fn fn, void *ctx, struct err *e);
/* Makes what was renamed into it, or removed from it, survive a power cut. */
int cas_sync(struct store *s, const char *dir, struct err *e);
/* True when fd is still what dir/name refers to. */
bool cas_is_still(struct store *s, const char *dir, const char *name, int fd);

/* --- tmp.c: names in cas/tmp, locked while somebody works on them --- */
struct tmp {
	struct store *s;
	int fd; /* holds the lock */
	char name[24];
};
#define TMP_INIT ((struct tmp){ .fd = -1 })
int tmp_dir(struct store *s, struct tmp *ret, struct err *e);
int tmp_file(struct store *s, struct tmp *ret, struct err *e);
/* A fresh name for something that is moved here to be deleted. */
int tmp_name(char ret[24], struct err *e);
/* Removes what is left under the name. */
void tmp_cleanup(struct tmp *t);

/* --- record.c --- */
int record_write(struct store *s, const struct image *image, bool durable, struct err *e);
bool record_exists(struct store *s, const char *hex);

/* --- content.c --- */
/* As store_verify, of a tree that may have no record yet. */
int tree_verify(struct store *s, const char *hex, struct err *e);

/* --- remote.c --- */
struct remote_note;
/* Of cas/remote/<key>; -ENOENT as store_note_read(). */
int note_read(
	struct store *s, const char *key, struct arena *a, struct remote_note *ret, struct err *e);

/* --- unpacker.c: talking to the worker --- */
struct unpack_job {
	enum unpack_mode mode;
	int input, dir, output; /* output: -1 for none */
	uint64_t max_bytes, max_entries;
	unsigned timeout_s;
	unsigned flags;
};
/* 0 limits: the defaults. The answer is checked; what the worker reports becomes the error. */
int unpacker_run(const struct unpack_job *job, struct unpack_answer *ret, struct err *e);
void digest_hex(const uint8_t digest[UNPACK_DIGEST_SIZE], char ret[HEX_SIZE + 1]);
/* Unpacks the blob of an image that is known into a fresh locked directory. */
int unpack_blob(struct store *s, const char *hex, struct tmp *ret, struct err *e);
