/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: containers-policy.json(5): what it asks of an image. Parsing and choosing alone; whether
 * an image meets it is policy_check.h's.
 *
 * The grammar is strict, as that page wants it: a member that is not known, or is there twice, or
 * is null, makes the file an error. What is known, but cannot be verified here (keyless signatures,
 * X.509), is kept, and refuses every image that it is asked of.
 *
 * Of all scopes that fit an image the most specific counts alone; all of its requirements must
 * hold.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/jdec.h"

enum policy_identity_kind {
	POLICY_REPO_DIGEST_OR_EXACT, /* the default: the tag, too, unless a digest is asked for */
	POLICY_EXACT,
	POLICY_REPOSITORY,
	POLICY_EXACT_REFERENCE,
	POLICY_EXACT_REPOSITORY,
	POLICY_REMAP,
	_POLICY_IDENTITY_MAX
};
struct policy_identity {
	enum policy_identity_kind kind;
	const char *reference;	      /* EXACT_REFERENCE, EXACT_REPOSITORY: as written */
	const char *prefix, *becomes; /* REMAP: whole components */
};

enum policy_kind { POLICY_ACCEPT, POLICY_REJECT, POLICY_SIGNED_BY, POLICY_SIGSTORE };
struct policy_requirement {
	enum policy_kind kind;
	const char *unsupported; /* what of it cannot be verified; NULL: nothing */
	struct strlist paths;	 /* of files of keys, or */
	struct strlist data;	 /* what is in them, in base64 */
	struct policy_identity identity;
};

struct policy_scope {
	const char *name; /* "": whatever has no scope of its own */
	struct policy_requirement *v;
	size_t n; /* at least one */
};
struct policy_transport {
	const char *name;
	struct policy_scope *scopes;
	size_t n;
};
struct policy {
	struct policy_scope otherwise; /* "default" */
	struct policy_transport *transports;
	size_t n;
};
int policy_parse(const char *bytes, size_t n, struct arena *a, struct policy *ret, struct err *e);

/* An image, as such files speak of it. */
struct policy_image {
	const char *transport; /* "docker", "oci", "oci-archive", "docker-archive" */
	/* docker: lib/spec/docker_ref.h's; oci, oci-archive: the absolute path; else "" */
	const char *name;
	const char *tag, *digest; /* of docker: one of them, or both; else NULL */
};
/* What counts for it; *ret_where (arena) is for texts: `docker scope "r.example/team"`. */
const struct policy_scope *policy_for(const struct policy *p, const struct policy_image *image,
	struct arena *a, const char **ret_where);

/* A docker-reference in full; tag and digest "": it does not say. */
struct policy_reference {
	const char *name, *tag, *digest;
};
/* Is what a signature says that it is for what is asked for? */
bool policy_matches(const struct policy_identity *identity, const struct policy_image *image,
	const struct policy_reference *is_signed, struct arena *a);
