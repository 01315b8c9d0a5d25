/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "cmd/help.h"
#include "cmd/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static struct cli cli;
static struct err e;

/* Parses the words of `line`, in which '_' stands for an empty one. */
static int parse(const char *line)
{
	static char *argv[64];
	static char text[1024];
	int argc = 0;
	arena_release(&cli.arena);
	cli = (struct cli){ 0 };
	e = ERR_INIT;
	snprintf(text, sizeof text, "%s", line);
	for (char *p = text; *p;) {
		char *end = p + strcspn(p, " ");
		char *next = *end ? end + 1 : end;
		*end = '\0';
		argv[argc++] = !strcmp(p, "_") ? p + 1 : p;
		p = next;
	}
	argv[argc] = NULL;
	return cli_parse(argc, argv, &cli, &e);
}

static void good(const char *line)
{
	int r = parse(line);
	ck_assert_msg(r == 0, "%s: %s", line, unit_message(&e));
}

static void bad(const char *line, const char *text)
{
	ck_assert_msg(parse(line) < 0, "%s: accepted", line);
	ck_assert_msg(strstr(unit_message(&e), text), "%s: %s", line, unit_message(&e));
}

START_TEST(values_stand_behind_equals_or_next)
{
	good("rkt --dir=/a list");
	ck_assert_str_eq(cli.dir, "/a");
	good("rkt --dir /a list");
	ck_assert_str_eq(cli.dir, "/a");
	ck_assert_ptr_eq(cli.cmd, &cmds[CMD_LIST]);
	good("rkt image list --sort=");
	ck_assert_str_eq(cli.sort, "");
	bad("rkt list --dir=", "--dir '': a directory wanted");
	bad("rkt list --dir", "flag needs an argument: --dir");
}
END_TEST

START_TEST(booleans_take_values_only_by_equals)
{
	good("rkt list --full");
	ck_assert(cli.full);
	good("rkt list --full=false");
	ck_assert(!cli.full);
	good("rkt list --full=T");
	ck_assert(cli.full);
	good("rkt rm --debug abc");
	ck_assert(cli.debug);
	ck_assert_str_eq(cli.args.v[0], "abc");
	bad("rkt list --full=maybe", "--full=maybe: true or false wanted");
}
END_TEST

START_TEST(options_of_a_command_may_stand_before_it)
{
	good("rkt --net=host --debug --no-overlay run image");
	ck_assert_str_eq(cli.net, "host");
	ck_assert(cli.debug && cli.no_overlay);
	good("rkt --pretty-print=false config");
	ck_assert(!cli.pretty_print);
	good("rkt --format json list");
	ck_assert_str_eq(cli.format, "json");
}
END_TEST

START_TEST(presets_are_those_of_the_command)
{
	good("rkt gc");
	ck_assert_int_eq(cli.grace_period, 30 * 60 * 1000000000LL);
	ck_assert_int_eq(cli.expire_prepared, 24 * 3600 * 1000000000LL);
	good("rkt image gc");
	ck_assert_int_eq(cli.grace_period, 24 * 3600 * 1000000000LL);
	good("rkt gc --grace-period=0");
	ck_assert_int_eq(cli.grace_period, 0);
	good("rkt cat-manifest x");
	ck_assert(cli.pretty_print);
	good("rkt list");
	ck_assert_str_eq(cli.local_config, "/etc/rkt");
	bad("rkt gc --grace-period=soon", "a duration like 30m");
	bad("rkt gc --grace-period=-1h", "--grace-period=-1h: a duration like 30m");
	bad("rkt gc --expire-prepared=-1ns", "--expire-prepared=-1ns: a duration");
	bad("rkt image gc --grace-period=-1h", "--grace-period=-1h: a duration");
	good("rkt gc --grace-period=-0");
	ck_assert_int_eq(cli.grace_period, 0);
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
	bad("rkt list --nonsense", "unknown flag: --nonsense (see rkt help list)");
	bad("rkt list --net=host", "another command has it");
	bad("rkt list -x", "unknown flag: -x");
	bad("rkt run image --nmae=x",
		"unknown flag: --nmae, did you mean --name? (see rkt help run)");
	bad("rkt list --ful", "unknown flag: --ful, did you mean --full?");
	bad("rkt list --cap-retian", "unknown flag: --cap-retian (see rkt help list)");
	bad("rkt list --exec=x", "unknown flag: --exec (another command has it");
	bad("rkt --version", "unknown flag: --version, did you mean rkt version?");
	bad("rkt --nonsense", "unknown flag: --nonsense");
	bad("rkt run image --port=80", "unknown flag: --port");
}
END_TEST

START_TEST(choices_are_checked)
{
	good("rkt run --net=none x");
	bad("rkt run --net=bridge x", "--net=bridge: none|host wanted");
	bad("rkt run --net x", "--net=none|host");
	bad("rkt run --ipc=public x", "auto|private|parent wanted");
	bad("rkt run --uuid-file-save= x", "--uuid-file-save '': a file wanted");
	bad("rkt list --format=xml", "json|json-pretty wanted");
}
END_TEST

START_TEST(wait_has_an_optional_value)
{
	good("rkt status --wait abc");
	ck_assert_str_eq(cli.wait, "true");
	ck_assert_str_eq(cli.args.v[0], "abc");
	good("rkt status --wait=5s abc");
	ck_assert_str_eq(cli.wait, "5s");
	good("rkt status abc");
	ck_assert_ptr_null(cli.wait);
}
END_TEST

START_TEST(insecure_options_are_summed)
{
	good("rkt --insecure-options=image,paths list");
	ck_assert_uint_eq(cli.insecure, INSECURE_IMAGE | INSECURE_PATHS);
	good("rkt --insecure-options=all-run list");
	ck_assert_uint_eq(cli.insecure, INSECURE_RUN);
	good("rkt --insecure-options=all list");
	ck_assert_uint_eq(cli.insecure, INSECURE_ALL);
	good("rkt --insecure-options=none list");
	ck_assert_uint_eq(cli.insecure, 0);
	bad("rkt --insecure-options=image,nothing list", "'nothing' is none of none,image,tls");
}
END_TEST

START_TEST(images_have_settings_and_arguments)
{
	good("rkt run --volume a,kind=empty one --exec /x --name=o -- -a --b -- c --- two "
	     "--user=u --net=host -- d");
	ck_assert_uint_eq(cli.pod.n_apps, 2);
	const struct compose_app *one = &cli.pod.apps[0], *two = &cli.pod.apps[1];
	ck_assert_str_eq(one->image, "one");
	ck_assert_str_eq(one->exec, "/x");
	ck_assert_str_eq(one->name, "o");
	ck_assert_uint_eq(one->args.n, 4);
	ck_assert_str_eq(one->args.v[0], "-a");
	ck_assert_str_eq(one->args.v[2], "--");
	ck_assert_str_eq(two->image, "two");
	ck_assert_str_eq(two->user, "u");
	ck_assert_ptr_null(two->exec);
	ck_assert_uint_eq(two->args.n, 1);
	ck_assert_str_eq(cli.net, "host");
}
END_TEST

START_TEST(many_images_keep_their_settings)
{
	good("rkt run a --name=a b --name=b c --name=c d --name=d e --name=e f --name=f");
	ck_assert_uint_eq(cli.pod.n_apps, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(cli.pod.apps[i].name, cli.pod.apps[i].image);
}
END_TEST

START_TEST(dashes_elsewhere_are_as_in_rkt)
{
	good("rkt run --- one --- two ---");
	ck_assert_uint_eq(cli.pod.n_apps, 2);
	good("rkt run _ one _ -- a _ b");
	ck_assert_uint_eq(cli.pod.n_apps, 1);
	ck_assert_uint_eq(cli.pod.apps[0].args.n, 3); /* an app's arguments are its own */
	bad("rkt run -- a", "an image is required before any app arguments");
	bad("rkt run one -- a --- -- b", "only one set of app arguments allowed per image");
	good("rkt rm -- --uuid");
	ck_assert_str_eq(cli.args.v[0], "--uuid");
}
END_TEST

START_TEST(settings_need_an_image_before_them)
{
	bad("rkt run --exec=/x one", "--exec must follow an image");
	bad("rkt run one --exec=/x --exec=/y", "--exec specified multiple times");
	good("rkt run --mount volume=v,target=/x one --mount volume=w,target=/y");
	ck_assert_uint_eq(cli.pod.mounts.n, 1);
	ck_assert_uint_eq(cli.pod.apps[0].mounts.n, 1);
	good("rkt run one --readonly-rootfs two");
	ck_assert_str_eq(cli.pod.apps[0].readonly_rootfs, "true");
	good("rkt run one --readonly-rootfs=0");
	ck_assert_str_eq(cli.pod.apps[0].readonly_rootfs, "false");
	good("rkt run one --cap-retain=CAP_KILL"); /* the old name */
	ck_assert_uint_eq(cli.pod.apps[0].caps_retain.n, 1);
}
END_TEST

START_TEST(only_one_stage1)
{
	good("rkt run --stage1-path=/x one");
	bad("rkt run --stage1-path=/x --stage1-name=y one",
		"--stage1-path and --stage1-name exclude each other");
}
END_TEST

START_TEST(enter_leaves_the_command_line_alone)
{
	good("rkt enter --app=a 1234 ls --full -l -- x");
	ck_assert_str_eq(cli.app, "a");
	ck_assert_uint_eq(cli.args.n, 6);
	ck_assert_str_eq(cli.args.v[2], "--full");
	good("rkt enter 1234 -- ls -l");
	ck_assert_uint_eq(cli.args.n, 3);
	ck_assert_str_eq(cli.args.v[1], "ls");
}
END_TEST

START_TEST(help_is_asked_for_in_three_ways)
{
	good("rkt run --help");
	ck_assert(cli.help);
	good("rkt -h");
	ck_assert(cli.help && !cli.cmd);
	good("rkt help image list");
	ck_assert_uint_eq(cli.args.n, 2);
	good("rkt");
	ck_assert_ptr_null(cli.cmd);
	good("rkt image");
	ck_assert_ptr_null(cli.cmd);
}
END_TEST

START_TEST(rows_are_sound)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		ck_assert_msg(o->help && *o->help && o->help[strlen(o->help) - 1] != '.',
			"--%s: help", o->name);
		ck_assert_msg(o->commands, "--%s: of no command", o->name);
		ck_assert_msg((o->type == OPT_BOOL) == !o->arg, "--%s: placeholder", o->name);
		ck_assert_msg(!(o->flags & OPTION_APP) || !o->preset, "--%s: preset", o->name);
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(strcmp(o->name, options[k].name) != 0 ||
					      !(o->commands & options[k].commands),
				"--%s: twice", o->name);
	}
}
END_TEST

START_TEST(help_is_narrow_and_complete)
{
	for (size_t c = 0; c <= _CMD_MAX; c++) {
		const struct cmd *cmd = c < _CMD_MAX ? &cmds[c] : NULL;
		char *text = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&text, &size);
		help_print(cmd, NULL, f);
		fclose(f);
		for (const char *p = text; *p;) {
			size_t n = strcspn(p, "\n");
			ck_assert_msg(n <= HELP_WIDTH, "%s: too wide: %.*s",
				cmd ? cmd->name : "rkt", (int)n, p);
			p += n + (p[n] == '\n');
		}
		for (size_t i = 0; cmd && i < n_options; i++) {
			_clean_(str) struct str flag = STR_INIT(STR_MAX_LINE);
			help_option(&options[i], &flag);
			str_addc(&flag, '\n');
			bool shown = option_of(&options[i], (enum cmd_id)c) &&
				     !(options[i].flags & OPTION_HIDDEN);
			/* rows may share a name, of different commands */
			for (size_t k = 0; k < n_options; k++)
				shown |= !strcmp(options[k].name, options[i].name) &&
					 option_of(&options[k], (enum cmd_id)c) &&
					 !(options[k].flags & OPTION_HIDDEN);
			ck_assert_msg(!strstr(text, str_text(&flag)) == !shown, "%s: --%s",
				cmd->name, options[i].name);
		}
		free(text);
	}
}
END_TEST

UNIT_MAIN("options", &values_stand_behind_equals_or_next, &booleans_take_values_only_by_equals,
	&options_of_a_command_may_stand_before_it, &presets_are_those_of_the_command,
	&unknown_flags_are_refused, &choices_are_checked, &wait_has_an_optional_value,
	&insecure_options_are_summed, &images_have_settings_and_arguments,
	&many_images_keep_their_settings, &dashes_elsewhere_are_as_in_rkt,
	&settings_need_an_image_before_them, &only_one_stage1, &enter_leaves_the_command_line_alone,
	&help_is_asked_for_in_three_ways, &rows_are_sound, &help_is_narrow_and_complete)
