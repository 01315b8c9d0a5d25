/* SPDX-License-Identifier: Apache-2.0 */
/* help: text for people, made from the tables; at most 100 columns wide. */
#pragma once

#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/options.h"

enum { HELP_WIDTH = 100 };

/* A command's page; that of a group ("image") where `cmd` is NULL; rkt's overview where both are.
 */
void help_print(const struct cmd *cmd, const char *group, FILE *to);
/* "rkt run [--FLAG...] [IMAGE …]": the same in --help and in SYNOPSIS. */
void help_synopsis(const struct cmd *cmd, struct str *out);
/* "--name=ARG", "--name[=ARG]" or "--name". */
void help_option(const struct option *o, struct str *out);

/* The groups in which options are listed. */
enum option_section { SECTION_COMMAND, SECTION_IMAGE, SECTION_GLOBAL, _SECTION_MAX };
const char *option_section_title(enum option_section s);
/* True when the row is to be listed in that section of the command. NULL: of rkt itself. */
bool option_listed(const struct option *o, const struct cmd *cmd, enum option_section s);
