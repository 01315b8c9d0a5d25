/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: the wire format between stage0 and the unpack worker; the only header that they share.
 *
 * One struct unpack_request goes to the worker, one struct unpack_answer comes back, each in one
 * packet on descriptor WORKER_SOCKET (stage0/worker.h). Both have a fixed size, a magic number and
 * a version; both sides check them before they look further. The other descriptors are
 *
 *	UNPACK_FD_INPUT   the archive, read from where it stands to its end (a pipe will do);
 *	                  for UNPACK_PACK the image manifest
 *	UNPACK_FD_DIR     the directory that becomes the worker's root; missing for UNPACK_DOCUMENT
 *	                  and UNPACK_COPY, and where UNPACK_PLAIN need not stay on a filesystem
 *	UNPACK_FD_OUTPUT  what the mode says; may be missing for UNPACK_TREE and UNPACK_LAYER
 *	UNPACK_FD_LOWER   a directory to read, for UNPACK_LAYER and UNPACK_SAME; for UNPACK_RENDER a
 *	                  list of paths (stage0/unpack/render.h)
 *
 * Strings of the answer come from a process that has read hostile bytes: err_sanitize() them.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

enum { UNPACK_MAGIC = 0x726b7455, UNPACK_VERSION = 4 };
enum { UNPACK_FD_SOCKET = 3, UNPACK_FD_INPUT, UNPACK_FD_DIR, UNPACK_FD_OUTPUT, UNPACK_FD_LOWER };
enum { UNPACK_DIGEST_SIZE = 64, UNPACK_SHA256_SIZE = 32 };

enum unpack_mode {
	UNPACK_TREE, /* archive → DIR/manifest, DIR/rootfs; its bytes as they come → OUTPUT */
	UNPACK_COMPARE, /* archive against DIR; differences are counted */
	UNPACK_PLAIN,	/* archive → OUTPUT, decompressed; DIR is an empty place to stay in */
	UNPACK_PACK, /* manifest and DIR (a root filesystem) → OUTPUT, an uncompressed archive */
	/* One layer of an OCI or Docker image → DIR/rootfs, whiteouts as overlayfs has them; its
	 * bytes as they come → OUTPUT. LOWER: all layers below it, merged; none: it is the lowest
	 */
	UNPACK_LAYER,
	UNPACK_FILES, /* archive → DIR; files, directories and links only */
	UNPACK_SAME,  /* DIR against LOWER, two trees; differences are counted */
	/* One appc image over what earlier ones have left in DIR/rootfs, which is made where there
	 * is none. INPUT is a file: it is read twice. LOWER: the paths that count; none: all. */
	UNPACK_RENDER,
	UNPACK_COPY,	 /* INPUT → OUTPUT as it is, and its sha256; OUTPUT may be missing */
	UNPACK_DOCUMENT, /* struct oci_query and JSON → OUTPUT: struct oci_answer, a manifest */
	_UNPACK_MODE_MAX
};

enum unpack_flags {
	UNPACK_NO_ISAL = 1, /* inflate gzip with zlib, as where ISA-L is missing */
	/* UNPACK_LAYER without LOWER: the layers below are not known. Where they matter, stop and
	 * say so: UNPACK_NEEDS_LOWER, and nothing else in the answer means anything. */
	UNPACK_ALONE = 2,
	UNPACK_MEASURE = 4, /* UNPACK_RENDER: tree_bytes is all of what lies in DIR/rootfs now */
};

enum unpack_notes {		/* of UNPACK_LAYER */
	UNPACK_NEEDS_LOWER = 1, /* what was made depends on the layers below it */
	UNPACK_OPAQUE_TOP = 2,	/* nothing of the layers below is seen */
};

struct unpack_request {
	uint32_t magic, version;
	uint32_t mode, flags;
	uint64_t max_bytes;   /* of the uncompressed archive, and of all files together */
	uint64_t max_entries; /* of the archive */
	uint64_t max_input;   /* of the archive as it comes; 0: as much as there is */
	uint64_t cpu_seconds;
};

struct unpack_answer {
	uint32_t magic, version;
	int32_t result;			    /* 0, or a negative errno that err explains */
	uint32_t notes;			    /* enum unpack_notes */
	uint8_t digest[UNPACK_DIGEST_SIZE]; /* of the uncompressed archive: sha512; of a layer the
					     * sha256, in its first half */
	uint8_t input_digest[UNPACK_SHA256_SIZE]; /* of a layer, or a copy, as it came */
	uint64_t input_bytes;			  /* as they came: the blob's size */
	uint64_t bytes;				  /* uncompressed */
	uint64_t entries;
	uint64_t tree_bytes;  /* contents of all files */
	uint64_t differences; /* UNPACK_COMPARE, UNPACK_SAME; then err says what the first one is */
	struct err err;
};
_Static_assert(sizeof(struct unpack_request) == 48, "fixed on the wire");
_Static_assert(sizeof(struct unpack_answer) == 152 + sizeof(struct err), "fixed on the wire");
