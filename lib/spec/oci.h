/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci: the JSON documents of OCI and Docker images. image-spec 1.1 image-index, manifest, config;
 * Docker's manifest v2 schema 2 and manifest list; `manifest.json` of `docker save`.
 *
 * These documents come from registries and archives, so the program that unpacks does the decoding,
 * confined. What leaves it is a struct oci_answer: fixed in size, without pointers, checked by
 * oci_answer_check(). struct oci_query says what is asked of a document.
 *
 * Digests are "sha256:" and 64 lower-case hex digits, and nothing else. A document that can be read
 * as an index and as a manifest is refused, as are layers that are kept elsewhere ("foreign").
 */
#pragma once

#include <stdint.h>

#include "lib/spec/image.h"

enum {
	OCI_MAGIC = 0x696f6b72,
	OCI_LAYERS_MAX = 128,
	OCI_TEXT_MAX = 256,
	OCI_DIGEST_SIZE = 32,
	OCI_HEX_SIZE = 64
};

enum oci_document {
	OCI_INDEX,	    /* → the descriptor for this platform */
	OCI_MANIFEST,	    /* → config and layers */
	OCI_CONFIG,	    /* → diff ids, and an appc image manifest */
	OCI_DOCKER_ARCHIVE, /* manifest.json → names of config and layers in the archive */
	_OCI_DOCUMENT_MAX,
	OCI_ANY = 64 /* not decoded: nothing but its digests */
};

struct oci_query {
	uint32_t magic;
	uint32_t document;	     /* enum oci_document */
	char os[16], arch[16];	     /* as Go spells them; "" with OCI_CONFIG: as the config says */
	char variant[16];	     /* "v7", "v8" … */
	char ref[OCI_TEXT_MAX];	     /* of an index or archive: the image; "": there is one only */
	char name[OCI_TEXT_MAX];     /* OCI_CONFIG: appc name of the image */
	char tag[OCI_TEXT_MAX];	     /* OCI_CONFIG: its label "version" */
	char original[OCI_TEXT_MAX]; /* OCI_CONFIG: what the user asked for, as an annotation */
};

struct oci_descriptor {
	uint8_t digest[OCI_DIGEST_SIZE];
	uint64_t size;
	uint32_t document; /* what it describes: enum oci_document; of layers unused */
	uint32_t reserved;
};

struct oci_answer {
	uint32_t magic;
	uint32_t n_layers;
	uint8_t sha256[32], sha512[64]; /* of the document */
	struct oci_descriptor chosen;	/* OCI_INDEX: the manifest; OCI_MANIFEST: the config */
	struct oci_descriptor layers[OCI_LAYERS_MAX];	    /* OCI_MANIFEST, lowest first */
	uint8_t diff_ids[OCI_LAYERS_MAX][OCI_DIGEST_SIZE];  /* OCI_CONFIG, lowest first */
	uint8_t chain_ids[OCI_LAYERS_MAX][OCI_DIGEST_SIZE]; /* likewise */
	char paths[OCI_LAYERS_MAX + 1][OCI_TEXT_MAX]; /* OCI_DOCKER_ARCHIVE: layers…, config last */
	char ref_name[OCI_TEXT_MAX]; /* OCI_INDEX, OCI_DOCKER_ARCHIVE: as the image calls itself */
	uint32_t manifest_size;	     /* OCI_CONFIG: bytes of the appc manifest that follows */
	uint32_t reserved;
};

/* `manifest` gets the appc manifest (OCI_CONFIG). Digests and chain_ids are left to the caller, who
 * has a library for them. */
int oci_decode(const struct oci_query *q, const char *bytes, size_t n, struct oci_answer *ret,
	struct str *manifest, struct err *e);
/* What has come from another process: counts are in range, strings end. */
int oci_answer_check(const struct oci_answer *a, struct err *e);

/* "sha256:<hex>" to bytes. */
bool oci_digest_parse(const char *text, uint8_t ret[OCI_DIGEST_SIZE]);
void oci_digest_hex(const uint8_t digest[OCI_DIGEST_SIZE], char ret[OCI_HEX_SIZE + 1]);

/* This machine, in Go's words. */
void oci_platform(struct oci_query *q);

/* "alpine", "quay.io/x/y:1", "localhost/x@sha256:…" → the name that rkt gives such an image
 * ("registry-1.docker.io/library/alpine") and the tag ("latest" where there is none). false: not a
 * reference. */
bool oci_reference_name(
	const char *ref, struct arena *a, const char **ret_name, const char **ret_tag);
/* Any text to an AC identifier, as rkt does for names of registries; NULL: nothing remains. */
const char *oci_identifier(struct arena *a, const char *text);

/* --- oci_app.c: the image configuration as an appc manifest ----------------------------------- */
struct json;
int oci_app_encode(
	struct jctx *c, const struct oci_query *q, const struct json *config, struct str *out);
