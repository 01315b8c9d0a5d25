/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/challenge.h"
#include "tests/fuzz/fuzz.h"

/* Values of WWW-Authenticate, a line each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fetch_challenge c;
	_clean_(mem) char *text = fuzz_text(data, size);
	memset(&c, 0, sizeof c);
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		_clean_(mem) char *own = xstrdup(line);
		challenge_add(&c, own);
	}
	FUZZ_HOLDS(!(c.flags & ~(uint32_t)_FETCH_CHALLENGE_FLAGS_ALL));
	FUZZ_HOLDS(!!(c.flags & FETCH_CHALLENGE_BEARER) == !!c.realm[0]);
	FUZZ_HOLDS(memchr(c.realm, '\0', sizeof c.realm) && memchr(c.scope, '\0', sizeof c.scope));
	for (const char *p = c.realm; *p; p++)
		FUZZ_HOLDS(*p >= ' ' && *p < 0x7f);
	return 0;
}
