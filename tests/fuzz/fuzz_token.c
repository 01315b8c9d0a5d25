/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/token.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fetch_token t;
	struct err e;
	_clean_(mem) char *text = fuzz_text(data, size);
	if (token_read(text, size, &t, &e) < 0)
		return 0;
	FUZZ_HOLDS(t.expires_in >= -1 && t.issued_at >= -1 && t.token[0]);
	FUZZ_HOLDS(memchr(t.token, '\0', sizeof t.token));
	for (const char *p = t.token; *p; p++)
		FUZZ_HOLDS(*p > ' ' && *p < 0x7f);
	return 0;
}
