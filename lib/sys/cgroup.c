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
#define NOWHERE _CGROUP_KIND_MAX

enum {
	CPU_PERIOD_US = 100000,
	CPU_QUOTA_MIN_US = 1000, /* the kernel refuses less */
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
	DEPTH_MAX = 16,
	REMOVE_TRIES = 20, /* a millisecond each, at the pod's end */
	COLLECT_TRIES = 200,
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
	*p = (struct cgroup_pod){ .memory = NOWHERE, .cpu = NOWHERE };
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		p->base[k] = p->pod[k] = -1;
}

void cgroup_pod_release(struct cgroup_pod *p)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		p->base[k] = fd_close(p->base[k]);
		p->pod[k] = fd_close(p->pod[k]);
		free(take_ptr(p->group[k]));
	}
	strv_release(&p->apps);
}

void cgroup_app_release(struct cgroup_app *a)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		a->fds[k] = fd_close(a->fds[k]);
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

struct wish { /* controllers of version 2 that the pod's groups need */
	bool memory, cpu;
};

static bool has_all(int dirfd, const char *knob, const struct wish *w)
{
	return (!w->memory || knob_has(dirfd, knob, "memory")) &&
	       (!w->cpu || knob_has(dirfd, knob, "cpu"));
}

static int enable(int dirfd, const struct wish *w, struct err *e)
{
	const char *text = w->memory && w->cpu ? "+memory +cpu" : w->memory ? "+memory" : "+cpu";
	if (has_all(dirfd, "cgroup.subtree_control", w))
		return 0;
	return io_write_knob(dirfd, "cgroup.subtree_control", text, e);
}

static int join(int dirfd, struct err *e)
{
	return io_write_knob(dirfd, "cgroup.procs", "0", e);
}

/* Moves us from `base` into base/NAME/supervisor. */
static int step_aside(int base, const char *name, struct err *e)
{
	if (mkdirat(base, name, 0755) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create control group '%s'", name);
	_clean_(fd) int pod = open_dir(base, name);
	if (pod < 0 || (mkdirat(pod, SUPERVISOR, 0755) < 0 && errno != EEXIST))
		return ERR_SYS(e, "create control group '%s/" SUPERVISOR "'", name);
	_clean_(fd) int leaf = open_dir(pod, SUPERVISOR);
	return leaf < 0 ? ERR_SYS(e, "control group '" SUPERVISOR "'") : join(leaf, e);
}

static void step_back(int base, const char *name)
{
	struct err ignored = ERR_INIT;
	(void)join(base, &ignored); /* where it fails, rmdir does, and gc will see to it */
	_clean_(fd) int pod = open_dir(base, name);
	if (pod >= 0)
		(void)unlinkat(pod, SUPERVISOR, AT_REMOVEDIR);
	(void)unlinkat(base, name, AT_REMOVEDIR);
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
static int enable_if_empty(int base, const struct wish *w, struct err *e)
{
	if (holds_processes(base) && !has_all(base, "cgroup.subtree_control", w))
		return err_set(e, ERR_BUSY, EBUSY, "it holds processes");
	return enable(base, w, e);
}

/* Makes `base`, the group that we are in or one above it, give controllers to its children. */
static int try_base(
	int base, bool own, const char *name, const struct wish *w, bool *ret_aside, struct err *e)
{
	int r = enable_if_empty(base, w, e);
	/* If the processes are all ours, they can step aside. */
	if (r != -EBUSY || !own)
		return r;
	r = step_aside(base, name, e);
	if (r >= 0 && (r = enable_if_empty(base, w, e)) >= 0) {
		*ret_aside = true;
		return 0;
	}
	step_back(base, name);
	return r;
}

static int find_base(const struct cgroup_view *view, const struct wish *w, struct arena *a,
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
		int r = try_base(base, own, p->name, w, &p->supervised, e);
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
		char *slash = strrchr(group, '/');
		if (slash == group && slash[1] == '\0')
			return err_wrap(e, r, "enable controllers for limits");
		slash[slash == group] = '\0';
	}
}

/* --- creation -------------------------------------------------------------------------------- */

static enum cgroup_kind limit_kind(const struct cgroup_view *view, enum cgroup_kind v1,
	const char *controller, struct arena *a)
{
	/* The root group of version 2 lists what is not bound to version 1. */
	const char *dir = NULL;
	if (view->v[CGROUP_UNIFIED].mount)
		dir = cgroup_view_dir(view, CGROUP_UNIFIED, view->v[CGROUP_UNIFIED].root, a);
	_clean_(fd) int fd = dir ? open_dir(AT_FDCWD, dir) : -1;
	if (fd >= 0 && knob_has(fd, "cgroup.controllers", controller))
		return CGROUP_UNIFIED;
	return view->v[v1].mount ? v1 : NOWHERE;
}

static int choose(const struct cgroup_view *view, const struct cgroup_limits *wanted,
	struct arena *a, struct cgroup_pod *p, struct err *e)
{
	if (wanted->memory) {
		p->memory = limit_kind(view, CGROUP_MEMORY, "memory", a);
		if (p->memory == NOWHERE)
			return ERR_NOENT(e, "a memory limit was asked for, but no control group "
					    "hierarchy here has the memory controller");
	}
	if (wanted->cpu_milli || wanted->cpu_shares) {
		p->cpu = limit_kind(view, CGROUP_CPU, "cpu", a);
		if (p->cpu == NOWHERE)
			return ERR_NOENT(e, "a cpu limit was asked for, but no control group "
					    "hierarchy here has the cpu controller");
	}
	return 0;
}

struct recorder {
	cgroup_record_fn fn;
	void *ctx;
};

static int record(struct cgroup_pod *p, enum cgroup_kind k, const char *parent,
	const struct recorder *rec, struct err *e)
{
	free(p->group[k]);
	p->group[k] = xasprintf("%s/%s", str_eq(parent, "/") ? "" : parent, p->name);
	return rec->fn(rec->ctx, p, e);
}

static int create_in(const struct cgroup_view *view, enum cgroup_kind k, struct arena *a,
	const struct recorder *rec, struct cgroup_pod *p, struct err *e)
{
	const struct wish w = { .memory = p->memory == k, .cpu = p->cpu == k };
	char *own = arena_strdup(a, view->v[k].own);
	bool controllers = k == CGROUP_UNIFIED && (w.memory || w.cpu);
	int r = record(p, k, own, rec, e);
	if (r < 0)
		return r;
	if (controllers) {
		char *base = own;
		r = find_base(view, &w, a, p, &base, e);
		if (r >= 0 && !str_eq(base, own))
			r = record(p, k, own = base, rec, e);
		if (r < 0)
			return r;
	} else {
		const char *dir = cgroup_view_dir(view, k, own, a);
		p->base[k] = dir ? open_dir(AT_FDCWD, dir) : -1;
		if (p->base[k] < 0)
			return ERR_SYS(e, "open control group '%s'", own);
	}
	if (mkdirat(p->base[k], p->name, 0755) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create control group '%s' in '%s'", p->name, own);
	p->pod[k] = open_dir(p->base[k], p->name);
	if (p->pod[k] < 0)
		return ERR_SYS(e, "open control group '%s'", p->group[k]);
	return controllers ? enable(p->pod[k], &w, e) : 0;
}

int cgroup_pod_create(const struct cgroup_view *view, const char *name,
	const struct cgroup_limits *wanted, cgroup_record_fn record_fn, void *ctx,
	struct cgroup_pod *ret, struct err *e)
{
	const struct recorder rec = { record_fn, ctx };
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_pod p;
	cgroup_pod_init(&p);
	snprintf(p.name, sizeof p.name, "%s", name);
	int r = choose(view, wanted, &a, &p, e);
	for (size_t k = 0; k < _CGROUP_KIND_MAX && r >= 0; k++) {
		bool tracked = view->v[k].mount &&
			       (k == CGROUP_UNIFIED ||
				       (k == CGROUP_SYSTEMD && !view->v[CGROUP_UNIFIED].mount));
		bool limits = p.memory == k || p.cpu == k;
		if (!tracked && !limits)
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
	*ret = p;
	return 0;
}

static int set_knob(int dirfd, const char *knob, uint64_t value, struct err *e)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return io_write_knob(dirfd, knob, text, e);
}

static uint64_t clamp(uint64_t v, uint64_t min, uint64_t max)
{
	return v < min ? min : v > max ? max : v;
}

static int limit_cpu(int dirfd, bool v2, const struct cgroup_limits *l, struct err *e)
{
	int r = 0;
	/* INT64_MAX microseconds are no limit, and cannot overflow the product. */
	uint64_t milli = clamp(l->cpu_milli, 0, INT64_MAX / CPU_PERIOD_US);
	uint64_t quota = milli * CPU_PERIOD_US / 1000;
	if (quota < CPU_QUOTA_MIN_US)
		quota = CPU_QUOTA_MIN_US;
	if (l->cpu_milli && v2) {
		char text[48];
		snprintf(text, sizeof text, "%llu %d", (unsigned long long)quota, CPU_PERIOD_US);
		r = io_write_knob(dirfd, "cpu.max", text, e);
	} else if (l->cpu_milli) {
		r = set_knob(dirfd, "cpu.cfs_period_us", CPU_PERIOD_US, e);
		if (r >= 0)
			r = set_knob(dirfd, "cpu.cfs_quota_us", quota, e);
	}
	if (r < 0 || !l->cpu_shares)
		return r;
	uint64_t shares = clamp(l->cpu_shares, SHARES_MIN, SHARES_MAX);
	if (!v2)
		return set_knob(dirfd, "cpu.shares", shares, e);
	/* The line through (2, 1) and (262144, 10000), as everybody converts them. */
	uint64_t weight = 1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN);
	return set_knob(dirfd, "cpu.weight", weight, e);
}

static int apply_limits(const struct cgroup_pod *p, const struct cgroup_app *a,
	const struct cgroup_limits *l, struct err *e)
{
	int r = 0;
	if (l->memory)
		r = set_knob(a->fds[p->memory],
			p->memory == CGROUP_UNIFIED ? "memory.max" : "memory.limit_in_bytes",
			l->memory, e);
	if (r >= 0 && (l->cpu_milli || l->cpu_shares))
		r = limit_cpu(a->fds[p->cpu], p->cpu == CGROUP_UNIFIED, l, e);
	return r < 0 ? err_wrap(e, r, "set limit") : 0;
}

int cgroup_app_create(struct cgroup_pod *pod, const char *app, const struct cgroup_limits *limits,
	struct cgroup_app *ret, struct err *e)
{
	struct cgroup_app a;
	int r = 0;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		a.fds[k] = -1;
	for (size_t k = 0; k < _CGROUP_KIND_MAX && r >= 0; k++) {
		if (pod->pod[k] < 0)
			continue;
		if (mkdirat(pod->pod[k], app, 0755) < 0 && errno != EEXIST)
			r = ERR_SYS(e, "create control group '%s/%s'", pod->group[k], app);
		else if ((a.fds[k] = open_dir(pod->pod[k], app)) < 0)
			r = ERR_SYS(e, "open control group '%s/%s'", pod->group[k], app);
	}
	strv_add(&pod->apps, app);
	if (r >= 0)
		r = apply_limits(pod, &a, limits, e);
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

void cgroup_app_kill(const struct cgroup_app *a)
{
	struct err ignored = ERR_INIT; /* an older kernel: pid 1 of the pod ends them later */
	if (a->fds[CGROUP_UNIFIED] >= 0)
		(void)io_write_knob(a->fds[CGROUP_UNIFIED], "cgroup.kill", "1", &ignored);
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
	if (unlinkat(p->base[k], p->name, AT_REMOVEDIR) == 0)
		return;
	for (int i = 0; i < REMOVE_TRIES && !gone(p->base[k], p->name); i++) {
		if (i > 0)
			pause_ms(1);
		remove_tree(p->base[k], p->name, 0);
	}
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
			for (int i = 0; i < 2; i++) {
				int fd = i == 0 ? p->pod[k] : p->base[k];
				(void)io_write_knob(
					fd, "cgroup.subtree_control", "-memory", &ignored);
				(void)io_write_knob(fd, "cgroup.subtree_control", "-cpu", &ignored);
			}
			(void)join(p->base[k], &ignored);
		}
		remove_groups(p, (enum cgroup_kind)k);
	}
}

static bool tracks(enum cgroup_kind k)
{
	return k == CGROUP_UNIFIED || k == CGROUP_SYSTEMD;
}

void cgroup_pod_print(const struct cgroup_pod *pod, struct str *out)
{
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		if (pod->group[k] && tracks(k))
			str_addf(out, "%s\n", pod->group[k] + 1);
		else if (pod->group[k])
			str_addf(out, "%s:%s\n", cgroup_kind_name(k), pod->group[k]);
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
	for (int i = 0; i < COLLECT_TRIES; i++) {
		remove_tree(AT_FDCWD, dir, 0);
		if (gone(AT_FDCWD, dir))
			return 0;
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
