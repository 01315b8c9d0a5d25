/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept: an image comes into the store when somebody who is trusted for its name has signed its
 * bytes.
 *
 *  1. The store makes a copy of the bytes, or finds that it has them.
 *  2. The fetch worker verifies the signature over that copy with all keys that lie in the
 *     keystore. Without one good signature nothing is unpacked.
 *  3. The image is unpacked by the unpack worker; the name and the labels in its manifest must be
 *     those that were asked for.
 *  4. One of the good signatures must be by a key that is in force for that name.
 */
#pragma once

#include "stage0/store/store.h"
#include "stage0/trust/keystore.h"

struct accept_request {
	const char *source;    /* where it comes from: recorded */
	int signature_fd;      /* -1: there is none */
	const char *signature; /* what it is called: a path, a URL */
	bool insecure;	       /* --insecure-options=image: nothing is verified */
	const char *name;      /* that was asked for; NULL: whatever is in the file */
	const struct nvlist *labels;
	uint64_t max_bytes, max_entries; /* as for store_import */
};
int accept_image(struct store *s, const struct keystore *ks, int fd, const struct accept_request *q,
	struct arena *a, const char **ret_id, struct err *e);

/* For who may not import: would the signature do, whatever name it turns out to be for? *ret_id:
 * that the image will have. Without a signature it is refused. */
int accept_look(const struct keystore *ks, int fd, const struct accept_request *q, struct arena *a,
	const char **ret_id, struct err *e);

/* A local file, with its signature in `signature` or beside it: "X.aci" and "X" are signed in
 * "X.aci.asc". */
struct accept_file {
	const char *path;
	const char *signature; /* NULL: beside it */
	bool insecure;
	const char *name; /* as above */
	const struct nvlist *labels;
};
int accept_image_file(struct store *s, const struct keystore *ks, const struct accept_file *file,
	struct arena *a, const char **ret_id, struct err *e);

/* Name and labels of a manifest are those that were asked for. */
int accept_check_name(const struct image_manifest *m, const char *name, const struct nvlist *labels,
	struct err *e);

/* Does what spoke for an image (image->verified) when it came still hold? 1: yes; 0: no, and *e
 * says why. */
int accept_still_holds(
	const struct keystore *ks, const struct image *image, struct arena *a, struct err *e);
