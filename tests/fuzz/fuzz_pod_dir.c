/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's directory as somebody left it who got out of an app: what list and status make of it.
 *
 * The input is lines "KIND PATH", each followed by the file's text up to a line "=". KIND: f a
 * file, l a symbolic link to the text's first line, d a directory, p a FIFO. Whatever it is,
 * reading ends, stays within the pod, and prints JSON.
 */
#include "cmd/pod_json.h"
#include "lib/abi/paths.h"
#include "lib/fs/rmtree.h"
#include "lib/json/json.h"
#include "stage0/pod/internal.h"
#include "tests/fuzz/scratch.h"

#define POD_NAME "00000000-0000-4000-8000-000000000000"
#define POD SCRATCH "/run/" POD_NAME

static int root = -1;

static void make_parents(int dirfd, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		_clean_(mem) char *dir = xstrndup(path, (size_t)(slash - path));
		(void)mkdirat(dirfd, dir, 0755);
	}
}

static void make_one(int pod, char kind, const char *path, const char *text, size_t n)
{
	/* Not out of it, and not through a link: this is the test's own hand. */
	if (!*path || *path == '/' || strstr(path, "..") || strlen(path) > 300)
		return;
	make_parents(pod, path);
	_clean_(mem) char *line = xstrndup(text, strcspn(text, "\n"));
	struct stat st;
	if (fstatat(pod, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (kind == 'd')
		(void)mkdirat(pod, path, 0755);
	if (kind == 'p')
		(void)mkfifoat(pod, path, 0644);
	if (kind == 'l' && *line)
		(void)symlinkat(line, pod, path);
	if (kind != 'f')
		return;
	_clean_(fd) int fd = openat(pod, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct err e;
	if (fd >= 0)
		(void)io_write_all(fd, text, n, &e);
}

static void fill(int pod, char *text)
{
	for (char *rest = text; *rest;) {
		const char *line = scratch_line(&rest);
		char *end = strncmp(rest, "=\n", 2) == 0 ? rest - 1 : strstr(rest, "\n=\n");
		size_t n = end ? (size_t)(end + 1 - rest) : strlen(rest);
		char *next = end ? end + 3 : rest + n;
		if (end)
			end[1] = '\0';
		if (line[0] && line[1] == ' ')
			make_one(pod, line[0], line + 2, rest, n);
		rest = next;
	}
}

static void print(const struct pod_info *info)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct json *json;
	struct err e = ERR_INIT;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	pod_json_one(info, true, to);
	fclose(to);
	/* Its own limit of values is the reader's affair. */
	if (n < 100000 && json_parse(text, n, &a, &json, &e) < 0) {
		fprintf(stderr, "%s: %s\n", e.msg, text);
		abort();
	}
	free(text);
}

static void look(struct pod *p)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct pod_info info, summary;
	struct err e = ERR_INIT;
	pid_t pid = 0;
	pod_info_summary(p, &a, &summary);
	pod_info(p, &a, &info);
	FUZZ_HOLDS(!info.manifest == !summary.manifest && info.n_apps == summary.n_apps);
	FUZZ_HOLDS(!info.manifest == (info.damage != NULL));
	FUZZ_HOLDS(info.pid >= 0);
	for (size_t i = 0; i < info.n_apps; i++)
		FUZZ_HOLDS(info.apps[i].status >= 0 && info.apps[i].status <= 255);
	print(&info);
	print(&summary);
	/* Nobody holds the lock: no number of such a file is one to be signalled or entered. */
	FUZZ_HOLDS(pod_pid1(p, &pid, &e) == -ESRCH && pid == 0);
	struct pod_stage1 stage1 = POD_STAGE1_INIT;
	if (pod_stage1_load(p, &stage1, &e) < 0)
		FUZZ_HOLDS(e.len > 0);
	pod_stage1_cleanup(&stage1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	if (root < 0) {
		root = scratch_open();
		FUZZ_HOLDS(mkdirat(root, "run", 0700) == 0);
		/* What a link might lead to: it would be seen in what is printed. */
		scratch_put(root, "secret", "77\n", 3);
	}
	_clean_(mem) char *text = fuzz_text(data, size);
	FUZZ_HOLDS(mkdir(POD, 0700) == 0);
	struct pod p = POD_INIT;
	p.dirfd = open(POD, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.phase = POD_RUN;
	memcpy(p.uuid.text, POD_NAME, sizeof p.uuid.text);
	fill(p.dirfd, text);
	look(&p);
	p.dirfd = fd_close(p.dirfd);
	if (rmtree_at(root, "run/" POD_NAME, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	return 0;
}
