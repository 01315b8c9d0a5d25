/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/mountinfo.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"

/* Blanks, line ends and backslashes are written as \\ooo. */
static char *unescape(char *s)
{
	char *to = s;
	for (const char *p = s; *p; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
			p[3] >= '0' && p[3] <= '7') {
			*to = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
	return s;
}

bool mountinfo_device(char *word, dev_t *ret)
{
	uint32_t major, minor;
	const char *first = strsep(&word, ":");
	if (!word || !parse_u32(first, 0, UINT32_MAX, &major) ||
		!parse_u32(word, 0, UINT32_MAX, &minor))
		return false;
	*ret = makedev(major, minor);
	return true;
}

/* "31 23 0:28 ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPEROPTIONS"; the kernel may add
 * fields at the end. */
bool mountinfo_parse(char *line, struct mountinfo *ret)
{
	enum { ID, DEVICE = 2, ROOT, POINT, N_FIXED = 6 };
	enum { TYPE, OPTIONS = 2, N_LAST };
	char *fixed[N_FIXED], *last[N_LAST], *field;
	struct mountinfo m = { 0 };
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < N_FIXED; i++)
		if (!(fixed[i] = strsep(&line, " ")))
			return false;
	while ((field = strsep(&line, " ")) && strcmp(field, "-") != 0)
		m.shared |= str_after(field, "shared:") != NULL;
	for (int i = 0; i < N_LAST; i++)
		if (!(last[i] = strsep(&line, " ")))
			return false;
	if (!parse_u64(fixed[ID], 0, UINT64_MAX, &m.id) ||
		!mountinfo_device(fixed[DEVICE], &m.device) || fixed[POINT][0] != '/')
		return false;
	m.root = unescape(fixed[ROOT]);
	m.point = unescape(fixed[POINT]);
	m.type = last[TYPE];
	m.options = last[OPTIONS];
	*ret = m;
	return true;
}
