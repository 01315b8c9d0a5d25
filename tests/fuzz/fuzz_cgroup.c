/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of control groups, mounts, locks and processes; an app names some of it. */
#include "lib/base/parse.h"
#include "lib/sys/blockdev.h"
#include <sys/sysmacros.h>

#include "lib/base/parse.h"
#include "lib/sys/blockdev.h"
#include "lib/sys/cgroup.h"
#include "lib/sys/flocks.h"
#include "lib/sys/mountinfo.h"
#include "lib/sys/proc.h"
#include "tests/fuzz/fuzz.h"

/* The same once more, the simple way: every kind's first mount, or the first that shows all of it,
 * by proc(5). Only where it has been found; which kinds count is cgroup.h's. */
struct simple {
	char mount[512], root[512], own[512];
};

static bool has_word(const char *list, const char *word)
{
	_clean_(mem) char *both = xasprintf(",%s,", list);
	_clean_(mem) char *one = xasprintf(",%s,", word);
	return strstr(both, one) != NULL;
}

static void octal(char *s)
{
	char *to = s;
	unsigned v;
	for (; *s; *to++ = *s++) {
		if (*s == '\\' && strspn(s + 1, "01234567") >= 3 && s[1] < '4' &&
			sscanf(s + 1, "%3o", &v) == 1) {
			s += 3;
			*s = (char)v;
		}
	}
	*to = '\0';
}

/* The " - " behind six fields and what may follow them; or NULL. */
static const char *dash_of(const char *line)
{
	for (int i = 0; i < 6; i++, line++)
		if (!(line = strchr(line, ' ')))
			return NULL;
	return strstr(line - 1, " - ");
}

static void simple_mount(const char *line, const char *controller, struct simple *ret)
{
	const char *dash = dash_of(line);
	char device[512], root[512], mount[512], type[512], options[512];
	uint64_t id;
	uint32_t half;
	_clean_(mem) char *head = dash ? xstrndup(line, (size_t)(dash - line)) : NULL;
	_clean_(mem) char *first = xstrndup(line, strcspn(line, " "));
	if (!dash || !parse_u64(first, 0, UINT64_MAX, &id) ||
		sscanf(head, "%*s %*s %511s %511s %511s", device, root, mount) != 3 ||
		sscanf(dash + 3, "%511s %*s %511s", type, options) != 2)
		return;
	char *colon = strchr(device, ':');
	if (!colon || !parse_u32(colon + 1, 0, UINT32_MAX, &half))
		return;
	*colon = '\0';
	if (!parse_u32(device, 0, UINT32_MAX, &half))
		return;
	if (*root != '/' || *mount != '/' || strcmp(type, controller ? "cgroup" : "cgroup2") != 0 ||
		(controller && !has_word(options, controller)))
		return;
	octal(root);
	octal(mount);
	if (*ret->mount && (!strcmp(ret->root, "/") || strcmp(root, "/") != 0))
		return;
	strncpy(ret->root, root, sizeof root);
	strncpy(ret->mount, mount, sizeof mount);
}

static void same_as_simple(const char *text, const struct cgroup_view *view)
{
	static const char *const words[_CGROUP_KIND_MAX] = { NULL, "name=systemd", "memory", "cpu",
		"pids", "blkio", "devices" };
	/* Its words are cut at white space of every kind and at a length; only texts without
	 * matter. */
	if (strpbrk(text, "\t\v\f\r") || strstr(text, "  ") || strlen(text) > 500 ||
		strstr(text, "\n ") || strstr(text, " \n") || *text == ' ' || str_ends(text, " "))
		return;
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		_clean_(mem) char *copy = xstrdup(text);
		struct simple s = { 0 };
		char *rest = copy;
		for (char *line; (line = strsep(&rest, "\n"));)
			simple_mount(line, words[k], &s);
		if (!view->v[k].mount)
			continue;
		FUZZ_HOLDS(strcmp(view->v[k].mount, s.mount) == 0);
		FUZZ_HOLDS(strcmp(view->v[k].root, s.root) == 0);
	}
}

static void lock_lines(const char *text)
{
	_clean_(mem) char *copy = xstrdup(text);
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));) {
		_clean_(mem) char *whole = xstrdup(line);
		struct flock_line l;
		if (!flock_line_parse(line, &l) || !l.held)
			continue;
		char file[64];
		snprintf(file, sizeof file, ":%llu", (unsigned long long)l.inode);
		FUZZ_HOLDS(strstr(whole, " FLOCK ") && strstr(whole, " WRITE ") &&
			   !strstr(whole, ": -> ") && strstr(whole, file));
	}
}

/* Each line by itself, as those read them who remount what lies below a mount. */
static void lines(const char *text)
{
	_clean_(mem) char *copy = xstrdup(text);
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));) {
		_clean_(mem) char *whole = xstrdup(line);
		struct mountinfo m;
		if (!mountinfo_parse(line, &m))
			continue;
		FUZZ_HOLDS(*m.point == '/' && m.root && m.type && m.options);
		FUZZ_HOLDS(strlen(m.point) + strlen(m.root) < strlen(whole));
		const char *from = whole, *dash = dash_of(whole);
		for (int i = 0; i < 5; i++)
			from = strchr(from, ' ') + 1;
		const char *shared = strstr(strchr(from, ' '), " shared:");
		FUZZ_HOLDS(dash && m.shared == (shared && shared < dash));
	}
	char source[64];
	for (unsigned minor = 0; minor < 3; minor++)
		if (blockdev_source(text, makedev(0, 28 + minor), source, sizeof source))
			FUZZ_HOLDS(memchr(source, '\0', sizeof source) && strstr(text, source) &&
				   !strncmp(source, "/dev/", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_view view;
	struct proc_status status;
	struct err e = ERR_INIT;
	/* Each reader skips the lines that are the other's. */
	cgroup_view_parse(text, text, &a, &view);
	same_as_simple(text, &view);
	lines(text);
	lock_lines(text);
	for (size_t k = 0; k < _CGROUP_KIND_MAX; k++) {
		if (!view.v[k].mount)
			continue;
		const char *dir = cgroup_view_dir(&view, (enum cgroup_kind)k, view.v[k].own, &a);
		FUZZ_HOLDS(dir && *dir == '/');
		FUZZ_HOLDS(strncmp(dir, view.v[k].mount, strlen(view.v[k].mount)) == 0);
		FUZZ_HOLDS(!strstr(dir + strlen(view.v[k].mount), "/../"));
	}
	char source[64];
	if (blockdev_source(text, 0, source, sizeof source))
		FUZZ_HOLDS(strncmp(source, "/dev/", 5) == 0 && strlen(source) < sizeof source);
	cgroup_view_set_own(&view, text, &a);
	if (proc_status_parse(text, &status, &e) == 0)
		FUZZ_HOLDS(status.ppid >= 0 && status.ns_pid >= 0);
	return 0;
}
