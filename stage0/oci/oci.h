/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci: images of OCI and Docker from files and directories into the store.
 *
 *	oci:DIR[:REF]             a layout (image-spec image-layout.md); REF is the annotation
 *	                          org.opencontainers.image.ref.name
 *	oci-archive:FILE[:REF]    the same in a tar archive
 *	docker-archive:FILE[:REF] what `docker save` writes; REF is one of its tags
 *
 * Every document and every archive is read by the unpack worker. A layout is only ever opened
 * below its directory, and only its regular files are.
 */
#pragma once

#include <stdbool.h>

#include "lib/spec/oci.h"
#include "stage0/store/store.h"
#include "stage0/trust/layered.h"

enum oci_transport { OCI_LAYOUT, OCI_ARCHIVE, OCI_SAVED, _OCI_TRANSPORT_MAX };

struct oci_ref {
	enum oci_transport transport;
	const char *path;
	const char *ref; /* "" where none is given */
};
/* False: `text` is no reference of these kinds. */
bool oci_ref_parse(const char *text, struct arena *a, struct oci_ref *ret);

/* May it be used? Called before anything of it is unpacked; what o->accept says then is recorded.
 */
struct oci_gate {
	int (*accept)(void *ctx, const struct layered_subject *subject,
		const struct signature_source *own, struct err *e);
	void *ctx;
};
/* gate: NULL: the caller has decided that it is trusted. Returns the id (arena). */
int oci_import(struct store *s, const struct oci_ref *ref, const struct oci_gate *gate,
	const struct import_options *o, struct arena *a, const char **ret_id, struct err *e);

/* --- image.c: from a manifest's digest on; also for images from elsewhere -------------------- */

/* Where the documents and layers of an image are. */
struct oci_named {
	const char *name; /* that keys must be trusted for: lib/spec/docker_ref.h's, if it is one */
	const char *tag;
	bool repository; /* it is one */
};
struct oci_source {
	/* A descriptor to read of the blob with that digest. */
	int (*open_blob)(void *ctx, const char *hex, struct err *e);
	/* The same of an index or manifest; NULL: they are blobs. */
	int (*open_manifest)(void *ctx, const char *hex, struct err *e);
	/* The image's manifest is known and is what its digest says; nothing that it names has been
	 * asked for. May be NULL. */
	int (*chosen)(void *ctx, const struct oci_answer *manifest, const struct oci_named *named,
		struct err *e);
	const struct layer_supply *supply; /* of that manifest's layers; NULL: they are there */
	void *ctx;
};
struct oci_wish {
	const char *ref;      /* in the first index; "" for the only one */
	const char *name;     /* appc name; NULL: by ref_name of the index, else fallback */
	const char *tag;      /* label "version", with name */
	const char *fallback; /* name where the image has none of its own */
	const char *original; /* as the user said it */
};
/* From an index, through others, to the manifest for this machine. */
struct oci_found {
	struct oci_answer manifest;
	struct str bytes;	     /* of it */
	char ref_name[OCI_TEXT_MAX]; /* what the index calls it */
};
struct oci_found *oci_found_new(void);
void oci_found_free(struct oci_found *f);
/* ref, document and index as below; only documents are asked of the source. */
int oci_find_manifest(const struct oci_source *src, const char *ref, unsigned document,
	const struct str *index, struct oci_found *ret, struct err *e);
const char *oci_image_id(const struct oci_found *f, struct arena *a);

/* `index`: the bytes of an index or manifest as `document` (enum oci_document) says. */
int oci_import_index(struct store *s, const struct oci_source *src, const struct oci_wish *wish,
	unsigned document, const struct str *index, const struct import_options *o, struct arena *a,
	const char **ret_id, struct err *e);
/* What the image is called, for those who trust keys. ref_name: what the index calls it. */
int oci_trust_name(const struct oci_wish *wish, const char *ref_name, struct arena *a,
	struct oci_named *ret, struct err *e);
/* An image whose configuration and layers are known: diff ids come from the configuration. */
struct oci_parts {
	const struct str *document; /* the id is its sha512; NULL: of the configuration's */
	const uint8_t *document_sha512;
	const struct str *config;
	const uint8_t *config_digest;	     /* sha256 that it must have, or NULL */
	const struct oci_descriptor *layers; /* NULL: blobs of any digest */
	size_t n_layers;
	int (*open_layer)(void *ctx, size_t i, struct err *e);
	const struct layer_supply *supply; /* or NULL */
	void *ctx;
};
int oci_import_parts(struct store *s, const struct oci_parts *parts, const struct oci_wish *wish,
	const char *ref_name, const struct import_options *o, struct arena *a, const char **ret_id,
	struct err *e);
