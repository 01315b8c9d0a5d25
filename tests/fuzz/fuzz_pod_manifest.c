/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/pod.h"
#include "tests/fuzz/fuzz.h"

/* Decodes what the manifest is written as; it has to be written as the same again. */
static void round_trip(const struct pod_manifest *m)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct str first = STR_INIT(STR_MAX_OUTPUT), second = STR_INIT(STR_MAX_OUTPUT);
	struct pod_manifest *again;
	struct err e;
	pod_manifest_encode(m, true, &first);
	FUZZ_HOLDS(str_ok(&first));
	FUZZ_HOLDS(pod_manifest_decode(first.buf, first.len, &a, &again, &e) == 0);
	pod_manifest_encode(again, true, &second);
	FUZZ_HOLDS(strcmp(first.buf, second.buf) == 0);
	str_release(&first);
	str_release(&second);
}

/* Isolators as if flags had made them: written from their typed values. */
static void forget_raw(struct isolators *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind != ISO_UNKNOWN)
			l->v[i].raw = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	struct pod_manifest *m;
	struct err e;
	if (pod_manifest_decode(text, size, &a, &m, &e) < 0)
		return 0;
	round_trip(m);
	forget_raw(&m->isolators);
	for (size_t i = 0; i < m->n_apps; i++)
		if (m->apps[i].app)
			forget_raw(&m->apps[i].app->isolators);
	round_trip(m);
	return 0;
}
