/* SPDX-License-Identifier: Apache-2.0 */
/* replay_NAME: feeds fuzz_NAME.c every file of tests/fuzz/corpus/NAME, from the project's root. */
#include <dirent.h>
#include <fcntl.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "tests/fuzz/fuzz.h"

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? str_after(path_base(argv[0]), "replay_") : NULL;
	if (!name)
		return EXIT_FAILURE;
	_clean_(mem) char *path = xasprintf("tests/fuzz/corpus/%s", name);
	_clean_(dir) DIR *d = opendir(path);
	if (!d) {
		perror(path);
		return EXIT_FAILURE;
	}
	int inputs = 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		_clean_(str) struct str input = STR_INIT(STR_MAX_OUTPUT);
		struct err e;
		if (entry->d_name[0] == '.')
			continue;
		if (io_read_file(dirfd(d), entry->d_name, &input, &e) < 0)
			return EXIT_FAILURE;
		/* Named before it runs: the last line says what a crash was about. */
		printf("%s/%s\n", path, entry->d_name);
		fflush(stdout);
		LLVMFuzzerTestOneInput((const uint8_t *)str_text(&input), input.len);
		inputs++;
	}
	printf("%d inputs\n", inputs);
	return inputs ? EXIT_SUCCESS : EXIT_FAILURE;
}
