/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/sys/procfs.h"

const char *lsm_sysfs = "/sys";

static void path_of(const char *name, char path[STR_MAX_PATH])
{
	snprintf(path, STR_MAX_PATH, "%s/%s", lsm_sysfs, name);
}

bool lsm_selinux_enabled(void)
{
	char path[STR_MAX_PATH];
	path_of("fs/selinux/enforce", path);
	return access(path, F_OK) == 0;
}

int lsm_selinux_check(const char *context, struct err *e)
{
	char path[STR_MAX_PATH];
	path_of("fs/selinux/context", path);
	_clean_(fd) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, context, strlen(context)) >= 0 || errno != EINVAL)
		return 0;
	return ERR_NOENT(
		e, "the loaded policy of SELinux does not know the context '%.256s'", context);
}

/* A line is NAME (MODE); a name may have anything in it but a line's end. */
static bool listed(const char *text, const char *profile)
{
	const size_t n = strlen(profile);
	for (const char *line = text; *line; line += strspn(line, "\n")) {
		const size_t len = strcspn(line, "\n");
		if (len > n + 3 && strncmp(line, profile, n) == 0 && line[n] == ' ' &&
			line[n + 1] == '(' && line[len - 1] == ')' &&
			!memchr(line + n + 2, ' ', len - n - 2))
			return true;
		line += len;
	}
	return false;
}

int lsm_apparmor_check(const char *profile, struct err *e)
{
	char path[STR_MAX_PATH], enabled[8] = "";
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	path_of("module/apparmor/parameters/enabled", path);
	if (io_read_line(AT_FDCWD, path, enabled, sizeof enabled, e) < 0 ||
		strcmp(enabled, "Y") != 0)
		return ERR_DENY(e, "profile '%.128s': AppArmor is not enabled", profile);
	path_of("kernel/security/apparmor/profiles", path);
	int r = io_read_file(AT_FDCWD, path, &text, e);
	if (r < 0)
		return err_wrap(e, r, "profiles of AppArmor");
	if (!listed(str_text(&text), profile))
		return ERR_NOENT(
			e, "profile '%.128s' is not loaded (see apparmor_parser(8))", profile);
	return 0;
}

int lsm_exec_selinux(const char *context, struct err *e)
{
	_clean_(fd) int fd = procfs_open_own("attr/exec", O_WRONLY, e);
	return fd < 0 ? fd : procfs_write(fd, "self/attr/exec", context, e);
}

int lsm_exec_apparmor(const char *profile, struct err *e)
{
	char text[1024];
	int n = snprintf(text, sizeof text, "exec %s", profile);
	if (n < 0 || (size_t)n >= sizeof text)
		return ERR_NUM(e, ENAMETOOLONG, "profile of AppArmor");
	/* Before Linux 5.1 the modules share a file. */
	const char *path = "attr/apparmor/exec";
	_clean_(fd) int fd = procfs_open_own(path, O_WRONLY, e);
	if (fd == -ENOENT) {
		path = "attr/exec";
		fd = procfs_open_own(path, O_WRONLY, e);
	}
	return fd < 0 ? fd : procfs_write(fd, path, text, e);
}
