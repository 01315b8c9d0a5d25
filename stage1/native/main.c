/* SPDX-License-Identifier: Apache-2.0 */
/* One program, four names: the entry points that manifest.in declares. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "stage1/native/native.h"

static const struct entry {
	const char *name;
	int (*fn)(int argc, char **argv, int *ret_status, struct err *e);
} entries[] = {
	{ "run", native_run },
	{ "enter", native_enter },
	{ "stop", native_stop },
	{ "gc", native_gc },
};

/* Descriptors 0 to 2 exist: what is opened later must never become somebody's standard output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR); /* takes the lowest, which is fd */
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? path_base(argv[0]) : "";
	fill_standard_fds();
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		if (strcmp(entries[i].name, name) != 0)
			continue;
		struct err e = ERR_INIT;
		int status = EXIT_ERROR;
		if (entries[i].fn(argc, argv, &status, &e) < 0) {
			char text[sizeof e.msg * 4];
			err_format(&e, false, text, sizeof text);
			fprintf(stderr, "%s: %s\n", name, text);
			return EXIT_ERROR;
		}
		return status;
	}
	fprintf(stderr, "stage1: to be called as run, enter, stop or gc\n");
	return EXIT_ERROR;
}
