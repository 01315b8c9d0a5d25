/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/base/str.h"

/* Descriptors 0 to 2 exist: what is opened later must never become somebody's standard output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR); /* takes the lowest, which is fd */
}

int stage1_main(int argc, char **argv, const struct stage1_entry *entries)
{
	const char *name = argc > 0 ? path_base(argv[0]) : "";
	fill_standard_fds();
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
