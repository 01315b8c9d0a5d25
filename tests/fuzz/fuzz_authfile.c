/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/authfile.h"
#include "tests/fuzz/fuzz.h"

static int helper(const char *name, const char *server, struct arena *a, struct credential *ret,
	struct err *e)
{
	(void)a;
	(void)e;
	if (strlen(name) % 2)
		*ret = (struct credential){ .user = name, .password = server, .from = "" };
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	const struct authfile_find f = { "FILE", "r", "a/b", helper };
	struct credential c = { 0 };
	struct err e;
	if (authfile_read(&f, text, size, &a, &c, &e) < 0 || !c.from)
		FUZZ_HOLDS(!c.user && !c.password && !c.identity && !c.token);
	else
		FUZZ_HOLDS((c.user && c.password) || c.identity || c.token);
	return 0;
}
