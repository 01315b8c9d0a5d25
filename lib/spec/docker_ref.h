/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_ref: what an image of a registry is called, in full. "debian" is
 * "docker.io/library/debian" with the tag "latest"; docker.io, index.docker.io and
 * registry-1.docker.io are one registry. Grammar: distribution/reference of the Docker registry.
 *
 * That is the name that keys are trusted for; the name that the store gives such an image
 * (oci_reference_name() of lib/spec/oci.h) is not as exact.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/mem.h"

enum { DOCKER_REF_NAME_MAX = 320, DOCKER_REF_TAG_MAX = 128 };

struct docker_ref {
	const char *name;   /* "docker.io/library/debian", "localhost:5001/a/b" */
	const char *tag;    /* "latest" where there is neither tag nor digest; NULL: digest alone */
	const char *digest; /* "sha256:<64 hex>"; NULL: none */
	bool tagged;	    /* the tag was written down */
};
/* False: it is no reference. */
bool docker_ref_parse(const char *text, struct arena *a, struct docker_ref *ret);

/* The same with registry-1.docker.io and index.docker.io called docker.io, of a name or the
 * beginning of one. */
const char *docker_ref_canonical(const char *name, struct arena *a);
