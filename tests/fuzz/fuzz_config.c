/* SPDX-License-Identifier: Apache-2.0 */
/* A file of configuration, in every directory where one may be. */
#include "stage0/config.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int root = -1;
	if (root < 0) {
		root = scratch_open();
		FUZZ_HOLDS(mkdirat(root, "paths.d", 0755) == 0);
		FUZZ_HOLDS(mkdirat(root, "stage1.d", 0755) == 0);
	}
	scratch_put(root, "paths.d/a.json", data, size);
	scratch_put(root, "stage1.d/a.json", data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct config c;
	struct err e = ERR_INIT;
	if (config_load(SCRATCH, NULL, NULL, &a, &c, &e) < 0) {
		FUZZ_HOLDS(*e.msg);
		return 0;
	}
	FUZZ_HOLDS(!c.stage1_name == !c.stage1_version);
	config_encode(&c, false, &out);
	FUZZ_HOLDS(out.len > 0);
	return 0;
}
