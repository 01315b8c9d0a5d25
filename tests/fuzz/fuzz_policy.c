/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/policy.h"
#include "tests/fuzz/fuzz.h"

static void look(const struct policy *p, const struct policy_image *image, struct arena *a)
{
	static const struct policy_reference is_signed = { "r.example:5000/ns/repo", "1", "" };
	const char *where = NULL;
	const struct policy_scope *s = policy_for(p, image, a, &where);
	FUZZ_HOLDS(s && s->n && where);
	for (size_t i = 0; i < s->n; i++) {
		const struct policy_requirement *q = &s->v[i];
		bool keys = q->paths.n + q->data.n > 0;
		FUZZ_HOLDS(q->kind >= POLICY_SIGNED_BY ? keys || q->unsupported : !keys);
		bool matches = policy_matches(&q->identity, image, &is_signed, a);
		FUZZ_HOLDS(!matches || q->identity.kind == POLICY_EXACT_REFERENCE ||
			   q->identity.kind == POLICY_EXACT_REPOSITORY || *image->name != '/');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_image images[] = {
		{ "docker", "r.example:5000/ns/repo", "1", NULL },
		{ "docker", "docker.io/library/x", NULL, "sha256:0" },
		{ "oci", "/a/b", NULL, NULL },
		{ "docker-archive", "/a/b", NULL, NULL },
	};
	_clean_(arena) struct arena a = ARENA_INIT;
	struct policy p;
	struct err e = ERR_INIT;
	if (policy_parse((const char *)data, size, &a, &p, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return 0;
	}
	for (size_t i = 0; i < sizeof images / sizeof *images; i++)
		look(&p, &images[i], &a);
	return 0;
}
