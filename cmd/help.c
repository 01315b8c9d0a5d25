/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include <string.h>

#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum { OPTION_INDENT = 2, HELP_INDENT = 8, SUMMARY_COLUMN = 22 };

const char *option_section_title(enum option_section s)
{
	static const char *const titles[_SECTION_MAX] = {
		[SECTION_COMMAND] = "OPTIONS",
		[SECTION_IMAGE] = "OPTIONS OF EACH IMAGE",
		[SECTION_GLOBAL] = "GLOBAL OPTIONS",
	};
	return titles[s];
}

bool option_listed(const struct option *o, const struct cmd *cmd, enum option_section s)
{
	if (o->flags & OPTION_HIDDEN)
		return false;
	if (o->commands == OPTIONS_ALL)
		return s == SECTION_GLOBAL;
	if (!cmd || !option_of(o, cmd_id(cmd)))
		return false;
	return s == (o->flags & OPTION_APP ? SECTION_IMAGE : SECTION_COMMAND);
}

void help_option(const struct option *o, struct str *out)
{
	str_addf(out, "--%s", o->name);
	if (!o->arg)
		return;
	/* Where the value without "=" is no value of its own, "=" is wanted. */
	bool optional = o->without && strcmp(o->without, "default") != 0;
	str_addf(out, optional ? "[=%s]" : "=%s", o->arg);
}

void help_synopsis(const struct cmd *cmd, struct str *out)
{
	str_addf(out, "rkt %s", cmd->name);
	for (size_t i = 0; i < n_options; i++) {
		if (option_listed(&options[i], cmd, SECTION_COMMAND)) {
			str_add(out, " [--FLAG...]");
			break;
		}
	}
	if (*cmd->synopsis)
		str_addf(out, " %s", cmd->synopsis);
}

/* Words of `text`, wrapped, each line behind `indent` blanks. */
static void wrap(struct str *out, const char *text, size_t indent)
{
	size_t column = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ");
		if (column && column + 1 + n > HELP_WIDTH) {
			str_addc(out, '\n');
			column = 0;
		}
		if (!column) {
			str_addf(out, "%*s", (int)indent, "");
			column = indent;
		} else {
			str_addc(out, ' ');
			column++;
		}
		str_addn(out, p, n);
		column += n;
		p += n;
		while (*p == ' ')
			p++;
	}
	str_addc(out, '\n');
}

static void add_option(struct str *out, const struct option *o)
{
	str_addf(out, "%*s", OPTION_INDENT, "");
	help_option(o, out);
	str_addc(out, '\n');
	if (!o->preset || o->type == OPT_BOOL) {
		wrap(out, o->help, HELP_INDENT);
		return;
	}
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	str_addf(&text, "%s (default %s)", o->help, o->preset);
	wrap(out, str_text(&text), HELP_INDENT);
}

static void add_options(struct str *out, const struct cmd *cmd)
{
	for (enum option_section s = 0; s < _SECTION_MAX; s++) {
		bool title = false;
		for (size_t i = 0; i < n_options; i++) {
			if (!option_listed(&options[i], cmd, s))
				continue;
			if (!title)
				str_addf(out, "\n%s\n", option_section_title(s));
			title = true;
			add_option(out, &options[i]);
		}
	}
}

static void add_overview(struct str *out)
{
	str_add(out, "rkt - run pods of apps, without a daemon\n\nUSAGE\n"
		     "  rkt [--FLAG...] COMMAND [ARG...]\n");
	for (enum cmd_group g = 0; g < _GROUP_MAX; g++) {
		str_addf(out, "\n%s\n", cmd_group_title(g));
		for (size_t i = 0; i < _CMD_MAX; i++)
			if (cmds[i].group == g)
				str_addf(out, "  %-*s%s\n", SUMMARY_COLUMN, cmds[i].name,
					cmds[i].summary);
	}
	add_options(out, NULL);
	str_add(out, "\nA command may be cut to any beginning that no other has. "
		     "See rkt help COMMAND.\n");
}

static void add_page(struct str *out, const struct cmd *cmd)
{
	str_addf(out, "rkt %s - %s\n\nUSAGE\n  ", cmd->name, cmd->summary);
	help_synopsis(cmd, out);
	str_addc(out, '\n');
	add_options(out, cmd);
}

static void add_group(struct str *out, const char *group)
{
	str_addf(out, "USAGE\n  rkt [--FLAG...] %s COMMAND [ARG...]\n\nCOMMANDS\n", group);
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const char *rest = str_after(cmds[i].name, group);
		if (rest && *rest == ' ')
			str_addf(out, "  %-*s%s\n", SUMMARY_COLUMN, cmds[i].name, cmds[i].summary);
	}
	str_addf(out, "\nSee rkt help %s COMMAND.\n", group);
}

void help_print(const struct cmd *cmd, const char *group, FILE *to)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	if (cmd)
		add_page(&out, cmd);
	else if (group)
		add_group(&out, group);
	else
		add_overview(&out);
	fputs(str_text(&out), to);
}

int cmd_help(struct cli *cli, struct err *e)
{
	const struct cmd *cmd = NULL;
	int used = 0;
	char buf[32];
	const char *group = NULL;
	if (cli->args.n == 1)
		group = cmd_group_of(cli->args.v[0], buf, sizeof buf);
	if (cli->args.n && !group) {
		const char *sub = cli->args.n > 1 ? cli->args.v[1] : NULL;
		int r = cmd_find(cli->args.v[0], sub, &cmd, &used, e);
		if (r < 0)
			return r;
	}
	help_print(cmd, group, stdout);
	return EXIT_OK;
}
