/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that cannot be executed, as an image has them: what is said of them. Nothing is run. */
#include <errno.h>

#include "stage2/exec.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int nums[] = { ENOENT, ENOEXEC, EACCES, EPERM };
	static int root = -1;
	if (root < 0)
		root = scratch_open();
	scratch_put(root, "program", data, size);
	for (size_t i = 0; i < sizeof nums / sizeof *nums; i++) {
		struct err e = ERR_INIT;
		FUZZ_HOLDS(app_exec_explain(SCRATCH "/program", nums[i], &e) == -nums[i]);
		FUZZ_HOLDS(*e.msg);
	}
	return 0;
}
