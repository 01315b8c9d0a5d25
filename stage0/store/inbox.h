/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbox: cas/incoming, what members of the group rkt have downloaded for root.
 *
 *	cas/incoming/                  root:rkt 3730: whoever is in the group puts files there, and
 *	                               removes their own; nobody sees what there is
 *	cas/incoming/sha256-<64 hex>   the blob of a layer, as it came
 *	cas/incoming/url-<32 hex>      an App Container Image; the name is made of its URL
 *	cas/incoming/tmp-<hex>         on its way
 *
 * Nobody believes what lies there. Root looks for a name where it would download otherwise, copies
 * at most the bytes that it expects, and takes the copy when its digest, which the unpack worker
 * computes of what it has written, is the one that root was told by the registry itself; or, of an
 * App Container Image, when the signature that root has got is over these bytes. What
 * is something else is removed, and downloaded. That a file changes while it is read, or is no
 * file, makes no difference.
 *
 * A crash leaves tmp-<hex>, which store_gc removes, as all that has been there for its grace
 *period.
 */
#pragma once

#include "stage0/store/store.h"

/* Exists where the group may read which images there are, and has the mode that it should. Root's.
 */
int inbox_make(struct store *s, struct err *e);
/* May we, who are not root, put something there? */
bool inbox_is_ours(const struct store *s);

/* --- members: s->member --- */

/* A file to write to; its name goes to `tmp`. */
int inbox_new(struct store *s, char tmp[24], struct err *e);
/* The blob of a layer lies there, or what has its name and size, whoever it belongs to. */
bool inbox_has(struct store *s, const char *hex, uint64_t size);
/* It is whole: fd, which is `tmp`, has that sha256 (hex), or this is an error, as it is where
 * another member has something of that name. */
int inbox_keep_layer(struct store *s, int fd, const char *tmp, const char *hex, struct err *e);
/* What a URL gave is whole; on failure as inbox_discard. */
int inbox_keep_url(struct store *s, const char *tmp, const char *url, struct err *e);
void inbox_discard(struct store *s, const char *tmp);

/* --- root --- */

/* "sha256-<hex>", if it has the size and the digest, to the file `to`, which is emptied first.
 * 1: it is there; 0: nobody has downloaded it; else what lies there is no good, and is removed: *e
 * tells, and `to` is empty. */
int inbox_take(struct store *s, const char *hex, uint64_t size, int to, struct err *e);
void inbox_remove(struct store *s, const char *hex);
/* What a URL gave, of at most so many bytes, to the file `to`, of which `use` then says whether it
 * is what it should be, and uses it. 1: it did; 0 and less as above. It is removed in any case. */
typedef int (*inbox_use)(void *ctx, struct err *e);
int inbox_take_url(struct store *s, const char *url, uint64_t max, int to, inbox_use use, void *ctx,
	struct err *e);
