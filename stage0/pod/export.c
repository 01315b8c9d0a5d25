/* SPDX-License-Identifier: Apache-2.0 */
/* rkt export: what an app of a pod that has ended left behind, as an image. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/compat.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/mounts.h"

/* The image's manifest, saying of the app what the pod's says. */
static int export_manifest(struct pod *p, const struct runtime_app *app, struct arena *a,
	struct str *out, struct err *e)
{
	char path[1024];
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	struct image_manifest *m;
	snprintf(path, sizeof path, POD_APPSINFO_DIR "/%s/manifest", app->name);
	int r = io_read_file(p->dirfd, path, &text, e);
	if (r == -ENOENT)
		r = ERR_NUM(e, ENOENT, "open '%s'", path);
	if (r >= 0)
		r = image_manifest_decode(str_text(&text), text.len, a, &m, e);
	if (r < 0)
		return r;
	if (app->app)
		m->app = app->app;
	image_manifest_encode(m, false, out);
	return 0;
}

/* The app's root as it left it, in a mount namespace of our own; the pod's directory becomes the
 * working directory. */
static int export_root(
	struct pod *p, struct store *s, const struct runtime_app *app, int *ret, struct err *e)
{
	char path[1024];
	const struct strlist none = { 0 };
	int r = mounts_enter(p, &none, e);
	if (r < 0)
		return r;
	_clean_(fd) int apps = open(POD_STAGE1_ROOTFS "/" STAGE1_APPS_DIR,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (apps < 0)
		return ERR_SYS(e, "open the directory of the apps");
	if (sys_exists(AT_FDCWD, POD_NO_OVERLAY_FILE) < 0) {
		_clean_(arena) struct arena a = ARENA_INIT;
		struct treeref t;
		const char *name;
		r = pod_app_tree(p, app, &a, &name, e);
		if (r >= 0)
			r = store_tree(s, name, &t, e);
		if (r < 0)
			return r;
		/* Ids as they are on disk are the image's, whatever the pod's users were. */
		struct mount_users host = MOUNT_USERS_INIT;
		r = mounts_app(apps, app->name, &t, &host, e);
		treeref_release(&t);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof path, "%s/rootfs", app->name);
	int fd = openat(apps, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	*ret = fd;
	return 0;
}

int pod_export(struct pod *p, struct store *s, const char *app, int fd, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	_clean_(fd) int root = -1;
	const struct pod_manifest *m;
	int r = pod_read_manifest(p, &a, &m, e);
	if (r < 0)
		return r;
	const struct runtime_app *ra = pod_app(m, app);
	if (!ra)
		return ERR_NOENT(e, "no app is named '%s'", app);
	r = export_manifest(p, ra, &a, &manifest, e);
	if (r >= 0)
		r = export_root(p, s, ra, &root, e);
	if (r >= 0)
		r = store_pack(root, str_text(&manifest), manifest.len, fd, e);
	return r < 0 ? err_wrap(e, r, "app '%s'", app) : r;
}
