/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_file: the blob of a layer on its way into the store, one download for all who want it.
 *
 *	cas/tmp/part-<sha256>      being downloaded; locked by whoever does. What a killed one left
 *	                           is gone on with: the digest will tell whether it was a part of it
 *	cas/tmp/blob-<sha256>      whole; a shared lock by each who uses it
 *	cas/blob/sha256/<sha256>   published, by renaming it
 *
 *	layer_file_open(s, hex, size, &f, e)     LAYER_FILE_WHOLE     use it
 *	                                         LAYER_FILE_OURS      write what is missing to f.fd,
 *	                                                              then layer_file_whole()
 *	                                         LAYER_FILE_THEIRS    somebody else does: ask again
 *
 * For a member of the group rkt (s->member) it is the same in short: it is downloaded to
 * cas/incoming/, from its beginning, and is whole when it has its digest (stage0/store/inbox.h).
 * Nothing can be read there or published.
 *
 * Nobody waits while holding a lock that others wait for: several layers of several images may be
 * worked on in any order. What is not locked is a left-over, which store_gc removes.
 */
#pragma once

#include "stage0/store/store.h"

enum layer_file_state { LAYER_FILE_NONE, LAYER_FILE_OURS, LAYER_FILE_THEIRS, LAYER_FILE_WHOLE };

struct layer_file {
	struct store *s;
	int fd;		 /* -1 with NONE and THEIRS */
	uint64_t size;	 /* that it must have */
	uint64_t offset; /* OURS: bytes that are there */
	enum layer_file_state state;
	bool published;
	char incoming[24]; /* a member's: what it is called in cas/incoming until it is whole */
	char hex[72];
};
#define LAYER_FILE_INIT ((struct layer_file){ .fd = -1 })

/* hex: 64 lower-case hex digits. */
int layer_file_open(
	struct store *s, const char *hex, uint64_t size, struct layer_file *f, struct err *e);
/* OURS, and all bytes are there: WHOLE, for everybody. NONE: it was collected this very moment. */
int layer_file_whole(struct layer_file *f, struct err *e);
/* A descriptor of one's own, at its beginning. */
int layer_file_reopen(const struct layer_file *f, struct err *e);
/* WHOLE: to its place, synced before by the caller. Others may have been faster. */
int layer_file_publish(struct layer_file *f, struct err *e);
/* It is not what its name says, and goes: nobody may use it. Where that is not certain, it stays if
 * somebody else uses it or a layer of the store is made of it. */
void layer_file_remove(struct layer_file *f, bool certain);
/* It is whole, and no image needs it: gone, unless somebody else has a use for it. */
void layer_file_drop(struct layer_file *f);
/* Lets go of it; what is there stays for the next one. */
void layer_file_close(struct layer_file *f);
