/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: appc images from the network, by URL and by name.
 *
 * Every byte is fetched and parsed by the fetch worker (stage0/fetch.h); what it answers is typed,
 * and what is decided here is: what is asked for, what is worth asking again, what is still fresh,
 * and whether the image is the one that was asked for. Nothing is imported here: the caller's
 * `import` gets the file and its signature.
 *
 * What a member of the group rkt fetches (store->member) is downloaded to where root finds it
 * (stage0/store/inbox.h), after `import` has looked at it; of the image only the id is set. Root
 * takes it from there if the signature that the server has is over these bytes.
 *
 * Ways out are as with curl: HTTPS_PROXY, NO_PROXY and so on, CURL_CA_BUNDLE, SSL_CERT_FILE,
 * SSL_CERT_DIR.
 */
#pragma once

#include "lib/spec/image.h"
#include "stage0/config.h"
#include "stage0/store/store.h"

/* "name[:version][,label=value]…" */
struct wanted {
	const char *name;
	struct nvlist labels;
};

struct download {
	int fd;	    /* of the archive, complete */
	int asc_fd; /* of its detached signature; -1: there is none, or nobody asked for one */
	const char *asc_url;
	const char *url;
	const struct wanted *wanted; /* NULL: whatever the URL gives */
};

struct remote {
	struct store *store;
	const struct auths *auths;
	bool allow_http;   /* http:// too, and secrets over it */
	bool no_tls_check; /* whoever answers is believed */
	bool insecure;	   /* signatures are not asked for */
	bool any_platform; /* an image found by name need not have the labels os and arch, unless
			    * they were asked for */
	uint64_t size;	   /* that an image's archive should have, perhaps compressed; 0: any */
	bool unsigned_too; /* some images need none: one that is missing is no failure yet */
	int signature_fd;  /* the signature that the user names; -1: it is asked for */
	int (*import)(void *ctx, const struct download *d, const char **ret_id, struct err *e);
	/* Called now and then while a file is downloaded, and with done when it is there; may be
	 * NULL. total 0: unknown. */
	void (*progress)(void *ctx, const char *url, uint64_t bytes, uint64_t total, bool done);
	/* Something was wrong, and is mended: one line for people; or NULL. */
	void (*warn)(void *ctx, const struct err *why);
	void *ctx;
};

/* An image at an http(s) URL; its signature is the URL's .aci made .aci.asc. */
int remote_fetch_url(
	const struct remote *r, const char *url, struct arena *a, struct image *ret, struct err *e);
/* Discovery (appc 0.8.11 spec/discovery.md), then the same. Where no page says where the image is,
 * it may be at https://NAME-VERSION-OS-ARCH.aci itself: simple discovery of earlier versions of
 * appc. */
int remote_fetch_name(
	const struct remote *r, const char *ref, struct arena *a, struct image *ret, struct err *e);

/* What a URL gave the last time; -ENOENT: it is not in the store. */
int remote_stored_url(
	const struct remote *r, const char *url, struct arena *a, struct image *ret, struct err *e);

/* Where the keys for a name lie: ac-discovery-pubkeys, URLs in the arena. */
int remote_discover_keys(const struct remote *r, const char *name, struct arena *a,
	struct strlist *ret, struct err *e);
/* A small file, as a key is, in a fresh descriptor. */
int remote_fetch_small(
	const struct remote *r, const char *url, uint64_t max, int *ret_fd, struct err *e);
