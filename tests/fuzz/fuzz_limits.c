/* SPDX-License-Identifier: Apache-2.0 */
/* --sysctl, --rlimit and SHIFT:COUNT: two lines, a name and a value. */
#include <ctype.h>
#include <inttypes.h>

#include "lib/base/idrange.h"
#include "lib/sys/rlimits.h"
#include "lib/sys/sysctl.h"
#include "tests/fuzz/scratch.h"

/* The rule of sysctl.h once more, from the other end: the file below /proc/sys that is meant. */
static void sysctl_path(const char *name, char *path)
{
	bool dots = false, seen = false;
	for (; *name; name++, path++) {
		if (!seen && (*name == '.' || *name == '/')) {
			seen = true;
			dots = *name == '.';
		}
		*path = *name;
		if (dots && *name == '.')
			*path = '/';
		else if (dots && *name == '/')
			*path = '.';
	}
	*path = '\0';
}

static void sysctls(const char *name, const char *value)
{
	enum sysctl_space space;
	struct err e = ERR_INIT;
	if (sysctl_check(name, value, &space, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	_clean_(mem) char *path = xmalloc(strlen(name) + 1);
	sysctl_path(name, path);
	_clean_(mem) char *walked = xasprintf("/%s/", path);
	FUZZ_HOLDS(!strstr(walked, "/../") && !strstr(walked, "/./") && !strstr(walked, "//"));
	FUZZ_HOLDS(!strpbrk(value, "+\n\r\x1b") && *value);
	bool net = !strncmp(path, "net/", 4), mqueue = !strncmp(path, "fs/mqueue/", 10);
	bool uts = !strcmp(path, "kernel/domainname");
	FUZZ_HOLDS(net == (space == SYSCTL_NET) && uts == (space == SYSCTL_UTS));
	FUZZ_HOLDS(net || uts || mqueue || !strncmp(path, "kernel/s", 8) ||
		   !strncmp(path, "kernel/msg", 10));
}

static void rlimits(const char *name, const char *value)
{
	struct rlimit_wish w, again;
	struct err e = ERR_INIT;
	if (rlimit_parse(name, value, &w, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	char text[64], soft[24] = "unlimited", hard[24] = "unlimited";
	FUZZ_HOLDS(w.soft <= w.hard && !strcmp(w.name, name));
	if (w.soft != RLIMIT_UNLIMITED)
		snprintf(soft, sizeof soft, "%" PRIu64, w.soft);
	if (w.hard != RLIMIT_UNLIMITED)
		snprintf(hard, sizeof hard, "%" PRIu64, w.hard);
	snprintf(text, sizeof text, "%s:%s", soft, hard);
	FUZZ_HOLDS(rlimit_parse(name, text, &again, &e) == 0);
	FUZZ_HOLDS(again.soft == w.soft && again.hard == w.hard && again.resource == w.resource);
}

static void ranges(const char *text)
{
	char again[ID_RANGE_TEXT];
	struct id_range r, s;
	if (!id_range_parse(text, &r))
		return;
	FUZZ_HOLDS(r.count > 0 && (uint64_t)r.first + r.count <= UINT32_MAX);
	id_range_print(&r, again);
	FUZZ_HOLDS(id_range_parse(again, &s) && s.first == r.first && s.count == r.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	char *rest = text;
	const char *name = scratch_line(&rest);
	sysctls(name, rest);
	rlimits(name, rest);
	ranges(name);
	return 0;
}
