/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/abi/exitcode.h"
#include "lib/base/str.h"
#include "lib/sys/proc.h"

int stage1_main(int argc, char **argv, const struct stage1_entry *entries)
{
	const char *name = argc > 0 ? path_base(argv[0]) : "";
	proc_fill_standard_fds(O_RDWR);
	for (; entries->name; entries++) {
		if (strcmp(entries->name, name) != 0)
			continue;
		struct err e = ERR_INIT;
		int status = EXIT_ERROR;
		if (entries->fn(argc, argv, &status, &e) >= 0)
			return status;
		char text[sizeof e.msg * 4];
		err_format(&e, false, text, sizeof text);
		fprintf(stderr, "%s: %s\n", status == EXIT_ERROR ? name : "Error", text);
		return status;
	}
	fprintf(stderr, "stage1: argv[0] names no entry point of this stage1\n");
	return EXIT_ERROR;
}
