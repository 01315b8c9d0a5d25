/* SPDX-License-Identifier: Apache-2.0 */
/* judge: whether an image with layers may come in, for whoever brings one: stage0/trust/layered.h
 * with this session's keys, and the signature that the user names. */
#pragma once

#include "cmd/session.h"
#include "stage0/oci/oci.h"
#include "stage0/registry/registry.h"

struct judge {
	struct session *s;
	const char *signature; /* a file that the user names; then nothing else is looked at */
	const struct remote *remote;
	struct verified verified; /* what was found */
};
/* An image that was found in the store, and is to be used by a signature that the user names: over
 * the archive as it came. With layers it is refused: what was signed is not kept. */
int judge_found(struct session *s, struct image *found, const char *signature, struct err *e);
/* For o->accept: what was found is recorded. With --insecure-options=image nobody asks. */
struct import_options judge_options(struct judge *j, const char *source);
/* NULL: nobody asks. */
struct oci_gate judge_gate(struct judge *j);
int judge_registry(
	void *judge, struct registry *g, const struct registry_candidate *c, struct err *e);
/* The store calls images of "r.example:5000/a" and of "r.example-5000/a" the same, keys are trusted
 * for one of them. An image that was found by a name that is not its repository's is refused where
 * the store has another repository's, or an appc image, of that name. */
int judge_name(struct session *s, const struct image *found, struct err *e);
/* May an image that is in the store be used under that name, as it is? When not, *why says why
 * the registry must be asked. */
bool judge_stored(struct session *s, const struct registry_ref *ref, const struct image *image,
	struct err *why);
