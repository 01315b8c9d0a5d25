/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/plan_mounts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	MAX_VOLUMES = 1024, /* mounts of one app */
	SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What appc 0.8.11 spec/OS-SPEC.md asks for on Linux, in the order in which it is made. */
static const struct mnt_op api[] = {
	{ .kind = MNT_PROC, .dst = "/proc", .flags = SAFE, .make_target = true },
	{ .kind = MNT_TMPFS,
		.dst = "/dev",
		.data = "mode=755,size=1m",
		.flags = MS_NOSUID,
		.make_target = true },
};
/* As late as can be, because it shows the network: see root_build(). */
static const struct mnt_op sysfs = {
	.kind = MNT_SYSFS, .dst = "/sys", .flags = SAFE, .make_target = true
};

static const struct {
	const char *dst;
	unsigned major, minor;
} devices[] = {
	{ "/dev/null", 1, 3 },
	{ "/dev/zero", 1, 5 },
	{ "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 },
	{ "/dev/urandom", 1, 9 },
	{ "/dev/tty", 5, 0 },
};

#define DEVPTS_DATA "newinstance,ptmxmode=0666,mode=620,gid="
static const struct mnt_op dev_rest[] = {
	{ .kind = MNT_LINK, .src = "pts/ptmx", .dst = "/dev/ptmx" },
	{ .kind = MNT_LINK, .src = "/proc/self/fd", .dst = "/dev/fd" },
	{ .kind = MNT_LINK, .src = "/proc/self/fd/0", .dst = "/dev/stdin" },
	{ .kind = MNT_LINK, .src = "/proc/self/fd/1", .dst = "/dev/stdout" },
	{ .kind = MNT_LINK, .src = "/proc/self/fd/2", .dst = "/dev/stderr" },
	{ .kind = MNT_DEVPTS,
		.dst = "/dev/pts",
		.data = DEVPTS_DATA "5",
		.flags = MS_NOSUID | MS_NOEXEC,
		.make_target = true },
	{ .kind = MNT_MQUEUE,
		.dst = "/dev/mqueue",
		.flags = SAFE,
		.make_target = true,
		.optional = true },
};
static const struct mnt_op shm = { .kind = MNT_TMPFS,
	.dst = "/dev/shm",
	.data = "mode=1777",
	.flags = MS_NOSUID | MS_NODEV,
	.make_target = true };

/* rkt's lists, with what has been found to leak since. Where rkt protects single files of
 * /proc/sys, all of it is read-only here, as systemd-nspawn below rkt had it; /sys is mounted
 * read-only. */
static const char *const masked_files[] = { "/proc/config.gz", "/proc/kallsyms", "/proc/kcore",
	"/proc/keys", "/proc/kmem", "/proc/latency_stats", "/proc/mem", "/proc/sched_debug",
	"/proc/timer_list", "/proc/timer_stats" };
static const char *const masked_dirs[] = { "/proc/acpi", "/proc/asound", "/proc/scsi" };
static const char *const masked_sys[] = { "/sys/devices/virtual/powercap", "/sys/firmware",
	"/sys/hypervisor", "/sys/module", "/sys/power" };
static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
	"/proc/sysrq-trigger" };

/* Volumes may not take the place of these: a false /proc would make every check below it void. */
static const char *const reserved[] = { "/proc", "/dev/pts" };

struct list {
	struct mnt_op *v;
	size_t n, cap;
	struct arena *arena;
};

static struct mnt_op *add(struct list *l, const struct mnt_op *op)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct mnt_op *v = ARENA_ARRAY(l->arena, struct mnt_op, cap);
		if (l->n)
			memcpy(v, l->v, l->n * sizeof *v);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = *op;
	return &l->v[l->n++];
}

static void add_masks(struct list *l, const char *const *paths, size_t n, const char *cover)
{
	for (size_t i = 0; i < n; i++)
		add(l, &(struct mnt_op){ .kind = MNT_MASK, .src = cover, .dst = paths[i] });
}

static void add_sys(struct list *l, const struct app_facts *facts)
{
	struct mnt_op *op = add(l, &sysfs);
	if (!facts->disable_paths) {
		op->flags |= MS_RDONLY;
		add_masks(l, masked_sys, COUNT(masked_sys), NULL);
	}
	add(l, &(struct mnt_op){ .kind = MNT_CGROUPS,
		       .dst = facts->disable_paths ? "/sys/fs/cgroup" : "/sys/fs" });
}

const char *plan_shm_options(const struct app_facts *facts, struct arena *a)
{
	const char *data = shm.data;
	const unsigned root = id_range_shift(&facts->users, 0);
	if (root)
		data = arena_printf(a, "%s,uid=%u,gid=%u", data, root, root);
	return facts->shm_size ? arena_printf(a, "%s,size=%s", data, facts->shm_size) : data;
}

static void add_api(struct list *l, const struct app_facts *facts)
{
	for (size_t i = 0; i < COUNT(api); i++)
		add(l, &api[i]);
	for (size_t i = 0; i < COUNT(devices); i++)
		add(l, &(struct mnt_op){ .kind = MNT_DEVICE,
			       .src = devices[i].dst,
			       .dst = devices[i].dst,
			       .rdev = makedev(devices[i].major, devices[i].minor),
			       .mode = 0666 });
	/* Without a terminal, what an app writes to its console vanishes. */
	add(l, &(struct mnt_op){ .kind = facts->interactive ? MNT_CONSOLE : MNT_DEVICE,
		       .src = devices[0].dst,
		       .dst = "/dev/console",
		       .rdev = makedev(devices[0].major, devices[0].minor),
		       .mode = 0620 });
	for (size_t i = 0; i < COUNT(dev_rest); i++) {
		struct mnt_op *op = add(l, &dev_rest[i]);
		/* The group tty, as the pod sees it. */
		if (op->kind != MNT_LINK)
			op->uid = op->gid = id_range_shift(&facts->users, 0);
		if (op->kind == MNT_DEVPTS && facts->users.count)
			op->data = arena_printf(l->arena, DEVPTS_DATA "%u",
				(unsigned)id_range_shift(
					&facts->users, facts->users.count > 5 ? 5 : 0));
	}
	if (facts->shm_dir)
		add(l, &(struct mnt_op){ .kind = MNT_BIND,
			       .src = facts->shm_dir,
			       .dst = shm.dst,
			       .flags = shm.flags,
			       .make_target = true });
	else
		add(l, &shm)->data = plan_shm_options(facts, l->arena);
	if (!facts->disable_paths) {
		/* Who may make device nodes, as every app may that is root, must not reach the
		 * host's disks by one of its own. */
		add(l, &(struct mnt_op){ .kind = MNT_NO_DEVICES, .dst = "/dev" });
		add_masks(l, masked_files, COUNT(masked_files), devices[0].dst);
		add_masks(l, masked_dirs, COUNT(masked_dirs), NULL);
		for (size_t i = 0; i < COUNT(read_only); i++)
			add(l, &(struct mnt_op){ .kind = MNT_READ_ONLY, .dst = read_only[i] });
	}
}

static void add_host_api(struct list *l)
{
	static const char *const dirs[] = { "/dev", "/proc", "/sys" };
	for (size_t i = 0; i < COUNT(dirs); i++)
		add(l, &(struct mnt_op){ .kind = MNT_BIND,
			       .src = dirs[i],
			       .dst = dirs[i],
			       .recursive = true,
			       .foreign = true,
			       .make_target = true });
}

/* "/a//b/./c/" to "/a/b/c"; NULL for what is not absolute or has a "..". */
static const char *clean_path(struct arena *a, const char *path)
{
	if (*path != '/')
		return NULL;
	char *out = arena_alloc(a, strlen(path) + 2, 1);
	size_t len = 0;
	for (const char *p = path; *p;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return NULL;
		if (n && !(n == 1 && p[0] == '.')) {
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}

static int check_target(const char *dst, struct err *e)
{
	if (strcmp(dst, "/") == 0 || strcmp(dst, "/dev") == 0)
		return ERR_DENY(e, "nothing can be mounted at '%s'", dst);
	for (size_t i = 0; i < COUNT(reserved); i++) {
		const char *rest = str_after(dst, reserved[i]);
		if (rest && (*rest == '\0' || *rest == '/'))
			return ERR_DENY(e, "nothing can be mounted at or below '%s'", reserved[i]);
	}
	return 0;
}

struct volumes {
	const struct pod_manifest *pod;
	const struct runtime_app *app;
	const struct app_facts *facts;
	struct list *list;
};

/* The directory of a volume that only this app has. No other name can be equal: the number is the
 * app's own, and a volume of the pod that has the same name makes it longer. */
static const char *private_volume(const struct volumes *v, const char *name)
{
	size_t i = 0;
	while (i < v->pod->n_apps && strcmp(v->pod->apps[i].name, v->app->name) != 0)
		i++;
	const char *out = arena_printf(v->list->arena, "%zu-%s-%s", i, v->app->name, name);
	while (pod_volume(v->pod, out))
		out = arena_printf(v->list->arena, "%s-own", out);
	return out;
}

static bool owner_shown(const struct app_facts *facts, uint32_t id)
{
	return !facts->users.count || id < facts->users.count;
}

/* Images of Docker and OCI have this annotation; they expect that a volume begins with what the
 * image has in its place. */
static bool fills_volumes(const struct runtime_app *app)
{
	return nv_get(&app->annotations, "appc.io/docker/originalname") != NULL;
}

static int plan_own_volume(struct volumes *v, const struct volume *vol, const char *dir,
	struct mnt_op *op, struct err *e)
{
	if (!owner_shown(v->facts, vol->uid) || !owner_shown(v->facts, vol->gid))
		return ERR_BAD(e, "volume '%s': the pod has only users and groups 0 to %u",
			vol->name, (unsigned)v->facts->users.count - 1);
	op->src = arena_printf(v->list->arena, "%s/%s", v->facts->volumes_dir, dir);
	op->is_empty_volume = true;
	op->mode = vol->mode;
	op->uid = id_range_shift(&v->facts->users, vol->uid);
	op->gid = id_range_shift(&v->facts->users, vol->gid);
	op->is_tmpfs = vol->kind == VOLUME_TMPFS;
	if (vol->size.set)
		op->data = arena_printf(v->list->arena, "size=%lld", (long long)vol->size.value);
	op->copy_up =
		vol->kind == VOLUME_EMPTY && !(op->flags & MS_RDONLY) && fills_volumes(v->app);
	op->keep_owner = vol->has_mode || vol->has_uid || vol->has_gid;
	return 0;
}

static int plan_host_volume(struct volumes *v, const struct volume *vol, const char *dir,
	struct mnt_op *op, struct err *e)
{
	(void)dir;
	const char *source = vol->source ? vol->source : "";
	op->src = clean_path(v->list->arena, source);
	if (!op->src)
		return ERR_BAD(e,
			"source '%s' of volume '%s' must be an absolute path without '..'", source,
			vol->name);
	op->no_symlinks = op->foreign = true;
	op->recursive = !vol->has_recursive || vol->recursive;
	/* What the host mounts later comes with flags of its own: it could be written to. */
	op->propagation = (op->flags & MS_RDONLY) && !vol->has_propagation ? PROPAGATION_PRIVATE
									   : vol->propagation;
	op->idmap = vol->idmap && v->facts->users.count; /* else they are the host's anyway */
	return 0;
}

/* Mounted there by stage0. */
static int plan_image_volume(struct volumes *v, const struct volume *vol, const char *dir,
	struct mnt_op *op, struct err *e)
{
	if (!str_eq(dir, vol->name))
		return ERR_BAD(e,
			"volume '%s' is an image: it must be one of the pod's volumes, not of "
			"an app's mount",
			vol->name);
	op->src = arena_printf(v->list->arena, "%s/%s/rootfs", v->facts->images_dir, vol->name);
	op->flags |= MS_RDONLY | MS_NOSUID; /* of many layers as of one, which stage0 binds so */
	op->foreign = true;
	return 0;
}

static int (*const plan_kinds[])(struct volumes *v, const struct volume *vol, const char *dir,
	struct mnt_op *op, struct err *e) = {
	[VOLUME_HOST] = plan_host_volume,
	[VOLUME_EMPTY] = plan_own_volume,
	[VOLUME_TMPFS] = plan_own_volume,
	[VOLUME_IMAGE] = plan_image_volume,
};

static int add_volume(struct volumes *v, const struct volume *vol, const char *dir,
	const char *path, bool ro, struct err *e)
{
	const char *dst = clean_path(v->list->arena, path);
	if (!dst)
		return ERR_BAD(e,
			"mount point '%s' of volume '%s' must be an absolute path "
			"without '..'",
			path, vol->name);
	int r = check_target(dst, e);
	if (r < 0)
		return err_wrap(e, r, "volume '%s'", vol->name);
	struct mnt_op op = { .kind = MNT_BIND, .dst = dst, .make_target = true, .is_volume = true };
	if (ro || vol->read_only)
		op.flags |= MS_RDONLY;
	/* A device opens where it is itself the volume, as rkt's device policy has it. */
	if (!v->facts->bare && !v->facts->disable_paths)
		op.flags |= MS_NODEV;
	r = plan_kinds[vol->kind](v, vol, dir, &op, e);
	if (r >= 0)
		add(v->list, &op);
	return r;
}

static const struct mount_point *point_at(const struct app *app, const char *path)
{
	for (size_t i = 0; i < app->n_mount_points; i++)
		if (path_same(app->mount_points[i].path, path))
			return &app->mount_points[i];
	return NULL;
}

static bool is_mounted(const struct runtime_app *app, const char *path)
{
	for (size_t i = 0; i < app->n_mounts; i++)
		if (path_same(app->mounts[i].path, path))
			return true;
	return false;
}

/* Mounts that the pod asks for, then the image's mount points that none of them fills: by the pod's
 * volume of that name, else by an empty one of the app's own. */
static int add_volumes(struct volumes *v, struct err *e)
{
	const struct runtime_app *app = v->app;
	int r = 0;
	if (app->n_mounts > MAX_VOLUMES || app->app->n_mount_points > MAX_VOLUMES)
		return ERR_BAD(e, "more than %d mounts", MAX_VOLUMES);
	for (size_t i = 0; r == 0 && i < app->n_mounts; i++) {
		const struct mount *m = &app->mounts[i];
		const struct volume *vol = m->app_volume;
		const char *dir = vol ? private_volume(v, vol->name) : m->volume;
		if (!vol && !(vol = pod_volume(v->pod, m->volume)))
			return ERR_NOENT(
				e, "no volume '%s' for the mount at '%s'", m->volume, m->path);
		const struct mount_point *point = point_at(app->app, m->path);
		r = add_volume(v, vol, dir, m->path, point && point->read_only, e);
	}
	for (size_t i = 0; r == 0 && i < app->app->n_mount_points; i++) {
		const struct mount_point *point = &app->app->mount_points[i];
		if (is_mounted(app, point->path))
			continue;
		const struct volume implicit = {
			.name = point->name, .kind = VOLUME_EMPTY, .mode = 0755
		};
		const struct volume *vol = pod_volume(v->pod, point->name);
		const char *dir = vol ? vol->name : private_volume(v, point->name);
		r = add_volume(v, vol ? vol : &implicit, dir, point->path, point->read_only, e);
	}
	return r;
}

/* A volume below /sys needs what it is mounted in. */
static bool wants_sys(const struct runtime_app *app)
{
	for (size_t i = 0; i < app->n_mounts; i++)
		if (strstr(app->mounts[i].path, "sys"))
			return true;
	for (size_t i = 0; i < app->app->n_mount_points; i++)
		if (strstr(app->app->mount_points[i].path, "sys"))
			return true;
	return false;
}

static int by_target(const void *a, const void *b)
{
	const struct mnt_op *x = a, *y = b;
	return strcmp(x->dst, y->dst);
}

/* A parent's path is a prefix of its children's and so comes first. */
static int sort_volumes(struct mnt_op *v, size_t n, struct err *e)
{
	if (n > 1)
		qsort(v, n, sizeof *v, by_target);
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1].dst, v[i].dst) == 0)
			return ERR_BAD(e, "two mounts at '%s'", v[i].dst);
	return 0;
}

static void add_file(struct list *l, const char *src, const char *dst, bool replace)
{
	if (src)
		add(l, &(struct mnt_op){ .kind = MNT_BIND_FILE,
			       .src = src,
			       .dst = dst,
			       .make_target = true,
			       .keep_existing = !replace });
}

int plan_mounts(const struct pod_manifest *pod, const struct runtime_app *app,
	const struct app_facts *facts, struct arena *a, struct app_plan *plan, struct err *e)
{
	struct list l = { .arena = a };
	struct volumes v = { .pod = pod, .app = app, .facts = facts, .list = &l };
	if (facts->bare)
		add_host_api(&l);
	else
		add_api(&l, facts);
	bool sys_first = !facts->bare && wants_sys(app);
	if (sys_first)
		add_sys(&l, facts);
	size_t first = l.n;
	int r = add_volumes(&v, e);
	if (r < 0 || (r = sort_volumes(l.v + first, l.n - first, e)) < 0)
		return r;
	add_file(&l, facts->hosts_file, "/etc/hosts", facts->hosts_replace);
	add_file(&l, facts->resolv_file, "/etc/resolv.conf", facts->resolv_replace);
	add(&l, &(struct mnt_op){ .kind = MNT_LINK,
			.src = "../proc/self/mounts",
			.dst = "/etc/mtab",
			.optional = true });
	if (!facts->bare && !sys_first)
		add_sys(&l, facts);
	if (app->read_only_root_fs)
		add(&l, &(struct mnt_op){ .kind = MNT_ROOT_READ_ONLY, .dst = "/" });
	plan->mounts = l.v;
	plan->n_mounts = l.n;
	return 0;
}
