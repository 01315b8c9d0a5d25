/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"

/*
 * All three scripts count the words before the cursor alike: flags and their values are skipped,
 * `cmd` is the command, "help image" one, too, and `n` says how many arguments it has already.
 */

/* What an argument may be: one of these, or words that are offered as they are. */
#define PODS "PODS"	/* uuids */
#define STORED "STORED" /* ids and names of images in the store */
#define IMAGES "IMAGES" /* those, and files */
#define FILES "FILES"
#define NOTHING "NOTHING"

/* The first argument, and those behind it. Missing: none is taken. */
static const char *const arguments[_CMD_MAX][2] = {
	[CMD_RUN] = { IMAGES, IMAGES },
	[CMD_PREPARE] = { IMAGES, IMAGES },
	[CMD_RUN_PREPARED] = { PODS, NOTHING },
	[CMD_STATUS] = { PODS, NOTHING },
	[CMD_ENTER] = { PODS, FILES },
	[CMD_APP_EXEC] = { PODS, FILES },
	[CMD_STOP] = { PODS, PODS },
	[CMD_RM] = { PODS, PODS },
	[CMD_CAT_MANIFEST] = { PODS, NOTHING },
	[CMD_EXPORT] = { PODS, FILES },
	[CMD_FETCH] = { IMAGES, IMAGES },
	[CMD_IMAGE_RM] = { STORED, STORED },
	[CMD_IMAGE_CAT_MANIFEST] = { STORED, NOTHING },
	[CMD_IMAGE_EXTRACT] = { STORED, FILES },
	[CMD_IMAGE_RENDER] = { STORED, FILES },
	[CMD_IMAGE_EXPORT] = { STORED, FILES },
	[CMD_IMAGE_VERIFY] = { STORED, STORED },
	[CMD_TRUST] = { "list rm mask explain", FILES },
	[CMD_COMPLETION] = { "bash zsh fish", NOTHING },
};

static const char *argument(size_t cmd, bool first)
{
	const char *what = arguments[cmd][first ? 0 : 1];
	return what ? what : NOTHING;
}

static bool shown(const struct option *o, size_t cmd)
{
	return !(o->flags & OPTION_HIDDEN) && option_of(o, (enum cmd_id)cmd);
}

/* The words that an option's value is, or is a list of, with blanks between; false: others. */
static bool value_words(const struct option *o, struct str *out)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	if (o->words)
		o->words(&text);
	else if (o->arg && strchr(o->arg, '|'))
		str_add(&text, o->arg);
	for (const char *p = str_text(&text); *p; p++)
		str_addc(out, *p == '|' || *p == ',' ? ' ' : *p);
	return text.len;
}

static void add_commands(struct str *out)
{
	for (size_t i = 0; i < _CMD_MAX; i++)
		if (!strchr(cmds[i].name, ' '))
			str_addf(out, "%s ", cmds[i].name);
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		str_addf(out, "%s ", cmd_families[f].name);
}

static void add_second_words(struct str *out, const struct cmd_family *family)
{
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const char *word = cmd_in_family(&cmds[i], family);
		if (word)
			str_addf(out, "%s ", word);
	}
}

/* What `cmd` is when more words belong to it. */
static void add_unfinished(struct str *out, const char *separator)
{
	str_add(out, "help");
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		str_addf(out, "%s%s%s'help %s'", separator, cmd_families[f].name, separator,
			cmd_families[f].name);
}

/* Options whose value may be the next word. */
static void add_valued(struct str *out)
{
	for (size_t i = 0; i < n_options; i++)
		if (!option_value_optional(&options[i]))
			str_addf(out, " --%s", options[i].name);
}

/* --- bash ---------------------------------------------------------------------------------- */

static void bash_flags(struct str *out, size_t cmd)
{
	for (size_t i = 0; i < n_options; i++)
		if (shown(&options[i], cmd))
			str_addf(out, " --%s%s", options[i].name,
				option_value_optional(&options[i]) ? "" : "=");
}

/* What may stand behind "--x=": words, a list of them, files, or directories. */
static void bash_values(struct str *out)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		_clean_(str) struct str words = STR_INIT(STR_MAX_LINE);
		if (!o->arg || (o->flags & OPTION_HIDDEN))
			continue;
		if (value_words(o, &words))
			str_addf(out, "\t--%s) words='%s'%s ;;\n", o->name, str_text(&words),
				o->words ? " list=1" : "");
		else if (!strcmp(o->arg, "FILE") || !strcmp(o->arg, "DIRECTORY"))
			str_addf(out, "\t--%s) files=%c ;;\n", o->name, *o->arg == 'F' ? 'f' : 'd');
	}
}

/* What is under the cursor, which command it belongs to, and in which data directory. */
static void bash_head(struct str *out)
{
	str_add(out, "# bash completion for rkt; from `rkt completion bash`.\n"
		     "_rkt() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tlocal cmd= n=0 word before i words= list= files= flags= head= valued='");
	add_valued(out);
	str_add(out,
		" '\n"
		"\tlocal -a what rkt=(\"${COMP_WORDS[0]}\")\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]} before=${COMP_WORDS[i-1]}\n"
		"\t\t[[ $before == = ]] && before=${COMP_WORDS[i-2]}\n"
		"\t\t[[ $before == --dir && $word != = ]] && rkt+=(--dir=\"${word/#\\~/$HOME}\")\n"
		"\t\t[[ $word == -- ]] && return\n"
		"\t\t[[ $word == -* || $word == [=:] || ${COMP_WORDS[i-1]} == [=:] ||\n"
		"\t\t\t$valued == *\" $before \"* ]] && continue\n"
		"\t\tcase $cmd in\n"
		"\t\t'') cmd=$word ;;\n\t\t");
	add_unfinished(out, "|");
	str_add(out, ") cmd=\"$cmd $word\" ;;\n"
		     "\t\t*) n=$((n + 1)) ;;\n"
		     "\t\tesac\n"
		     "\tdone\n"
		     "\t# --flag=value is three words to bash: --flag, =, value\n"
		     "\t[[ $cur == = ]] && cur= || { [[ $prev == = ]] && "
		     "prev=${COMP_WORDS[COMP_CWORD-2]}; }\n"
		     "\tcase $prev in\n");
}

/* The value of a flag: then nothing else is looked at. */
static void bash_value(struct str *out)
{
	str_add(out,
		"\tesac\n"
		"\tif [[ -n $words ]]; then\n"
		"\t\t[[ -n $list && $cur == *,* ]] && head=${cur%,*},\n"
		"\t\tCOMPREPLY=($(compgen -P \"$head\" -W \"$words\" -- \"${cur#\"$head\"}\"))\n"
		"\t\treturn\n"
		"\tfi\n"
		"\tif [[ -n $files ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -\"$files\" -- \"$cur\"))\n"
		"\t\treturn\n"
		"\tfi\n");
}

/* Per command its flags and what its arguments are. */
static void bash_commands(struct str *out)
{
	str_add(out, "\tcase $cmd in\n\t'') flags='");
	bash_flags(out, CMD_HELP);
	str_add(out, "' what=('");
	add_commands(out);
	str_add(out, "') ;;\n");
	for (size_t f = 0; f < N_CMD_FAMILIES; f++) {
		str_addf(
			out, "\t%s|'help %s') what=('", cmd_families[f].name, cmd_families[f].name);
		add_second_words(out, &cmd_families[f]);
		str_add(out, "') ;;\n");
	}
	for (size_t i = 0; i < _CMD_MAX; i++) {
		str_addf(out, "\t'%s') flags='", cmds[i].name);
		bash_flags(out, i);
		str_add(out, "' what=('");
		if (i == CMD_HELP)
			add_commands(out);
		else
			str_addf(out, "%s' '%s", argument(i, true), argument(i, false));
		str_add(out, "') ;;\n");
	}
	str_add(out, "\tesac\n");
}

static void bash_script(struct str *out)
{
	bash_head(out);
	bash_values(out);
	bash_value(out);
	bash_commands(out);
	str_add(out, "\t# name:version is three words to bash: name, :, version\n"
		     "\t[[ $cur == : ]] && head=$prev: cur=\n"
		     "\t[[ $prev == : ]] && head=${COMP_WORDS[COMP_CWORD-2]}:\n"
		     "\t[[ -n $head && $n -gt 0 ]] && n=$((n - 1))\n"
		     "\tif [[ $cur == -* ]]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
		     "\t\t[[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *= ]] && compopt -o nospace\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\tcase ${what[n > 0]} in\n"
		     "\t" PODS ") words=$(\"${rkt[@]}\" list --full --no-legend 2>/dev/null | "
		     "cut -f1) ;;\n"
		     "\t" IMAGES "|" STORED
		     ") words=$(\"${rkt[@]}\" image list --fields=name,id --full --no-legend "
		     "2>/dev/null) ;;\n"
		     "\t" FILES "|" NOTHING ") ;;\n"
		     "\t*) words=${what[n > 0]} ;;\n"
		     "\tesac\n"
		     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$head$cur\"))\n"
		     "\tCOMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
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
	_clean_(str) struct str words = STR_INIT(STR_MAX_LINE);
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
		else if (value_words(o, &words) && o->words)
			str_addf(out, "_values -s , %s %s", o->name, str_text(&words));
		else if (words.len)
			str_addf(out, "(%s)", str_text(&words));
	}
	str_add(out, "'\n");
}

static void zsh_flags(struct str *out, size_t cmd)
{
	for (size_t k = 0; k < n_options; k++)
		if (shown(&options[k], cmd))
			zsh_option(out, &options[k]);
}

static void zsh_name(struct str *out, const char *name, const char *summary)
{
	if (!name)
		return;
	str_addf(out, "\t\t'%s:", name);
	zsh_quoted(out, summary);
	str_add(out, "'\n");
}

static void zsh_head(struct str *out)
{
	str_add(out, "#compdef rkt\n"
		     "# zsh completion for rkt; from `rkt completion zsh`.\n"
		     "_rkt_arguments() {\n"
		     "\tlocal -a found\n"
		     "\tcase $1 in\n"
		     "\t" PODS ") found=(${(f)\"$(\"${rkt[@]}\" list --full --no-legend "
		     "2>/dev/null | cut -f1)\"}) ;;\n"
		     "\t" STORED "|" IMAGES ") found=(${=\"$(\"${rkt[@]}\" image list "
		     "--fields=name,id --full --no-legend 2>/dev/null)\"}) ;;\n"
		     "\t" FILES "|" NOTHING ") ;;\n"
		     "\t*) found=(${=1}) ;;\n"
		     "\tesac\n"
		     "\tcompadd -a found\n"
		     "\t[[ $1 == " PODS " || $1 == " STORED " || $1 == " NOTHING " ]] || _files\n"
		     "}\n"
		     "_rkt() {\n"
		     "\tlocal cmd= word before= valued='");
	add_valued(out);
	str_add(out, " '\n"
		     "\tinteger n=0\n"
		     "\tlocal -a flags names what rkt=(${words[1]})\n"
		     "\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n"
		     "\t\t[[ $word == --dir=* ]] && rkt+=(--dir=${~word#--dir=})\n"
		     "\t\t[[ $before == --dir ]] && rkt+=(--dir=${~word})\n"
		     "\t\tif [[ $valued == *\" $before \"* ]]; then before=; continue; fi\n"
		     "\t\tbefore=$word\n"
		     "\t\t[[ $word == -* ]] && continue\n"
		     "\t\tcase $cmd in\n"
		     "\t\t'') cmd=$word ;;\n\t\t");
	add_unfinished(out, "|");
	str_add(out, ") cmd=\"$cmd $word\" ;;\n"
		     "\t\t*) (( ++n )) ;;\n"
		     "\t\tesac\n"
		     "\tdone\n\tcase $cmd in\n");
}

static void zsh_script(struct str *out)
{
	zsh_head(out);
	for (size_t i = 0; i < _CMD_MAX; i++) {
		if (i == CMD_HELP)
			continue;
		str_addf(out, "\t'%s')\n\t\tflags=(\n", cmds[i].name);
		zsh_flags(out, i);
		str_addf(out,
			"\t\t)\n\t\twhat=('%s' '%s')\n"
			"\t\t_arguments $flags '*:argument: _rkt_arguments ${what[1+(n>0)]}' ;;\n",
			argument(i, true), argument(i, false));
	}
	for (size_t f = 0; f < N_CMD_FAMILIES; f++) {
		str_addf(out, "\t%s|'help %s')\n\t\tnames=(\n", cmd_families[f].name,
			cmd_families[f].name);
		for (size_t i = 0; i < _CMD_MAX; i++)
			zsh_name(out, cmd_in_family(&cmds[i], &cmd_families[f]), cmds[i].summary);
		str_addf(out, "\t\t)\n\t\t_describe '%s command' names ;;\n", cmd_families[f].name);
	}
	str_add(out, "\t''|help)\n\t\tnames=(\n");
	for (size_t i = 0; i < _CMD_MAX; i++)
		if (!strchr(cmds[i].name, ' '))
			zsh_name(out, cmds[i].name, cmds[i].summary);
	for (size_t f = 0; f < N_CMD_FAMILIES; f++)
		zsh_name(out, cmd_families[f].name, cmd_families[f].summary);
	str_add(out, "\t\t)\n\t\tflags=(\n");
	zsh_flags(out, CMD_HELP);
	str_add(out,
		"\t\t)\n"
		"\t\t_arguments $flags '*:command:{ _describe command names }' ;;\n"
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

static void fish_head(struct str *out)
{
	str_add(out, "# fish completion for rkt; from `rkt completion fish`.\n"
		     "function __rkt_words -d 'the command before the cursor, and if an argument "
		     "is, too'\n"
		     "\tset -l cmd ''\n"
		     "\tset -l n 0\n"
		     "\tset -l before ''\n"
		     "\tset -l valued");
	add_valued(out);
	str_add(out, "\n"
		     "\tfor word in (commandline -opc)[2..-1]\n"
		     "\t\tif contains -- $before $valued\n"
		     "\t\t\tset before ''\n"
		     "\t\t\tcontinue\n"
		     "\t\tend\n"
		     "\t\tset before $word\n"
		     "\t\tstring match -q -- '-*' $word; and continue\n"
		     "\t\tswitch $cmd\n"
		     "\t\tcase ''\n"
		     "\t\t\tset cmd $word\n"
		     "\t\tcase ");
	add_unfinished(out, " ");
	str_add(out, "\n"
		     "\t\t\tset cmd \"$cmd $word\"\n"
		     "\t\tcase '*'\n"
		     "\t\t\tset n 1\n"
		     "\t\tend\n"
		     "\tend\n"
		     "\techo $cmd\n"
		     "\techo $n\n"
		     "end\n"
		     "function __rkt_in -d 'is the cursor in that command'\n"
		     "\tset -l words (__rkt_words)\n"
		     "\ttest \"$words[1]\" = \"$argv[1]\"\n"
		     "end\n"
		     "function __rkt_at -d 'and at its first argument, 0, or behind it, 1'\n"
		     "\tset -l words (__rkt_words)\n"
		     "\ttest \"$words[1]\" = \"$argv[1]\" -a \"$words[2]\" = \"$argv[2]\"\n"
		     "end\n"
		     "function __rkt_ask -d 'rkt, with the data directory of this command line'\n"
		     "\tset -l words (commandline -opc)\n"
		     "\tset -l dir\n"
		     "\tfor i in (seq 2 (count $words))\n"
		     "\t\tswitch $words[$i]\n"
		     "\t\tcase '--dir=*'\n"
		     "\t\t\tset dir $words[$i]\n"
		     "\t\tcase --dir\n"
		     "\t\t\tset dir --dir=(string replace -r '^~' $HOME -- $words[(math $i + 1)])\n"
		     "\t\tend\n"
		     "\tend\n"
		     "\t$words[1] $dir $argv 2>/dev/null\n"
		     "end\n"
		     "function __rkt_" PODS "\n"
		     "\t__rkt_ask list --full --no-legend | cut -f1 | string match -r '.+'\n"
		     "end\n"
		     "function __rkt_" STORED "\n"
		     "\t__rkt_ask image list --fields=name,id --full --no-legend | "
		     "string match -ar '\\S+'\n"
		     "end\n"
		     "function __rkt_list -d 'a comma separated list with one more word'\n"
		     "\tset -l head (commandline -tc | string replace -r '^--[^=]*=' '' | "
		     "string replace -rf '(.*,).*' '$1')\n"
		     "\tprintf '%s\\n' \"$head\"$argv\n"
		     "end\n");
}

static void fish_option(struct str *out, const struct option *o, const char *condition)
{
	_clean_(str) struct str words = STR_INIT(STR_MAX_LINE);
	str_add(out, "complete -c rkt");
	if (*condition)
		str_addf(out, " -n \"__rkt_in '%s'\"", condition);
	str_addf(out, " -l %s", o->name);
	if (o->arg && !option_value_optional(o))
		str_add(out, " -r");
	if (value_words(o, &words))
		str_addf(out, " -f -a '%s%s%s'", o->words ? "(__rkt_list " : "", str_text(&words),
			o->words ? ")" : "");
	str_add(out, " -d ");
	fish_quoted(out, o->help);
	str_addc(out, '\n');
}

static void fish_word(struct str *out, const char *before, const char *word, const char *summary)
{
	if (!word)
		return;
	str_addf(out, "complete -c rkt -f -n \"__rkt_at '%s' 0\" -a %s -d ", before, word);
	fish_quoted(out, summary);
	str_addc(out, '\n');
}

/* The words of commands, behind "rkt" and behind "rkt help". */
static void fish_commands(struct str *out)
{
	static const char *const befores[] = { "", "help" };
	for (size_t b = 0; b < 2; b++) {
		for (size_t i = 0; i < _CMD_MAX; i++)
			if (!strchr(cmds[i].name, ' '))
				fish_word(out, befores[b], cmds[i].name, cmds[i].summary);
		for (size_t f = 0; f < N_CMD_FAMILIES; f++) {
			const struct cmd_family *family = &cmd_families[f];
			_clean_(str) struct str before = STR_INIT(STR_MAX_LINE);
			str_addf(&before, "%s%s%s", befores[b], b ? " " : "", family->name);
			fish_word(out, befores[b], family->name, family->summary);
			for (size_t i = 0; i < _CMD_MAX; i++)
				fish_word(out, str_text(&before), cmd_in_family(&cmds[i], family),
					cmds[i].summary);
		}
	}
}

static void fish_argument(struct str *out, size_t cmd, bool first)
{
	const char *what = argument(cmd, first);
	bool files = str_eq(what, FILES) || str_eq(what, IMAGES);
	bool ask = str_eq(what, PODS) || str_eq(what, STORED) || str_eq(what, IMAGES);
	if (str_eq(what, FILES))
		return;
	str_addf(out, "complete -c rkt%s -n \"__rkt_at '%s' %d\"", files ? "" : " -f",
		cmds[cmd].name, first ? 0 : 1);
	if (ask)
		str_addf(out, " -a '(__rkt_%s)'", str_eq(what, PODS) ? PODS : STORED);
	else if (!str_eq(what, NOTHING))
		str_addf(out, " -a '%s'", what);
	str_addc(out, '\n');
}

static void fish_script(struct str *out)
{
	fish_head(out);
	fish_commands(out);
	for (size_t i = 0; i < n_options; i++)
		if (options[i].commands == OPTIONS_ALL && !(options[i].flags & OPTION_HIDDEN))
			fish_option(out, &options[i], "");
	for (size_t c = 0; c < _CMD_MAX; c++) {
		for (size_t i = 0; i < n_options; i++)
			if (shown(&options[i], c) && options[i].commands != OPTIONS_ALL)
				fish_option(out, &options[i], cmds[c].name);
		for (int later = 0; c != CMD_HELP && later < 2; later++)
			fish_argument(out, c, !later);
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
