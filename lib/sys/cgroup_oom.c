/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_oom: whom the kernel has killed for want of memory, as far as control groups count them.
 */
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/sys/cgroup.h"

#define EVENTS_V2 "memory.events"
#define EVENTS_V1 "memory.oom_control"

enum { TEXT_MAX = 1024 }; /* the kernel's files have a dozen lines */

/* "oom_kill 3" among the lines of such a file. */
static uint64_t count(int fd)
{
	char text[TEXT_MAX];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		uint64_t kills;
		const char *number = str_after(line, "oom_kill ");
		if (number && parse_u64(number, 0, UINT64_MAX, &kills))
			return kills;
	}
	return 0;
}

static uint64_t count_in(int dirfd, const char *file)
{
	_clean_(fd) int fd = dirfd < 0 ? -1 : openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	return count(fd);
}

uint64_t cgroup_app_oom_kills(const struct cgroup_app *a)
{
	return count_in(a->fds[CGROUP_UNIFIED], EVENTS_V2) +
	       count_in(a->fds[CGROUP_MEMORY], EVENTS_V1);
}

/* The file of our group, or of the nearest above that has one, as the controller goes on. */
static int find_events(
	const struct cgroup_view *view, enum cgroup_kind k, const char *file, struct arena *a)
{
	if (!view->v[k].mount)
		return -1;
	char *group = arena_strdup(a, view->v[k].own);
	for (;;) {
		const char *dir = cgroup_view_dir(view, k, group, a);
		int fd = dir ? open(arena_printf(a, "%s/%s", dir, file), O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0 || !dir || str_eq(group, "/"))
			return fd;
		cgroup_group_up(group);
	}
}

void cgroup_pod_watch(const struct cgroup_view *view, struct cgroup_pod *p)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	p->around = find_events(view, CGROUP_UNIFIED, EVENTS_V2, &a);
	if (p->around < 0)
		p->around = find_events(view, CGROUP_MEMORY, EVENTS_V1, &a);
	p->killed_around = count(p->around);
}

bool cgroup_pod_oom_killed(struct cgroup_pod *p)
{
	const uint64_t before = p->killed_around;
	p->killed_around = count(p->around);
	return p->killed_around > before;
}
