/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pod_json.h"

#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/json/jenc.h"

/* In the words of rkt's api/v1: a pod's times are in seconds, those of its apps in nanoseconds. */
#define NS 1000000000LL

static void put_time(struct jenc *j, const char *key, int64_t value)
{
	if (!value)
		return;
	jenc_key(j, key);
	jenc_i64(j, value);
}

static void put_map(struct jenc *j, const char *key, const struct nvlist *l)
{
	if (!l->n)
		return;
	jenc_key(j, key);
	jenc_open(j, '{');
	for (size_t i = 0; i < l->n; i++) {
		jenc_key(j, l->v[i].name);
		jenc_string(j, l->v[i].value);
	}
	jenc_close(j, '}');
}

static const char *app_state(const struct pod_info *p, const struct pod_app_info *app)
{
	if (app->has_status)
		return "exited";
	if (p->running)
		return app->started_ns ? "running" : "created";
	return p->exited ? "exited" : "created";
}

static void put_app(struct jenc *j, const struct pod_info *p, const struct pod_app_info *app)
{
	const struct runtime_app *ra = p->manifest ? pod_app(p->manifest, app->name) : NULL;
	jenc_key(j, app->name);
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, app->name);
	jenc_key(j, "state");
	jenc_string(j, app_state(p, app));
	put_time(j, "created_at", p->created_ns);
	put_time(j, "started_at", app->started_ns);
	put_time(j, "finished_at", app->finished_ns);
	if (app->has_status) {
		jenc_key(j, "exit_code");
		jenc_i64(j, app->status);
	}
	if (app->reason)
		jenc_member(j, "exit_reason", app->reason);
	jenc_key(j, "image_id");
	char id[sizeof "sha512-" + ID_FULL]; /* as image list prints it */
	snprintf(id, sizeof id, "%s", app->image_id ? app->image_id : "");
	jenc_string(j, id);
	const struct report *report = pod_report_app(&p->report, app->name);
	if (report && report->n) {
		jenc_key(j, "isolators");
		report_encode(j, report);
	}
	if (ra && ra->app) {
		put_map(j, "user_annotations", &ra->app->user_annotations);
		put_map(j, "user_labels", &ra->app->user_labels);
	}
	jenc_close(j, '}');
}

static void put_networks(struct jenc *j, const struct pod_info *p)
{
	if (!p->n_networks)
		return;
	jenc_key(j, "networks");
	jenc_open(j, '[');
	for (size_t i = 0; i < p->n_networks; i++) {
		jenc_open(j, '{');
		jenc_key(j, "netName");
		jenc_string(j, p->networks[i].name);
		jenc_key(j, "ip");
		jenc_string(j, p->networks[i].ip);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

static void put_pod(struct jenc *j, const struct pod_info *p)
{
	jenc_open(j, '{');
	jenc_key(j, "name");
	jenc_string(j, p->uuid);
	jenc_key(j, "state");
	jenc_string(j, p->state);
	put_networks(j, p);
	if (p->users.count) {
		char users[ID_RANGE_TEXT];
		id_range_print(&p->users, users);
		jenc_key(j, "private_users");
		jenc_string(j, users);
	}
	if (p->n_apps) {
		jenc_key(j, "app_names");
		jenc_open(j, '[');
		for (size_t i = 0; i < p->n_apps; i++)
			jenc_string(j, p->apps[i].name);
		jenc_close(j, ']');
		jenc_key(j, "apps");
		jenc_open(j, '{');
		for (size_t i = 0; i < p->n_apps; i++)
			put_app(j, p, &p->apps[i]);
		jenc_close(j, '}');
	}
	if (p->insecure)
		jenc_member(j, "insecure_options", p->insecure);
	if (p->report.pod.n) {
		jenc_key(j, "isolators");
		report_encode(j, &p->report.pod);
	}
	put_time(j, "created_at", p->created_ns / NS);
	put_time(j, "started_at", p->started_ns / NS);
	if (p->manifest) {
		put_map(j, "user_annotations", &p->manifest->user_annotations);
		put_map(j, "user_labels", &p->manifest->user_labels);
	}
	jenc_close(j, '}');
}

void pod_json_list(const struct pod_info *v, size_t n, bool pretty, FILE *to)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct jenc j = JENC_INIT(&out, pretty);
	jenc_open(&j, '[');
	for (size_t i = 0; i < n; i++)
		put_pod(&j, &v[i]);
	jenc_close(&j, ']');
	fprintf(to, "%s\n", str_text(&out));
}

void pod_json_one(const struct pod_info *p, bool pretty, FILE *to)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct jenc j = JENC_INIT(&out, pretty);
	put_pod(&j, p);
	fprintf(to, "%s\n", str_text(&out));
}
