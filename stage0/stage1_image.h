/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage1_image: which stage1 a pod gets.
 *
 * One of the --stage1-* flags (a name is looked for in the store, and where it is not there by
 * discovery), else the configured image, else `stage1-native.aci` beside the
 * program. Images that are in the store already (by name, by id) and those from the directory that
 * the program was installed with are trusted; any other needs a signature (stage0/trust/accept.h)
 * or
 * --insecure-options=image.
 *
 * The id of the default image is linked into `rkt` (mk/stage1.mk), so that finding it in the store
 * costs one look.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/spec/image.h"
#include "stage0/config.h"
#include "stage0/store/store.h"
#include "stage0/trust/keystore.h"

struct stage1_image { /* resolved, and in the store */
	const char *id;
	const struct image_manifest *manifest;
};

/* Gets an image by URL or name from the network, verified as any other, into the store. */
struct stage1_remote {
	int (*fetch)(void *ctx, const char *what, const char **ret_id, struct err *e);
	void *ctx;
};
struct stage1_choice { /* of the command line; at most one of the first is not NULL */
	const char *name, *path, *url, *hash, *from_dir;
	const struct stage1_remote *remote; /* NULL: only what is here */
};
int stage1_image_resolve(struct store *s, const struct config *c, const struct keystore *ks,
	const struct stage1_choice *choice, bool insecure, struct arena *a,
	struct stage1_image *ret, struct err *e);

/* An entry point ("run", "enter", "gc", "stop"): absolute path in the image, NULL when it has none
 * or one that leads out of it. */
const char *stage1_entry(const struct image_manifest *m, const char *what);
/* Its interface version: 1 where it says nothing. Refuses what is newer than ours. */
int stage1_interface(const struct image_manifest *m, unsigned *ret, struct err *e);
/* True when it may be bound read-only: STAGE1_ANNOTATION_READ_ONLY. */
bool stage1_read_only(const struct image_manifest *m);
/* True when it says what it enforces, and obeys --strict-isolators: STAGE1_ANNOTATION_REPORT. */
bool stage1_reports(const struct image_manifest *m);
/* True when its `enter` knows --privileged: STAGE1_ANNOTATION_PRIVILEGED. */
bool stage1_enters_privileged(const struct image_manifest *m);
