/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_view: which hierarchies there are and where we stand in them. Pure but for the reading. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/cgroup.h"
#include "lib/sys/mountinfo.h"

#define FIRST_NAMESPACE 0xeffffffbU /* of control groups: PROC_CGROUP_INIT_INO of the kernel */
enum { TEXT_MAX = 4 * 1024 * 1024, CGROUP2_MAGIC = 0x63677270, ROOT_GROUP = 1 /* its inode */ };

static const struct {
	const char *name;
	const char *controller; /* in lists of version 1; NULL: version 2 */
} kinds[_CGROUP_KIND_MAX] = {
	[CGROUP_UNIFIED] = { "unified", NULL },
	[CGROUP_SYSTEMD] = { "systemd", "name=systemd" },
	[CGROUP_MEMORY] = { "memory", "memory" },
	[CGROUP_CPU] = { "cpu", "cpu" },
	[CGROUP_PIDS] = { "pids", "pids" },
	[CGROUP_BLKIO] = { "blkio", "blkio" },
	[CGROUP_DEVICES] = { "devices", "devices" },
	[CGROUP_FREEZER] = { "freezer", "freezer" },
};

const char *cgroup_kind_name(enum cgroup_kind kind)
{
	return kinds[kind].name;
}

/* Is `word` one of the comma separated words of list? */
static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);
	while (*list) {
		size_t len = strcspn(list, ",");
		if (len == n && memcmp(list, word, n) == 0)
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/* A line that is none is skipped: mounts of others are none of our business. */
static void take_mount(char *line, struct arena *a, struct cgroup_view *v)
{
	struct mountinfo m;
	(void)a;
	if (!strstr(line, " - cgroup") || !mountinfo_parse(line, &m) || m.root[0] != '/')
		return;
	bool v2 = str_eq(m.type, "cgroup2");
	if (!v2 && !str_eq(m.type, "cgroup"))
		return;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		bool is_it =
			kinds[k].controller ? !v2 && list_has(m.options, kinds[k].controller) : v2;
		/* Of several mounts the first wins, unless a later one shows all of it. */
		if (!is_it ||
			(v->v[k].mount && (str_eq(v->v[k].root, "/") || !str_eq(m.root, "/"))))
			continue;
		v->v[k].mount = m.point;
		v->v[k].root = m.root;
	}
}

/* "4:memory:/group"; version 2 is "0::/group". */
static void take_own(char *line, struct arena *a, struct cgroup_view *v)
{
	char *list = strchr(line, ':');
	char *group = list ? strchr(list + 1, ':') : NULL;
	if (!group || group[1] != '/')
		return;
	*list++ = '\0';
	*group++ = '\0';
	/* A group that was removed while we are in it. */
	if (str_ends(group, " (deleted)"))
		return;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		bool is_it = kinds[k].controller ? list_has(list, kinds[k].controller)
						 : str_eq(line, "0") && !*list;
		if (is_it && !v->v[k].own)
			v->v[k].own = arena_strdup(a, group);
	}
}

static void each_line(const char *text, struct arena *a, struct cgroup_view *v,
	void (*take)(char *line, struct arena *a, struct cgroup_view *v))
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = arena_strndup(a, text, n);
		take(line, a, v);
		text += n + (text[n] == '\n');
	}
}

/* What can be no path of a group below a mount. */
static bool climbs(const char *group)
{
	for (const char *p = group; (p = strstr(p, "/..")); p += 3)
		if (p[3] == '/' || p[3] == '\0')
			return true;
	return false;
}

void cgroup_view_parse(
	const char *mountinfo, const char *self, struct arena *a, struct cgroup_view *ret)
{
	struct cgroup_view v = { 0 };
	each_line(mountinfo, a, &v, take_mount);
	each_line(self, a, &v, take_own);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		if (!v.v[k].mount || !v.v[k].own ||
			!cgroup_view_dir(&v, (enum cgroup_kind)k, v.v[k].own, a))
			v.v[k].mount = v.v[k].root = v.v[k].own = NULL;
	*ret = v;
}

void cgroup_group_up(char *group)
{
	char *slash = strrchr(group, '/');
	slash[slash == group] = '\0';
}

const char *cgroup_view_dir(
	const struct cgroup_view *view, enum cgroup_kind kind, const char *group, struct arena *a)
{
	const char *mount = view->v[kind].mount, *root = view->v[kind].root;
	if (!mount || group[0] != '/' || climbs(group))
		return NULL;
	if (!str_eq(root, "/")) {
		group = str_after(group, root);
		if (!group || (*group != '/' && *group != '\0'))
			return NULL;
	}
	return arena_printf(a, "%s%s", mount, str_eq(group, "/") ? "" : group);
}

/* Its own group is there, in each hierarchy in which it tracks processes. Whoever is in a cgroup
 * namespace of somebody else has another root, whatever of the host's /run can be seen. */
bool cgroup_view_root_is_systemds(const struct cgroup_view *view)
{
	static const enum cgroup_kind tracking[] = { CGROUP_UNIFIED, CGROUP_SYSTEMD };
	_clean_(arena) struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof tracking / sizeof *tracking; i++) {
		const enum cgroup_kind k = tracking[i];
		if (!view->v[k].mount || !str_eq(view->v[k].own, "/"))
			continue;
		const char *dir = cgroup_view_dir(view, k, "/init.scope", &a);
		if (dir && faccessat(AT_FDCWD, dir, F_OK, 0) == 0)
			return true;
	}
	return false;
}

void cgroup_view_set_own(struct cgroup_view *view, const char *self, struct arena *a)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		view->v[k].own = NULL;
	each_line(self, a, view, take_own);
}

static int load_own(struct str *text, struct err *e)
{
	int r = io_read_file(AT_FDCWD, "/proc/self/cgroup", text, e);
	if (r == -ENOENT) /* a kernel without control groups */
		return 0;
	return r < 0 ? err_wrap(e, r, "control groups") : 1;
}

static int load_all(const struct str *own, struct arena *a, struct cgroup_view *ret, struct err *e)
{
	_clean_(str) struct str mounts = STR_INIT(TEXT_MAX);
	int r = io_read_file(AT_FDCWD, "/proc/self/mountinfo", &mounts, e);
	if (r < 0)
		return err_wrap(e, r, "control groups");
	cgroup_view_parse(str_text(&mounts), str_text(own), a, ret);
	return 0;
}

int cgroup_view_load(struct arena *a, struct cgroup_view *ret, struct err *e)
{
	_clean_(str) struct str own = STR_INIT(STR_MAX_LINE);
	*ret = (struct cgroup_view){ 0 };
	int r = load_own(&own, e);
	return r <= 0 ? r : load_all(&own, a, ret, e);
}

/* Where all of version 2 is mounted: in the first namespace of control groups, so that what we read
 * about ourselves counts from the same root. NULL: the list of mounts has to be asked. */
static const char *find_unified(void)
{
	static const char *const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct stat st;
	struct statfs fs;
	if (stat("/proc/self/ns/cgroup", &st) < 0 || st.st_ino != FIRST_NAMESPACE)
		return NULL;
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (statfs(usual[i], &fs) == 0 && fs.f_type == CGROUP2_MAGIC &&
			stat(usual[i], &st) == 0 && st.st_ino == ROOT_GROUP)
			return usual[i];
	return NULL;
}

/* Printing the list of mounts takes the kernel longer than all that is done with the groups. */
int cgroup_view_load_tracking(struct arena *a, struct cgroup_view *ret, struct err *e)
{
	_clean_(str) struct str own = STR_INIT(STR_MAX_LINE);
	*ret = (struct cgroup_view){ 0 };
	int r = load_own(&own, e);
	if (r <= 0)
		return r;
	const char *mount = find_unified();
	if (!mount)
		return load_all(&own, a, ret, e);
	each_line(str_text(&own), a, ret, take_own);
	if (!ret->v[CGROUP_UNIFIED].own)
		return load_all(&own, a, ret, e);
	ret->v[CGROUP_UNIFIED].mount = mount;
	ret->v[CGROUP_UNIFIED].root = "/";
	return 0;
}
