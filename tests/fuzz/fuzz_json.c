/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/jenc.h"
#include "tests/fuzz/fuzz.h"

/* What was accepted is written so that it reads as the same. */
static void round_trip(const struct json *v, bool pretty)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str first = STR_INIT(STR_MAX_OUTPUT), second = STR_INIT(STR_MAX_OUTPUT);
	struct jenc j = JENC_INIT(&first, pretty), k = JENC_INIT(&second, pretty);
	struct json *again;
	struct err e;
	jenc_value(&j, v);
	FUZZ_HOLDS(json_parse(str_text(&first), first.len, &a, &again, &e) == 0);
	jenc_value(&k, again);
	FUZZ_HOLDS(first.len == second.len);
	FUZZ_HOLDS(strcmp(str_text(&first), str_text(&second)) == 0);
	str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	/* Without a terminating NUL, in memory of exactly its size. */
	_clean_(mem) char *bytes = xmalloc(size);
	struct json *v;
	struct err e;
	if (size)
		memcpy(bytes, data, size);
	if (json_parse(bytes, size, &a, &v, &e) < 0)
		return 0;
	round_trip(v, false);
	round_trip(v, true);
	return 0;
}
