/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/unpack/job.h"
#include "tests/fuzz/fuzz.h"

/* Made once: top is what must not change, tree within it is what is filled. */
static char top[] = "/dev/shm/rkt-fuzz-untar-XXXXXX";
static int top_fd = -1, tree_fd = -1, lower_fd = -1, whitelist_fd = -1;

static void prepare(void)
{
	struct err e;
	FUZZ_HOLDS(job_prepare(&e) == 0);
	umask(0);
	/* A filesystem that nobody else sees, and that goes with this process however it ends. */
	FUZZ_HOLDS(unshare(CLONE_NEWNS) == 0);
	FUZZ_HOLDS(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	FUZZ_HOLDS(mount("fuzz", "/dev/shm", "tmpfs", 0, "size=64m") == 0);
	FUZZ_HOLDS(mkdtemp(top) != NULL);
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(mkdirat(top_fd, "tree", 0700) == 0);
	tree_fd = openat(top_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(mkdirat(top_fd, "lower", 0700) == 0);
	lower_fd = openat(top_fd, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(tree_fd >= 0 && lower_fd >= 0);
	FUZZ_HOLDS(symlinkat("../../..", lower_fd, "a") == 0 && mkdirat(lower_fd, "b", 0700) == 0);
	FUZZ_HOLDS(io_write_new(lower_fd, "file", "content", 7, 0644, &e) == 0);
}

static unsigned names_in(int fd)
{
	_clean_(dir) DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned n = 0;
	FUZZ_HOLDS(d != NULL);
	while (readdir(d))
		n++;
	return n - 2;
}

static int run(enum unpack_mode mode, int input, struct unpack_answer *answer)
{
	const struct unpack_request q = { .mode = mode, .max_bytes = 4 << 20, .max_entries = 256 };
	const struct job_fds fds = { input, tree_fd, -1,
		mode == UNPACK_LAYER	? lower_fd
		: mode == UNPACK_RENDER ? whitelist_fd
					: -1 };
	FUZZ_HOLDS(lseek(input, 0, SEEK_SET) == 0);
	job_run(&q, &fds, answer);
	return answer->result;
}

/* Over what another image has left, with links that lead away; all of it, or some paths. */
static void over_another(int input, struct unpack_answer *answer)
{
	static const char some[] = "a\0a/b\0bin/sh\0etc\0file\0hard\0";
	struct err e;
	for (int filtered = 0; filtered < 2; filtered++) {
		FUZZ_HOLDS(mkdirat(tree_fd, "rootfs", 0700) == 0);
		FUZZ_HOLDS(symlinkat("../../..", tree_fd, "rootfs/a") == 0);
		FUZZ_HOLDS(symlinkat("/", tree_fd, "rootfs/dir") == 0);
		FUZZ_HOLDS(mkdirat(tree_fd, "rootfs/file", 0700) == 0);
		if (filtered) {
			whitelist_fd = memfd_create("whitelist", MFD_CLOEXEC);
			FUZZ_HOLDS(io_write_all(whitelist_fd, some, sizeof some - 1, &e) == 0);
			FUZZ_HOLDS(lseek(whitelist_fd, 0, SEEK_SET) == 0);
		}
		if (run(UNPACK_RENDER, input, answer) != 0)
			FUZZ_HOLDS(answer->err.kind != ERR_NONE && answer->err.len > 0);
		whitelist_fd = fd_close(whitelist_fd);
		FUZZ_HOLDS(names_in(top_fd) == 2 && names_in(tree_fd) == 1);
		FUZZ_HOLDS(rmtree_contents(tree_fd, &e) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct unpack_answer answer;
	struct err e;
	if (top_fd < 0)
		prepare();
	_clean_(fd) int input = memfd_create("input", MFD_CLOEXEC);
	FUZZ_HOLDS(io_write_all(input, data, size, &e) == 0);
	if (run(UNPACK_TREE, input, &answer) == 0) {
		/* What was made is what the archive says, twice read. */
		FUZZ_HOLDS(names_in(tree_fd) == 2);
		FUZZ_HOLDS(run(UNPACK_COMPARE, input, &answer) == 0);
		FUZZ_HOLDS(answer.differences == 0);
	} else {
		FUZZ_HOLDS(answer.err.kind != ERR_NONE && answer.err.len > 0);
	}
	FUZZ_HOLDS(names_in(top_fd) == 2);
	FUZZ_HOLDS(rmtree_contents(tree_fd, &e) == 0);
	/* The same as a layer, over one with a link that leads away. */
	if (run(UNPACK_LAYER, input, &answer) != 0)
		FUZZ_HOLDS(answer.err.kind != ERR_NONE && answer.err.len > 0);
	FUZZ_HOLDS(names_in(top_fd) == 2 && names_in(lower_fd) == 3);
	FUZZ_HOLDS(rmtree_contents(tree_fd, &e) == 0);
	over_another(input, &answer);
	return 0;
}
