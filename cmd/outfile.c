/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/outfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/uuid.h"
#include "lib/fs/atomic.h"
#include "lib/fs/rmtree.h"
#include "lib/sys/compat.h"

/* Opens the parent, remembers the name, chooses a temporary one. */
static int prepare(struct outfile *o, const char *path, bool overwrite, struct err *e)
{
	*o = OUTFILE_INIT;
	o->overwrite = overwrite;
	_clean_(mem) char *clean = xstrdup(path);
	size_t n = strlen(clean);
	while (n > 1 && clean[n - 1] == '/')
		clean[--n] = '\0';
	const char *base = path_base(clean);
	if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return ERR_BAD(e, "'%s': cannot be written to", path);
	_clean_(mem) char *dir = xstrndup(clean, (size_t)(base - clean));
	o->parent = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->parent < 0)
		return ERR_SYS(e, "open '%s'", *dir ? dir : ".");
	struct stat st;
	if (!overwrite && fstatat(o->parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_INPUT, EEXIST, "'%s' exists: --overwrite replaces it", path);
	struct uuid u;
	int r = uuid_generate(&u, e);
	if (r < 0)
		return r;
	o->name = xstrdup(base);
	snprintf(o->temporary, sizeof o->temporary, ".tmp-%.16s", u.text);
	return 0;
}

int outfile_create(struct outfile *o, const char *path, bool overwrite, struct err *e)
{
	int r = prepare(o, path, overwrite, e);
	if (r < 0)
		return r;
	o->fd = openat(o->parent, o->temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return o->fd < 0 ? ERR_SYS(e, "create beside '%s'", path) : 0;
}

static int put_in_place(struct outfile *o, struct err *e)
{
	int r;
	if (!o->overwrite)
		r = atomic_publish(o->parent, o->temporary, o->parent, o->name, ATOMIC_VISIBLE, e);
	else
		r = renameat(o->parent, o->temporary, o->parent, o->name) < 0
			    ? ERR_SYS(e, "rename to '%s'", o->name)
			    : 0;
	if (r >= 0)
		*o->temporary = '\0';
	return r;
}

int outfile_commit(struct outfile *o, struct err *e)
{
	if (fsync(o->fd) < 0)
		return ERR_SYS(e, "write '%s'", o->name);
	return put_in_place(o, e);
}

void outfile_discard(struct outfile *o)
{
	if (o->parent >= 0 && *o->temporary && o->fd >= 0)
		unlinkat(o->parent, o->temporary, 0);
	o->fd = fd_close(o->fd);
	o->parent = fd_close(o->parent);
	free(o->name);
	*o = OUTFILE_INIT;
}

int outdir_create(struct outdir *o, const char *path, bool overwrite, struct err *e)
{
	int r = prepare(&o->at, path, overwrite, e);
	if (r < 0)
		return r;
	if (mkdirat(o->at.parent, o->at.temporary, 0755) < 0)
		return ERR_SYS(e, "create beside '%s'", path);
	o->fd = openat(
		o->at.parent, o->at.temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return o->fd < 0 ? ERR_SYS(e, "open '%s'", path) : 0;
}

int outdir_commit(struct outdir *o, struct err *e)
{
	struct outfile *at = &o->at;
	if (!at->overwrite)
		return put_in_place(at, e);
	/* A directory that is not empty cannot be replaced by rename: they change names. */
	if (sys_renameat2(at->parent, at->temporary, at->parent, at->name, RENAME_EXCHANGE) == 0)
		return 0; /* _discard removes the old one */
	if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
		return ERR_SYS(e, "replace '%s'", at->name);
	int r = rmtree_at(at->parent, at->name, e);
	return r < 0 ? r : put_in_place(at, e);
}

void outdir_discard(struct outdir *o)
{
	struct err ignored = ERR_INIT; /* what stays is a directory named .tmp-… */
	if (o->at.parent >= 0 && *o->at.temporary)
		rmtree_at(o->at.parent, o->at.temporary, &ignored);
	o->fd = fd_close(o->fd);
	outfile_discard(&o->at);
}
