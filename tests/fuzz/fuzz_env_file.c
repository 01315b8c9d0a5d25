/* SPDX-License-Identifier: Apache-2.0 */
/* Files of --set-env-file. */
#include "lib/spec/types.h"
#include "stage0/compose.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct nvlist env = { 0 };
	struct err e = ERR_INIT;
	if (compose_env_file(text, "file", &a, &env, &e) < 0)
		FUZZ_HOLDS(*e.msg);
	for (size_t i = 0; i < env.n; i++) {
		FUZZ_HOLDS(env_name_valid(env.v[i].name));
		FUZZ_HOLDS(!strchr(env.v[i].value, '\n'));
		for (size_t k = 0; k < i; k++)
			FUZZ_HOLDS(strcmp(env.v[i].name, env.v[k].name) != 0);
	}
	return 0;
}
