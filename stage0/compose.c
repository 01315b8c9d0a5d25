/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/compose.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/abi/app_status.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/filter_list.h"
#include "stage0/isolators.h"

#define AC_VERSION "0.8.11"

/* Manifests are JSON, which has no place for other bytes. */
static int check_text(const char *text, const char *what, struct err *e)
{
	if (utf8_valid(text))
		return 0;
	return ERR_BAD(e, "%s '%s': not UTF-8, which manifests are written in", what, text);
}

/* "NAME=VALUE" → list; `flag` names the option in errors. */
static int set_pair(struct arena *a, struct nvlist *l, const char *text, const char *flag,
	bool (*valid)(const char *), struct err *e)
{
	const char *eq = strchr(text, '=');
	if (!eq || eq == text)
		return ERR_BAD(e, "--%s '%s': NAME=VALUE wanted", flag, text);
	const char *name = arena_strndup(a, text, (size_t)(eq - text));
	if (valid && !valid(name))
		return ERR_BAD(e, "--%s '%s': bad name '%s'", flag, text, name);
	if (!utf8_valid(text))
		return ERR_BAD(
			e, "--%s '%s': not UTF-8, which manifests are written in", flag, text);
	nv_set(a, l, name, arena_strdup(a, eq + 1));
	return 0;
}

static int set_pairs(struct arena *a, struct nvlist *l, const struct strlist *texts,
	const char *flag, bool (*valid)(const char *), struct err *e)
{
	for (size_t i = 0; i < texts->n; i++) {
		int r = set_pair(a, l, texts->v[i], flag, valid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int compose_env_file(
	const char *text, const char *what, struct arena *a, struct nvlist *ret, struct err *e)
{
	unsigned line_number = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		char *line = arena_strndup(a, p, n);
		p += n + (p[n] == '\n');
		line_number++;
		line += strspn(line, " \t\r");
		for (size_t len = strlen(line); len && strchr(" \t\r", line[len - 1]); len--)
			line[len - 1] = '\0';
		if (!*line || *line == '#' || *line == ';')
			continue;
		char *eq = strchr(line, '=');
		if (!eq || eq == line)
			return ERR_BAD(e, "--set-env-file '%s': line %u: NAME=VALUE wanted", what,
				line_number);
		*eq = '\0';
		if (!env_name_valid(line))
			return ERR_BAD(e, "--set-env-file '%s': line %u: bad name '%s'", what,
				line_number, line);
		if (!utf8_valid(eq + 1))
			return ERR_BAD(
				e, "--set-env-file '%s': line %u: not UTF-8", what, line_number);
		nv_set(a, ret, line, eq + 1);
	}
	return 0;
}

static int compose_env(const struct compose *c, const struct compose_app *in, struct arena *a,
	struct app *app, struct err *e)
{
	struct nvlist env = { 0 };
	for (size_t i = 0; i < c->parent_env.n; i++)
		if (env_name_valid(c->parent_env.v[i].name) && utf8_valid(c->parent_env.v[i].value))
			nv_set(a, &env, c->parent_env.v[i].name, c->parent_env.v[i].value);
	for (size_t i = 0; i < app->environment.n; i++)
		nv_set(a, &env, app->environment.v[i].name, app->environment.v[i].value);
	for (size_t i = 0; i < c->env_file.n; i++)
		nv_set(a, &env, c->env_file.v[i].name, c->env_file.v[i].value);
	int r = set_pairs(a, &env, &c->set_env, "set-env", env_name_valid, e);
	if (r < 0)
		return r;
	r = set_pairs(a, &env, &in->environment, "environment", env_name_valid, e);
	if (r < 0)
		return r;
	app->environment = env;
	return 0;
}

/* Each text may hold several, comma separated. */
static void split_commas(struct arena *a, const struct strlist *texts, struct strlist *ret)
{
	for (size_t i = 0; i < texts->n; i++)
		strlist_add_words(a, ret, texts->v[i]);
}

static int compose_gids(
	const struct compose_app *in, struct arena *a, struct app *app, struct err *e)
{
	struct strlist gids = { 0 };
	split_commas(a, &in->supplementary_gids, &gids);
	if (in->supplementary_gids.n && !gids.n)
		return ERR_BAD(e, "--supplementary-gids '': a number wanted");
	if (!gids.n)
		return 0;
	app->supplementary_gids = ARENA_ARRAY(a, uint32_t, gids.n);
	app->n_supplementary_gids = gids.n;
	for (size_t i = 0; i < gids.n; i++)
		if (!parse_u32(gids.v[i], 0, INT32_MAX, &app->supplementary_gids[i]))
			return ERR_BAD(e, "--supplementary-gids '%s': a number wanted", gids.v[i]);
	return 0;
}

/* A limit, and as much asked for where that means something. `flag` names it in errors. */
static int set_resource(struct arena *a, struct isolators *l, enum isolator_kind kind,
	const char *flag, const char *text, struct err *e)
{
	struct isolator iso = { .kind = kind };
	if (!text)
		return 0;
	int r = quantity_parse(text, kind == ISO_CPU, a, &iso.resource.limit, e);
	if (r < 0)
		return err_wrap(e, r, "--%s '%s'", flag, text);
	if (iso.resource.limit.value <= 0)
		return ERR_BAD(e, "--%s '%s': must be above zero", flag, text);
	if (kind != ISO_PIDS)
		iso.resource.request = iso.resource.limit;
	isolator_set(a, l, &iso);
	return 0;
}

static int set_number(struct arena *a, struct app *app, enum isolator_kind kind, const char *name,
	const char *flag, const char *text, int64_t min, int64_t max, struct err *e)
{
	struct isolator iso = { .kind = kind, .name = name };
	if (!parse_i64(text, min, max, &iso.number))
		return ERR_BAD(e, "--%s '%s': a number from %lld to %lld wanted", flag, text,
			(long long)min, (long long)max);
	isolator_set(a, &app->isolators, &iso);
	return 0;
}

/* Replaces the image's, of either of two kinds of which an app has one. */
static void set_instead(struct arena *a, struct app *app, const struct isolator *iso,
	enum isolator_kind one, enum isolator_kind other)
{
	size_t kept = 0;
	for (size_t i = 0; i < app->isolators.n; i++) {
		enum isolator_kind kind = app->isolators.v[i].kind;
		if (kind != one && kind != other)
			app->isolators.v[kept++] = app->isolators.v[i];
	}
	app->isolators.n = kept;
	isolator_set(a, &app->isolators, iso);
}

/* An app has one capability set: what the command line says replaces the image's, of either kind.
 */
static int set_caps(const struct compose_app *in, struct arena *a, struct app *app, struct err *e)
{
	if (in->caps_retain.n && in->caps_remove.n)
		return ERR_BAD(e, "--caps-retain and --caps-remove exclude each other");
	if (!in->caps_retain.n && !in->caps_remove.n)
		return 0;
	bool retain = in->caps_retain.n;
	struct isolator iso = {
		.kind = retain ? ISO_CAPS_RETAIN : ISO_CAPS_REMOVE,
		.name = retain ? "os/linux/capabilities-retain-set"
			       : "os/linux/capabilities-remove-set",
	};
	split_commas(a, retain ? &in->caps_retain : &in->caps_remove, &iso.set.names);
	if (!iso.set.names.n)
		return ERR_BAD(e, "--caps-%s '': a name like CAP_NET_RAW wanted",
			retain ? "retain" : "remove");
	for (size_t i = 0; i < iso.set.names.n; i++)
		if (!str_after(iso.set.names.v[i], "CAP_"))
			return ERR_BAD(e, "--caps-%s '%s': a name like CAP_NET_RAW wanted",
				retain ? "retain" : "remove", iso.set.names.v[i]);
	set_instead(a, app, &iso, ISO_CAPS_RETAIN, ISO_CAPS_REMOVE);
	return 0;
}

static int seccomp_words(
	struct strlist *words, struct isolator *iso, const char **ret_mode, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		const char *mode = str_after(word, "mode="),
			   *errno_name = str_after(word, "errno=");
		if ((mode && *ret_mode) || (errno_name && iso->set.errno_name))
			return ERR_BAD(e, "--seccomp '%s': said twice", word);
		if (mode)
			*ret_mode = mode;
		else if (errno_name)
			iso->set.errno_name = errno_name;
		else if (strchr(word, '='))
			return ERR_BAD(
				e, "--seccomp '%s': mode= and errno= are all there is", word);
		else
			words->v[n++] = word;
	}
	words->n = n;
	return 0;
}

/* "mode=retain,errno=EPERM,read,write", as rkt has it. */
static int set_seccomp(
	const struct compose_app *in, struct arena *a, struct app *app, struct err *e)
{
	struct isolator iso = { 0 };
	const char *mode = NULL;
	split_commas(a, &in->seccomp, &iso.set.names);
	if (!in->seccomp.n)
		return 0;
	int r = seccomp_words(&iso.set.names, &iso, &mode, e);
	if (r < 0)
		return r;
	const bool retain = str_eq(mode, "retain");
	if (!retain && !str_eq(mode, "remove"))
		return ERR_BAD(
			e, "--seccomp '%s': mode=retain or mode=remove wanted", in->seccomp.v[0]);
	if (!iso.set.names.n)
		return ERR_BAD(e, "--seccomp '%s': names of system calls wanted", in->seccomp.v[0]);
	iso.kind = retain ? ISO_SECCOMP_RETAIN : ISO_SECCOMP_REMOVE;
	iso.name = retain ? "os/linux/seccomp-retain-set" : "os/linux/seccomp-remove-set";
	const struct filter_list list = { retain, iso.set.names.v, iso.set.names.n,
		iso.set.errno_name };
	struct sock_fprog ignored;
	r = filter_compile(&list, a, &ignored, e);
	if (r < 0)
		return err_wrap(e, r, "--seccomp");
	set_instead(a, app, &iso, ISO_SECCOMP_RETAIN, ISO_SECCOMP_REMOVE);
	return 0;
}

static int compose_isolators(
	const struct compose_app *in, struct arena *a, struct app *app, struct err *e)
{
	struct isolators *l = &app->isolators;
	int r = set_resource(a, l, ISO_MEMORY, "memory", in->memory, e);
	if (r >= 0)
		r = set_resource(a, l, ISO_CPU, "cpu", in->cpu, e);
	if (r >= 0)
		r = set_resource(a, l, ISO_PIDS, "pids-limit", in->pids, e);
	if (r >= 0 && in->cpu_shares)
		r = set_number(a, app, ISO_CPU_SHARES, "os/linux/cpu-shares", "cpu-shares",
			in->cpu_shares, 2, 262144, e);
	if (r < 0)
		return r;
	if (in->oom_score_adj)
		r = set_number(a, app, ISO_OOM_SCORE_ADJ, "os/linux/oom-score-adj", "oom-score-adj",
			in->oom_score_adj, -1000, 1000, e);
	if (r < 0)
		return r;
	r = set_caps(in, a, app, e);
	r = r < 0 ? r : set_seccomp(in, a, app, e);
	return r < 0 ? r : isolators_set_rlimits(a, &app->isolators, &in->rlimits, e);
}

static int compose_exec(
	const struct compose_app *in, struct arena *a, struct app *app, struct err *e)
{
	struct strlist exec = { 0 };
	if (in->exec) {
		if (!*in->exec)
			return ERR_BAD(e, "--exec: a program wanted");
		strlist_add(a, &exec, in->exec);
	} else {
		for (size_t i = 0; i < app->exec.n; i++)
			strlist_add(a, &exec, app->exec.v[i]);
	}
	for (size_t i = 0; i < in->args.n; i++)
		strlist_add(a, &exec, in->args.v[i]);
	if (!exec.n || !*exec.v[0])
		return ERR_BAD(e, "the image does not say what to run: give a program with --exec");
	app->exec = exec;
	for (size_t i = 0; i < exec.n; i++)
		if (check_text(exec.v[i], i ? "argument" : "--exec", e) < 0)
			return -EINVAL;
	return 0;
}

static struct app *base_app(const struct compose_app *in, struct arena *a)
{
	if (in->manifest->app)
		return app_clone(a, in->manifest->app);
	struct app *app = ARENA_NEW(a, struct app);
	app->user = "0";
	app->group = "0";
	return app;
}

/* As whom and where the program runs. */
static int compose_place(const struct compose_app *in, struct app *app, struct err *e)
{
	const struct {
		const char *text, *flag;
		const char **at;
	} settings[] = { { in->user, "--user", &app->user }, { in->group, "--group", &app->group },
		{ in->working_dir, "--working-dir", &app->working_directory } };
	if (in->working_dir && *in->working_dir != '/')
		return ERR_BAD(e, "--working-dir '%s': must be absolute", in->working_dir);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		const char *text = settings[i].text;
		if (!text)
			continue;
		if (!*text)
			return ERR_BAD(e, "%s '': must not be empty", settings[i].flag);
		if (check_text(text, settings[i].flag, e) < 0)
			return -EINVAL;
		*settings[i].at = text;
	}
	return 0;
}

static int compose_app_object(const struct compose *c, const struct compose_app *in,
	struct arena *a, struct app **ret, struct err *e)
{
	struct app *app = base_app(in, a);
	int r = compose_exec(in, a, app, e);
	if (r < 0)
		return r;
	r = compose_place(in, app, e);
	if (r >= 0)
		r = compose_gids(in, a, app, e);
	if (r < 0)
		return r;
	r = compose_env(c, in, a, app, e);
	if (r < 0)
		return r;
	r = set_pairs(a, &app->user_annotations, &in->user_annotations, "user-annotation", NULL, e);
	if (r < 0)
		return r;
	r = set_pairs(a, &app->user_labels, &in->user_labels, "user-label", NULL, e);
	if (r < 0)
		return r;
	r = compose_isolators(in, a, app, e);
	if (r < 0)
		return r;
	*ret = app;
	return 0;
}

static int compose_name(const struct pod_manifest *m, const struct compose_app *in, struct arena *a,
	const char **ret, struct err *e)
{
	const char *name = in->name;
	if (name && !ac_name_valid(name))
		return ERR_BAD(e, "--name '%s': lower-case letters, digits and '-' wanted", name);
	if (!name)
		name = ac_name_sanitize(a, path_base(in->manifest->name));
	if (!name)
		return ERR_BAD(
			e, "no name can be made of '%s': give one with --name", in->manifest->name);
	if (strlen(name) > APP_NAME_MAX)
		return ERR_BAD(e,
			"app name '%s' is longer than %d characters: give one with --name", name,
			APP_NAME_MAX);
	if (pod_app(m, name))
		return ERR_BAD(e,
			"error: multiple apps with name %s: give each its own with --name", name);
	*ret = name;
	return 0;
}

static int add_mount(struct arena *a, struct runtime_app *app, const struct mount *m, struct err *e)
{
	for (size_t i = 0; i < app->n_mounts; i++)
		if (path_same(app->mounts[i].path, m->path))
			return ERR_BAD(e, "--mount: two volumes, '%s' and '%s', at '%s'",
				app->mounts[i].volume, m->volume, m->path);
	struct mount *grown = ARENA_ARRAY(a, struct mount, app->n_mounts + 1);
	for (size_t i = 0; i < app->n_mounts; i++)
		grown[i] = app->mounts[i];
	grown[app->n_mounts++] = *m;
	app->mounts = grown;
	return 0;
}

static bool mounted_at(const struct runtime_app *app, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (path_same(app->mounts[i].path, path))
			return true;
	return false;
}

/* Where one of the first `n_own` mounts is already, theirs counts. */
static int parse_mounts(struct arena *a, const struct strlist *texts,
	const struct pod_manifest *pod, struct runtime_app *app, size_t n_own, struct err *e)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct mount m = { 0 };
		int r = check_text(texts->v[i], "mount", e);
		if (r >= 0)
			r = mount_parse(texts->v[i], a, &m, e);
		if (r < 0)
			return err_wrap(e, r, "--mount '%s'", texts->v[i]);
		if (!pod_volume(pod, m.volume))
			return ERR_BAD(e, "--mount '%s': no --volume is named '%s'", texts->v[i],
				m.volume);
		if (mounted_at(app, n_own, m.path))
			continue;
		r = add_mount(a, app, &m, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_volume(struct arena *a, struct pod_manifest *m, const struct volume *v)
{
	struct volume *grown = ARENA_ARRAY(a, struct volume, m->n_volumes + 1);
	for (size_t i = 0; i < m->n_volumes; i++)
		grown[i] = m->volumes[i];
	grown[m->n_volumes++] = *v;
	m->volumes = grown;
}

/* A mount point for which the user gave neither a mount nor a volume of that name gets an empty
 * volume of the app's own, so that what it writes there never meets its image. */
static int implicit_volumes(struct arena *a, struct pod_manifest *m, struct runtime_app *app,
	size_t n_given, struct err *e)
{
	for (size_t i = 0; i < app->app->n_mount_points; i++) {
		const struct mount_point *mp = &app->app->mount_points[i];
		if (mounted_at(app, app->n_mounts, mp->path))
			continue;
		const char *name = NULL;
		for (size_t k = 0; k < n_given && !name; k++)
			if (str_eq(m->volumes[k].name, mp->name))
				name = mp->name;
		if (!name) {
			name = arena_printf(a, "%s-%s", app->name, mp->name);
			while (pod_volume(m, name))
				name = arena_printf(a, "%s-implicit", name);
			struct volume v = { .name = name, .kind = VOLUME_EMPTY };
			v.mode = 0755;
			/* An image of Docker brings owner and mode along. */
			v.has_mode = v.has_uid = v.has_gid =
				!nv_get(&app->annotations, "appc.io/docker/originalname");
			add_volume(a, m, &v);
		}
		int r = add_mount(a, app, &(struct mount){ .volume = name, .path = mp->path }, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compose_volumes(
	const struct compose *c, struct arena *a, struct pod_manifest *m, struct err *e)
{
	for (size_t i = 0; i < c->volumes.n; i++) {
		struct volume v = { 0 };
		int r = check_text(c->volumes.v[i], "volume", e);
		if (r >= 0)
			r = volume_parse(c->volumes.v[i], a, &v, e);
		if (r < 0)
			return err_wrap(e, r, "--volume '%s'", c->volumes.v[i]);
		if (pod_volume(m, v.name))
			return ERR_BAD(e, "duplicate volume name '%s'", v.name);
		add_volume(a, m, &v);
	}
	return 0;
}

static int compose_one(const struct compose *c, const struct compose_app *in, size_t n_given,
	struct arena *a, struct pod_manifest *m, struct err *e)
{
	struct runtime_app *app = &m->apps[m->n_apps];
	int r = compose_check_platform(in->manifest, e);
	if (r < 0)
		return r;
	r = compose_name(m, in, a, &app->name, e);
	if (r < 0)
		return r;
	app->image.name = in->manifest->name;
	app->image.id = in->image_id;
	nv_copy(a, &app->image.labels, &in->manifest->labels);
	r = compose_app_object(c, in, a, &app->app, e);
	if (r < 0)
		return r;
	if (in->readonly_rootfs && !parse_bool(in->readonly_rootfs, &app->read_only_root_fs))
		return ERR_BAD(
			e, "--readonly-rootfs '%s': true or false wanted", in->readonly_rootfs);
	nv_copy(a, &app->annotations, &in->manifest->annotations);
	r = set_pairs(a, &app->annotations, &in->annotations, "annotation", ac_identifier_valid, e);
	if (r < 0)
		return r;
	r = parse_mounts(a, &in->mounts, m, app, 0, e);
	if (r >= 0)
		r = parse_mounts(a, &c->mounts, m, app, app->n_mounts, e);
	if (r < 0)
		return r;
	r = implicit_volumes(a, m, app, n_given, e);
	if (r < 0)
		return r;
	m->n_apps++;
	return 0;
}

static int compose_shm(
	const struct compose *c, struct arena *a, struct pod_manifest *m, struct err *e)
{
	struct quantity size = { 0 };
	if (!c->shm_size)
		return 0;
	int r = quantity_parse(c->shm_size, false, a, &size, e);
	if (r >= 0 && size.value <= 0)
		r = ERR_BAD(e, "must be above zero");
	if (r < 0)
		return err_wrap(e, r, "--shm-size '%s'", c->shm_size);
	nv_set(a, &m->annotations, POD_ANNOTATION_SHM_SIZE,
		arena_printf(a, "%lld", (long long)size.value));
	return 0;
}

static int compose_pod_limits(
	const struct compose *c, struct arena *a, struct pod_manifest *m, struct err *e)
{
	int r = set_resource(a, &m->isolators, ISO_MEMORY, "pod-memory", c->memory, e);
	if (r >= 0)
		r = set_resource(a, &m->isolators, ISO_CPU, "pod-cpu", c->cpu, e);
	if (r >= 0)
		r = set_resource(a, &m->isolators, ISO_PIDS, "pod-pids", c->pids, e);
	if (r >= 0)
		r = isolators_set_sysctls(a, &m->isolators, &c->sysctls, e);
	return r;
}

int compose_check_limits(const struct pod_manifest *m, struct err *e)
{
	int r = isolators_check_pod_limits(&m->isolators, e);
	for (size_t i = 0; i < m->n_apps && r >= 0; i++)
		if (m->apps[i].app &&
			(r = isolators_check_limits(&m->apps[i].app->isolators, e)) < 0)
			err_wrap(e, r, "app '%s'", m->apps[i].name);
	return r;
}

static int check_app_flags(const struct compose_app *in, struct arena *a, struct err *e)
{
	struct app app = { 0 };
	int r = compose_isolators(in, a, &app, e);
	if (r >= 0)
		r = isolators_check_app(&app, e);
	return r < 0 ? r : compose_gids(in, a, &app, e);
}

int compose_check_flags(const struct compose *c, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct pod_manifest m = { 0 };
	int r = compose_volumes(c, &a, &m, e);
	if (r >= 0)
		r = compose_shm(c, &a, &m, e);
	if (r >= 0)
		r = compose_pod_limits(c, &a, &m, e);
	if (r >= 0)
		r = isolators_check_pod_limits(&m.isolators, e);
	for (size_t i = 0; i < c->n_apps && r >= 0; i++)
		if ((r = check_app_flags(&c->apps[i], &a, e)) < 0)
			err_wrap(e, r, "image '%s'", c->apps[i].image);
	return r;
}

int compose_pod(const struct compose *c, struct arena *a, struct pod_manifest **ret, struct err *e)
{
	if (!c->n_apps)
		return ERR_BAD(e, "pod must contain at least one application");
	struct pod_manifest *m = ARENA_NEW(a, struct pod_manifest);
	m->ac_version = AC_VERSION;
	m->apps = ARENA_ARRAY(a, struct runtime_app, c->n_apps);
	int r = compose_volumes(c, a, m, e);
	if (r >= 0)
		r = compose_shm(c, a, m, e);
	if (r < 0)
		return r;
	/* Here once, so that the mistake is no image's. */
	struct nvlist ignored = { 0 };
	r = set_pairs(a, &ignored, &c->set_env, "set-env", env_name_valid, e);
	if (r < 0)
		return r;
	size_t n_given = m->n_volumes;
	for (size_t i = 0; i < c->n_apps; i++) {
		r = compose_one(c, &c->apps[i], n_given, a, m, e);
		if (r < 0)
			return err_wrap(e, r, "image '%s'", c->apps[i].image);
	}
	if ((r = compose_pod_limits(c, a, m, e)) < 0 || (r = compose_check_limits(m, e)) < 0)
		return r;
	*ret = m;
	return 0;
}

/* Programs of the second run on machines of the first. */
static const struct {
	const char *machine, *image;
} compatible[] = {
	{ "amd64", "i386" },
	{ "aarch64", "armv7l" },
	{ "aarch64", "armv6l" },
	{ "armv7l", "armv6l" },
};

static bool arch_runs_here(const char *arch)
{
	const char *machine = target_arch();
	if (str_eq(arch, machine))
		return true;
	for (size_t i = 0; i < sizeof compatible / sizeof *compatible; i++)
		if (str_eq(compatible[i].machine, machine) && str_eq(compatible[i].image, arch))
			return true;
	return false;
}

int compose_check_platform(const struct image_manifest *m, struct err *e)
{
	const char *os = nv_get(&m->labels, "os");
	if (!os)
		return ERR_BAD(e, "missing os label in the image manifest");
	if (!str_eq(os, TARGET_OS))
		return ERR_BAD(e, "bad os \"%s\" (this machine runs %s)", os, TARGET_OS);
	const char *arch = nv_get(&m->labels, "arch");
	if (!arch)
		return ERR_BAD(e, "missing arch label in the image manifest");
	if (!arch_runs_here(arch))
		return ERR_BAD(e, "bad arch \"%s\" (this machine runs %s)", arch, target_arch());
	return 0;
}

int compose_check_names(const struct pod_manifest *m, struct err *e)
{
	for (size_t i = 0; i < m->n_apps; i++)
		for (size_t k = 0; k < i; k++)
			if (app_names_clash(m->apps[k].name, m->apps[i].name))
				return ERR_BAD(e,
					"a pod cannot have an app '%s' beside '%s', whose records "
					"would be mistaken for each other: give one another name",
					m->apps[k].name, m->apps[i].name);
	return 0;
}

static int check_volume(const struct volume *v, struct err *e)
{
	struct stat st;
	if (v->kind != VOLUME_HOST || stat(v->source, &st) == 0)
		return 0;
	return err_wrap(e, ERR_SYS(e, "stat %s", v->source), "volume '%s'", v->name);
}

int compose_check_volumes(const struct pod_manifest *m, struct err *e)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		int r = check_volume(&m->volumes[i], e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < m->n_apps; i++) {
		for (size_t k = 0; k < m->apps[i].n_mounts; k++) {
			const struct volume *v = m->apps[i].mounts[k].app_volume;
			int r = v ? check_volume(v, e) : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}
