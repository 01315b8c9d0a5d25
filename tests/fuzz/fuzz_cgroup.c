/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of control groups, mounts and processes; an app names some of it. */
#include "lib/sys/blockdev.h"
#include "lib/sys/cgroup.h"
#include "lib/sys/proc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_view view;
	struct proc_status status;
	struct err e = ERR_INIT;
	/* Each reader skips the lines that are the other's. */
	cgroup_view_parse(text, text, &a, &view);
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
