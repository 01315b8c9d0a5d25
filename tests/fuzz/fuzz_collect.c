/* SPDX-License-Identifier: Apache-2.0 */
/* `subcgroup` of a pod's directory, which gc takes for the list of what it may kill and remove,
 * under a hierarchy that is a directory of ours: nothing goes but groups of that pod's name. */
#include "lib/fs/rmtree.h"
#include "lib/sys/cgroup.h"
#include "tests/fuzz/scratch.h"

#define NAME "rkt-00000000-0000-4000-8000-000000000000"

static int root = -1;

static const char *const kept[] = { "v2", "v2/a", "v2/a/b", "v2/a/" NAME "x", "v2/x" NAME, "other",
	"other/" NAME, "memory", "memory/a", "memory/rkt.slice", "memory/rkt.slice/x",
	"v2/a/rkt.slice" };
static const char *const ours[] = { "v2/" NAME, "v2/" NAME "/app", "v2/a/" NAME, "memory/a/" NAME,
	"v2/rkt.slice", "v2/rkt.slice/" NAME, "memory/rkt.slice/" NAME, "v2/a/rkt.slice/" NAME };

static void fill(void)
{
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		FUZZ_HOLDS(mkdirat(root, kept[i], 0755) == 0 || errno == EEXIST);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		FUZZ_HOLDS(mkdirat(root, ours[i], 0755) == 0 || errno == EEXIST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (root < 0)
		root = scratch_open();
	fill();
	_clean_(mem) char *list = fuzz_text(data, size);
	struct cgroup_view view = { 0 };
	view.v[CGROUP_UNIFIED].mount = SCRATCH "/v2";
	view.v[CGROUP_MEMORY].mount = SCRATCH "/memory";
	view.v[CGROUP_UNIFIED].root = view.v[CGROUP_MEMORY].root = "/";
	view.v[CGROUP_UNIFIED].own = view.v[CGROUP_MEMORY].own = "/";
	struct err e = ERR_INIT;
	if (cgroup_collect(&view, list, NAME, &e) < 0)
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		FUZZ_HOLDS(faccessat(root, kept[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return 0;
}
