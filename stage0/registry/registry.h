/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry: images of OCI and Docker from registries; distribution-spec 1.1, and Docker's API v2.
 *
 *	docker://[REGISTRY/]NAME[:TAG|@DIGEST]	docker:NAME means the same
 *
 * Without a registry it is Docker Hub, registry-1.docker.io, where NAME without a '/' is
 * library/NAME. Only https is spoken. With remote->allow_http (--insecure-options=http) a registry
 * that does not answer over TLS is asked over http; none is by itself, localhost neither.
 *
 * Whatever is asked for by digest is checked against it, by another process than the one that
 * received it; a digest is "sha256:" and 64 lower-case hex digits and nothing else. What a tag
 * gives is checked against Docker-Content-Digest. Who we are for the registry is login.h's.
 *
 * A struct registry is one repository of one registry. registry_pull() is the whole way from a
 * reference to an image in the store:
 *
 *	note        what the tag gave the last time; asked for with If-None-Match, and when it is
 *	            still that, that is all
 *	documents   index → manifest for this machine → configuration, each by digest
 *	accept      between the manifest and the first layer the caller is asked whether it may be
 *	layers      those that the store lacks, several at once, unpacked as they come
 *	            (stage0/store/layer_file.h: resumed, and once for all who want them)
 */
#pragma once

#include "lib/spec/oci.h"
#include "stage0/fetch.h"
#include "stage0/remote/remote.h"

enum { REGISTRY_DIGEST_SIZE = sizeof "sha256:" + OCI_HEX_SIZE, REGISTRY_PAGES_MAX = 16 };

/* --- reference.c ------------------------------------------------------------------------------ */

struct registry_ref {		/* the arena's */
	const char *host;	/* HOST[:PORT] that is asked */
	const char *repository; /* "library/alpine" */
	const char *tag;	/* NULL: with a digest only */
	const char *digest;	/* "sha256:<hex>", which then counts alone; NULL: none */
	const char *name;	/* of the image: "registry-1.docker.io/library/alpine" */
	const char *version;	/* … its tag; "sha256-<hex>" without */
	const char *text;	/* "docker://HOST/REPOSITORY:TAG" or "…@DIGEST" */
};
/* `text` begins with "docker:". */
bool registry_is_ref(const char *text);
/* Its errors leave it to the caller to say which text is meant. */
int registry_ref_parse(const char *text, struct arena *a, struct registry_ref *ret, struct err *e);

/* --- registry.c ------------------------------------------------------------------------------- */

struct registry_options {
	const struct remote *remote; /* store, auths, allow_http, no_tls_check */
	const struct auths *docker_auths;
};
struct registry;
/* Everything that is given lives until registry_close(). */
struct registry *registry_open(const struct registry_options *o, const struct registry_ref *ref);
void registry_close(struct registry *g); /* NULL is fine */

struct registry_document {
	struct str bytes;
	char digest[REGISTRY_DIGEST_SIZE]; /* of bytes */
	char type[128];			   /* as the registry says: "application/…" */
	char next[FETCH_URL_SIZE];	   /* of referrers: where it goes on; "" nowhere */
	bool filtered;			   /* of referrers: by artifactType, as was asked for */
};
#define REGISTRY_DOCUMENT_INIT ((struct registry_document){ .bytes = STR_INIT(STR_MAX_MANIFEST) })
void registry_document_release(struct registry_document *d);
static inline void registry_document_cleanup(struct registry_document *d)
{
	registry_document_release(d);
}

/* A manifest or index by tag or digest. -ENOENT: there is none. known: the digest of one that is
 * not wanted again, or NULL: then 1 says that it is still that one, and *ret is untouched. Nothing
 * of the bytes has been looked at. */
int registry_get_manifest(struct registry *g, const char *reference, const char *known,
	struct registry_document *ret, struct err *e);
/* A blob of at most so many bytes. -ENOENT: there is none. */
int registry_get_blob(
	struct registry *g, const char *digest, uint64_t max, struct str *ret, struct err *e);
/* The index of what refers to that digest: by the API, else by the tag "sha256-<hex>". -ENOENT:
 * there is nothing. artifact_type may be NULL; where ret->filtered is not set, other types are in
 * it as well. page: NULL, then what was in ->next, REGISTRY_PAGES_MAX times at most. */
int registry_get_referrers(struct registry *g, const char *digest, const char *artifact_type,
	const char *page, struct registry_document *ret, struct err *e);
/* OCI_INDEX or OCI_MANIFEST; what is no image of ours is refused. */
int registry_document_kind(const struct registry_document *d, struct err *e);

/* --- pull.c ----------------------------------------------------------------------------------- */

/* What was found, before anything of it is downloaded. */
struct registry_candidate {
	const struct registry_ref *ref;
	/* What the name gave first, the manifest of the image last; each but the first is named by
	 * digest in the one before. */
	const struct registry_document *documents;
	size_t n;
};
struct registry_layer {
	const char *hex; /* sha256 of its blob */
	uint64_t bytes, total;
	bool active;	/* bytes are coming */
	bool elsewhere; /* another process downloads it */
};
struct registry_pull {
	struct registry_options o;
	const struct import_options *import;
	/* May the image be used? NULL: it may. */
	int (*accept)(
		void *ctx, struct registry *g, const struct registry_candidate *c, struct err *e);
	/* May what the name gave the last time be used without asking again? NULL: it may if it
	 * came with a signature, or nobody asks for one. */
	bool (*usable)(void *ctx, const struct image *image);
	/* The layers that the store lacked, now and then; or NULL. done: the last time. */
	void (*progress)(void *ctx, const struct registry_layer *v, size_t n, bool done);
	/* Something was wrong, and is mended: one line for people; or NULL. */
	void (*warn)(void *ctx, const struct err *why);
	void *ctx;
};
/* An image by digest that is here is not asked for, one by tag is asked for once. */
int registry_pull(const struct registry_pull *p, const struct registry_ref *ref, struct arena *a,
	struct image *ret, struct err *e);
/* For a member of the group rkt (store->member): the layers to where root finds them
 * (stage0/store/inbox.h), unless the store has the image, and the id that the image has. `accept`
 * is asked as always; nobody believes the answer but who asks. *ret_here: it is in the store. */
int registry_prefetch(const struct registry_pull *p, const struct registry_ref *ref,
	struct arena *a, const char **ret_id, bool *ret_here, struct err *e);
/* What that name gave the last time; -ENOENT: it is not in the store. */
int registry_stored(struct store *s, const struct registry_ref *ref, struct arena *a,
	struct image *ret, struct err *e);
