/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: images, by content.
 *
 *	cas/blob/sha512/<hex>     what was imported, as it came; named by the id of its image. Of a
 *	                          layered image the manifest that names its layers
 *	cas/blob/sha256/<hex>     a layer of an OCI or Docker image, as it came
 *	cas/image/<hex>           one small JSON record per image: struct image
 *	cas/tree/<hex>/rootfs     the unpacked root filesystem; lower directory of overlays
 *	cas/tree/<hex>/manifest   the image's manifest, as in the archive
 *	cas/tree/<hex>/layers     instead of rootfs: the names of layers, lowest first
 *	cas/tree/<64 hex>/rootfs  an unpacked layer, shared by all images that have it: overlayfs'
 *	                          form. Named by its diff id or, when it depends on the layers below
 *	                          it (stage0/unpack/layer.h), by its chain id
 *	cas/tree/<64 hex>/layer   what it was made of
 *	cas/tree/deps-<32 hex>/   rootfs and manifest of an image that is put together from several:
 *	                          appc's dependencies and path whitelists
 *	cas/tree/deps-<32 hex>/rendered  of which
 *	cas/remote/<key>          which image a URL gave (stage0/store/remote.h)
 *	cas/names                 which records have which name: a hint, made of the records
 *	cas/tmp/                  everything that is not yet true
 *	cas/incoming/             what members of the group rkt have downloaded, and nobody
 *	                          believes (stage0/store/inbox.h)
 *
 * Publishing order: blob, then tree, then the record; each by one rename from cas/tmp after a
 * sync. An image exists exactly when its record does. Deleting goes the other way round. A name in
 * cas/tmp is locked by whoever works on it: what is not locked is left over and may be removed by
 * anyone.
 *
 * A layer is kept by the images' `layers` files, a layer's blob by the layers. Layers are published
 * before the image that wants them, as they are ready: an import that ends early leaves them to the
 * next one, or to the collector. While one is being made, cas/tmp/layer-<hex> is locked, and others
 * who want it wait for that.
 *
 * A tree in use by a pod is kept by the pod's `treeStoreID` files: store_gc and store_remove ask
 * their `tree_in_use` callback. No lock is held across calls, but for the shared lock of a
 * struct treeref, which keeps one tree from being removed between the decision to use it and the
 * moment when the pod's directory says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/spec/image.h"

struct store {
	int dirfd;   /* of cas/ */
	char *path;  /* absolute path of cas/ */
	bool member; /* we are not root, and can but download for root */
};

/* What spoke for an image when it was accepted. */
struct verified {
	const char *mechanism; /* "openpgp", "pem", "cosign", "sigstore-bundle", "simple-signing" */
	const char *key;    /* fingerprint of the key, of the primary one where there are several */
	const char *digest; /* of the bytes that were signed, "sha256-<hex>" */
	const char *name;   /* that the key had to be trusted for; NULL: the image's */
	const char *tag;    /* that was asked for, of a registry's image; NULL: none */
	int64_t time_ns;    /* unix time of the verification */
};

struct image_layer {
	const char *tree;
	int64_t size; /* bytes of its blob and tree */
};
struct image {
	const char *id;			   /* sha512-<128 hex> */
	const char *name;		   /* appc name; labels are in the manifest */
	const char *version;		   /* label "version", or NULL */
	int64_t imported_ns, last_used_ns; /* unix time; last use = mtime of the record */
	uint64_t size;			   /* bytes of blob and tree */
	const char *source;		   /* what it was fetched from, for error texts and JSON */
	bool insecure;			   /* accepted without a signature */
	struct verified *verified;	   /* NULL: insecure, or came with the program */
	struct image_layer *layers;	   /* of a layered image, lowest first */
	size_t n_layers;
};
struct images {
	struct image *v;
	size_t n;
};

struct jenc;
void verified_encode(struct jenc *j, const struct verified *v); /* an object */

/* Opens (and creates where missing) DATA/cas. */
int store_open(struct store *s, const char *data_dir, struct err *e);
bool store_exists(const char *data_dir);
void store_close(struct store *s);

/*
 * Import of an archive by the unpack worker. fd is read once, from where it stands, and remains the
 * caller's; *ret_id is the arena's. An image that is there already is not unpacked again, only its
 * record is renewed.
 *
 * Whether it is trusted is the caller's decision, who is asked twice: `check` sees the bytes before
 * anything of them is unpacked, in a copy that belongs to the store, so that nobody can change
 * afterwards what was checked; `accept` sees the manifest before anything is published, and says in
 * *ret what the record shall tell (ret->mechanism NULL: accepted without a signature). Without
 * them the image is accepted as `insecure` says.
 */
struct import_options {
	bool insecure; /* recorded, unless `accept` says otherwise */
	int (*check)(void *ctx, int fd, struct err *e);
	int (*accept)(
		void *ctx, const struct image_manifest *m, struct verified *ret, struct err *e);
	void *ctx;
	const char *source;   /* recorded */
	uint64_t max_bytes;   /* of the uncompressed archive; 0: the default, 64 GiB */
	uint64_t max_entries; /* 0: the default, 1 million */
	unsigned timeout_s;   /* 0: the default, 3600 */
};
int store_import(struct store *s, int fd, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e);

/* The id that the archive in the file fd, from its beginning, has or will have. */
int store_image_id(int fd, struct arena *a, const char **ret_id, struct err *e);

/* "name[:version][,label=value]…" into its parts; the version is a label, too. */
int store_parse_name(const char *ref, struct arena *a, const char **ret_name,
	struct nvlist *ret_labels, struct err *e);
/* A layered image. `accept` is asked before any layer is, `check` is not: layers have digests. What
 * came without a signature, and now has one, is compared with its layers' blobs first. Layers that
 * the store has are not asked for; the others are unpacked at the same time, as far as there are
 * processors. */
struct layer_source {
	const char *blob;	  /* sha256 that it must have, or NULL: what it has is noted */
	uint64_t size;		  /* likewise, with blob */
	const char *diff, *chain; /* sha256: of it uncompressed, of it on those below (if any) */
};
/* Layers that come from elsewhere while others are unpacked. */
struct layer_supply {
	/* 1: layer i can be opened; 0: not yet. The first time, it is asked for. Of one that flows:
	 * its download is looked after. */
	int (*ready)(void *ctx, size_t i, struct err *e);
	/* 1: layer i flows: *ret_input, the caller's, gives all of its bytes as they come, and
	 * whoever reads them writes them to *ret_copy, which is not the caller's. 0: it does not,
	 * and nothing has happened. */
	int (*flow)(void *ctx, size_t i, int *ret_input, int *ret_copy, struct err *e);
	/* Layer i has flowed. whole: all of it, and its digest is right; 1: it can be opened; 0: it
	 * cannot, and ready() asks for it, or for what is missing. */
	int (*flowed)(void *ctx, size_t i, bool whole, struct err *e);
	/* Until there is more, or one of n descriptors can be read. */
	int (*wait)(void *ctx, const int *fds, size_t n, struct err *e);
	/* Layer i was unpacked and is synced: its blob goes to its place in the store. */
	int (*publish)(void *ctx, size_t i, struct err *e);
	/* Layer i is not what its digest says; where that is not certain, it cannot be read. */
	void (*spoilt)(void *ctx, size_t i, bool certain);
	void *ctx;
};
struct layered_import {
	struct import_options options;
	const char *id;	      /* sha512-<hex> of document */
	const void *document; /* the image's own manifest: kept */
	size_t document_size;
	const char *manifest; /* the appc manifest */
	size_t manifest_size;
	const struct layer_source *layers; /* lowest first */
	size_t n_layers;
	int (*open_layer)(void *ctx, size_t i, struct err *e); /* a descriptor to read, ours */
	const struct layer_supply *supply; /* NULL: all are there, and are copied */
	void *ctx;
};
int store_import_layers(struct store *s, const struct layered_import *in, struct err *e);

/* Reads a document of an OCI or Docker image in a confined process (lib/spec/oci.h). ret_manifest
 * may be NULL. */
struct oci_query;
struct oci_answer;
int store_read_document(const struct oci_query *q, const void *bytes, size_t n,
	struct oci_answer *ret, struct str *ret_manifest, struct err *e);
/* A directory of the store that goes with store_scratch_remove(), filled with the files of an
 * archive. */
struct scratch {
	struct store *s;
	int fd;
	char name[24];
};
int store_scratch(struct store *s, int archive, struct scratch *ret, struct err *e);
void store_scratch_remove(struct scratch *t);

/* `ref`: "sha512-" and at least 2 hex digits (what follows may be cut anywhere), or an appc name
 * with ":version" and ",label=value" parts; of several that match the last imported. Texts of
 * errors as in rkt: "no image IDs found", "image ID too short", "ambiguous image ID". */
int store_resolve(
	struct store *s, const char *ref, struct arena *a, struct image *ret, struct err *e);
/* For who trusts nothing but signatures: of several with the name, those that are not `insecure`
 * come first. What calls itself so takes no name away from what was verified for it. */
int store_resolve_signed(
	struct store *s, const char *ref, struct arena *a, struct image *ret, struct err *e);
int store_get(struct store *s, const char *id, struct arena *a, struct image *ret, struct err *e);
int store_list(struct store *s, struct arena *a, struct images *ret, struct err *e);
int store_manifest(struct store *s, const char *id, struct arena *a, struct image_manifest **ret,
	struct err *e);
/* The manifest's bytes as they are in the archive. */
int store_manifest_bytes(struct store *s, const char *id, struct str *out, struct err *e);
void store_touch(struct store *s, const char *id); /* last used = now; failure does not matter */

/*
 * An image that is put together from several (stage0/depends.h): the images in the order in which
 * they are extracted, itself the last, and what of each counts. Its root filesystem is made once,
 * out of the archives, and shared by pods; the tree has a name of its own, "deps-<32 hex>", that
 * takes the place of an image's id in store_tree(), store_manifest() and for pods. It depends on
 * which images there are: when an image depends on another one by name and that has a newer
 * version, there will be another tree. Once made, it needs none of the images.
 */
struct render_step {
	const char *id;
	bool all;	      /* everything counts; else: */
	struct strlist paths; /* sorted, without a leading '/' */
};
struct render_plan {
	struct render_step *steps;
	size_t n;
	struct strlist images; /* ids in order, with those for which no step is needed */
};
int store_render(struct store *s, const struct render_plan *plan, struct arena *a,
	const char **ret_tree, struct err *e);

/* Trees that were made of an image, or (image NULL) all of them. */
struct rendered {
	const char *tree;
	struct strlist images; /* as in the plan */
	int64_t size;	       /* bytes of all files */
};
struct rendered_list {
	struct rendered *v;
	size_t n;
};
int store_rendered(struct store *s, const char *image, struct arena *a, struct rendered_list *ret,
	struct err *e);
/* Makes the tree anew, as the plan says, and compares. 1: sound; 0: it differed and was replaced.
 */
int store_verify_rendered(
	struct store *s, const char *tree, const struct render_plan *plan, struct err *e);
/* Is that the size of the image's archive, as it came or uncompressed? 1: yes, 0: no. */
int store_has_size(struct store *s, const char *id, uint64_t size, struct err *e);

/* A reference that keeps the tree while it is open (a shared flock on the tree's directory). */
struct treeref {
	int lock_fd;   /* on cas/tree/<hex> */
	int rootfs_fd; /* O_PATH, of cas/tree/<hex>/rootfs; of a layered image its topmost layer's
			*/
	char *path;    /* of that */
	int *layers;   /* of a layered image: O_PATH of each rootfs, topmost first; NULL else */
	struct strv layer_paths;
	size_t n_layers;
};
#define TREEREF_INIT ((struct treeref){ .lock_fd = -1, .rootfs_fd = -1 })
int store_tree(struct store *s, const char *id, struct treeref *ret, struct err *e);
void treeref_release(struct treeref *t);
/* Copies what the tree's root filesystem is, layers merged, into the empty directory dirfd. */
int treeref_copy(const struct treeref *t, int dirfd, struct err *e);

/* True when some pod needs the tree of that id. */
typedef bool (*tree_in_use_fn)(void *ctx, const char *id);

/* Removes the record at once; blob and tree too unless a pod uses the tree (then store_gc does,
 * later). */
int store_remove(struct store *s, const char *id, tree_in_use_fn in_use, void *ctx, struct err *e);
/* A tree that was put together stays as long as its image does, and was used within `grace_s`, or a
 * pod uses it.
 * Removes: left-overs in cas/tmp, trees and blobs without a record and without a pod, and images
 * not used for `grace_s` seconds and without a pod. Each removal is told to `removed` (may be
 * NULL). Goes on past errors, reports the first. */
int store_gc(struct store *s, int64_t grace_s, tree_in_use_fn in_use, void *ctx,
	void (*removed)(void *ctx, const char *id), struct err *e);

/* Compares the tree with the archive, byte by byte, and the archive with the id.
 * 1: sound; 0: it differed, and was replaced by a fresh one made of the blob (or the blob is bad:
 * error). A pod that runs on the damaged tree loses it: stop it first. */
int store_verify(struct store *s, const char *id, struct err *e);
/* What was imported, as it came, to be read; of a layered image its manifest. The caller's. */
int store_archive(struct store *s, const char *id, struct err *e);
/* Writes the image as an uncompressed ACI to fd. */
int store_export(struct store *s, const char *id, int fd, struct err *e);
/* Copies manifest + rootfs (or the rootfs alone) into the empty directory dirfd, in one go. */
int store_extract(struct store *s, const char *id, int dirfd, bool rootfs_only, struct err *e);
/* Packs a directory tree as rootfs/ behind `manifest` into an ACI on fd (rkt export). */
int store_pack(int rootfs_fd, const char *manifest, size_t n, int fd, struct err *e);
