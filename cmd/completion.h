/* SPDX-License-Identifier: Apache-2.0 */
/* completion: scripts for shells, made from the tables of commands and options. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/str.h"

/* "bash", "zsh" or "fish". */
int completion_script(const char *shell, struct str *out, struct err *e);
