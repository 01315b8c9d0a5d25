/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layered: whether an image of OCI or Docker may come in.
 *
 * It may when one signature, found in whatever way, is good (the fetch worker's judgement), is by
 * a key in force for the name that was asked for, is over a document that leads to the image (its
 * manifest, or an index in which that was found by digest), and names, if it names any, the
 * repository that was asked for; by a key with --match=exact its tag, too. See layered_decide() in
 * the file beside this one: nothing else decides.
 *
 * Documents come from a source that is asked in turn until one signature will do. What a source
 * gives is bytes; nobody looks at them here.
 */
#pragma once

#include "stage0/store/store.h"
#include "stage0/trust/keystore.h"
#include "stage0/trust/proofs.h"

struct layered_subject {
	const char *name; /* that was asked for; of a registry's image as docker_ref.h has it */
	const char *tag;  /* likewise; NULL: a digest was asked for, which nobody can move */
	bool repository;  /* the name is one of a registry: what a signature says can be compared */
	const char *transport; /* for policy.h: "docker", "oci"… */
	const char *path;      /* of what is no registry's: where it lies, in full */
	const char *digest;    /* that was asked for, "sha256:<hex>"; NULL: none was */
	const struct signed_document *documents; /* what the name gave first, the manifest last */
	size_t n;
};

struct signature_source {
	const char *what;  /* for texts: "the tag sha256-….sig" */
	bool pem, openpgp; /* which kind of key signs such */
	bool once;	   /* it is not asked anew for each document */
	/* Adds what there is about a document. Nothing is no error. */
	int (*collect)(
		void *ctx, const struct signed_document *d, struct evidence *v, struct err *e);
	void *ctx;
};
struct signature_sources {
	const struct signature_source *v;
	size_t n;
};

/* 0: it may, and *ret (arena) says what spoke for it; mechanism NULL: it needs no signature. */
int layered_accept(const struct keystore *ks, const struct layered_subject *subject,
	const struct signature_sources *sources, struct arena *a, struct verified *ret,
	struct err *e);
/* The sources are asked for nothing when nobody could have signed it. */

/* 1: signatures of `name` by that key must name the tag (--match=exact). */
int layered_is_exact(const struct keystore *ks, const char *name, const char *fingerprint,
	struct arena *a, struct err *e);
