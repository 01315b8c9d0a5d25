/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"

static bool enabled;

void dbg_enable(bool on)
{
	enabled = on;
}

bool dbg_enabled(void)
{
	return enabled;
}

/* The parts of an error are joined as err_format() joins them. */
static void escape_parts(char *raw, char *line, size_t size)
{
	size_t n = 0;
	for (char *part = raw, *next; part; part = next) {
		next = strchr(part, ERR_JOINT);
		if (next)
			*next++ = '\0';
		text_escape(part, line + n, size - n);
		n += strlen(line + n);
		if (next && n + sizeof ": " <= size) {
			memcpy(line + n, ": ", sizeof ": ");
			n += 2;
		}
	}
}

void dbg(const char *fmt, ...)
{
	if (!enabled)
		return;
	int saved = errno;
	char raw[1024], line[4200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	escape_parts(raw, line, sizeof line);
	dprintf(STDERR_FILENO, "%s\n", line);
	errno = saved;
}

_Noreturn void bug_at(const char *file, int line, const char *what)
{
	dprintf(STDERR_FILENO, "rkt: bug at %s:%d: %s\n", file, line, what);
	abort();
}
