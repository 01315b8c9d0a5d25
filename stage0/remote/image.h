/* SPDX-License-Identifier: Apache-2.0 */
/* image: one image at one URL: what is fresh, what is resumed, what belongs to it. */
#pragma once

#include "stage0/remote/remote.h"

/* asc_url: of the signature. wanted: NULL: whatever is there. */
int remote_image(const struct remote *r, const char *url, const char *asc_url,
	const struct wanted *wanted, struct arena *a, struct image *ret, struct err *e);
