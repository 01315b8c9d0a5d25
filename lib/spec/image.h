/* SPDX-License-Identifier: Apache-2.0 */
/* image: the image manifest. appc 0.8.11 spec/aci.md, schema/image.go. */
#pragma once

#include "lib/spec/app.h"

struct dependency {
	const char *image_name, *image_id; /* id may be NULL */
	struct nvlist labels;
	uint64_t size; /* 0: not given */
};

struct image_manifest {
	const char *ac_version, *name;
	struct nvlist labels;
	struct app *app; /* NULL: not runnable without --exec */
	struct dependency *dependencies;
	size_t n_dependencies;
	struct strlist path_whitelist;
	struct nvlist annotations;
};

int image_manifest_decode(
	const char *bytes, size_t n, struct arena *a, struct image_manifest **ret, struct err *e);
/* Keys in the order of the appc schema. */
void image_manifest_encode(const struct image_manifest *m, bool pretty, struct str *out);
