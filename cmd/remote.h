/* SPDX-License-Identifier: Apache-2.0 */
/* remote: images from the network, for session_image(). */
#pragma once

#include "cmd/session.h"
#include "stage0/trust/pubkey.h"

/* new, update or never; parsing has translated the old names of them. */
const char *pull_policy(const struct cli *cli);

/* signature: a file, or NULL: it lies beside the image. */
int remote_image_by_name(struct session *s, const char *name, const char *signature,
	struct image *ret, struct err *e);
/* What an image depends on: operating system and processor need not be said in its manifest.
 * size: of the archive; 0: any. */
int remote_dependency(
	struct session *s, const char *name, uint64_t size, struct image *ret, struct err *e);
int remote_image_by_url(struct session *s, const char *url, const char *signature,
	struct image *ret, struct err *e);

/* Keys. With --insecure-allow-http over http, too. */
int remote_keys_discover(struct session *s, const char *name, struct strlist *ret, struct err *e);
/* *ret is to be released in any case. */
int remote_keys_fetch(struct session *s, const char *url, struct pubkeys *ret, struct err *e);
