/* SPDX-License-Identifier: Apache-2.0 */
/* rkt enter, app exec, stop, rm, gc, cat-manifest, export. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/outfile.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "stage0/audit.h"

#define DEFAULT_SHELL "/bin/bash"

static const char *app_names(struct arena *a, const struct pod_info *p)
{
	_clean_(str) struct str s = STR_INIT(STR_MAX_LINE);
	for (size_t i = 0; i < p->n_apps; i++)
		str_addf(&s, "%s%s", i ? ", " : "", p->apps[i].name);
	return arena_strdup(a, str_text(&s));
}

/* The app that --app names, or the only one. */
static int choose_app(const struct cli *cli, struct arena *a, const struct pod_info *p,
	const char **ret, struct err *e)
{
	if (!cli->app && p->n_apps == 1) {
		*ret = p->apps[0].name;
		return 0;
	}
	for (size_t i = 0; cli->app && i < p->n_apps; i++) {
		if (str_eq(p->apps[i].name, cli->app)) {
			*ret = p->apps[i].name;
			return 0;
		}
	}
	if (cli->app)
		return ERR_NOENT(e, "pod %s: no app is named '%s': it has %s", p->uuid, cli->app,
			app_names(a, p));
	if (!p->n_apps)
		return ERR_BAD(e, "pod %s: %s", p->uuid, p->damage ? p->damage : "it has no app");
	return ERR_BAD(
		e, "pod %s has several apps: say which with --app: %s", p->uuid, app_names(a, p));
}

/* Before it is done, so that nothing that the command does can keep it from being known. */
static void tell_privileged(const char *uuid, const struct pod_command *c)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	struct err e = ERR_INIT;
	struct audit_who who;
	char reason[sizeof e.msg] = "";
	audit_who(&who);
	audit_text(&who, &(struct audit_command){ .pod = uuid, .app = c->app, .argv = c->argv },
		&text);
	if (audit_send(str_text(&text), &e) < 0)
		err_format(&e, false, reason, sizeof reason);
	fprintf(stderr,
		"warning: the command has all privileges, and what it executes is the app's "
		"(%s%s)\n",
		*reason ? "not logged: " : "logged", reason);
}

int cmd_enter(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_info info;
	const char *app = NULL;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r >= 0)
		r = pod_get(&s.pods, cli->args.v[0], &p, e);
	if (r < 0)
		return r;
	pod_info(&p, &cli->arena, &info);
	if (!info.running)
		return ERR_BAD(
			e, "pod %s isn't currently running: it is %s", info.uuid, info.state);
	r = choose_app(cli, &cli->arena, &info, &app, e);
	if (r < 0)
		return r;
	if (cli->args.n == 1)
		fprintf(stderr, "no command specified, assuming \"%s\"\n", DEFAULT_SHELL);
	_clean_(strv) struct strv argv = STRV_INIT;
	for (size_t i = 1; i < cli->args.n; i++)
		strv_add(&argv, cli->args.v[i]);
	if (!argv.n)
		strv_add(&argv, DEFAULT_SHELL);
	const struct pod_command command = { .app = app,
		.argv = argv.v,
		.privileged = cli->privileged,
		.announce = cli->privileged ? tell_privileged : NULL };
	r = pod_enter(&p, &s.store, &command, e);
	return err_wrap(e, r, "pod %s", info.uuid);
}

int cmd_app_exec(struct cli *cli, struct err *e)
{
	return cmd_enter(cli, e);
}

typedef int (*pod_fn)(struct session *s, struct pod *p, struct err *e);

/* Does `fn` to every pod that the arguments name; one that fails does not keep the others from it.
 * Prints the quoted UUID of each that it was done to. */
static int each_named(struct session *s, pod_fn fn, struct err *e)
{
	struct strlist uuids = { 0 };
	int r = session_uuids(s, &uuids, e);
	if (r < 0)
		return r;
	int status = EXIT_OK;
	for (size_t i = 0; i < uuids.n; i++) {
		_clean_(pod) struct pod p = POD_INIT;
		struct err one = ERR_INIT;
		r = pod_get(&s->pods, uuids.v[i], &p, &one);
		if (r >= 0)
			r = fn(s, &p, &one);
		if (r < 0) {
			cli_report(s->cli, &one);
			status = EXIT_ERROR;
			continue;
		}
		printf("\"%s\"\n", p.uuid.text);
	}
	return status;
}

static int stop_one(struct session *s, struct pod *p, struct err *e)
{
	if (p->phase != POD_RUN || !p->locked)
		return ERR_BAD(e, "pod %s is not running: it is %s", p->uuid.text,
			pod_phase_state(p->phase, p->locked));
	return session_denial(pod_stop(p, &s->store, s->cli->force, e), e);
}

int cmd_stop(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	return r < 0 ? r : each_named(&s, stop_one, e);
}

static int rm_one(struct session *s, struct pod *p, struct err *e)
{
	return pod_remove(&s->pods, p, &s->store, e);
}

int cmd_rm(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	return r < 0 ? r : each_named(&s, rm_one, e);
}

/* `fmt` has one %s. */
static void say(void *ctx, const char *fmt, const char *uuid)
{
	(void)ctx;
	const char *at = strstr(fmt, "%s");
	if (at)
		printf("%.*s%s%s\n", (int)(at - fmt), fmt, uuid, at + 2);
}

int cmd_gc(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	struct gc_options o = {
		.grace_ns = cli->grace_period,
		.expire_prepared_ns = cli->expire_prepared,
		.mark_only = cli->mark_only,
		.local_config = cli->local_config,
	};
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r >= 0)
		r = pods_gc(&s.pods, &s.store, &o, say, NULL, e);
	return r < 0 ? r : EXIT_OK;
}

int cmd_cat_manifest(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct pod_info info;
	int r = session_open(&s, cli, WITH_PODS, e);
	if (r >= 0)
		r = session_pod(&s, &p, e);
	if (r < 0)
		return r;
	pod_info(&p, &cli->arena, &info);
	if (!info.manifest)
		return ERR_BAD(e, "pod %s: %s", info.uuid,
			info.damage ? info.damage : "it has no manifest yet");
	pod_manifest_encode(info.manifest, cli->pretty_print, &out);
	printf("%s\n", str_text(&out));
	return EXIT_OK;
}

int cmd_export(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_info info;
	struct outfile out = OUTFILE_INIT;
	const char *app;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r >= 0)
		r = pod_get(&s.pods, cli->args.v[0], &p, e);
	if (r >= 0)
		r = pod_lock(&s.pods, &p, e);
	if (r < 0)
		return r;
	if (r == 0 || (p.phase != POD_RUN && p.phase != POD_EXITED_GARBAGE))
		return ERR_BAD(e, "pod %s is %s: only a pod that has exited can be exported",
			p.uuid.text, pod_phase_state(p.phase, r == 0));
	pod_info(&p, &cli->arena, &info);
	r = choose_app(cli, &cli->arena, &info, &app, e);
	if (r >= 0)
		r = outfile_create(&out, cli->args.v[1], cli->overwrite, e);
	if (r >= 0)
		r = err_wrap(e, pod_export(&p, &s.store, app, out.fd, e), "pod %s", p.uuid.text);
	if (r >= 0)
		r = outfile_commit(&out, e);
	outfile_discard(&out);
	return r < 0 ? r : EXIT_OK;
}
