/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "stage0/registry/answer.h"
#include "tests/fuzz/fuzz.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A reference, and what a registry says of where a list goes on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char next[FETCH_URL_SIZE];
	const struct registry_ref home = { .host = "q.io", .repository = "x" };
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(mem) char *name = xasprintf("docker:%s", text);
	struct registry_ref ref, again;
	struct err e = ERR_INIT;
	if (registry_ref_parse(name, &a, &ref, &e) == 0) {
		FUZZ_HOLDS(!strstr(ref.repository, "..") && !strpbrk(ref.text, " ?#%\\"));
		FUZZ_HOLDS(registry_ref_parse(ref.text, &a, &again, &e) == 0);
		FUZZ_HOLDS(!strcmp(ref.text, again.text) && !strcmp(ref.host, again.host));
	} else {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
	}
	if (answer_next("https", &home, text, DIGEST, next, &e) == 0 && *next)
		FUZZ_HOLDS(str_after(next, "https://q.io/v2/x/referrers/" DIGEST "?"));
	return 0;
}
