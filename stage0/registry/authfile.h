/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authfile: docker's config.json and podman's auth.json (containers-auth.json(5)).
 *
 *	{"auths": {"quay.io/team": {"auth": "<base64 of USER:PASSWORD>"},
 *		   "https://index.docker.io/v1/": {"identitytoken": "…"}},
 *	 "credHelpers": {"gcr.io": "gcloud"}, "credsStore": "secretservice"}
 *
 * Keys are HOST[:PORT][/NAMESPACE…]; the longest that is the repository's, by whole components,
 * counts. A key that is a URL, as docker writes them, means its host alone. A helper of the
 * registry goes before `auths`, the store before them too when it has something. What belongs to
 * other registries is not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stage0/registry/credentials.h"

enum { AUTHFILE_MAX = 1024 * 1024 };

/* HOST[:PORT] both; the names of Docker Hub are one. */
bool registry_same(const char *a, const char *b);
/* How well a key fits; 0: not at all. Pure. */
size_t authfile_match(const char *key, const char *registry, const char *repository);

struct authfile_find {
	const char *file; /* for errors */
	const char *registry, *repository;
	/* helper.h; another one in tests */
	int (*helper)(const char *name, const char *server, struct arena *a, struct credential *ret,
		struct err *e);
};
/* *ret stays as it is when there is nothing. */
int authfile_read(const struct authfile_find *f, const char *text, size_t n, struct arena *a,
	struct credential *ret, struct err *e);
