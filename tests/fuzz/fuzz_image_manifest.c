/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/image.h"
#include "tests/fuzz/fuzz.h"

/* Decodes what the manifest is written as; it has to be written as the same again. */
static void round_trip(const struct image_manifest *m)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct str first = STR_INIT(STR_MAX_OUTPUT), second = STR_INIT(STR_MAX_OUTPUT);
	struct image_manifest *again;
	struct err e;
	image_manifest_encode(m, true, &first);
	FUZZ_HOLDS(str_ok(&first));
	FUZZ_HOLDS(image_manifest_decode(first.buf, first.len, &a, &again, &e) == 0);
	image_manifest_encode(again, true, &second);
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
	struct image_manifest *m;
	struct err e;
	if (image_manifest_decode(text, size, &a, &m, &e) < 0)
		return 0;
	round_trip(m);
	if (m->app) {
		m->app = app_clone(&a, m->app);
		forget_raw(&m->app->isolators);
	}
	round_trip(m);
	return 0;
}
