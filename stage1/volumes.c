/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/sys/mnt.h"
#include "stage1/load.h"

/* Longer than its directory and any name of a volume in it. */
enum { PATH_SIZE = 1024 };

int stage1_leave_host(const struct stage1_pod *p, struct err *e)
{
	return mnt_leave_host(p->shared.v, p->shared.n, e);
}

/* The owner first: a change of owner clears the setuid and setgid bits. */
static int set_owner(int fd, const struct mnt_op *op, const char *name, struct err *e)
{
	if (((op->uid || op->gid) && fchown(fd, op->uid, op->gid) < 0) ||
		fchmod(fd, op->mode & 07777) < 0)
		return ERR_SYS(e, "set owner and mode of '" POD_VOLUMES_DIR "/%s'", name);
	return 0;
}

/* The first app that names a volume makes it; for the others, and after a crash in between, it is
 * there and is left as it is. Never through a link: the name was checked to be one component. */
static int make_volume(int dirfd, const struct mnt_op *op, const char *name, struct err *e)
{
	bool fresh = mkdirat(dirfd, name, 0700) == 0;
	if (!fresh && errno != EEXIST)
		return ERR_SYS(e, "create directory '" POD_VOLUMES_DIR "/%s'", name);
	_clean_(fd) int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open directory '" POD_VOLUMES_DIR "/%s'", name);
	return fresh ? set_owner(fd, op, name, e) : 0;
}

static int open_volumes_dir(const struct stage1_pod *p, struct err *e)
{
	if (mkdirat(p->dirfd, POD_VOLUMES_DIR, 0700) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create directory '" POD_VOLUMES_DIR "'");
	int fd = openat(p->dirfd, POD_VOLUMES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open directory '" POD_VOLUMES_DIR "'") : fd;
}

/* The volume's name, where op is one of the pod's own. */
static const char *volume_name(const struct stage1_pod *p, const struct mnt_op *op)
{
	if (op->kind != MNT_BIND || !op->is_empty_volume)
		return NULL;
	const char *rest = str_after(op->src, p->facts.volumes_dir);
	return rest && *rest == '/' ? rest + 1 : "";
}

int stage1_make_volumes(const struct stage1_pod *p, struct err *e)
{
	_clean_(fd) int dirfd = -1;
	for (size_t i = 0; i < p->manifest->n_apps; i++)
		for (size_t k = 0; k < p->plans[i].n_mounts; k++) {
			const struct mnt_op *op = &p->plans[i].mounts[k];
			const char *name = volume_name(p, op);
			if (!name)
				continue;
			if (!ac_name_valid(name))
				return ERR_BAD(e, "'%s' is not the name of a volume", op->src);
			if (dirfd < 0)
				dirfd = open_volumes_dir(p, e);
			int r = dirfd < 0 ? dirfd : make_volume(dirfd, op, name, e);
			if (r < 0)
				return err_wrap(e, r, "volume '%s'", name);
		}
	return 0;
}

bool stage1_has_tmpfs(const struct stage1_pod *p)
{
	for (size_t i = 0; i < p->manifest->n_apps; i++)
		for (size_t k = 0; k < p->plans[i].n_mounts; k++)
			if (p->plans[i].mounts[k].is_tmpfs)
				return true;
	return false;
}

static int mount_tmpfs(const struct stage1_pod *p, const struct mnt_op *op, struct strlist *done,
	struct arena *a, struct err *e)
{
	char path[PATH_SIZE];
	const char *name = volume_name(p, op);
	if (!name || strlist_has(done, name))
		return 0;
	int n = snprintf(path, sizeof path, POD_VOLUMES_DIR "/%s", name);
	if (n < 0 || (size_t)n >= sizeof path)
		return ERR_NUM(e, ENAMETOOLONG, "volume '%s'", name);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, op->data) < 0)
		return ERR_SYS(e, "volume '%s': mount tmpfs", name);
	_clean_(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open directory '%s'", path);
	strlist_add(a, done, name);
	return set_owner(fd, op, name, e);
}

int stage1_mount_tmpfs(const struct stage1_pod *p, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct strlist done = { 0 };
	int r = 0;
	for (size_t i = 0; i < p->manifest->n_apps; i++)
		for (size_t k = 0; r >= 0 && k < p->plans[i].n_mounts; k++)
			if (p->plans[i].mounts[k].is_tmpfs)
				r = mount_tmpfs(p, &p->plans[i].mounts[k], &done, &a, e);
	return r;
}
