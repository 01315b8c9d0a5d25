/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/app_status.h"
#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/fs/lockfd.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/users.h"

/* --- times --------------------------------------------------------------------------------- */

static int64_t mtime_at(int dirfd, const char *path)
{
	struct stat st;
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return ns_of(st.st_mtim);
}

static int64_t first_mtime(int dirfd, const char *path, const char *otherwise)
{
	int64_t t = mtime_at(dirfd, path);
	return t ? t : mtime_at(dirfd, otherwise);
}

/* --- processes ----------------------------------------------------------------------------- */

static pid_t read_pid(int dirfd, const char *path)
{
	char line[32];
	uint32_t v;
	struct err e;
	if (io_read_line(dirfd, path, line, sizeof line, &e) < 0 ||
		!parse_u32(line, 1, INT_MAX, &v))
		return 0;
	return (pid_t)v;
}

/* ppid's only child is pid 1 of the pod. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[64];
	uint32_t v;
	struct err e;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	if (io_read_line(AT_FDCWD, path, text, sizeof text, &e) < 0)
		return 0;
	text[strcspn(text, " ")] = '\0';
	return parse_u32(text, 1, INT_MAX, &v) ? (pid_t)v : 0;
}

static int lock_held(const struct pod *p, struct err *e)
{
	int r = p->lock_fd >= 0 ? 1 : lockfd_held(p->dirfd, POD_LOCK_FILE, e);
	return r < 0 && r != -EACCES ? 0 : r;
}

int pod_pid1(struct pod *p, pid_t *ret, struct err *e)
{
	pid_t pid = read_pid(p->dirfd, POD_PID_FILE);
	if (!pid) {
		pid_t parent = read_pid(p->dirfd, POD_PPID_FILE);
		pid = parent ? child_of(parent) : 0;
	}
	/* The file outlives the process: its number means something only under the lock. */
	int held = p->phase == POD_RUN ? lock_held(p, e) : 0;
	if (held < 0)
		return held;
	if (!held)
		return err_set(e, ERR_NOT_FOUND, ESRCH, "pod \"%s\" is not running", p->uuid.text);
	if (!pid)
		return err_set(
			e, ERR_NOT_FOUND, ESRCH, "pod \"%s\" has no process yet", p->uuid.text);
	*ret = pid;
	return 0;
}

/* --- apps ---------------------------------------------------------------------------------- */

/* NAME:VERSION; from the image's own manifest where the pod's does not name it. */
static const char *image_name(struct pod *p, struct arena *a, const struct runtime_app *app)
{
	const char *name = app->image.name;
	const struct nvlist *labels = &app->image.labels;
	if (!name) {
		char path[1024];
		struct err e;
		struct image_manifest *m;
		_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
		snprintf(path, sizeof path, POD_APPSINFO_DIR "/%s/manifest", app->name);
		if (!ac_name_valid(app->name) || io_read_file(p->dirfd, path, &bytes, &e) < 0 ||
			image_manifest_decode(str_text(&bytes), bytes.len, a, &m, &e) < 0)
			return NULL;
		name = m->name;
		labels = &m->labels;
	}
	const char *version = nv_get(labels, "version");
	return version ? arena_printf(a, "%s:%s", name, version) : name;
}

static void app_times(int dirfd, struct pod_app_info *app)
{
	char path[600];
	snprintf(path, sizeof path, "%s-started", app->name);
	app->started_ns = mtime_at(dirfd, path);
	if (app->has_status)
		app->finished_ns = mtime_at(dirfd, app->name);
}

static void read_apps(struct pod *p, struct arena *a, struct pod_info *info)
{
	const struct pod_manifest *m = info->manifest;
	info->apps = ARENA_ARRAY(a, struct pod_app_info, m->n_apps);
	info->n_apps = m->n_apps;
	for (size_t i = 0; i < m->n_apps; i++) {
		info->apps[i].name = m->apps[i].name;
		info->apps[i].image_id = m->apps[i].image.id;
		info->apps[i].image_name = image_name(p, a, &m->apps[i]);
	}
}

static void read_statuses(struct pod *p, struct arena *a, struct pod_info *info)
{
	_clean_(fd) int status = openat(p->dirfd, POD_STAGE1_ROOTFS "/" STAGE1_STATUS_DIR,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	info->hidden = status < 0 && errno == EACCES;
	for (size_t i = 0; status >= 0 && i < info->n_apps; i++) {
		struct pod_app_info *app = &info->apps[i];
		struct err e;
		if (!ac_name_valid(app->name))
			continue;
		app->has_status = app_status_read(status, app->name, &app->status, &e) > 0;
		app_times(status, app);
		char reason[APP_REASON_MAX];
		if (app->status == EXIT_SIGNAL_BASE + SIGKILL &&
			app_reason_read(status, app->name, reason, &e) > 0)
			app->reason = arena_strdup(a, reason);
	}
}

/* --- networks ------------------------------------------------------------------------------ */

static const struct jfield net_fields[] = {
	{ "netName", J_STRING, offsetof(struct pod_net_info, name), J_REQUIRED },
	{ "ip", J_STRING, offsetof(struct pod_net_info, ip), J_REQUIRED },
	{ 0 },
};

/* net-info.json is stage1's: one that cannot be read is as none. */
static void read_networks(struct pod *p, struct arena *a, struct pod_info *info)
{
	struct err e;
	struct json *v;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_LINE);
	if (faccessat(p->dirfd, POD_NET_INFO_FILE, F_OK, 0) < 0 ||
		io_read_file(p->dirfd, POD_NET_INFO_FILE, &bytes, &e) < 0 ||
		json_parse(str_text(&bytes), bytes.len, a, &v, &e) < 0 || v->type != JSON_ARRAY)
		return;
	struct jctx c = { .arena = a, .err = &e };
	info->networks = ARENA_ARRAY(a, struct pod_net_info, v->count);
	json_foreach (item, v) {
		struct pod_net_info *net = &info->networks[info->n_networks];
		if (jdec_object(&c, item, NULL, net_fields, J_UNKNOWN_IGNORED, net) >= 0)
			info->n_networks++;
	}
}

/* --- everything ---------------------------------------------------------------------------- */

static const char *read_insecure(struct pod *p, struct arena *a)
{
	char line[64];
	struct err e;
	if (faccessat(p->dirfd, POD_INSECURE_FILE, F_OK, 0) < 0 ||
		io_read_line(p->dirfd, POD_INSECURE_FILE, line, sizeof line, &e) < 0)
		return NULL;
	return arena_strdup(a, line);
}

/* isolators.json is stage1's: one that cannot be read is as none. */
static void read_report(struct pod *p, struct arena *a, struct pod_info *info)
{
	struct err e;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	if (faccessat(p->dirfd, POD_ISOLATORS_FILE, F_OK, 0) < 0 ||
		io_read_file(p->dirfd, POD_ISOLATORS_FILE, &bytes, &e) < 0)
		return;
	info->has_report =
		pod_report_decode(str_text(&bytes), bytes.len, a, &info->report, &e) >= 0;
}

void pod_info_summary(struct pod *p, struct arena *a, struct pod_info *ret)
{
	struct err why = ERR_INIT;
	struct pod_info info = {
		.uuid = arena_strdup(a, p->uuid.text),
		.state = pod_phase_state(p->phase, p->locked),
		.phase = p->phase,
		.running = p->phase == POD_RUN && p->locked,
		.exited = (p->phase == POD_RUN && !p->locked) || p->phase == POD_EXITED_GARBAGE,
		.created_ns = first_mtime(p->dirfd, POD_CREATED_FILE, POD_MANIFEST_FILE),
	};
	if (pod_read_manifest(p, a, &info.manifest, &why) >= 0) {
		read_apps(p, a, &info);
	} else if (p->phase > POD_PREPARE) { /* until then it need not have one */
		char text[600];
		err_format(&why, false, text, sizeof text);
		info.damage = arena_strdup(a, text);
	}
	if (p->phase == POD_RUN || p->phase == POD_EXITED_GARBAGE) {
		info.started_ns = first_mtime(p->dirfd, POD_PID_FILE, POD_PPID_FILE);
		read_networks(p, a, &info);
	}
	*ret = info;
}

void pod_info(struct pod *p, struct arena *a, struct pod_info *ret)
{
	struct err ignored;
	pod_info_summary(p, a, ret);
	ret->insecure = read_insecure(p, a);
	(void)pod_users_load(p, &ret->users, &ignored);
	if (!ret->started_ns && p->phase < POD_RUN)
		return;
	read_statuses(p, a, ret);
	read_report(p, a, ret);
	ret->pid = read_pid(p->dirfd, POD_PID_FILE);
	if (!ret->pid && ret->started_ns) {
		ret->pid = read_pid(p->dirfd, POD_PPID_FILE);
		if (ret->pid && ret->running)
			ret->pid = child_of(ret->pid);
	}
}
