/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"

#define SUPERVISOR "supervisor"
#define SLICE "rkt.slice"
#define NOWHERE _CGROUP_KIND_MAX

enum {
	OWN_PROCESSES = 2, /* of rkt, where it stands in the pod's group */
	DEPTH_MAX = 16,
	SLICE_TRIES = 1000, /* each fails only because another pod has ended just then */
	FREEZE_TRIES = 50,  /* a millisecond each */
	REMOVE_TRIES = 20,  /* a millisecond each, at the pod's end */
	COLLECT_TRIES = 200,
};

static const struct {
	const char *name, *what;
	enum cgroup_kind v1;
} controllers[_CONTROLLER_MAX] = {
	[CONTROLLER_MEMORY] = { "memory", "memory", CGROUP_MEMORY },
	[CONTROLLER_CPU] = { "cpu", "cpu", CGROUP_CPU },
	[CONTROLLER_PIDS] = { "pids", "pids", CGROUP_PIDS },
	[CONTROLLER_IO] = { "io", "block device", CGROUP_BLKIO },
};

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };
	nanosleep(&t, NULL);
}

static int open_dir(int at, const char *path)
{
	return openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void cgroup_pod_init(struct cgroup_pod *p)
{
	*p = (struct cgroup_pod){ 0 };
	for (size_t c = 0; c < _CONTROLLER_MAX; c++)
		p->at[c] = NOWHERE;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		p->base[k] = p->pod[k] = -1;
	p->around = -1;
}

void cgroup_pod_close(struct cgroup_pod *p)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		p->base[k] = fd_close(p->base[k]);
		p->pod[k] = fd_close(p->pod[k]);
	}
}

void cgroup_pod_release(struct cgroup_pod *p)
{
	cgroup_pod_close(p);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		free(take_ptr(p->group[k]));
		free(take_ptr(p->dir[k]));
	}
	strv_release(&p->apps);
	p->around = fd_close(p->around);
}

void cgroup_app_release(struct cgroup_app *a)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		a->fds[k] = fd_close(a->fds[k]);
	a->killer = fd_close(a->killer);
}

/* --- the pod's group and the slice ----------------------------------------------------------- */

/* The pod's group, from `base`. */
static const char *below(const struct cgroup_pod *p, enum cgroup_kind k)
{
	return p->in_slice[k] ? p->sliced : p->name;
}

static int make_group(const struct cgroup_pod *p, enum cgroup_kind k, int base, struct err *e)
{
	const char *path = below(p, k);
	for (int i = 0; i < SLICE_TRIES; i++) {
		if (mkdirat(base, path, 0755) == 0 || errno == EEXIST)
			return 0;
		/* ENODEV: it went while the kernel was at it. */
		if ((errno != ENOENT && errno != ENODEV) || !p->in_slice[k])
			break;
		if (mkdirat(base, SLICE, 0755) < 0 && errno != EEXIST)
			break;
	}
	return ERR_SYS(e, "create control group '%s'", path);
}

static int unmake_group(const struct cgroup_pod *p, enum cgroup_kind k, int base)
{
	int r = unlinkat(base, below(p, k), AT_REMOVEDIR);
	if (p->in_slice[k])
		(void)unlinkat(base, SLICE, AT_REMOVEDIR); /* as long as it is empty */
	return r;
}

/* --- version 2: a group whose children can have the controllers ------------------------------ */

/* Does a file of blank separated words have this one? */
static bool knob_has(int dirfd, const char *knob, const char *word)
{
	char line[512];
	struct err ignored = ERR_INIT;
	if (io_read_line(dirfd, knob, line, sizeof line, &ignored) < 0)
		return false;
	_clean_(strv) struct strv words = STRV_INIT;
	strv_split(&words, line, ' ');
	return strv_has(&words, word);
}

/* `set`: controllers of version 2 that the pod's groups need. */
static bool has_all(int dirfd, const char *knob, unsigned set)
{
	for (size_t c = 0; c < _CONTROLLER_MAX; c++)
		if ((set >> c & 1) && !knob_has(dirfd, knob, controllers[c].name))
			return false;
	return true;
}

static int enable(int dirfd, unsigned set, struct err *e)
{
	char text[64] = "";
	if (has_all(dirfd, "cgroup.subtree_control", set))
		return 0;
	for (size_t c = 0, n = 0; c < _CONTROLLER_MAX; c++)
		if (set >> c & 1)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s+%s", n ? " " : "",
				controllers[c].name);
	return io_write_knob(dirfd, "cgroup.subtree_control", text, e);
}

static int join(int dirfd, struct err *e)
{
	return io_write_knob(dirfd, "cgroup.procs", "0", e);
}

/* Moves us from `base` into the leaf "supervisor" of the pod's group. */
static int step_aside(const struct cgroup_pod *p, int base, struct err *e)
{
	int r = make_group(p, CGROUP_UNIFIED, base, e);
	if (r < 0)
		return r;
	_clean_(fd) int pod = open_dir(base, below(p, CGROUP_UNIFIED));
	if (pod < 0 || (mkdirat(pod, SUPERVISOR, 0755) < 0 && errno != EEXIST))
		return ERR_SYS(e, "create control group '%s/" SUPERVISOR "'", p->name);
	_clean_(fd) int leaf = open_dir(pod, SUPERVISOR);
	return leaf < 0 ? ERR_SYS(e, "control group '" SUPERVISOR "'") : join(leaf, e);
}

static void step_back(const struct cgroup_pod *p, int base)
{
	struct err ignored = ERR_INIT;
	(void)join(base, &ignored); /* where it fails, rmdir does, and gc will see to it */
	_clean_(fd) int pod = open_dir(base, below(p, CGROUP_UNIFIED));
	if (pod >= 0)
		(void)unlinkat(pod, SUPERVISOR, AT_REMOVEDIR);
	(void)unmake_group(p, CGROUP_UNIFIED, base);
}

/* Is it a group that must not hold processes when its children have controllers, and does? */
static bool holds_processes(int base)
{
	char byte;
	if (faccessat(base, "cgroup.type", F_OK, 0) < 0)
		return false; /* the root of the hierarchy may */
	_clean_(fd) int fd = openat(base, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &byte, 1) > 0;
}

/* The kernel answers EBUSY where a group holds processes, but not for cpu alone: that would turn
 * the group into the root of a threaded subtree, in which the pod's groups were invalid. */
static int enable_if_empty(int base, unsigned set, struct err *e)
{
	if (holds_processes(base) && !has_all(base, "cgroup.subtree_control", set))
		return err_set(e, ERR_BUSY, EBUSY, "it holds processes");
	return enable(base, set, e);
}

/* Makes `base`, the group that we are in or one above it, give controllers to its children. */
static int try_base(struct cgroup_pod *p, int base, bool own, unsigned set, struct err *e)
{
	int r = enable_if_empty(base, set, e);
	/* If the processes are all ours, they can step aside. */
	if (r != -EBUSY || !own)
		return r;
	r = step_aside(p, base, e);
	if (r >= 0 && (r = enable_if_empty(base, set, e)) >= 0) {
		p->supervised = true;
		return 0;
	}
	step_back(p, base);
	return r;
}

/* Did somebody bound what the group may use? The first line of each file says so. */
static bool has_limits(int dirfd)
{
	static const char *const knobs[] = { "memory.max", "memory.high", "memory.swap.max",
		"pids.max", "cpu.max", "io.max", "cpuset.cpus" };
	struct err ignored = ERR_INIT;
	char line[512];
	for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++)
		if (io_read_line(dirfd, knobs[i], line, sizeof line, &ignored) >= 0 && *line &&
			!str_after(line, "max"))
			return true;
	return false;
}

/* Is the group, or one that it is in, one with limits? */
static bool is_bounded(const struct cgroup_view *view, const char *own, struct arena *a)
{
	char *group = arena_strdup(a, own);
	for (; !str_eq(group, "/"); cgroup_group_up(group)) {
		const char *dir = cgroup_view_dir(view, CGROUP_UNIFIED, group, a);
		_clean_(fd) int fd = dir ? open_dir(AT_FDCWD, dir) : -1;
		if (fd >= 0 && has_limits(fd))
			return true;
	}
	return false;
}

/* Whether a scope of systemd's is as good a place: a session's group is a unit like it, another
 * one with limits is there to hold what is started in it. */
static bool may_leave(const struct cgroup_view *view, const char *own, struct arena *a)
{
	return str_ends(own, ".scope") || str_ends(own, ".slice") || !is_bounded(view, own, a);
}

static int find_base(const struct cgroup_view *view, unsigned set, struct arena *a,
	struct cgroup_pod *p, char **ret_group, struct err *e)
{
	char *group = arena_strdup(a, view->v[CGROUP_UNIFIED].own);
	for (bool own = true;; own = false) {
		const char *dir = cgroup_view_dir(view, CGROUP_UNIFIED, group, a);
		if (!dir) /* above what can be seen */
			return err_wrap(e, -EBUSY,
				"no control group here can have limits for its children");
		_clean_(fd) int base = open_dir(AT_FDCWD, dir);
		if (base < 0)
			return ERR_SYS(e, "control group '%s'", dir);
		int r = try_base(p, base, own, set, e);
		if (r >= 0) {
			p->base[CGROUP_UNIFIED] = take_fd(&base);
			*ret_group = group;
			return 0;
		}
		if (own && str_ends(group, ".service"))
			return err_wrap(e, r,
				"limits of apps need Delegate=yes in the systemd service '%s' and "
				"rkt alone in it",
				path_base(group));
		if (own && p->stay && may_leave(view, group, a))
			return err_wrap(e, -EAGAIN, "limits in control group '%s'", group);
		if (str_eq(group, "/"))
			return err_wrap(e, r, "enable controllers for limits");
		if (has_limits(base))
			return err_wrap(e, r,
				"limits of apps need rkt alone in a control group: '%s' has limits "
				"that the pod would escape outside of it",
				group);
		cgroup_group_up(group);
	}
}

/* --- creation -------------------------------------------------------------------------------- */

/* The root group of version 2 lists what is not bound to version 1. */
static int open_root(const struct cgroup_view *view, struct arena *a)
{
	const char *dir = NULL;
	if (view->v[CGROUP_UNIFIED].mount)
		dir = cgroup_view_dir(view, CGROUP_UNIFIED, view->v[CGROUP_UNIFIED].root, a);
	return dir ? open_dir(AT_FDCWD, dir) : -1;
}

static int choose(const struct cgroup_view *view, unsigned set, struct arena *a,
	struct cgroup_pod *p, struct err *e)
{
	_clean_(fd) int root = set ? open_root(view, a) : -1;
	for (size_t c = 0; c < _CONTROLLER_MAX; c++) {
		if (!(set >> c & 1))
			continue;
		if (root >= 0 && knob_has(root, "cgroup.controllers", controllers[c].name))
			p->at[c] = CGROUP_UNIFIED;
		else if (view->v[controllers[c].v1].mount)
			p->at[c] = controllers[c].v1;
		else
			return ERR_NOENT(e,
				"a %s limit was asked for, but no control group hierarchy here has "
				"the %s controller",
				controllers[c].what, controllers[c].name);
	}
	/* What is written to files is charged to the group only where its memory is. */
	if (p->at[CONTROLLER_IO] == CGROUP_UNIFIED && root >= 0 &&
		knob_has(root, "cgroup.controllers", "memory"))
		p->at[CONTROLLER_MEMORY] = CGROUP_UNIFIED;
	return 0;
}

/* The controllers that the pod has in this hierarchy. */
static unsigned set_of(const struct cgroup_pod *p, enum cgroup_kind k)
{
	unsigned set = 0;
	for (size_t c = 0; c < _CONTROLLER_MAX; c++)
		set |= (p->at[c] == k) << c;
	return set;
}

struct recorder {
	cgroup_record_fn fn;
	void *ctx;
};

static int record(struct cgroup_pod *p, enum cgroup_kind k, const char *parent,
	const struct recorder *rec, struct err *e)
{
	free(p->group[k]);
	p->in_slice[k] = str_eq(parent, "/");
	p->group[k] = xasprintf("%s/%s", p->in_slice[k] ? "" : parent, below(p, k));
	return rec->fn(rec->ctx, p, e);
}

static int create_in(const struct cgroup_view *view, enum cgroup_kind k, struct arena *a,
	const struct recorder *rec, struct cgroup_pod *p, struct err *e)
{
	const unsigned set = k == CGROUP_UNIFIED ? set_of(p, k) : 0;
	char *own = arena_strdup(a, view->v[k].own);
	int r = record(p, k, own, rec, e);
	if (r < 0)
		return r;
	if (set) {
		char *base = own;
		r = find_base(view, set, a, p, &base, e);
		if (r >= 0 && !str_eq(base, own))
			r = record(p, k, own = base, rec, e);
		if (r < 0)
			return r;
	}
	const char *dir = cgroup_view_dir(view, k, own, a);
	if (p->base[k] < 0)
		p->base[k] = dir ? open_dir(AT_FDCWD, dir) : -1;
	if (p->base[k] < 0)
		return ERR_SYS(e, "open control group '%s'", own);
	p->dir[k] = xasprintf("%s/%s", dir, below(p, k));
	if ((r = make_group(p, k, p->base[k], e)) < 0)
		return err_wrap(e, r,
			set_of(p, k) ? "limits of apps need a control group in '%s'" : "in '%s'",
			own);
	p->pod[k] = open_dir(p->base[k], below(p, k));
	if (p->pod[k] < 0)
		return ERR_SYS(e, "open control group '%s'", p->group[k]);
	if (k == CGROUP_MEMORY) { /* an old kernel has to be told; a new one knows nothing else */
		struct err ignored = ERR_INIT;
		(void)io_write_knob(p->pod[k], "memory.use_hierarchy", "1", &ignored);
	}
	if (!set)
		return 0;
	if (p->in_slice[k]) { /* which stays from now on: there is a pod in it */
		_clean_(fd) int slice = open_dir(p->base[k], SLICE);
		if (slice < 0)
			return ERR_SYS(e, "open control group '/" SLICE "'");
		if ((r = enable(slice, set, e)) < 0)
			return r;
	}
	return enable(p->pod[k], set, e);
}

static bool tracks(enum cgroup_kind k)
{
	return k == CGROUP_UNIFIED || k == CGROUP_SYSTEMD;
}

/* Where nobody asked for a limit. */
static bool wanted_anyhow(const struct cgroup_view *view, enum cgroup_kind k)
{
	if (!view->v[k].mount)
		return false;
	return k == CGROUP_UNIFIED ||
	       (!view->v[CGROUP_UNIFIED].mount &&
		       (k == CGROUP_SYSTEMD || k == CGROUP_DEVICES || k == CGROUP_FREEZER));
}

int cgroup_pod_create(const struct cgroup_view *view, const char *name, unsigned set,
	cgroup_record_fn record_fn, void *ctx, struct cgroup_pod *ret, struct err *e)
{
	const struct recorder rec = { record_fn, ctx };
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_pod p;
	cgroup_pod_init(&p);
	snprintf(p.name, sizeof p.name, "%s", name);
	snprintf(p.sliced, sizeof p.sliced, SLICE "/%s", p.name);
	p.stay = set & CGROUP_STAY;
	int r = choose(view, set & ~CGROUP_STAY, &a, &p, e);
	for (size_t k = 0; k < _CGROUP_KIND_MAX && r >= 0; k++) {
		bool limits = set_of(&p, (enum cgroup_kind)k);
		if (!limits && !wanted_anyhow(view, (enum cgroup_kind)k))
			continue;
		r = create_in(view, (enum cgroup_kind)k, &a, &rec, &p, e);
		if (r < 0 && !limits) {
			/* Nobody asked for it: a pod runs without being tracked. */
			char text[sizeof e->msg];
			err_format(e, false, text, sizeof text);
			dbg("%s", text);
			p.base[k] = fd_close(p.base[k]);
			r = 0;
		}
	}
	if (r < 0) {
		cgroup_pod_remove(&p);
		cgroup_pod_release(&p);
		return r;
	}
	if (p.at[CONTROLLER_MEMORY] == NOWHERE)
		cgroup_pod_watch(view, &p);
	*ret = p;
	return 0;
}

/* Writes the limits into the groups `fds`, each where its controller is. */
static int apply_limits(const struct cgroup_pod *p, const int fds[_CGROUP_KIND_MAX],
	const struct cgroup_limits *l, struct err *e)
{
	int r = 0;
	for (size_t c = 0; c < _CONTROLLER_MAX && r >= 0; c++)
		if (p->at[c] != NOWHERE)
			r = cgroup_limits_write(fds[p->at[c]], (enum cgroup_controller)c,
				p->at[c] == CGROUP_UNIFIED, l, e);
	return r;
}

int cgroup_pod_limit(const struct cgroup_pod *pod, const struct cgroup_limits *l, struct err *e)
{
	struct cgroup_limits all = *l;
	if (all.pids && pod->supervised)
		all.pids += OWN_PROCESSES;
	int r = apply_limits(pod, pod->pod, &all, e);
	return r < 0 ? err_wrap(e, r, "pod") : 0;
}

int cgroup_app_create(struct cgroup_pod *pod, const char *app, const struct cgroup_limits *limits,
	struct cgroup_app *ret, struct err *e)
{
	struct cgroup_app a = { .killer = -1 };
	int r = 0;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		a.fds[k] = -1;
	for (size_t k = 0; k < _CGROUP_KIND_MAX && r >= 0; k++) {
		if (pod->pod[k] < 0)
			continue;
		if (k == CGROUP_BLKIO && limits->block_of_pod) {
			a.fds[k] = fcntl(pod->pod[k], F_DUPFD_CLOEXEC, 0);
			continue;
		}
		if (mkdirat(pod->pod[k], app, 0755) < 0 && errno != EEXIST)
			r = ERR_SYS(e, "create control group '%s/%s'", pod->group[k], app);
		else if ((a.fds[k] = open_dir(pod->pod[k], app)) < 0)
			r = ERR_SYS(e, "open control group '%s/%s'", pod->group[k], app);
	}
	strv_add(&pod->apps, app);
	if (r >= 0)
		r = apply_limits(pod, a.fds, limits, e);
	if (r < 0) {
		cgroup_app_release(&a);
		return r;
	}
	*ret = a;
	return 0;
}

int cgroup_app_join(const struct cgroup_app *a, bool placed, struct err *e)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		if (a->fds[k] < 0 || (placed && k == CGROUP_UNIFIED))
			continue;
		int r = join(a->fds[k], e);
		if (r < 0)
			return err_wrap(e, r, "join control group (%s)", cgroup_kind_name(k));
	}
	return 0;
}

int cgroup_door_open(const struct cgroup_app *a, struct cgroup_door *ret, struct err *e)
{
	struct cgroup_door d = CGROUP_DOOR_INIT;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		if (a->fds[k] < 0)
			continue;
		d.fds[k] = openat(a->fds[k], "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		if (d.fds[k] < 0) {
			int r = ERR_SYS(e, "open control group (%s)",
				cgroup_kind_name((enum cgroup_kind)k));
			cgroup_door_close(&d);
			return r;
		}
	}
	*ret = d;
	return 0;
}

int cgroup_door_enter(const struct cgroup_door *d, bool placed, struct err *e)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		if (d->fds[k] >= 0 && !(placed && k == CGROUP_UNIFIED) &&
			write(d->fds[k], "0", 1) != 1)
			return ERR_SYS(e, "join control group (%s)",
				cgroup_kind_name((enum cgroup_kind)k));
	return 0;
}

void cgroup_door_close(struct cgroup_door *d)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		d->fds[k] = fd_close(d->fds[k]);
}

static void kill_listed(int dirfd)
{
	struct err ignored = ERR_INIT;
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	if (io_read_file(dirfd, "cgroup.procs", &text, &ignored) < 0)
		return;
	_clean_(strv) struct strv lines = STRV_INIT;
	strv_split(&lines, str_text(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		uint32_t pid;
		if (parse_u32(lines.v[i], 2, INT32_MAX, &pid) && (pid_t)pid != getpid())
			(void)kill((pid_t)pid, SIGKILL);
	}
}

/* What kills all of the group at once: of version 2, or of version 1's freezer. */
static int open_killer(const struct cgroup_app *a)
{
	if (a->fds[CGROUP_UNIFIED] >= 0)
		return openat(a->fds[CGROUP_UNIFIED], "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (a->fds[CGROUP_FREEZER] >= 0)
		return openat(a->fds[CGROUP_FREEZER], "freezer.state", O_RDWR | O_CLOEXEC);
	return -1;
}

void cgroup_app_hold_killer(struct cgroup_app *a)
{
	a->killer = open_killer(a);
}

/* Freezing takes until each process has seen it; from the first instant none can fork. */
static void freeze(int state)
{
	char text[16] = "";
	if (state < 0 || write(state, "FROZEN", strlen("FROZEN")) < 0)
		return;
	for (int i = 0; i < FREEZE_TRIES && !str_after(text, "FROZEN"); i++) {
		if (i > 0)
			pause_ms(1);
		ssize_t n = pread(state, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	}
}

void cgroup_app_kill(const struct cgroup_app *a)
{
	_clean_(fd) int own = a->killer < 0 ? open_killer(a) : -1;
	const int killer = a->killer < 0 ? own : a->killer;
	if (a->fds[CGROUP_UNIFIED] >= 0) {
		/* With an older kernel one by one. What is born meanwhile pid 1 ends later. */
		if (killer < 0 || write(killer, "1", 1) < 0)
			kill_listed(a->fds[CGROUP_UNIFIED]);
		return;
	}
	const enum cgroup_kind k = a->fds[CGROUP_FREEZER] >= 0 ? CGROUP_FREEZER : CGROUP_SYSTEMD;
	if (a->fds[k] < 0)
		return;
	freeze(killer);
	kill_listed(a->fds[k]);
	/* They die of it when they are thawed. */
	if (killer >= 0 && write(killer, "THAWED", strlen("THAWED")) < 0)
		dbg("thaw control group: %s", strerror(errno));
}

/* --- the end --------------------------------------------------------------------------------- */

/* Calls fn for each directory in dirfd. */
static void each_group(int dirfd, int depth, void (*fn)(int dirfd, const char *name, int depth))
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		fd_close(fd);
		return;
	}
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			fn(dirfd, de->d_name, depth);
}

static void remove_tree(int at, const char *name, int depth)
{
	if (unlinkat(at, name, AT_REMOVEDIR) == 0 || depth >= DEPTH_MAX)
		return;
	_clean_(fd) int fd = open_dir(at, name);
	if (fd >= 0)
		each_group(fd, depth + 1, remove_tree);
	(void)unlinkat(at, name, AT_REMOVEDIR); /* the caller looks whether it is gone */
}

static bool gone(int at, const char *name)
{
	struct stat st;
	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static void remove_groups(const struct cgroup_pod *p, enum cgroup_kind k)
{
	/* What we made, and as a rule there is nothing else. */
	for (size_t i = 0; i < p->apps.n && p->pod[k] >= 0; i++)
		(void)unlinkat(p->pod[k], p->apps.v[i], AT_REMOVEDIR);
	if (unmake_group(p, k, p->base[k]) == 0)
		return;
	for (int i = 0; i < REMOVE_TRIES && !gone(p->base[k], below(p, k)); i++) {
		if (i > 0)
			pause_ms(1);
		remove_tree(p->base[k], below(p, k), 0);
	}
	(void)unmake_group(p, k, p->base[k]);
}

static void disable(int dirfd, const char *controller)
{
	char text[32];
	struct err ignored = ERR_INIT;
	snprintf(text, sizeof text, "-%s", controller);
	(void)io_write_knob(dirfd, "cgroup.subtree_control", text, &ignored);
}

void cgroup_pod_remove(struct cgroup_pod *p)
{
	struct err ignored = ERR_INIT;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		if (p->base[k] < 0)
			continue;
		if (k == CGROUP_UNIFIED && p->supervised) {
			/* Back to where we came from, which must give up its controllers first. */
			if (p->pod[k] >= 0)
				each_group(p->pod[k], 0, remove_tree);
			_clean_(fd) int slice = p->in_slice[k] ? open_dir(p->base[k], SLICE) : -1;
			const int up[] = { p->pod[k], slice, p->base[k] };
			for (size_t i = 0; i < sizeof up / sizeof *up; i++)
				for (size_t c = 0; c < _CONTROLLER_MAX && up[i] >= 0; c++)
					disable(up[i], controllers[c].name);
			(void)join(p->base[k], &ignored);
		}
		remove_groups(p, (enum cgroup_kind)k);
	}
}

void cgroup_pod_print(const struct cgroup_pod *pod, struct str *out)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		if (pod->group[k] && tracks(k))
			str_addf(out, "%s\n", pod->group[k] + 1);
		else if (pod->group[k])
			str_addf(out, "%s:%s\n", cgroup_kind_name(k), pod->group[k]);
}

static void kill_tree(int at, const char *name, int depth)
{
	struct err ignored = ERR_INIT;
	_clean_(fd) int fd = open_dir(at, name);
	if (fd < 0 || depth >= DEPTH_MAX)
		return;
	if (io_write_knob(fd, "cgroup.kill", "1", &ignored) >= 0)
		return; /* with everything below */
	kill_listed(fd);
	each_group(fd, depth + 1, kill_tree);
}

static int collect_one(const struct cgroup_view *view, enum cgroup_kind k, const char *group,
	struct arena *a, struct err *e)
{
	const char *dir = cgroup_view_dir(view, k, group, a);
	if (!dir)
		return 0; /* not to be seen from here: it is not ours to remove */
	const char *name = str_after(group, "/" SLICE "/");
	const char *slice =
		name && !strchr(name, '/') ? cgroup_view_dir(view, k, "/" SLICE, a) : NULL;
	for (int i = 0; i < COLLECT_TRIES; i++) {
		remove_tree(AT_FDCWD, dir, 0);
		if (gone(AT_FDCWD, dir)) {
			if (slice)
				(void)unlinkat(AT_FDCWD, slice, AT_REMOVEDIR);
			return 0;
		}
		kill_tree(AT_FDCWD, dir, 0);
		pause_ms(5);
	}
	return err_set(e, ERR_BUSY, EBUSY, "control group '%s' still holds processes", dir);
}

/* "memory:/group" or, for tracking, "group"; cuts line. _CGROUP_KIND_MAX: neither. */
static enum cgroup_kind parse_line(
	const struct cgroup_view *view, const char *line, struct arena *a, const char **ret_group)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		const char *group = str_after(line, cgroup_kind_name(k));
		if (group && group[0] == ':' && group[1] == '/') {
			*ret_group = group + 1;
			return (enum cgroup_kind)k;
		}
	}
	if (!*line)
		return NOWHERE;
	*ret_group = arena_printf(a, "/%s", line);
	return view->v[CGROUP_UNIFIED].mount ? CGROUP_UNIFIED : CGROUP_SYSTEMD;
}

int cgroup_collect(
	const struct cgroup_view *view, const char *list, const char *name, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(strv) struct strv lines = STRV_INIT;
	strv_split(&lines, list, '\n');
	int first = 0;
	for (size_t i = 0; i < lines.n; i++) {
		const char *group;
		enum cgroup_kind k = parse_line(view, lines.v[i], &a, &group);
		if (k == NOWHERE || !str_eq(path_base(group), name))
			continue;
		struct err one = ERR_INIT;
		int r = collect_one(view, k, group, &a, &one);
		if (r < 0 && first == 0) {
			first = r;
			*e = one;
		}
	}
	return first;
}
