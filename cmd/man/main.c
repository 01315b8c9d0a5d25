/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkman: fills a manual page from the tables; a tool of the build, not installed.
 *
 *	mkman rkt-image-list <Documentation/man/rkt-image-list.1.in >rkt-image-list.1
 *
 * These lines of the page are replaced, all others are copied:
 *	@HEAD@      .TH, NAME and SYNOPSIS
 *	@OPTIONS@   the sections of options
 *	@EXIT@      EXIT STATUS
 *	@COMMANDS@  the commands, by group (rkt.1)
 */
#include <string.h>

#include "cmd/help.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum { LINE_MAX_BYTES = 4096 };

/* Text that roff prints as it is. */
static void put(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '-')
			fputs("\\-", stdout);
		else if (*p == '\\')
			fputs("\\e", stdout);
		else if ((*p == '.' || *p == '\'') && p == text)
			printf("\\&%c", *p);
		else
			putchar(*p);
	}
}

static void put_upper(const char *text)
{
	for (const char *p = text; *p; p++)
		putchar(*p == ' ' ? '-' : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
}

static void put_head(const struct cmd *cmd)
{
	printf(".TH RKT%s", cmd ? "-" : "");
	put_upper(cmd ? cmd->name : "");
	printf(" 1 %s \"rkt %s\" \"User Commands\"\n.SH NAME\n", RKT_DATE, RKT_VERSION);
	_clean_(str) struct str name = STR_INIT(STR_MAX_LINE);
	str_addf(&name, "rkt%s%s", cmd ? "-" : "", cmd ? cmd->name : "");
	for (char *p = name.buf; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	put(str_text(&name));
	printf(" \\- ");
	put(cmd ? cmd->summary : "run pods of apps, without a daemon");
	printf("\n.SH SYNOPSIS\n.nf\n");
	_clean_(str) struct str synopsis = STR_INIT(STR_MAX_LINE);
	if (cmd)
		help_synopsis(cmd, &synopsis);
	else
		str_add(&synopsis, "rkt [--FLAG...] COMMAND [ARG...]");
	put(str_text(&synopsis));
	printf("\n.fi\n");
}

static void put_option(const struct option *o)
{
	_clean_(str) struct str flag = STR_INIT(STR_MAX_LINE);
	help_option(o, &flag);
	printf(".TP\n.B ");
	put(str_text(&flag));
	putchar('\n');
	put(o->help);
	if (o->preset && o->type != OPT_BOOL) {
		printf(" (default ");
		put(o->preset);
		putchar(')');
	}
	printf(".\n");
}

static void put_options(const struct cmd *cmd)
{
	for (enum option_section s = 0; s < _SECTION_MAX; s++) {
		bool title = false;
		for (size_t i = 0; i < n_options; i++) {
			if (!option_listed(&options[i], cmd, s))
				continue;
			if (!title)
				printf(".SH \"%s\"\n", option_section_title(s));
			title = true;
			put_option(&options[i]);
		}
	}
}

static void put_commands(void)
{
	for (enum cmd_group g = 0; g < _GROUP_MAX; g++) {
		printf(".SS %s\n", cmd_group_title(g));
		for (size_t i = 0; i < _CMD_MAX; i++) {
			if (cmds[i].group != g)
				continue;
			printf(".TP\n.B rkt ");
			put(cmds[i].name);
			putchar('\n');
			put(cmds[i].summary);
			printf(".\n");
		}
	}
}

static void put_exit(const struct cmd *cmd)
{
	bool runs = cmd == &cmds[CMD_RUN] || cmd == &cmds[CMD_RUN_PREPARED];
	printf(".SH \"EXIT STATUS\"\n.TP\n.B 0\n%s.\n",
		runs ? "All apps of the pod ended with 0" : "Success");
	if (runs)
		printf(".TP\n.I other\nThe status of the first app that failed; 128 + N when "
		       "signal N "
		       "killed it; 203 when\nits program could not be executed.\n");
	if (cmd == &cmds[CMD_ENTER] || cmd == &cmds[CMD_APP_EXEC])
		printf(".TP\n.I other\nThe status of the command.\n");
	if (cmd == &cmds[CMD_APP_EXEC])
		printf(".TP\n.B 1\nThere is no such pod or app, it does not run, or the command "
		       "line is wrong; as in rkt 1.30.\n");
	if (cmd && (cmd->flags & SOFT_ERRORS))
		printf(".TP\n.B 1\nThe file of \\fB\\-\\-uuid\\-file\\fR cannot be read.\n");
	if (!cmd)
		printf(".TP\n.B 2\nNo command was given.\n");
	printf(".TP\n.B 254\nAn error of rkt itself, of usage too%s; one line on standard error "
	       "says "
	       "which.\n",
		runs ? ", or of what an app needs before its program runs" : "");
}

static const struct cmd *command_of(const char *page)
{
	const char *name = str_after(page, "rkt-");
	for (size_t i = 0; name && i < _CMD_MAX; i++) {
		const char *p = name, *q = cmds[i].name;
		while (*p && (*p == *q || (*p == '-' && *q == ' ')))
			p++, q++;
		if (!*p && !*q)
			return &cmds[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct cmd *cmd = argc == 2 ? command_of(argv[1]) : NULL;
	if (argc != 2 || (!cmd && strcmp(argv[1], "rkt") != 0)) {
		fprintf(stderr, "usage: mkman rkt|rkt-COMMAND <page.in >page\n");
		return 2;
	}
	char line[LINE_MAX_BYTES];
	while (fgets(line, sizeof line, stdin)) {
		if (!strcmp(line, "@HEAD@\n"))
			put_head(cmd);
		else if (!strcmp(line, "@OPTIONS@\n"))
			put_options(cmd);
		else if (!strcmp(line, "@EXIT@\n"))
			put_exit(cmd);
		else if (!strcmp(line, "@COMMANDS@\n"))
			put_commands();
		else
			fputs(line, stdout);
	}
	return fflush(stdout) || ferror(stdin) ? 1 : 0;
}
