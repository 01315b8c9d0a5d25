/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct str *out, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		str_addc(out, digits[v >> 18]);
		str_addc(out, digits[v >> 12 & 63]);
		str_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		str_addc(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

bool base64_decode(struct str *out, const char *text)
{
	size_t n = strcspn(text, "="), pad = strlen(text + n);
	uint32_t bits = 0;
	int have = 0;
	if (n % 4 == 1 || pad > 2 || (pad && (n + pad) % 4 != 0) || strspn(text + n, "=") != pad)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *digit = strchr(digits, text[i]);
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			str_addc(out, (char)(bits >> have & 0xff));
		}
	}
	/* What is left over says nothing; were it not 0, two texts would be the same bytes. */
	return (bits & ((1U << have) - 1)) == 0 && str_ok(out);
}
