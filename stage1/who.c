/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/who.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"

#define DIR_PATH POD_STAGE1_ROOTFS "/" WHO_DIR

enum { PATH_SIZE = 1024 }; /* longer than any name of an app and what stands before it */

int who_create(int pod_dirfd, const char *app, struct err *e)
{
	if (mkdirat(pod_dirfd, DIR_PATH, 0755) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create '" WHO_DIR "'");
	_clean_(fd) int dir =
		openat(pod_dirfd, DIR_PATH, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return ERR_SYS(e, "open '" WHO_DIR "'");
	int fd = openat(dir, app, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? ERR_SYS(e, "create '" WHO_DIR "/%s'", app) : fd;
}

int who_write(int fd, const char *app, pid_t pid, const struct ident *id, struct err *e)
{
	int n = dprintf(fd, "%d %u %u\n", (int)pid, (unsigned)id->uid, (unsigned)id->gid);
	int r = n < 0 ? ERR_SYS(e, "write '" WHO_DIR "/%s'", app) : 0;
	fd_close(fd);
	return r;
}

static bool parse_line(char *text, uint32_t *pid, struct ident *id)
{
	char *rest = text;
	const char *field[3];
	for (size_t i = 0; i < 3; i++)
		if (!(field[i] = strsep(&rest, " ")))
			return false;
	return !rest && parse_u32(field[0], 2, INT32_MAX, pid) &&
	       parse_u32(field[1], 0, INT32_MAX, &id->uid) &&
	       parse_u32(field[2], 0, INT32_MAX, &id->gid);
}

int who_read(int pod_dirfd, const char *app, pid_t *ret_pid, struct ident *ret_id, struct err *e)
{
	char path[PATH_SIZE], text[48];
	uint32_t pid;
	int n = snprintf(path, sizeof path, DIR_PATH "/%s", app);
	if (n < 0 || (size_t)n >= sizeof path)
		return ERR_NUM(e, ENAMETOOLONG, "name of the app");
	int r = io_read_line(pod_dirfd, path, text, sizeof text, e);
	if (r == -ENOENT)
		return err_set(e, ERR_NOT_FOUND, ENOENT, "app has not been started");
	if (r < 0)
		return r;
	if (!parse_line(text, &pid, ret_id))
		return ERR_BAD(e, "'%s' does not say what process the app is", path);
	*ret_pid = (pid_t)pid;
	return 0;
}
