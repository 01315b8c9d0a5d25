/* SPDX-License-Identifier: Apache-2.0 */
/* rkt list, status. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/pod_json.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

struct pod_list {
	struct arena *arena;
	struct pod_info *v;
	size_t n, cap;
	bool details; /* the table shows none */
};

static int list_add(void *ctx, struct pod *p)
{
	struct pod_list *l = ctx;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->v = xrealloc(l->v, l->cap, sizeof *l->v);
	}
	(l->details ? pod_info : pod_info_summary)(p, l->arena, &l->v[l->n++]);
	return 0;
}

static int by_creation(const void *a, const void *b)
{
	const struct pod_info *x = a, *y = b;
	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? -1 : 1;
	return strcmp(x->uuid, y->uuid);
}

/* Texts of a pod's files, for a terminal. */
static const char *escaped(struct arena *a, const char *text)
{
	const size_t size = 4 * strlen(text) + 1;
	char *safe = arena_alloc(a, size, 1);
	text_escape(text, safe, size);
	return safe;
}

static const char *networks_text(struct arena *a, const struct pod_info *p)
{
	_clean_(str) struct str s = STR_INIT(STR_MAX_LINE);
	for (size_t i = 0; i < p->n_networks; i++)
		str_addf(&s, "%s%s:ip4=%s", i ? ", " : "", p->networks[i].name, p->networks[i].ip);
	return arena_strdup(a, str_text(&s));
}

static const char *when(const struct cli *cli, struct arena *a, int64_t ns, int64_t now)
{
	if (!ns)
		return "";
	return cli->full ? time_text(a, ns) : time_ago(a, ns, now);
}

static void add_row(
	struct cli *cli, struct table *t, const struct pod_info *p, size_t app, int64_t now)
{
	struct arena *a = &cli->arena;
	bool first = app == 0, any = p->n_apps > 0;
	const struct pod_app_info *info = any ? &p->apps[app] : NULL;
	table_cell(t, !first ? "" : cli->full ? p->uuid : arena_strndup(a, p->uuid, 8));
	table_cell(t, any ? info->name : "-");
	table_cell(t, any && info->image_name ? info->image_name : "-");
	if (cli->full)
		table_cell(t, any && info->image_id ? id_text(a, info->image_id, ID_LIST) : "-");
	table_cell(t, first ? p->state : "");
	table_cell(t, first ? when(cli, a, p->created_ns, now) : "");
	table_cell(t, first ? when(cli, a, p->started_ns, now) : "");
	table_cell(t, first ? networks_text(a, p) : "");
	table_end_row(t);
}

static void print_table(struct cli *cli, const struct pod_list *l)
{
	_clean_(table) struct table t = TABLE_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	static const char *const titles[] = { "UUID", "APP", "IMAGE NAME", "IMAGE ID", "STATE",
		"CREATED", "STARTED", "NETWORKS" };
	for (size_t i = 0; !cli->no_legend && i < sizeof titles / sizeof *titles; i++)
		if (cli->full || strcmp(titles[i], "IMAGE ID") != 0)
			table_cell(&t, titles[i]);
	if (!cli->no_legend)
		table_end_row(&t);
	int64_t now = now_unix_ns();
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k == 0 || k < l->v[i].n_apps; k++)
			add_row(cli, &t, &l->v[i], k, now);
	table_render(&t, &out);
	fputs(str_text(&out), stdout);
}

int cmd_list(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	struct pod_list l = { .arena = &cli->arena, .details = cli->format != NULL };
	int r = session_open(&s, cli, WITH_PODS, e);
	if (r >= 0)
		r = pods_each(&s.pods, list_add, &l, e);
	if (r < 0) {
		free(l.v);
		return r;
	}
	if (l.n)
		qsort(l.v, l.n, sizeof *l.v, by_creation);
	if (cli->format)
		pod_json_list(l.v, l.n, str_eq(cli->format, "json-pretty"), stdout);
	else
		print_table(cli, &l);
	free(l.v);
	return EXIT_OK;
}

/* "true", "false" or a duration; negative: for ever, 0: not at all. */
static int wait_text(const char *text, const char *flag, int64_t *ret, struct err *e)
{
	bool yes;
	if (!strcmp(text, "0") || parse_duration(text, ret))
		return 0;
	if (!parse_bool(text, &yes))
		return ERR_BAD(e, "--%s=%s: true, false or a duration like 30s wanted", flag, text);
	*ret = yes ? -1 : 0;
	return 0;
}

static int wait_for(struct session *s, struct pod *p, const char *text, bool ready, struct err *e)
{
	int64_t timeout = 0;
	int r = text ? wait_text(text, ready ? "wait-ready" : "wait", &timeout, e) : 0;
	if (r < 0 || !timeout)
		return r;
	r = pod_wait(&s->pods, p, ready, timeout, e);
	if (r == 0)
		return err_set(e, ERR_BUSY, ETIMEDOUT, "pod %s is %s: not %s within %s",
			p->uuid.text, pod_phase_state(p->phase, p->locked),
			ready ? "ready" : "exited", text);
	return r;
}

/* "isolator-APP=NAME: STATE (WHY)"; without "-APP" those of the pod. */
static void print_report(struct arena *a, const char *app, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report_line *line = &r->v[i];
		const char *text = arena_printf(a, "%s: %s%s%s%s", line->isolator,
			report_state_name(line->state), line->why ? " (" : "",
			line->why ? line->why : "", line->why ? ")" : "");
		printf("isolator%s%s=%s\n", app ? "-" : "", app ? app : "", escaped(a, text));
	}
}

static void print_isolators(struct arena *a, const struct pod_info *p)
{
	print_report(a, NULL, &p->report.pod);
	for (size_t i = 0; i < p->n_apps; i++) {
		const struct report *r = pod_report_app(&p->report, p->apps[i].name);
		if (r)
			print_report(a, p->apps[i].name, r);
	}
}

static void print_status(struct cli *cli, const struct pod_info *p)
{
	struct arena *a = &cli->arena;
	bool began = p->running || p->exited || p->phase == POD_EXITED_GARBAGE;
	printf("state=%s\n", p->state);
	if (p->created_ns)
		printf("created=%s\n", time_text(a, p->created_ns));
	if (p->started_ns)
		printf("started=%s\n", time_text(a, p->started_ns));
	if (p->n_networks)
		printf("networks=%s\n", escaped(a, networks_text(a, p)));
	if (p->pid > 0)
		printf("pid=%d\n", (int)p->pid);
	if (p->insecure)
		printf("insecure=%s\n", escaped(a, p->insecure));
	if (p->users.count)
		printf("private-users=%u:%u\n", p->users.first, p->users.count);
	print_isolators(a, p);
	if (!began)
		return;
	printf("exited=%s\n", p->running ? "false" : "true");
	for (size_t i = 0; !p->running && i < p->n_apps; i++)
		if (p->apps[i].has_status)
			printf("app-%s=%d\n", p->apps[i].name, p->apps[i].status);
	for (size_t i = 0; !p->running && i < p->n_apps; i++)
		if (p->apps[i].reason)
			printf("reason-%s=%s\n", p->apps[i].name, p->apps[i].reason);
}

int cmd_status(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_info info;
	int r = session_open(&s, cli, WITH_PODS, e);
	if (r >= 0)
		r = session_pod(&s, &p, e);
	if (r >= 0)
		r = wait_for(&s, &p, cli->wait_ready, true, e);
	if (r >= 0)
		r = wait_for(&s, &p, cli->wait, false, e);
	if (r < 0)
		return r;
	pod_info(&p, &cli->arena, &info);
	if (info.hidden)
		fprintf(stderr, "status: pod %s: how its apps ended is for root to see\n",
			info.uuid);
	if (cli->format)
		pod_json_one(&info, str_eq(cli->format, "json-pretty"), stdout);
	else
		print_status(cli, &info);
	return EXIT_OK;
}
