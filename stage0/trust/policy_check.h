/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_check: does an image meet containers-policy.json(5)? A further condition, where the
 * configuration has one (kind "trust"): what the keystore says must hold, too.
 *
 * Signatures are verified as layered.h's are, by the fetch worker, with the policy's own keys:
 * simple signing for "signedBy", cosign's for "sigstoreSigned". As where that file comes from, a
 * signature must be over the image's manifest itself, not over an index that leads to it.
 */
#pragma once

#include "stage0/trust/layered.h"
#include "stage0/trust/policy.h"

#define POLICY_SYSTEM "system"
#define POLICY_FILE "/etc/containers/policy.json"
#define POLICY_HOME_FILE ".config/containers/policy.json"

struct policy_file {
	struct policy policy;
	const char *path;
};
/* configured: the path of a file, which must be there; POLICY_SYSTEM: POLICY_HOME_FILE below the
 * home directory `home` (NULL: there is none), else POLICY_FILE. */
int policy_load(const char *configured, const char *home, struct arena *a, struct policy_file *ret,
	struct err *e);

/* The image, as a policy speaks of it. */
struct policy_image policy_image_of(const struct layered_subject *subject);

/* 0: it may come in. The sources are asked only if signatures are wanted. */
int policy_accept(const struct policy_file *p, const struct layered_subject *subject,
	const struct signature_sources *sources, struct arena *a, struct err *e);

/* What is wanted of an image, for people: `signedBy, 2 files of keys, matchRepository`. */
const char *policy_text(const struct policy_requirement *q, struct arena *a);
