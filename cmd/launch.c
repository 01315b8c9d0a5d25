/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/launch.h"

#include <fcntl.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/depends.h"
#include "cmd/remote.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage0/isolators.h"

extern char **environ;

static int find_images(struct session *s, struct compose *c, struct err *e)
{
	struct arena *a = &s->cli->arena;
	for (size_t i = 0; i < c->n_apps; i++) {
		struct image image = { 0 };
		struct image_manifest *m;
		int r = session_image(s, c->apps[i].image, c->apps[i].signature, &image, e);
		if (r < 0)
			return r;
		r = store_manifest(&s->store, image.id, a, &m, e);
		if (r < 0)
			return err_wrap(e, r, "image '%s'", c->apps[i].image);
		store_touch(&s->store, image.id);
		r = session_tree(s, &image, m, pull_policy(s->cli), &c->apps[i].tree, e);
		if (r < 0)
			return err_wrap(e, r, "image '%s'", c->apps[i].image);
		c->apps[i].image_id = image.id;
		c->apps[i].manifest = m;
	}
	return 0;
}

static int read_env_files(struct cli *cli, struct err *e)
{
	for (size_t i = 0; i < cli->set_env_files.n; i++) {
		const char *path = cli->set_env_files.v[i];
		_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
		int r = io_read_file(AT_FDCWD, path, &text, e);
		if (r == -ENOENT)
			r = ERR_NUM(e, ENOENT, "open");
		if (r < 0)
			return err_wrap(e, r, "--set-env-file '%s'", path);
		r = compose_env_file(str_text(&text), path, &cli->arena, &cli->pod.env_file, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void inherit_env(struct cli *cli)
{
	for (char **v = environ; v && *v; v++) {
		const char *eq = strchr(*v, '=');
		if (eq && eq != *v)
			nv_set(&cli->arena, &cli->pod.parent_env,
				arena_strndup(&cli->arena, *v, (size_t)(eq - *v)), eq + 1);
	}
}

/* What was said that is the manifest's to say; NULL: nothing. */
static const char *conflicts_with_manifest(const struct cli *cli)
{
	const struct compose *c = &cli->pod;
	const struct {
		bool given;
		const char *what;
	} rows[] = {
		{ c->n_apps, "an image" },
		{ c->volumes.n, "--volume" },
		{ c->mounts.n, "--mount" },
		{ c->shm_size, "--shm-size" },
		{ c->set_env.n, "--set-env" },
		{ cli->set_env_files.n, "--set-env-file" },
		{ cli->inherit_env, "--inherit-env" },
		{ cli->pull_policy, "--pull-policy" },
		{ c->memory, "--pod-memory" },
		{ c->cpu, "--pod-cpu" },
		{ c->pids, "--pod-pids" },
		{ c->sysctls.n, "--sysctl" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].given)
			return rows[i].what;
	return NULL;
}

static bool has_own_users(const struct session *s)
{
	const char *said = s->cli->private_users;
	return str_eq(said ? said : s->config.private_users, "true");
}

/* What nobody but the image asks for; on the command line all may be granted. With users of their
 * own apps cannot have more than rkt, which stage1 tells of. */
static int check_wishes(
	const struct session *s, const struct app *app, const struct compose_app *in, struct err *e)
{
	if (has_own_users(s))
		return 0;
	const bool said = (s->cli->insecure & INSECURE_CAPABILITIES) || in->caps_retain.n ||
			  in->caps_remove.n;
	int r = said ? 0 : isolators_check_image(app, e);
	return r < 0 ? r : isolators_check_image_limits(app, &in->rlimits, in->oom_score_adj, e);
}

static int check_grants(const struct session *s, const struct pod_manifest *m, struct err *e)
{
	for (size_t i = 0; i < m->n_apps; i++) {
		int r = check_wishes(s, m->apps[i].app, &s->cli->pod.apps[i], e);
		if (r < 0)
			return err_wrap(e, r, "app '%s'", m->apps[i].name);
	}
	return 0;
}

/* Every image of a manifest that was given must be in the store. */
static int check_images(
	struct session *s, const struct pod_manifest *m, const char **trees, struct err *e)
{
	if (!m->n_apps)
		return ERR_BAD(e, "--pod-manifest '%s': pod must contain at least one application",
			s->cli->pod_manifest);
	for (size_t i = 0; i < m->n_apps; i++) {
		struct image image;
		struct image_manifest *im;
		const struct runtime_app *app = &m->apps[i];
		int r = session_stored(s, app->image.id, &image, e);
		if (r >= 0)
			r = store_manifest(&s->store, image.id, &s->cli->arena, &im, e);
		if (r >= 0)
			r = compose_check_platform(im, e);
		if (r >= 0)
			r = session_tree(s, &image, im, "never", &trees[i], e);
		if (r >= 0 && !app->app)
			r = isolators_check_app(im->app, e);
		if (r >= 0 && !app->app)
			r = check_wishes(s, im->app, &(struct compose_app){ 0 }, e);
		if (r < 0)
			return err_wrap(e, r, "app '%s'", app->name);
		m->apps[i].image.id = image.id;
		store_touch(&s->store, image.id);
	}
	return 0;
}

static int read_manifest(struct session *s, struct pod_parts *ret, struct err *e)
{
	const char *path = s->cli->pod_manifest;
	const char *conflict = conflicts_with_manifest(s->cli);
	if (conflict)
		return ERR_BAD(
			e, "conflicting flags set with --pod-manifest (see --help): %s", conflict);
	_clean_(str) struct str text = STR_INIT(STR_MAX_MANIFEST);
	int r = io_read_file(AT_FDCWD, path, &text, e);
	if (r == -ENOENT)
		r = ERR_NUM(e, ENOENT, "open");
	if (r >= 0)
		r = pod_manifest_decode(
			str_text(&text), text.len, &s->cli->arena, &ret->manifest, e);
	if (r < 0)
		return err_wrap(e, r, "--pod-manifest '%s'", path);
	r = compose_check_limits(ret->manifest, e);
	if (r < 0)
		return r;
	ret->trees = ARENA_ARRAY(&s->cli->arena, const char *, ret->manifest->n_apps);
	return check_images(s, ret->manifest, ret->trees, e);
}

static int fetch_stage1(void *ctx, const char *what, const char **ret_id, struct err *e)
{
	struct image image;
	int r = session_image(ctx, what, NULL, &image, e);
	if (r >= 0)
		*ret_id = image.id;
	return r;
}

static int resolve_stage1(struct session *s, struct stage1_image *ret, struct err *e)
{
	const struct cli *cli = s->cli;
	const struct stage1_remote remote = { fetch_stage1, s };
	struct stage1_choice choice = {
		.name = cli->stage1_name,
		.path = cli->stage1_path,
		.url = cli->stage1_url,
		.hash = cli->stage1_hash,
		.from_dir = cli->stage1_from_dir,
		.remote = &remote,
	};
	const struct keystore ks = session_keystore(s);
	return stage1_image_resolve(&s->store, &s->config, &ks, &choice,
		cli->insecure & INSECURE_IMAGE, &s->cli->arena, ret, e);
}

/* It is stage1 that enforces, now or, of a prepared pod, later. */
static int demand_strict(struct session *s, const struct pod_parts *parts, struct err *e)
{
	if (!s->cli->strict_isolators)
		return 0;
	if (!stage1_reports(parts->stage1.manifest))
		return ERR_DENY(e,
			"--strict-isolators: stage1 image '%s' does not say what it enforces",
			parts->stage1.manifest->name);
	nv_set(&s->cli->arena, &parts->manifest->annotations, POD_ANNOTATION_STRICT, "true");
	return 0;
}

/* Volumes that are images: of what the user wrote their ids. `stored`: a manifest that was given
 * names what is in the store. */
static int find_volumes(struct session *s, struct pod_manifest *m, bool stored, struct err *e)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		struct volume *v = &m->volumes[i];
		struct image image = { 0 };
		struct image_manifest *im;
		const char *tree;
		if (v->kind != VOLUME_IMAGE)
			continue;
		int r = stored ? session_stored(s, v->source, &image, e)
			       : session_image(s, v->source, NULL, &image, e);
		if (r >= 0)
			r = store_manifest(&s->store, image.id, &s->cli->arena, &im, e);
		if (r >= 0)
			r = session_tree(
				s, &image, im, stored ? "never" : pull_policy(s->cli), &tree, e);
		if (r < 0)
			return err_wrap(e, r, "volume '%s'", v->name);
		store_touch(&s->store, image.id);
		v->source = tree ? tree : image.id;
	}
	return 0;
}

/* The kernel lets nothing of a user namespace's mounts out of it. */
static int check_shared(struct session *s, const struct pod_manifest *m, struct err *e)
{
	struct strlist shared = { 0 };
	pod_shared_sources(m, &s->cli->arena, &shared);
	if (!shared.n || !has_own_users(s))
		return 0;
	return ERR_BAD(e,
		"volume of '%s': propagation=shared needs the host's users: leave it out, or give "
		"--private-users=false",
		shared.v[0]);
}

/* No mistake of the pod's, but hardly what was meant. */
static void tell_unused_volumes(const struct cli *cli, const struct pod_manifest *m)
{
	for (size_t i = 0; i < cli->pod.volumes.n && !cli->quiet; i++) {
		const char *name = m->volumes[i].name;
		bool used = false;
		for (size_t a = 0; a < m->n_apps; a++)
			for (size_t k = 0; k < m->apps[a].n_mounts; k++)
				used |= str_eq(m->apps[a].mounts[k].volume, name);
		if (!used)
			fprintf(stderr,
				"%s: volume '%s' is in no app: --mount=volume=%s,target=PATH says "
				"where\n",
				cmd_last_word(cli->cmd), name, name);
	}
}

int launch_compose(struct session *s, struct pod_parts *ret, struct err *e)
{
	struct cli *cli = s->cli;
	int r;
	if (cli->pod_manifest) {
		r = read_manifest(s, ret, e);
	} else if (!cli->pod.n_apps) {
		r = ERR_BAD(e, "must provide at least one image or specify the pod manifest");
	} else {
		r = read_env_files(cli, e);
		if (r < 0 || (r = compose_check_flags(&cli->pod, e)) < 0)
			return r;
		if (cli->inherit_env)
			inherit_env(cli);
		r = find_images(s, &cli->pod, e);
		if (r >= 0)
			r = compose_pod(&cli->pod, &cli->arena, &ret->manifest, e);
		if (r >= 0)
			r = check_grants(s, ret->manifest, e);
		ret->trees = ARENA_ARRAY(&cli->arena, const char *, cli->pod.n_apps);
		for (size_t i = 0; i < cli->pod.n_apps; i++)
			ret->trees[i] = cli->pod.apps[i].tree;
	}
	if (r >= 0)
		r = find_volumes(s, ret->manifest, cli->pod_manifest, e);
	if (r >= 0)
		r = compose_check_names(ret->manifest, e);
	if (r >= 0)
		r = isolators_check(ret->manifest, e);
	if (r >= 0)
		r = compose_check_volumes(ret->manifest, e);
	if (r >= 0)
		r = check_shared(s, ret->manifest, e);
	if (r >= 0)
		r = resolve_stage1(s, &ret->stage1, e);
	if (r >= 0)
		r = demand_strict(s, ret, e);
	if (r >= 0)
		tell_unused_volumes(cli, ret->manifest);
	return r;
}

int launch_prepare(struct session *s, struct pod_parts *parts, struct pod *ret, struct err *e)
{
	unsigned insecure = s->cli->insecure;
	struct prepare_options o = {
		.ret_users = has_own_users(s) ? &parts->users : NULL,
		.stage1 = &parts->stage1,
		.trees = parts->trees,
		.no_overlay = s->cli->no_overlay,
		.disable_caps = insecure & INSECURE_CAPABILITIES,
		.disable_paths = insecure & INSECURE_PATHS,
		.disable_seccomp = insecure & INSECURE_SECCOMP,
	};
	struct pod p = POD_INIT;
	int r = pod_create(&s->pods, &p, e);
	if (r < 0)
		return r;
	r = pod_prepare(&s->pods, &p, &s->store, parts->manifest, &o, e);
	if (r < 0) {
		struct err ignored = ERR_INIT; /* gc takes what cannot be removed now */
		pod_remove(&s->pods, &p, &s->store, &ignored);
		pod_close(&p);
		return err_wrap(e, r, "error setting up pod");
	}
	*ret = p;
	return 0;
}

static bool hostname_valid(const char *name)
{
	size_t n = strlen(name);
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-.");
	return n && n <= 64 && good == n && *name != '-' && *name != '.';
}

int launch_check(const struct cli *cli, const struct pod_manifest *m, struct err *e)
{
	if (cli->interactive && m->n_apps > 1)
		return ERR_BAD(e, "interactive option only supports pods with one app");
	if (cli->hostname && !hostname_valid(cli->hostname))
		return ERR_BAD(e, "--hostname '%s': 1 to 64 letters, digits, '-' and '.' wanted",
			cli->hostname);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct dns_files dns;
	int r = dns_compose(&cli->dns, cli->hostname ? cli->hostname : "rkt", &a, &dns, e);
	if (r < 0)
		return r;
	return isolators_check_spaces(m, str_eq(cli->net, "host"), str_eq(cli->ipc, "parent"), e);
}

int launch_rehearse(struct session *s, struct pod *p, const struct pod_parts *parts, struct err *e)
{
	const struct launch_options o = {
		.manifest = parts->manifest,
		.stage1 = &parts->stage1,
		.trees = parts->trees,
		.users = &parts->users,
	};
	return pod_rehearse(p, &s->store, &o, e);
}

int launch_exec(struct session *s, struct pod *p, const struct pod_parts *parts, struct err *e)
{
	struct cli *cli = s->cli;
	struct dns_files dns;
	const char *hostname = cli->hostname;
	if (!hostname)
		hostname = arena_printf(&cli->arena, "rkt-%s", p->uuid.text);
	int r = dns_compose(&cli->dns, hostname, &cli->arena, &dns, e);
	if (r < 0)
		return r;
	struct launch_options o = {
		.net = cli->net ? cli->net : "none",
		.hostname = cli->hostname,
		.ipc = cli->ipc,
		.dns_resolv = dns.resolv_mode,
		.dns_hosts = dns.hosts_mode,
		.resolv_text = dns.resolv,
		.hosts_text = dns.hosts,
		.local_config = cli->local_config,
		.interactive = cli->interactive,
		.debug = cli->debug,
		.disable_caps = cli->insecure & INSECURE_CAPABILITIES,
		.disable_paths = cli->insecure & INSECURE_PATHS,
		.disable_seccomp = cli->insecure & INSECURE_SECCOMP,
		.manifest = parts ? parts->manifest : NULL,
		.stage1 = parts ? &parts->stage1 : NULL,
		.trees = parts ? parts->trees : NULL,
		.users = parts ? &parts->users : NULL,
	};
	return pod_launch(p, &s->store, &o, e);
}
