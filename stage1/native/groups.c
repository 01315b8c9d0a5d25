/* SPDX-License-Identifier: Apache-2.0 */
/* groups: the control groups of a pod and of its apps, with their limits. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/atomic.h"
#include "lib/sys/blockdev.h"
#include "lib/sys/devices.h"
#include "stage1/native/native.h"

/* Limits of the pod, and of each app. */
struct wanted {
	struct cgroup_limits pod, *apps;
	size_t n_apps;
	unsigned need, like; /* controllers */
};

/* --- the disks that limits of block devices are of ------------------------------------------- */

struct disks {
	struct arena *arena;
	dev_t *v;
	size_t n;
};

static int add_disk(struct disks *d, const char *path, struct err *e)
{
	struct stat st;
	dev_t disk;
	if (stat(path, &st) < 0)
		return 0; /* who opens it says so */
	int r = blockdev_behind(S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev, &disk, e);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i] == disk)
			return 0;
	dev_t *grown = ARENA_ARRAY(d->arena, dev_t, d->n + 1);
	if (d->n)
		memcpy(grown, d->v, d->n * sizeof *grown);
	grown[d->n++] = disk;
	d->v = grown;
	return 0;
}

/* Where the pod's directory lies, and what its apps were given of the host. */
static int find_disks(struct native *n, struct disks *d, struct err *e)
{
	int r = add_disk(d, ".", e);
	for (size_t i = 0; i < native_n_apps(n); i++)
		for (size_t k = 0; k < n->pod.plans[i].n_mounts && r >= 0; k++) {
			const struct mnt_op *op = &n->pod.plans[i].mounts[k];
			if (op->kind == MNT_BIND && op->foreign)
				r = add_disk(d, op->src, e);
		}
	return r;
}

/* --- what is wanted -------------------------------------------------------------------------- */

static bool is_pods(const struct cgroup_limits *app, const struct cgroup_limits *pod)
{
	return (pod->block_bandwidth || pod->block_iops) &&
	       app->block_bandwidth == pod->block_bandwidth && app->block_iops == pod->block_iops;
}

static int collect(struct native *n, struct wanted *w, struct err *e)
{
	struct disks disks = { .arena = &n->pod.arena };
	w->n_apps = native_n_apps(n);
	w->apps = ARENA_ARRAY(&n->pod.arena, struct cgroup_limits, w->n_apps);
	w->pod = n->pod.plan.limits;
	w->need = cgroup_limits_need(&w->pod);
	w->like = cgroup_limits_like(&w->pod);
	for (size_t i = 0; i < w->n_apps; i++) {
		w->apps[i] = n->pod.plans[i].limits;
		w->need |= cgroup_limits_need(&w->apps[i]);
		w->like |= cgroup_limits_like(&w->apps[i]);
	}
	if (!(w->need >> CONTROLLER_IO & 1))
		return 0;
	int r = find_disks(n, &disks, e);
	for (size_t i = 0; i < w->n_apps; i++) {
		w->apps[i].devices = disks.v;
		w->apps[i].n_devices = disks.n;
		w->apps[i].block_of_pod = is_pods(&w->apps[i], &w->pod);
	}
	w->pod.devices = disks.v;
	w->pod.n_devices = disks.n;
	return r < 0 ? err_wrap(e, r, "disks of the pod") : 0;
}

/* --- what became of it ----------------------------------------------------------------------- */

static void worsen(struct report *r, const char *isolator, enum report_state state, const char *why)
{
	if (report_find(r, isolator))
		report_worsen(r, isolator, state, "%s", why);
}

/* Of the pod and of each app that has such an isolator. */
static void worsen_all(
	struct native *n, const char *isolator, enum report_state state, const char *why)
{
	worsen(&n->pod.plan.report, isolator, state, why);
	for (size_t i = 0; i < native_n_apps(n); i++)
		worsen(&n->pod.plans[i].report, isolator, state, why);
}

static void report_block(struct native *n, const struct wanted *w)
{
	static const char *const names[] = { "resource/block-bandwidth", "resource/block-iops" };
	size_t apart = 0;
	for (size_t i = 0; i < w->n_apps; i++)
		apart += !w->apps[i].block_of_pod;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (w->pod.n_devices == 0)
			worsen_all(n, names[i], REPORT_IGNORED,
				"neither the pod's directory nor a volume lies on a disk that is "
				"known");
		else if (n->cgroups.at[CONTROLLER_IO] == CGROUP_BLKIO && w->n_apps > 1 && apart)
			worsen(&n->pod.plan.report, names[i], REPORT_CHANGED,
				"apps with limits of their own have only these: version 1 of "
				"control groups does not limit them together with others");
	}
}

static void report_weight(struct report *r, uint64_t shares)
{
	const char *said = "os/linux/cpu-shares";
	if (shares && !cgroup_weight_fits(shares))
		worsen(r, report_find(r, said) ? said : "resource/cpu", REPORT_CHANGED,
			"version 2 of control groups has weights from 1 to 10000, which are shares "
			"from 10 to 102400");
}

static void report_weights(struct native *n, const struct wanted *w)
{
	if (n->cgroups.at[CONTROLLER_CPU] != CGROUP_UNIFIED)
		return;
	report_weight(&n->pod.plan.report, w->pod.cpu_shares);
	for (size_t i = 0; i < w->n_apps; i++)
		report_weight(&n->pod.plans[i].report, w->apps[i].cpu_shares);
}

/* Where a request has to do without its controller, but a limit of the same isolator has not. */
static void report_requests(struct native *n, const char *why)
{
	char text[sizeof((struct err *)NULL)->msg + 32];
	snprintf(text, sizeof text, "the request is ignored: %s", why);
	worsen_all(n, "resource/memory", REPORT_CHANGED, text);
	worsen_all(n, "resource/cpu", REPORT_CHANGED, text);
	worsen_all(n, "os/linux/cpu-shares", REPORT_IGNORED, why);
}

/* --- making them ----------------------------------------------------------------------------- */

static int record(void *ctx, const struct cgroup_pod *groups, struct err *e)
{
	const struct native *n = ctx;
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	cgroup_pod_print(groups, &text);
	return atomic_write(n->pod.dirfd, POD_SUBCGROUP_FILE, str_text(&text), text.len, 0644,
		ATOMIC_VISIBLE, e);
}

/* Requests are a wish: where nobody gives the controllers to us, a pod runs without. */
static int make_pod_groups(struct native *n, const struct wanted *w, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_view view;
	char name[64];
	snprintf(name, sizeof name, "rkt-%s", n->run.uuid);
	const unsigned all = w->need | w->like, stay = w->need ? CGROUP_STAY : 0;
	int r = (all ? cgroup_view_load : cgroup_view_load_tracking)(&a, &view, e);
	if (r < 0)
		return r;
	if (cgroup_view_root_is_systemds(&view))
		native_enter_scope(n);
	r = cgroup_pod_create(&view, name, all | stay, record, n, &n->cgroups, e);
	if (r == -EAGAIN) {
		native_enter_scope(n);
		*e = ERR_INIT;
		r = cgroup_pod_create(&view, name, all, record, n, &n->cgroups, e);
	}
	if (r < 0 && all != w->need) {
		char why[sizeof e->msg];
		err_format(e, false, why, sizeof why);
		report_requests(n, why);
		*e = ERR_INIT;
		r = cgroup_pod_create(&view, name, w->need, record, n, &n->cgroups, e);
	}
	return r < 0 ? r : cgroup_pod_limit(&n->cgroups, &w->pod, e);
}

/* --- devices --------------------------------------------------------------------------------- */

static void add_rule(struct device_rule *rules, size_t *n, const struct mnt_op *op)
{
	struct stat st;
	if (stat(op->src, &st) < 0 || !(S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)))
		return;
	rules[(*n)++] = (struct device_rule){
		.block = S_ISBLK(st.st_mode),
		.major = (int)major(st.st_rdev),
		.minor = (int)minor(st.st_rdev),
		.access = DEVICE_READ | (op->flags & MS_RDONLY ? 0 : DEVICE_WRITE),
	};
}

/* The default ones and the volumes that are devices. The barrier before this one are the mounts, on
 * which no device opens: where the kernel does not let us, it is the only one. */
static void restrict_devices(struct native *n, size_t app)
{
	struct err e = ERR_INIT;
	const struct app_plan *plan = &n->pod.plans[app];
	const struct cgroup_app *groups = &n->groups[app];
	struct device_rule rules[DEVICES_MAX];
	size_t count = devices_n_default;
	int r = 0;
	if (n->pod.facts.disable_paths)
		return;
	memcpy(rules, devices_default, count * sizeof *rules);
	for (size_t i = 0; i < plan->n_mounts && count < DEVICES_MAX; i++)
		if (plan->mounts[i].kind == MNT_BIND && plan->mounts[i].foreign)
			add_rule(rules, &count, &plan->mounts[i]);
	if (groups->fds[CGROUP_UNIFIED] >= 0)
		r = devices_restrict(groups->fds[CGROUP_UNIFIED], rules, count, &e);
	else if (groups->fds[CGROUP_DEVICES] >= 0)
		r = devices_restrict_v1(groups->fds[CGROUP_DEVICES], rules, count, &e);
	if (r < 0)
		dbg("app '%s': %s", plan->name, e.msg);
}

/* What the app sees of them: version 2 alone where programs look for it when there is nothing else,
 * or a directory for each hierarchy. */
static void show_groups(struct native *n, const struct cgroup_limits *limits, struct app_plan *plan)
{
	const struct cgroup_pod *p = &n->cgroups;
	struct arena *a = &n->pod.arena;
	plan->cgroups = ARENA_ARRAY(a, struct cgroup_shown, _CGROUP_KIND_MAX);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++)
		if (p->pod[k] >= 0)
			plan->cgroups[plan->n_cgroups++] = (struct cgroup_shown){
				cgroup_kind_name((enum cgroup_kind)k),
				k == CGROUP_BLKIO && limits->block_of_pod
					? p->dir[k]
					: arena_printf(a, "%s/%s", p->dir[k], plan->name),
			};
	if (plan->n_cgroups == 1 && p->pod[CGROUP_UNIFIED] >= 0)
		plan->cgroups[0].name = NULL;
}

int native_make_groups(struct native *n, struct err *e)
{
	struct wanted w = { 0 };
	int r = collect(n, &w, e);
	if (r < 0 || (r = make_pod_groups(n, &w, e)) < 0)
		return r;
	if (w.need >> CONTROLLER_IO & 1)
		report_block(n, &w);
	report_weights(n, &w);
	n->groups = ARENA_ARRAY(&n->pod.arena, struct cgroup_app, w.n_apps);
	memset(n->groups, 0xff, w.n_apps * sizeof *n->groups); /* -1: no descriptor */
	for (size_t i = 0; i < w.n_apps && r >= 0; i++) {
		const char *app = n->pod.plans[i].name;
		r = cgroup_app_create(&n->cgroups, app, &w.apps[i], &n->groups[i], e);
		if (r < 0)
			err_wrap(e, r, "app '%s'", app);
		restrict_devices(n, i);
		show_groups(n, &w.apps[i], &n->pod.plans[i]);
	}
	return r;
}
