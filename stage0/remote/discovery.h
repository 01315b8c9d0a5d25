/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery: from a name to URLs, appc 0.8.11 spec/discovery.md. Pure, but for asking.
 */
#pragma once

#include "stage0/fetch.h"
#include "stage0/remote/remote.h"

/* A template with the name, the labels and {ext} filled in; NULL when something of it has no value
 * or the URL would be too long. ret_labels: how many different labels it has. */
const char *template_render(const char *template, const struct wanted *w, const char *ext,
	struct arena *a, size_t *ret_labels);

struct endpoint {
	const char *aci, *asc;
};
/* Where an image with a version is by simple discovery. false: its name is no path. */
bool simple_endpoint(
	const char *scheme, const struct wanted *w, struct arena *a, struct endpoint *ret);
/* The best of the templates of a page for that image: the one with the most labels, the first of
 * those. false: there is none. */
bool metas_best(const struct fetch_metas *metas, const struct wanted *w, struct arena *a,
	struct endpoint *ret);
