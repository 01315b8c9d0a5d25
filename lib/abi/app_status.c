/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/app_status.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"

#define STARTED "-started"
#define REASON "-reason"

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

/* The file that tells something more of an app. */
static int file_name(char name[NAME_SIZE], const char *app, const char *suffix, struct err *e)
{
	int r = check_name(app, e);
	if (r < 0)
		return r;
	if ((size_t)snprintf(name, NAME_SIZE, "%s%s", app, suffix) >= NAME_SIZE)
		return ERR_BAD(e, "'%.64s…' is too long for the name of an app", app);
	return 0;
}

int app_started_write(int fd, const char *app, struct err *e)
{
	char name[NAME_SIZE];
	int r = file_name(name, app, STARTED, e);
	return r < 0 ? r : atomic_write(fd, name, "", 0, 0644, ATOMIC_VISIBLE, e);
}

static bool reason_valid(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && n < APP_REASON_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int app_reason_write(int fd, const char *app, const char *reason, struct err *e)
{
	char name[NAME_SIZE], text[APP_REASON_MAX + 1];
	int r = file_name(name, app, REASON, e);
	if (r < 0)
		return r;
	if (!reason_valid(reason))
		return ERR_BAD(e, "app '%s': '%.64s' is no reason", app, reason);
	int n = snprintf(text, sizeof text, "%s\n", reason);
	return atomic_write(fd, name, text, (size_t)n, 0644, ATOMIC_VISIBLE, e);
}

int app_reason_read(int fd, const char *app, char ret[APP_REASON_MAX], struct err *e)
{
	char name[NAME_SIZE], text[APP_REASON_MAX];
	int r = file_name(name, app, REASON, e);
	if (r >= 0)
		r = io_read_line(fd, name, text, sizeof text, e);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_wrap(e, r, "end of app '%.64s'", app);
	if (!reason_valid(text))
		return ERR_BAD(e, "end of app '%.64s': '%s' is no reason", app, text);
	memcpy(ret, text, sizeof text);
	return 1;
}

static bool is_marker_of(const char *name, const char *app)
{
	const char *rest = str_after(name, app);
	return rest && (strcmp(rest, STARTED) == 0 || strcmp(rest, REASON) == 0);
}

bool app_names_clash(const char *a, const char *b)
{
	return is_marker_of(a, b) || is_marker_of(b, a);
}
