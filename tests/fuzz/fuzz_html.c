/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/html.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct fetch_metas *m)
{
	FUZZ_HOLDS(m->n <= FETCH_METAS_MAX);
	for (size_t i = 0; i < m->n; i++) {
		const struct fetch_meta *v = &m->v[i];
		FUZZ_HOLDS(v->kind < _FETCH_META_KIND_MAX);
		FUZZ_HOLDS(memchr(v->prefix, '\0', sizeof v->prefix) && *v->prefix);
		FUZZ_HOLDS(memchr(v->template, '\0', sizeof v->template) && *v->template);
		FUZZ_HOLDS(!strpbrk(v->template, " \t\r\n"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fetch_metas metas;
	/* Not a text: memory of exactly its size, without an end. */
	_clean_(mem) char *bytes = xmalloc(size + !size);
	if (size)
		memcpy(bytes, data, size);
	html_metas(bytes, size, &metas);
	check(&metas);
	return 0;
}
