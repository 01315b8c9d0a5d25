/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/lookaside.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	struct lookaside l = { .name = "r.example:5000/ns/repo" };
	struct err e = ERR_INIT;
	int r = lookaside_read(&l, text, "x", &a, &e);
	FUZZ_HOLDS(r >= 0 || (e.kind != ERR_NONE && e.len > 0));
	FUZZ_HOLDS(l.length <= strlen(l.name) + 64 && !(l.base && strchr(l.base, '\n')));
	return 0;
}
