/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/headers.h"
#include "tests/fuzz/fuzz.h"

/* Lines, as an HTTP answer has them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fetch_http http;
	struct headers h;
	_clean_(mem) char *bytes = xmalloc(size + !size);
	if (size)
		memcpy(bytes, data, size);
	headers_reset(&h, &http);
	for (size_t at = 0; at < size;) {
		const char *end = memchr(bytes + at, '\n', size - at);
		size_t n = end ? (size_t)(end - bytes) - at + 1 : size - at;
		headers_line(&h, bytes + at, n);
		at += n;
	}
	FUZZ_HOLDS(h.length >= -1 && h.range_first >= -1 && h.range_total >= -1);
	FUZZ_HOLDS(http.max_age >= 0 && http.retry_after >= -1);
	FUZZ_HOLDS(!(http.flags & ~(uint32_t)_FETCH_HTTP_FLAGS_ALL));
	FUZZ_HOLDS(memchr(http.etag, '\0', sizeof http.etag));
	FUZZ_HOLDS(!(http.challenge.flags & ~(uint32_t)_FETCH_CHALLENGE_FLAGS_ALL));
	FUZZ_HOLDS(memchr(http.challenge.realm, '\0', sizeof http.challenge.realm));
	FUZZ_HOLDS(memchr(http.link, '\0', sizeof http.link));
	return 0;
}
