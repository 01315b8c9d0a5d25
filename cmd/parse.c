/* SPDX-License-Identifier: Apache-2.0 */
/* parse: argv → struct cli, by the tables. */
#include <string.h>

#include "cmd/options.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

static const struct {
	const char *name;
	unsigned bits;
} insecure_table[] = {
	{ "none", 0 },
	{ "image", INSECURE_IMAGE },
	{ "tls", INSECURE_TLS },
	{ "ondisk", INSECURE_ONDISK },
	{ "http", INSECURE_HTTP },
	{ "pubkey", INSECURE_PUBKEY },
	{ "capabilities", INSECURE_CAPABILITIES },
	{ "paths", INSECURE_PATHS },
	{ "seccomp", INSECURE_SECCOMP },
	{ "all-fetch", INSECURE_FETCH },
	{ "all-run", INSECURE_RUN },
	{ "all", INSECURE_ALL },
};
#define N_INSECURE (sizeof insecure_table / sizeof *insecure_table)

void insecure_words(struct str *out)
{
	for (size_t i = 0; i < N_INSECURE; i++)
		str_addf(out, "%s%s", i ? "," : "", insecure_table[i].name);
}

struct parser {
	struct cli *cli;
	enum cmd_id id;
	struct compose_app *app;     /* the image before us, NULL before the first */
	bool app_has_args;	     /* its "--" was seen */
	const struct option *stage1; /* the one of OPTION_STAGE1 that was given */
	size_t apps_cap;
};

/* "--name" or "--name=value" without the dashes. */
struct word {
	const char *name;
	size_t len;
	const char *value; /* NULL: no '=' */
};

static struct word word_split(const char *arg)
{
	struct word w = { .name = arg + 2 };
	w.len = strcspn(w.name, "=");
	if (w.name[w.len] == '=')
		w.value = w.name + w.len + 1;
	return w;
}

static bool is_named(const struct option *o, const struct word *w)
{
	return strlen(o->name) == w->len && !strncmp(o->name, w->name, w->len);
}

static const struct option *find_any(const struct word *w)
{
	for (size_t i = 0; i < n_options; i++)
		if (is_named(&options[i], w))
			return &options[i];
	return NULL;
}

static const struct option *find_for(const struct word *w, enum cmd_id id)
{
	for (size_t i = 0; i < n_options; i++)
		if (is_named(&options[i], w) && option_of(&options[i], id))
			return &options[i];
	return NULL;
}

static bool choice_allowed(const char *choices, const char *value)
{
	size_t n = strlen(value);
	for (const char *p = choices; *p;) {
		size_t len = strcspn(p, "|");
		if (len == n && !strncmp(p, value, n))
			return true;
		p += len + (p[len] == '|');
	}
	return false;
}

static int unknown_insecure(const char *word, size_t n, struct err *e)
{
	_clean_(str) struct str known = STR_INIT(STR_MAX_LINE);
	insecure_words(&known);
	return ERR_BAD(
		e, "--insecure-options: '%.*s' is none of %s", (int)n, word, str_text(&known));
}

static int set_insecure(unsigned *bits, const char *value, struct err *e)
{
	unsigned sum = 0;
	for (const char *p = value; *p;) {
		size_t n = strcspn(p, ","), i = 0;
		while (i < N_INSECURE && (strlen(insecure_table[i].name) != n ||
						 strncmp(insecure_table[i].name, p, n) != 0))
			i++;
		if (i == N_INSECURE)
			return unknown_insecure(p, n, e);
		sum |= insecure_table[i].bits;
		p += n + (p[n] == ',');
	}
	*bits = sum;
	return 0;
}

/* Stores `value` where the row says, below `base`. */
static int option_store(
	const struct option *o, void *base, const char *value, struct arena *a, struct err *e)
{
	void *at = (char *)base + o->offset;
	switch (o->type) {
	case OPT_BOOL:
		if (!parse_bool(value, at))
			return ERR_BAD(e, "--%s=%s: true or false wanted", o->name, value);
		return 0;
	case OPT_DIR:
		if (!*value)
			return ERR_BAD(e, "--%s '': a directory wanted", o->name);
		*(const char **)at = value;
		return 0;
	case OPT_TEXT:
		if (!*value && str_eq(o->arg, "FILE"))
			return ERR_BAD(e, "--%s '': a file wanted", o->name);
		if (o->arg && strchr(o->arg, '|') && !choice_allowed(o->arg, value))
			return ERR_BAD(e, "--%s=%s: %s wanted", o->name, value, o->arg);
		*(const char **)at = value;
		return 0;
	case OPT_LIST: strlist_add(a, at, value); return 0;
	case OPT_DURATION:
		if (!parse_duration(value, at) || *(int64_t *)at < 0)
			return ERR_BAD(
				e, "--%s=%s: a duration like 30m or 1h30m wanted", o->name, value);
		return 0;
	case OPT_INSECURE: return set_insecure(at, value, e);
	}
	BUG("option type");
}

static int option_place(struct parser *p, const struct option *o, void **ret, struct err *e)
{
	*ret = p->cli;
	if (o->flags & OPTION_STAGE1) {
		if (p->stage1 && p->stage1 != o)
			return ERR_BAD(
				e, "--%s and --%s exclude each other", p->stage1->name, o->name);
		p->stage1 = o;
	}
	if (!(o->flags & OPTION_APP))
		return 0;
	if (!p->app)
		return ERR_BAD(e, "--%s must follow an image", o->name);
	*ret = p->app;
	if (o->type == OPT_TEXT && *(const char **)((char *)p->app + o->offset))
		return ERR_BAD(e, "--%s specified multiple times for the same image", o->name);
	return 0;
}

/* True when the row's text is a bool in the table's words: "--readonly-rootfs=1" as in rkt. */
static const char *canonical_bool(const struct option *o, const char *value)
{
	bool b;
	if (!str_eq(o->arg, "true|false") || !parse_bool(value, &b))
		return value;
	return b ? "true" : "false";
}

/* The flag of the command that the word is most like, or NULL. */
static const char *nearest_option(const struct parser *p, const struct word *w)
{
	const char *found = NULL;
	size_t least = w->len < 4 ? 1 : 2;
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		if ((o->flags & OPTION_HIDDEN) || !option_of(o, p->id))
			continue;
		size_t n = text_distance(w->name, w->len, o->name, strlen(o->name));
		if (n > least || (found && n == least))
			continue;
		least = n;
		found = o->name;
	}
	return found;
}

static int unknown_option(const struct parser *p, const struct word *w, struct err *e)
{
	const char *near = nearest_option(p, w);
	const int n = (int)w->len;
	if (near)
		return ERR_BAD(e, "unknown flag: --%.*s, did you mean --%s? (see rkt help %s)", n,
			w->name, near, cmds[p->id].name);
	for (size_t i = 0; !p->cli->cmd && i < _CMD_MAX; i++)
		if (strlen(cmds[i].name) == w->len && !strncmp(cmds[i].name, w->name, w->len))
			return ERR_BAD(e,
				"unknown flag: --%.*s, did you mean rkt %s? (see rkt help)", n,
				w->name, cmds[i].name);
	return ERR_BAD(e, "unknown flag: --%.*s (%ssee rkt help %s)", n, w->name,
		find_any(w) ? "another command has it; " : "", cmds[p->id].name);
}

/* Takes argv[*i], an option, and its value where it is the next word. */
static int take_option(struct parser *p, int argc, char **argv, int *i, struct err *e)
{
	struct word w = word_split(argv[*i]);
	const struct option *o = find_for(&w, p->id);
	if (!o)
		return unknown_option(p, &w, e);
	const char *value = w.value;
	if (!value && option_value_optional(o)) {
		value = o->type == OPT_BOOL ? "true" : o->without;
		/* "--net" alone asks for a network that may not be a word of its choices. */
		if (o->arg && strchr(o->arg, '|') && !choice_allowed(o->arg, value))
			return ERR_BAD(e, "--%s: say which: --%s=%s", o->name, o->name, o->arg);
	} else if (!value) {
		if (*i + 1 >= argc)
			return ERR_BAD(e, "flag needs an argument: --%s", o->name);
		value = argv[++*i];
	}
	if ((o->flags & OPTION_MOUNT) && !p->app) {
		strlist_add(&p->cli->arena, &p->cli->pod.mounts, value);
		return 0;
	}
	void *base;
	int r = option_place(p, o, &base, e);
	if (r < 0)
		return r;
	return option_store(o, base, canonical_bool(o, value), &p->cli->arena, e);
}

static void add_image(struct parser *p, const char *image)
{
	struct compose *c = &p->cli->pod;
	if (c->n_apps == p->apps_cap) {
		size_t cap = p->apps_cap ? 2 * p->apps_cap : 4;
		struct compose_app *grown = ARENA_ARRAY(&p->cli->arena, struct compose_app, cap);
		for (size_t i = 0; i < c->n_apps; i++)
			grown[i] = c->apps[i];
		c->apps = grown;
		p->apps_cap = cap;
	}
	p->app = &c->apps[c->n_apps++];
	p->app->image = image;
	p->app_has_args = false;
}

/* Takes the arguments of the last image's program from argv[*i], "--", up to "---" or the end. */
static int take_app_args(struct parser *p, int argc, char **argv, int *i, struct err *e)
{
	if (!p->app)
		return ERR_BAD(e, "an image is required before any app arguments");
	if (p->app_has_args)
		return ERR_BAD(e, "only one set of app arguments allowed per image");
	p->app_has_args = true;
	for (++*i; *i < argc && strcmp(argv[*i], "---") != 0; ++*i)
		strlist_add(&p->cli->arena, &p->app->args, argv[*i]);
	return 0;
}

/* Everything from argv[*i] on is plain arguments. */
static void take_rest(struct parser *p, int argc, char **argv, int *i)
{
	for (; *i < argc; ++*i)
		strlist_add(&p->cli->arena, &p->cli->args, argv[*i]);
}

static int take_word(struct parser *p, int argc, char **argv, int *i, struct err *e)
{
	const char *arg = argv[*i];
	unsigned flags = cmds[p->id].flags;
	bool images = flags & ARGS_IMAGES;
	if (images && !strcmp(arg, "---"))
		return 0;
	if (!strcmp(arg, "--")) {
		if (images)
			return take_app_args(p, argc, argv, i, e);
		++*i;
		take_rest(p, argc, argv, i);
		return 0;
	}
	if (!strcmp(arg, "-h")) {
		p->cli->help = true;
		return 0;
	}
	if (arg[0] == '-' && arg[1] == '-')
		return take_option(p, argc, argv, i, e);
	if (arg[0] == '-' && arg[1])
		return ERR_BAD(e, "unknown flag: %s (see rkt help %s)", arg, cmds[p->id].name);
	if (images) {
		if (*arg)
			add_image(p, arg);
		return 0;
	}
	strlist_add(&p->cli->arena, &p->cli->args, arg);
	if (flags & ARGS_VERBATIM) {
		++*i;
		if (*i < argc && !strcmp(argv[*i], "--"))
			++*i;
		take_rest(p, argc, argv, i);
	}
	return 0;
}

static int set_presets(struct cli *cli, enum cmd_id id, struct err *e)
{
	for (size_t i = 0; i < n_options; i++) {
		if (!options[i].preset || !option_of(&options[i], id))
			continue;
		int r = option_store(&options[i], cli, options[i].preset, &cli->arena, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The next word from argv[i] on that is neither an option nor an option's value; argc if none. */
static int next_word(int argc, char **argv, int i)
{
	for (; i < argc; i++) {
		if (argv[i][0] != '-' || !argv[i][1])
			return i;
		if (!strcmp(argv[i], "--"))
			return argc;
		if (argv[i][1] != '-')
			continue;
		struct word w = word_split(argv[i]);
		const struct option *o = find_any(&w);
		if (o && !w.value && !option_value_optional(o))
			i++;
	}
	return argc;
}

/* Where the command's words are in argv; each argc when there is none. */
static int find_command(int argc, char **argv, int at[2], struct cli *cli, struct err *e)
{
	char group[32];
	at[0] = next_word(argc, argv, 1);
	at[1] = argc;
	if (at[0] == argc)
		return 0;
	const char *sub = NULL;
	if (cmd_group_of(argv[at[0]], group, sizeof group)) {
		if (str_eq(group, "app")) /* in rkt the whole group says so */
			cli->error_status = EXIT_SOFT;
		at[1] = next_word(argc, argv, at[0] + 1);
		if (at[1] == argc) { /* "rkt image": help, as for a bare rkt */
			cli->group = arena_strdup(&cli->arena, group);
			return 0;
		}
		sub = argv[at[1]];
	}
	int used;
	return cmd_find(argv[at[0]], sub, &cli->cmd, &used, e);
}

/* A bare "rkt": only what every command has may be said. */
static int parse_bare(int argc, char **argv, struct parser *p, const int at[2], struct err *e)
{
	p->id = CMD_HELP;
	for (int i = 1; i < argc; i++) {
		if (i == at[0])
			continue;
		int r = take_word(p, argc, argv, &i, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* rkt's old names for two of the policies. */
static int translate_policy(struct cli *cli, struct err *e)
{
	if (cli->store_only && cli->no_store)
		return ERR_BAD(e, "both --store-only and --no-store specified");
	if (!cli->store_only && !cli->no_store)
		return 0;
	if (cli->pull_policy)
		return ERR_BAD(e, "--pull-policy and --%s exclude each other",
			cli->no_store ? "no-store" : "store-only");
	cli->pull_policy = cli->no_store ? "update" : "never";
	return 0;
}

int cli_parse(int argc, char **argv, struct cli *ret, struct err *e)
{
	struct parser p = { .cli = ret };
	int at[2];
	int r = find_command(argc, argv, at, ret, e);
	if (r < 0)
		return r;
	if (!ret->cmd)
		return parse_bare(argc, argv, &p, at, e);
	p.id = cmd_id(ret->cmd);
	r = set_presets(ret, p.id, e);
	for (int i = 1; r >= 0 && i < argc; i++) {
		if (i == at[0] || i == at[1])
			continue;
		r = take_word(&p, argc, argv, &i, e);
	}
	return r < 0 ? r : translate_policy(ret, e);
}
