/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/reference.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static int unescape(struct str *out, const char *text, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '%') {
			str_addc(out, text[i]);
			continue;
		}
		int high = i + 2 < n ? digit(text[i + 1]) : -1;
		int low = i + 2 < n ? digit(text[i + 2]) : -1;
		if (high < 0 || low < 0 || !(high | low))
			return ERR_BAD(e, "'%.*s' is not escaped as in a URL", (int)n, text);
		str_addc(out, (char)(high << 4 | low));
		i += 2;
	}
	return 0;
}

/* NAME?label=value&label=value → NAME,label=value,label=value */
static int plain_name(const char *text, struct str *out, struct err *e)
{
	size_t n = strcspn(text, "?");
	int r = unescape(out, text, n, e);
	for (const char *p = text[n] ? text + n + 1 : ""; r >= 0 && *p;) {
		size_t len = strcspn(p, "&");
		str_addc(out, ',');
		r = unescape(out, p, len, e);
		p += len + (p[len] == '&');
	}
	return r;
}

static int plain_archive(const char *text, struct str *out, struct err *e)
{
	return unescape(out, text, strlen(text), e);
}

static int plain_docker(const char *text, struct str *out, struct err *e)
{
	str_add(out, "docker://");
	return unescape(out, text, strlen(text), e);
}

int reference_plain(const char *ref, struct arena *a, const char **ret, struct err *e)
{
	static const struct {
		const char *prefix;
		int (*plain)(const char *text, struct str *out, struct err *e);
	} kinds[] = { { "cimd:appc:v=0:", plain_name }, { "cimd:aci-archive:v=0:", plain_archive },
		{ "cimd:docker:v=0:", plain_docker } };
	if (!str_after(ref, "cimd:")) {
		*ret = ref;
		return 0;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const char *rest = str_after(ref, kinds[i].prefix);
		if (!rest)
			continue;
		_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
		int r = kinds[i].plain(rest, &out, e);
		if (r >= 0)
			*ret = arena_strdup(a, str_text(&out));
		return r;
	}
	return ERR_BAD(e,
		"'%s' is not a distribution point: cimd:appc:v=0:, cimd:aci-archive:v=0: "
		"and cimd:docker:v=0: are known",
		ref);
}
