/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: what the store remembers of places on the network.
 *
 *	cas/remote/<key>         which image a URL gave, and for how long it may be taken for fresh
 *	cas/tmp/part-<key>       a download: locked by whoever works on it, kept when it is cut
 *	cas/tmp/info-<key>       what the fetch worker tells about it (stage0/fetch.h)
 *
 * A key is 32 hex digits made of the URL. That two URLs have the same key is unlikely, and
 * harmless: a note says which URL it is about, and parts are only waited for.
 */
#pragma once

#include "stage0/store/store.h"

struct remote_note {
	const char *url;
	const char *etag;  /* NULL: none */
	const char *image; /* id */
	int64_t fetched_ns, max_age_s;
};
/* -ENOENT: there is none, or its image is gone. */
int store_note_read(
	struct store *s, const char *url, struct arena *a, struct remote_note *ret, struct err *e);
int store_note_write(struct store *s, const struct remote_note *note, struct err *e);

/* Where info_fd has which boot of the machine the part belongs to; in front of it is room for what
 * whoever downloads notes. */
enum { PART_BOOT_AT = 4096 };
struct part {
	struct store *s;
	int fd, info_fd; /* both read and write */
	bool waited;	 /* somebody else worked on it until now */
	char name[48], info_name[48];
};
#define PART_INIT ((struct part){ .fd = -1, .info_fd = -1 })
/* Waits for whoever downloads the same URL. */
int store_part_open(struct store *s, const char *url, struct part *ret, struct err *e);
/* It is no longer needed. */
void store_part_remove(struct part *p);
/* Lets go of it; what is there stays for the next one, or for store_gc. */
void store_part_close(struct part *p);
static inline void part_cleanup(struct part *p)
{
	store_part_close(p);
}
