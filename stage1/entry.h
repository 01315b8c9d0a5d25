/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry: main() of every flavor. One program has the names of all its entry points; which one is
 * wanted, argv[0] says.
 */
#pragma once

#include "lib/base/err.h"
#include "stage1/load.h"

struct stage1_entry {
	const char *name;
	/* Works in the pod's directory. *ret_status is what to end with: EXIT_ERROR unless it is
	 * set, which with an error means that it is the app's (203, 204), not rkt's. */
	int (*fn)(int argc, char **argv, int *ret_status, struct err *e);
};
/* `entries` ends with an empty row. Prints the error, once; returns the exit status. */
int stage1_main(int argc, char **argv, const struct stage1_entry *entries);

/* The entry point `stop` of flavors in which `run`, working in the pod's directory, is the parent
 * of what `pid` names. Asks `run` to stop the pod (TERM); or, with --force, kills that process,
 * which ends the pod and is seen and recorded by `run`. */
int stage1_stop(int argc, char **argv, int *ret_status, struct err *e);
