/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int uuid_generate(struct uuid *ret, struct err *e)
{
	unsigned char b[16];
	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		return ERR_SYS(e, "getrandom");
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	char *p = ret->text;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += snprintf(p, 3, "%02x", b[i]);
	}
	return 0;
}

bool uuid_prefix_valid(const char *text)
{
	size_t n = strnlen(text, 37);
	if (n < 1 || n > 36)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
		if (dash ? c != '-' : !hex)
			return false;
	}
	return true;
}

bool uuid_valid(const char *text)
{
	return strnlen(text, 37) == 36 && uuid_prefix_valid(text);
}
