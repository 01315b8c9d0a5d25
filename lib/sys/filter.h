/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: seccomp programs.
 *
 * The default one is compiled ahead of time by tools/filter_gen.c (a program of the build, with
 * libseccomp's tables) into $(B)/gen/filter_default.h. It is a list of what is allowed; what is not
 * on it is answered with EPERM, what is newer than the list with ENOSYS, so that C libraries fall
 * back as on an older kernel.
 */
#pragma once

#include <linux/filter.h>

#include "lib/base/err.h"

/* The program for this machine. */
struct sock_fprog filter_default(void);
/* The calls that it allows (of some, not with all arguments), separated by blanks. */
const char *filter_default_names(void);

/* Installs a program for the calling thread and everything that it executes. Needs no_new_privs
 * or CAP_SYS_ADMIN. */
int filter_load(const struct sock_fprog *prog, struct err *e);
