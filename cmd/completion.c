/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"

#define TRUST_WORDS "list rm mask explain"

static bool shown(const struct option *o, size_t cmd)
{
	return !(o->flags & OPTION_HIDDEN) && option_of(o, (enum cmd_id)cmd);
}

/* --- bash ---------------------------------------------------------------------------------- */

static void bash_flags(struct str *out, size_t cmd)
{
	for (size_t i = 0; i < n_options; i++)
		if (shown(&options[i], cmd))
			str_addf(out, " --%s%s", options[i].name,
				option_value_optional(&options[i]) ? "" : "=");
}

/* What may stand behind "--x=": the words of a choice, files, or directories. */
static void bash_values(struct str *out)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		if (!o->arg || (o->flags & OPTION_HIDDEN))
			continue;
		if (o->type == OPT_INSECURE) {
			str_addf(out, "\t--%s) words='%s' ;;\n", o->name, insecure_names());
		} else if (strchr(o->arg, '|')) {
			str_addf(out, "\t--%s) words='%s' ;;\n", o->name, o->arg);
		} else if (!strcmp(o->arg, "FILE") || !strcmp(o->arg, "DIRECTORY")) {
			str_addf(out, "\t--%s) files=%c ;;\n", o->name, *o->arg == 'F' ? 'f' : 'd');
		}
	}
}

static void bash_commands(struct str *out)
{
	for (size_t i = 0; i < _CMD_MAX; i++)
		if (!strchr(cmds[i].name, ' '))
			str_addf(out, " %s", cmds[i].name);
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		str_addf(out, " %s", cmd_families[f].name);
}

static void bash_second_words(struct str *out, const struct cmd_family *family)
{
	str_addf(out, "\t%s) words='", family->name);
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const char *word = cmd_in_family(&cmds[i], family);
		if (word)
			str_addf(out, " %s", word);
	}
	str_add(out, "' ;;\n");
}

/* In a loop over the words before the cursor's: which command. */
static void take_words(struct str *out)
{
	str_add(out, "\t\tif [[ -z $cmd ]]; then cmd=$word; elif [[ \" ");
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		str_addf(out, "%s ", cmd_families[f].name);
	str_add(out, "\" == *\" $cmd \"* ]]; then cmd=\"$cmd $word\"; break; else break; fi\n");
}

/* Options whose value may be the next word. */
static void bash_valued(struct str *out)
{
	for (size_t i = 0; i < n_options; i++)
		if (!option_value_optional(&options[i]))
			str_addf(out, " --%s", options[i].name);
}

/* What is under the cursor, which command it belongs to, and in which data directory. */
static void bash_head(struct str *out)
{
	str_add(out, "# bash completion for rkt; from `rkt completion bash`.\n"
		     "_rkt() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tlocal cmd= word before i words= files= flags= valued='");
	bash_valued(out);
	str_add(out,
		" '\n"
		"\tlocal -a rkt=(\"${COMP_WORDS[0]}\")\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]} before=${COMP_WORDS[i-1]}\n"
		"\t\t[[ $before == = ]] && before=${COMP_WORDS[i-2]}\n"
		"\t\t[[ $before == --dir && $word != = ]] && rkt+=(--dir=\"${word/#\\~/$HOME}\")\n"
		"\t\t[[ $word == -- ]] && return\n"
		"\t\t[[ $word == -* || $word == = || ${COMP_WORDS[i-1]} == = ||\n"
		"\t\t\t$valued == *\" $before \"* ]] && continue\n");
	take_words(out);
	str_add(out, "\tdone\n"
		     "\t# --flag=value is three words to bash: --flag, =, value\n"
		     "\t[[ $cur == = ]] && cur= || { [[ $prev == = ]] && "
		     "prev=${COMP_WORDS[COMP_CWORD-2]}; }\n"
		     "\tcase $prev in\n");
}

static void bash_script(struct str *out)
{
	bash_head(out);
	bash_values(out);
	str_add(out, "\tesac\n"
		     "\tif [[ -n $words ]]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"${words//[|,]/ }\" -- \"$cur\"))\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\tif [[ -n $files ]]; then\n"
		     "\t\tCOMPREPLY=($(compgen -\"$files\" -- \"$cur\"))\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\tcase $cmd in\n"
		     "\t'') words='");
	bash_commands(out);
	str_add(out, "' flags='");
	bash_flags(out, CMD_HELP);
	str_add(out, "' ;;\n");
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		bash_second_words(out, &cmd_families[f]);
	for (size_t i = 0; i < _CMD_MAX; i++) {
		str_addf(out, "\t'%s') flags='", cmds[i].name);
		bash_flags(out, i);
		if (i == CMD_COMPLETION || i == CMD_HELP) {
			str_add(out, "' words='");
			if (i == CMD_HELP)
				bash_commands(out);
			else
				str_add(out, "bash zsh fish");
		}
		if (i == CMD_TRUST)
			str_add(out, "' words='" TRUST_WORDS);
		str_add(out, "' ;;\n");
	}
	str_add(out, "\tesac\n"
		     "\tif [[ $cur == -* ]]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
		     "\t\t[[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *= ]] && compopt -o nospace\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\tcase $cmd in\n"
		     "\trun-prepared|status|enter|'app '*|stop|rm|cat-manifest|export)\n"
		     "\t\twords=$(\"${rkt[@]}\" list --full --no-legend 2>/dev/null | cut -f1) ;;\n"
		     "\trun|prepare|'image '*)\n"
		     "\t\twords=$(\"${rkt[@]}\" image list --fields=name,id --full --no-legend "
		     "2>/dev/null) ;;\n"
		     "\tesac\n"
		     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		     "}\n"
		     "complete -o default -F _rkt rkt\n");
}

/* --- zsh ----------------------------------------------------------------------------------- */

/* Text within '…' of a shell and [...] of zsh's _arguments. */
static void zsh_quoted(struct str *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			str_add(out, "'\\''");
		else if (strchr("[]:", *p))
			str_addf(out, "\\%c", *p);
		else
			str_addc(out, *p);
	}
}

static void zsh_option(struct str *out, const struct option *o)
{
	str_addf(out, "\t\t'%s--%s", o->type == OPT_LIST ? "*" : "", o->name);
	if (o->arg)
		str_add(out, option_value_optional(o) ? "=-" : "=");
	str_addc(out, '[');
	zsh_quoted(out, o->help);
	str_addc(out, ']');
	if (o->arg) {
		str_add(out, option_value_optional(o) ? "::" : ":");
		zsh_quoted(out, o->arg);
		str_addc(out, ':');
		if (!strcmp(o->arg, "FILE"))
			str_add(out, "_files");
		else if (!strcmp(o->arg, "DIRECTORY"))
			str_add(out, "_files -/");
		else if (strchr(o->arg, '|')) {
			str_addc(out, '(');
			for (const char *p = o->arg; *p; p++)
				str_addc(out, *p == '|' ? ' ' : *p);
			str_addc(out, ')');
		}
	}
	str_add(out, "'\n");
}

static void zsh_name(struct str *out, const char *name, const char *summary)
{
	if (!name)
		return;
	str_addf(out, "\t\t'%s:", name);
	zsh_quoted(out, summary);
	str_add(out, "'\n");
}

static void zsh_script(struct str *out)
{
	str_add(out, "#compdef rkt\n"
		     "# zsh completion for rkt; from `rkt completion zsh`.\n"
		     "_rkt() {\n"
		     "\tlocal cmd= word\n"
		     "\tlocal -a flags names\n"
		     "\tfor word in ${words[2,CURRENT-1]}; do\n"
		     "\t\t[[ $word == -* ]] && continue\n");
	take_words(out);
	str_add(out, "\tdone\n\tcase $cmd in\n");
	for (size_t i = 0; i < _CMD_MAX; i++) {
		str_addf(out, "\t'%s')\n\t\tflags=(\n", cmds[i].name);
		for (size_t k = 0; k < n_options; k++)
			if (shown(&options[k], i))
				zsh_option(out, &options[k]);
		str_add(out, "\t\t)\n\t\t_arguments $flags ");
		if (i == CMD_TRUST) /* the first argument is the command itself */
			str_add(out, "'2:argument: _alternative \"words\\:word\\:(" TRUST_WORDS
				     ")\" \"files\\:file\\:_files\"' ");
		str_add(out, "'*:argument:_files' ;;\n");
	}
	for (size_t f = 0; f < N_CMD_FAMILIES; f++) {
		str_addf(out, "\t%s)\n\t\tnames=(\n", cmd_families[f].name);
		for (size_t i = 0; i < _CMD_MAX; i++)
			zsh_name(out, cmd_in_family(&cmds[i], &cmd_families[f]), cmds[i].summary);
		str_addf(out, "\t\t)\n\t\t_describe '%s command' names ;;\n", cmd_families[f].name);
	}
	str_add(out, "\t*)\n\t\tnames=(\n");
	for (size_t i = 0; i < _CMD_MAX; i++)
		if (!strchr(cmds[i].name, ' '))
			zsh_name(out, cmds[i].name, cmds[i].summary);
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		zsh_name(out, cmd_families[f].name, cmd_families[f].summary);
	str_add(out,
		"\t\t)\n\t\t_describe 'command' names ;;\n"
		"\tesac\n"
		"}\n"
		"[[ $zsh_eval_context[-1] == loadautofunc ]] && _rkt \"$@\" || compdef _rkt rkt\n");
}

/* --- fish ---------------------------------------------------------------------------------- */

static void fish_quoted(struct str *out, const char *text)
{
	str_addc(out, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'' || *p == '\\')
			str_addc(out, '\\');
		str_addc(out, *p);
	}
	str_addc(out, '\'');
}

static void fish_option(struct str *out, const struct option *o, const char *condition)
{
	str_add(out, "complete -c rkt");
	if (*condition)
		str_addf(out, " -n \"%s\"", condition);
	str_addf(out, " -l %s", o->name);
	if (o->arg && !option_value_optional(o))
		str_add(out, " -r");
	if (o->arg && strchr(o->arg, '|')) {
		str_add(out, " -a '");
		for (const char *p = o->arg; *p; p++)
			str_addc(out, *p == '|' ? ' ' : *p);
		str_addc(out, '\'');
	}
	str_add(out, " -d ");
	fish_quoted(out, o->help);
	str_addc(out, '\n');
}

/* "__fish_seen_subcommand_from image; and … list" */
static void fish_condition(struct str *out, const char *name)
{
	const char *space = strchr(name, ' ');
	if (space)
		str_addf(out,
			"__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
			(int)(space - name), name, space + 1);
	else
		str_addf(out,
			"__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from app "
			"image",
			name);
}

static void fish_script(struct str *out)
{
	str_add(out, "# fish completion for rkt; from `rkt completion fish`.\n");
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		str_addf(out, "complete -c rkt -n __fish_use_subcommand -a %s -d '%s'\n",
			cmd_families[f].name, cmd_families[f].summary);
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const char *space = strchr(cmds[i].name, ' ');
		if (space)
			str_addf(out,
				"complete -c rkt -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
				(int)(space - cmds[i].name), cmds[i].name, space + 1);
		else
			str_addf(out, "complete -c rkt -n __fish_use_subcommand -a %s -d ",
				cmds[i].name);
		fish_quoted(out, cmds[i].summary);
		str_addc(out, '\n');
	}
	str_add(out, "complete -c rkt -n '__fish_seen_subcommand_from trust; and not "
		     "__fish_seen_subcommand_from " TRUST_WORDS "' -a '" TRUST_WORDS "'\n");
	for (size_t i = 0; i < n_options; i++)
		if (options[i].commands == OPTIONS_ALL && !(options[i].flags & OPTION_HIDDEN))
			fish_option(out, &options[i], "");
	for (size_t c = 0; c < _CMD_MAX; c++) {
		_clean_(str) struct str condition = STR_INIT(STR_MAX_LINE);
		fish_condition(&condition, cmds[c].name);
		for (size_t i = 0; i < n_options; i++)
			if (shown(&options[i], c) && options[i].commands != OPTIONS_ALL)
				fish_option(out, &options[i], str_text(&condition));
	}
}

int completion_script(const char *shell, struct str *out, struct err *e)
{
	static const struct {
		const char *shell;
		void (*write)(struct str *out);
	} scripts[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		if (str_eq(scripts[i].shell, shell)) {
			scripts[i].write(out);
			return 0;
		}
	}
	return ERR_BAD(e, "no completion for '%s': bash, zsh or fish wanted", shell);
}

int cmd_completion(struct cli *cli, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	int r = completion_script(cli->args.v[0], &out, e);
	if (r < 0)
		return r;
	fputs(str_text(&out), stdout);
	return EXIT_OK;
}
