/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "stage1/load.h"

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
	if (!fresh)
		return 0;
	/* The owner first: a change of owner clears the setuid and setgid bits. */
	if (((op->uid || op->gid) && fchown(fd, op->uid, op->gid) < 0) ||
		fchmod(fd, op->mode & 07777) < 0)
		return ERR_SYS(e, "set owner and mode of '" POD_VOLUMES_DIR "/%s'", name);
	return 0;
}

static int open_volumes_dir(const struct stage1_pod *p, struct err *e)
{
	if (mkdirat(p->dirfd, POD_VOLUMES_DIR, 0755) < 0 && errno != EEXIST)
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
