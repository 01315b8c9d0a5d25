/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "cmd/commands.h"
#include "cmd/completion.h"
#include "cmd/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static struct err e;

static const struct cmd *find(const char *word, const char *sub)
{
	const struct cmd *c = NULL;
	int used;
	e = ERR_INIT;
	return cmd_find(word, sub, &c, &used, &e) < 0 ? NULL : c;
}

START_TEST(every_command_is_found_by_its_name)
{
	for (size_t i = 0; i < _CMD_MAX; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s", cmds[i].name);
		char *space = strchr(name, ' ');
		if (space)
			*space++ = '\0';
		ck_assert_ptr_eq(find(name, space), &cmds[i]);
		char group[32];
		ck_assert_int_eq(cmd_group_of(name, group, sizeof group) != NULL, space != NULL);
		ck_assert_uint_eq(cmd_id(&cmds[i]), i);
		ck_assert_ptr_nonnull(cmds[i].run);
	}
}
END_TEST

START_TEST(beginnings_will_do)
{
	ck_assert_ptr_eq(find("ver", NULL), &cmds[CMD_VERSION]);
	ck_assert_ptr_eq(find("li", NULL), &cmds[CMD_LIST]);
	ck_assert_ptr_eq(find("im", "l"), &cmds[CMD_IMAGE_LIST]);
	ck_assert_ptr_eq(find("image", "ver"), &cmds[CMD_IMAGE_VERIFY]);
	/* a whole word is itself, though another begins with it */
	ck_assert_ptr_eq(find("run", NULL), &cmds[CMD_RUN]);
	ck_assert_ptr_eq(find("run-", NULL), &cmds[CMD_RUN_PREPARED]);
}
END_TEST

START_TEST(unknown_and_ambiguous_ones_get_suggestions)
{
	ck_assert_ptr_null(find("lits", NULL));
	ck_assert_str_eq(unit_message(&e),
		"unknown command \"lits\", did you mean \"list\"? (see rkt help)");
	ck_assert_ptr_null(find("st", NULL));
	ck_assert_str_eq(unit_message(&e),
		"unknown command \"st\", it may mean \"status\", \"stop\"? (see rkt help)");
	ck_assert_ptr_null(find("image", "lst"));
	ck_assert_str_eq(unit_message(&e),
		"unknown command \"image lst\", did you mean \"list\"? (see rkt help)");
	ck_assert_ptr_null(find("xyzzy-plugh-and-more-than-thirty-two-bytes", NULL));
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "unknown command \"xyzzy"));
	ck_assert_ptr_null(find("", NULL));
	ck_assert_ptr_null(find("image", NULL));
}
END_TEST

START_TEST(rows_are_sound)
{
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const struct cmd *c = &cmds[i];
		ck_assert_msg(*c->summary >= 'a' && *c->summary <= 'z', "%s", c->name);
		ck_assert_msg(c->summary[strlen(c->summary) - 1] != '.', "%s", c->name);
		ck_assert_msg(c->max < 0 || c->max >= c->min, "%s", c->name);
		ck_assert_msg(c->max == 0 ? !*c->synopsis : *c->synopsis, "%s", c->name);
	}
}
END_TEST

START_TEST(completions_know_every_option_and_command)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	for (size_t s = 0; s < 3; s++) {
		_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
		ck_assert_int_eq(completion_script(shells[s], &out, &e), 0);
		for (size_t i = 0; i < n_options; i++) {
			char flag[64];
			snprintf(flag, sizeof flag, s == 2 ? "-l %s" : "--%s", options[i].name);
			bool shown = !(options[i].flags & OPTION_HIDDEN);
			if (shown)
				ck_assert_msg(
					strstr(str_text(&out), flag), "%s: %s", shells[s], flag);
		}
		for (size_t i = 0; i < _CMD_MAX; i++)
			ck_assert_msg(strstr(str_text(&out), cmd_last_word(&cmds[i])), "%s: %s",
				shells[s], cmds[i].name);
	}
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	ck_assert_int_lt(completion_script("tcsh", &out, &e), 0);
}
END_TEST

UNIT_MAIN("commands", &every_command_is_found_by_its_name, &beginnings_will_do,
	&unknown_and_ambiguous_ones_get_suggestions, &rows_are_sound,
	&completions_know_every_option_and_command)
