/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signatures: where a registry keeps those of its images.
 *
 *	the tag sha256-<hex>.sig    cosign's, up to version 2
 *	referrers                   sigstore bundles, and cosign's in that place:
 *	                            the API, or the tag sha256-<hex>
 *	lookaside                   OpenPGP, outside of the registry:
 *	                            stage0/trust/lookaside.h
 */
#pragma once

#include "stage0/registry/registry.h"
#include "stage0/trust/layered.h"

enum { REGISTRY_SIGNATURE_SOURCES = 3 };
struct registry_signatures {
	struct registry *g;
	const struct registry_ref *ref;
	const struct remote *remote;
	const char *lookaside_dir; /* LOOKASIDE_DIR */
	struct arena *a;
};
void registry_signature_sources(
	struct registry_signatures *s, struct signature_source ret[REGISTRY_SIGNATURE_SOURCES]);
