/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: execve with the search of execvp, and with errors that name what is missing.
 *
 * The kernel says "No such file or directory" for a program, its interpreter, and a script's
 * interpreter alike; here each is told apart, as are a program for another architecture and a file
 * that is no program.
 */
#pragma once

#include <limits.h>

#include "lib/base/err.h"

/* argv[0] without '/' is searched in PATH of envv. Returns only on error. */
int app_exec(char *const *argv, char *const *envv, struct err *e);

/* The same in two steps, of which the second makes one system call only, for who lets nothing else
 * pass between them: what is to be executed, which there is and which may be executed… */
int app_exec_find(char *const *argv, char *const *envv, char ret_path[PATH_MAX], struct err *e);
/* … and execve. */
int app_exec_found(const char *path, char *const *argv, char *const *envv, struct err *e);

/* What execve's errno `num` means for the program at path; returns -num. */
int app_exec_explain(const char *path, int num, struct err *e);
