/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookaside: where OpenPGP signatures of a registry's images lie: containers-registries.d(5).
 *
 * Of its YAML only what such files consist of is read: two levels of block mappings below `docker`
 * and `default-docker`, of plain or quoted scalars. Anything else is refused with file and line;
 * keys that are not known are passed over. Of what is configured, the most specific scope counts
 * alone: HOST[:PORT]/NAMESPACE/REPOSITORY, and what it begins with, by components.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/base/mem.h"

#define LOOKASIDE_DIR "/etc/containers/registries.d"
#define LOOKASIDE_DEFAULT "file:///var/lib/containers/sigstore"

struct lookaside {
	const char *name; /* that is looked for: docker_ref.h's */
	const char *base; /* the URL; NULL: none so far */
	size_t length;	  /* of the scope that gave it, + 1; 0: none, or the default */
};
/* One file's text. Of two that speak of the same scope, the later is an error. */
int lookaside_read(
	struct lookaside *l, const char *text, const char *file, struct arena *a, struct err *e);
/* The base URL for the repository, from the files *.yaml of the directory, which may be missing. */
int lookaside_find(
	const char *dir, const char *name, struct arena *a, const char **ret, struct err *e);
/* Where signature number n (from 1) of that digest ("sha256:<hex>") lies. */
const char *lookaside_url(
	const char *base, const char *name, const char *digest, unsigned n, struct arena *a);
