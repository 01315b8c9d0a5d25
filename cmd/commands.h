/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: the one table of commands. Help, manual pages, completions and the dispatcher are made
 * from it.
 *
 * A handler parses nothing: it makes one or a few calls of stage0 and prints what they give. It
 * returns the status to end with, or a negative errno with *e filled, which the dispatcher prints.
 */
#pragma once

#include <stddef.h>

#include "cmd/cli.h"

/*        id            name            */
#define COMMANDS(X)                               \
	X(RUN, run)                               \
	X(PREPARE, prepare)                       \
	X(RUN_PREPARED, run_prepared)             \
	X(LIST, list)                             \
	X(STATUS, status)                         \
	X(ENTER, enter)                           \
	X(APP_EXEC, app_exec)                     \
	X(STOP, stop)                             \
	X(RM, rm)                                 \
	X(GC, gc)                                 \
	X(CAT_MANIFEST, cat_manifest)             \
	X(EXPORT, export)                         \
	X(FETCH, fetch)                           \
	X(IMAGE_LIST, image_list)                 \
	X(IMAGE_RM, image_rm)                     \
	X(IMAGE_GC, image_gc)                     \
	X(IMAGE_CAT_MANIFEST, image_cat_manifest) \
	X(IMAGE_EXTRACT, image_extract)           \
	X(IMAGE_RENDER, image_render)             \
	X(IMAGE_EXPORT, image_export)             \
	X(IMAGE_VERIFY, image_verify)             \
	X(TRUST, trust)                           \
	X(CONFIG, config)                         \
	X(VERSION, version)                       \
	X(COMPLETION, completion)                 \
	X(HELP, help)

enum cmd_id {
#define X(id, name) CMD_##id,
	COMMANDS(X)
#undef X
		_CMD_MAX
};

#define X(id, name) int cmd_##name(struct cli *cli, struct err *e);
COMMANDS(X)
#undef X

enum cmd_flags {
	NEED_ROOT = 1 << 0, /* "cannot run as unprivileged user" */
	ARGS_IMAGES =
		1 << 1, /* images with settings and arguments: "--" and "---" mean something */
	ARGS_VERBATIM =
		1 << 2, /* flags end at the first argument: what follows is a command line */
	ARGS_UUID_FILE = 1 << 3, /* --uuid-file may stand for the arguments */
	SOFT_ERRORS = 1 << 4,	 /* a UUID file that cannot be read ends with 1, as in rkt */
};

enum cmd_group { GROUP_PODS, GROUP_IMAGES, GROUP_MISC, _GROUP_MAX };

struct cmd {
	const char *name;     /* "image list": a command of the group "image" */
	const char *synopsis; /* of the arguments, options aside */
	const char *summary;  /* one line, no full stop */
	int min, max;	      /* arguments; max < 0: any number */
	unsigned flags;
	enum cmd_group group;
	int (*run)(struct cli *cli, struct err *e);
};

extern const struct cmd cmds[_CMD_MAX]; /* by enum cmd_id */

/* The first words of commands of two. */
struct cmd_family {
	const char *name, *summary;
};
enum { N_CMD_FAMILIES = 2 };
extern const struct cmd_family cmd_families[N_CMD_FAMILIES];
/* The command's second word, where its first is that; else NULL. */
const char *cmd_in_family(const struct cmd *cmd, const struct cmd_family *family);

enum cmd_id cmd_id(const struct cmd *cmd);
const char *cmd_last_word(const struct cmd *cmd); /* the prefix of its error lines */
const char *cmd_group_title(enum cmd_group group);

/* A command by its words; each may be any unambiguous beginning. `sub` may be NULL. *ret_used is
 * the number of words taken (1 or 2). Errors: `unknown command "x"` with a suggestion. */
int cmd_find(
	const char *word, const char *sub, const struct cmd **ret, int *ret_used, struct err *e);
/* The whole word of a group like "image", of which `word` may be any unambiguous beginning, in buf;
 * NULL when it is none. */
const char *cmd_group_of(const char *word, char *buf, size_t size);

/* Parses argv, meets the command's needs, runs it, checks standard output, prints an error. */
int cmd_main(int argc, char **argv);
