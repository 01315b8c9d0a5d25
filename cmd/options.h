/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the one table of options, and the parser of command lines.
 *
 * Parsing, --help, OPTIONS of the manual pages and completions all come from the rows: an option
 * that is not here does not exist. A row stands only for what works.
 *
 * Grammar, as rkt's: `--name=value`, `--name value`, booleans `--name` and `--name=false`, options
 * with an optional value only by `=`. Options stand before or behind the command and between
 * arguments; `--` ends them. For commands with ARGS_IMAGES each image is followed by its own
 * options, `--` begins the arguments of its program and `---` ends those.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cmd/commands.h"
#include "lib/base/str.h"

enum option_type {
	OPT_BOOL,     /* bool */
	OPT_TEXT,     /* const char * */
	OPT_DIR,      /* const char *, never empty */
	OPT_LIST,     /* struct strlist: may be given again */
	OPT_DURATION, /* int64_t, ns */
	OPT_INSECURE, /* unsigned: enum insecure */
};

enum option_flags {
	OPTION_APP = 1 << 0,	/* of the image before it: offset in struct compose_app */
	OPTION_MOUNT = 1 << 1,	/* before the first image it counts for all of them */
	OPTION_HIDDEN = 1 << 2, /* works, but is not shown: deprecated names */
	OPTION_STAGE1 = 1 << 3, /* only one of those may be given */
};

struct option {
	const char *name;
	const char *arg;   /* placeholder; NULL: takes none. With '|': the only words allowed */
	const char *help;  /* lower case, no full stop */
	uint64_t commands; /* bit CMD_x */
	enum option_type type;
	unsigned flags;
	size_t offset;
	const char *without; /* the value when there is no "=value"; NULL: a value is wanted */
	const char *preset;  /* the value when the option is not given; NULL: none */
	/* Adds the words of a list, comma separated; NULL: no words, or others than known ones. For
	 * completion; who takes the value checks it. */
	void (*words)(struct str *out);
};

extern const struct option options[];
extern const size_t n_options;
#define OPTIONS_ALL UINT64_MAX

static inline bool option_of(const struct option *o, enum cmd_id id)
{
	return o->commands >> id & 1;
}
/* True when "--x" says it without a value. */
static inline bool option_value_optional(const struct option *o)
{
	return o->type == OPT_BOOL || o->without;
}

/* *ret must be zeroed. On error ret->cmd is set when the command is known. */
int cli_parse(int argc, char **argv, struct cli *ret, struct err *e);

/* Words of options: */
void insecure_words(struct str *out);
void image_field_words(struct str *out);
void image_sort_words(struct str *out);
