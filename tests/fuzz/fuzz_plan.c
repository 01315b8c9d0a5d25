/* SPDX-License-Identifier: Apache-2.0 */
/* Pod manifests from anywhere (--pod-manifest): the checks of stage0, then the plans of stage1.
 * What stage0 lets pass, stage1 can plan, or says why not. */
#include "stage0/compose.h"
#include "stage0/isolators.h"
#include "tests/fuzz/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	struct pod_manifest *m;
	struct err e = ERR_INIT;
	if (pod_manifest_decode(text, size, &a, &m, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return 0;
	}
	bool fine = compose_check_names(m, &e) >= 0 && compose_check_limits(m, &e) >= 0 &&
		    isolators_check(m, &e) >= 0 && isolators_check_spaces(m, false, false, &e) >= 0;
	FUZZ_HOLDS(fine || e.len > 0);
	/* Another stage0 may have checked nothing. */
	plan_pod(m);
	return 0;
}
