/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/app_status.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"

#define STARTED "-started"

enum { STATUS_MAX = 255, NAME_SIZE = 600 };

/* The name of an app becomes a file's. */
static int check_name(const char *app, struct err *e)
{
	if (*app && *app != '.' && !strchr(app, '/'))
		return 0;
	return ERR_BAD(e, "'%.64s' is not the name of an app", app);
}

int app_status_write(int fd, const char *app, int status, struct err *e)
{
	char text[16];
	int r = check_name(app, e);
	if (r < 0)
		return r;
	if (status < 0 || status > STATUS_MAX)
		return ERR_BAD(e, "app '%s': %d is not an exit status", app, status);
	int n = snprintf(text, sizeof text, "%d\n", status);
	return atomic_write(fd, app, text, (size_t)n, 0644, ATOMIC_VISIBLE, e);
}

int app_status_read(int fd, const char *app, int *ret, struct err *e)
{
	char text[16];
	uint32_t status;
	int r = check_name(app, e);
	if (r >= 0)
		r = io_read_line(fd, app, text, sizeof text, e);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_wrap(e, r, "status of app '%.64s'", app);
	if (!parse_u32(text, 0, STATUS_MAX, &status))
		return ERR_BAD(e, "status of app '%.64s': '%s' is not an exit status", app, text);
	*ret = (int)status;
	return 1;
}

int app_started_write(int fd, const char *app, struct err *e)
{
	char name[NAME_SIZE];
	int r = check_name(app, e);
	if (r < 0)
		return r;
	if ((size_t)snprintf(name, sizeof name, "%s" STARTED, app) >= sizeof name)
		return ERR_BAD(e, "'%.64s…' is too long for the name of an app", app);
	return atomic_write(fd, name, "", 0, 0644, ATOMIC_VISIBLE, e);
}

static bool is_marker_of(const char *name, const char *app)
{
	const char *rest = str_after(name, app);
	return rest && strcmp(rest, STARTED) == 0;
}

bool app_names_clash(const char *a, const char *b)
{
	return is_marker_of(a, b) || is_marker_of(b, a);
}
