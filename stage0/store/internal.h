/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share, and nobody else sees.
 *
 * `hex` is the part of an image id behind "sha512-", already checked.
 */
#pragma once

#include <limits.h>

#include "lib/spec/oci.h"
#include "stage0/store/store.h"
#include "stage0/unpack.h"
#include "stage0/worker.h"

enum { HEX_SIZE = 2 * UNPACK_DIGEST_SIZE, PLACE_SIZE = 256 };
#define ID_PREFIX "sha512-"

#define CAS_BLOB "blob/sha512"
#define CAS_BLOB256 "blob/sha256"
#define CAS_IMAGE "image"
#define CAS_TREE "tree"
#define CAS_TMP "tmp"
#define CAS_REMOTE "remote"
#define CAS_INCOMING "incoming"
#define CAS_NAMES "names"

/* "image/<hex>" and its like, in a buffer of PLACE_SIZE. */
struct place {
	char path[PLACE_SIZE];
};
struct place place(const char *dir, const char *name);

/* The hex part of an id that somebody gave us; NULL and an error when it is not one. */
const char *id_hex(const char *id, struct err *e);
/* The name below cas/tree of what an image's id, or the name of a rendered tree, stands for; NULL
 * and an error when it is neither. */
const char *tree_name(const char *id, struct err *e);
enum { KEY_SIZE = 33 };
/* 32 hex digits made of a text: to find, not to tell apart for certain. */
void make_key(const char *text, char ret[KEY_SIZE]);

/* --- cas.c: the directories --- */
int cas_make_dirs(struct store *s, struct err *e);
/* The file that fd is may be read by whoever may read `dir`, into which it is about to go. */
int cas_share(struct store *s, int fd, const char *dir, struct err *e);
/* Calls fn for each name of a directory of the store that is a digest of so many digits (0: for
 * each). Goes on past errors, returns the first. */
typedef int (*cas_fn)(void *ctx, const char *name, struct err *e);
int cas_each(struct store *s, const char *dir, size_t digits, cas_fn fn, void *ctx, struct err *e);
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
/* A small file dir/name, new or in the place of another one, by way of cas/tmp, where what a crash
 * leaves is found. It may be read by whoever may read `dir`. durable: it survives a power cut. */
int tmp_write(struct store *s, const char *dir, const char *name, const struct str *bytes,
	bool durable, struct err *e);
/* A fresh name for something that is moved here to be deleted. */
int tmp_name(char ret[24], struct err *e);
/* Removes what is left under the name. */
void tmp_cleanup(struct tmp *t);

/* Who works on what: a lock by name, for what several may want to make at the same time. Whoever
 * waits for one holds no other. */
struct claim {
	struct store *s;
	int fd;
	char name[OCI_HEX_SIZE + 16];
};
#define CLAIM_INIT ((struct claim){ .fd = -1 })
/* 1: ours; 0: somebody else's (never, with `wait`). Then look again whether it has come. */
int claim_take(struct store *s, const char *layer, bool wait, struct claim *ret, struct err *e);
void claim_release(struct claim *c);

/* --- record.c --- */
int record_write(struct store *s, const struct image *image, bool durable, struct err *e);
bool record_exists(struct store *s, const char *hex);
/* As store_list, but only records that contain the text, a name perhaps; NULL: all. */
struct record_scan {
	struct images images;
	size_t cap;
	size_t seen, damaged; /* records that were looked at; that could not be read */
};
int records_scan(
	struct store *s, const char *text, struct arena *a, struct record_scan *ret, struct err *e);
/* Those of them that are there, in the order of store_list. */
void records_read(struct store *s, const struct strlist *hex, struct arena *a, struct images *ret);

/* --- names.c: cas/names, which records have which name --- */
/* Records with that name, and perhaps others; in the order of store_list. */
int records_named(
	struct store *s, const char *name, struct arena *a, struct images *ret, struct err *e);

/* --- content.c --- */
/* As store_verify, of a tree that may have no record yet. */
int tree_verify(struct store *s, const char *hex, struct err *e);
/* --- layer.c: one layer of an image: cas/tree/<64 digits>, with a file `layer` --- */
struct layer_info {
	const char *blob;	/* sha256 of what it was made of; in cas/blob/sha256 */
	const char *diff;	/* sha256 of that, uncompressed */
	int64_t size;		/* bytes of blob and tree */
	bool context;		/* it depends on the layers below: its name is a chain id */
	bool opaque_top, empty; /* nothing below is seen; it has no entry */
};
int layer_info_read(int dirfd, struct arena *a, struct layer_info *ret, struct err *e);
int layer_info_write(int dirfd, const struct layer_info *info, struct err *e);
/* Opens a layer's directory with a shared lock. -ENOENT: there is none. */
int layer_open(struct store *s, const char *hex, struct err *e);
/* What is in its place is all there, as far as can be seen without reading it; `dir` is locked. */
bool layer_is_whole(struct store *s, int dir);
/* The file `layers` of an image's tree: names of trees, lowest first. */
int layer_list_read(int dirfd, struct arena *a, struct strlist *ret, struct err *e);
int layer_list_write(int dirfd, const struct strlist *l, struct err *e);
bool layer_needed(struct store *s, const char *hex);	  /* by an image */
bool layer_blob_needed(struct store *s, const char *hex); /* by a layer */
/* Alone with a layer and the images that have it, for the moment in which it is replaced. */
struct layer_holders {
	int *fds;
	size_t n;
};
/* `dir`: the layer's own, locked or not. 1: ours; 0: it is no longer in its place. */
int layer_lock_alone(
	struct store *s, const char *hex, int dir, struct layer_holders *ret, struct err *e);
void layer_unlock(struct layer_holders *h);

/* Opens cas/tree/<name> with a shared lock; `what` is for errors. */
int tree_open_locked(struct store *s, const char *name, const char *what, int *ret, struct err *e);
/* Moves a tree from cas/tmp to its name, or finds that somebody else was faster, whose tree is as
 * good: 1. *ret_fd: the directory, with a shared lock. */
int tree_publish(struct store *s, struct tmp *tree, const char *name, int *ret_fd, struct err *e);
int blob_publish(
	struct store *s, struct tmp *blob, const char *dir, const char *name, struct err *e);

/* --- rendered.c: trees that were put together --- */
#define RENDERED_PREFIX "deps-"
bool rendered_name_valid(const char *name);
int rendered_read(
	struct store *s, const char *name, struct arena *a, struct rendered *ret, struct err *e);
/* Last use, unix time in ns; 0: unknown. */
int64_t rendered_last_used(struct store *s, const char *name);

/* --- merge.c: several layers as one tree, to be read --- */
struct merged {
	int fd;
	struct tmp copy; /* where overlayfs cannot do it */
};
#define MERGED_INIT ((struct merged){ .fd = -1, .copy = TMP_INIT })
/* rootfs: directories, the topmost first. */
int merge_layers(struct store *s, const int *rootfs, size_t n, struct merged *ret, struct err *e);
void merged_cleanup(struct merged *m);

/* --- verify --- */
/* How often, and for how many nanoseconds, somebody waits who wants to be alone with a tree. */
enum { LOCK_TRIES = 1000, LOCK_PAUSE = 5000000 };
/* Puts `fresh`, which is synced, where the tree is; what was there ends in fresh's name, to be
 * removed with it. The caller is alone with the tree. */
int replace_tree(struct store *s, const char *name, struct tmp *fresh, struct err *e);
/* The same for the tree of an image, with a sync, as soon as nobody uses `dir`, which is it. 1; 0:
 * it is not in its place any more. */
int replace_alone(struct store *s, const char *hex, int dir, struct tmp *fresh, struct err *e);
/* Likewise for a layer. */
int replace_layer(struct store *s, const char *hex, int dir, struct tmp *fresh, struct err *e);
/* 1: every layer is sound; 0: one was not, and was replaced. */
int verify_layers(struct store *s, const char *hex, struct err *e);

/* --- remote.c --- */
struct remote_note;
/* Of cas/remote/<key>; -ENOENT as store_note_read(). */
int note_read(
	struct store *s, const char *key, struct arena *a, struct remote_note *ret, struct err *e);

/* --- unpacker.c: talking to the worker --- */
struct unpack_job {
	enum unpack_mode mode;
	int input, dir, output, lower; /* -1 for none */
	uint64_t max_bytes, max_entries;
	unsigned timeout_s;
	unsigned wait_s;    /* for what comes through a pipe: added to that */
	uint64_t max_input; /* 0: as much as there is */
	unsigned flags;
};
/* 0 limits: the defaults. The answer is checked; what the worker reports becomes the error. */
int unpacker_run(const struct unpack_job *job, struct unpack_answer *ret, struct err *e);

/* Several at once. The job may go once it is started. */
struct unpacking {
	struct worker worker;
	struct worker_call call;
	struct unpack_request request;
	struct unpack_answer answer;
	char *program;
};
int unpacker_start(const struct unpack_job *job, struct unpacking *u, struct err *e);
int unpacker_finish(struct unpacking *u, struct err *e); /* the answer is checked */
void unpacker_kill(struct unpacking *u);		 /* running or not, even never started */

void digest_hex(const uint8_t digest[UNPACK_DIGEST_SIZE], char ret[HEX_SIZE + 1]);
/* Opens the blob of an image; -1 and errno. */
int blob_open(struct store *s, const char *hex);
/* Reads a blob to its end, uncompressed into `output`; its digest and size are in the answer. */
int unpack_plain(int blob, int output, struct unpack_answer *ret, struct err *e);
/* Unpacks the blob of an image that is known into a fresh locked directory. */
int unpack_blob(struct store *s, const char *hex, struct tmp *ret, struct err *e);
/* The root filesystem in a tree's directory; negative: there is none. */
int rootfs_open(int dir, struct err *e);
/* 1: two of them are the same; 0: they are not, or there is no `have`. */
int rootfs_same(int have, int want, struct err *e);
