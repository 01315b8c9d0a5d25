/* SPDX-License-Identifier: Apache-2.0 */
/* A file of configuration, in every directory where one may be; the credentials of auth.d, too. */
#include "stage0/config.h"
#include "tests/fuzz/scratch.h"

enum { N_DIRS = 4 };
static const char *const dirs[N_DIRS] = { "auth.d", "paths.d", "pods.d", "stage1.d" };

static void auths_hold(const struct auths *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct auth *v = &l->v[i];
		FUZZ_HOLDS(*v->domain && auth_for(l, v->domain) == v);
		FUZZ_HOLDS((v->user && v->password) || v->token ||
			   (v->access_key_id && v->secret_access_key));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int root = -1;
	if (root < 0) {
		root = scratch_open();
		for (size_t i = 0; i < N_DIRS; i++)
			FUZZ_HOLDS(mkdirat(root, dirs[i], 0755) == 0);
	}
	/* The directory that the text names is the one where it counts, else all of them. */
	static const char *const words[N_DIRS] = { "\"auth\"", "\"paths\"", "\"pods\"",
		"\"stage1\"" };
	_clean_(mem) char *text = fuzz_text(data, size);
	bool named = false;
	for (size_t i = 0; i < N_DIRS; i++)
		named |= strstr(text, words[i]) || strstr(text, "\"dockerAuth\"");
	for (size_t i = 0; i < N_DIRS; i++) {
		bool here = !named || strstr(text, words[i]) ||
			    (i == 0 && strstr(text, "\"dockerAuth\""));
		_clean_(mem) char *path = xasprintf("%s/a.json", dirs[i]);
		(void)unlinkat(root, path, 0);
		if (here)
			scratch_put(root, path, data, size);
	}
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct config c;
	struct err e = ERR_INIT;
	if (config_load(SCRATCH, NULL, NULL, &a, &c, &e) < 0) {
		FUZZ_HOLDS(*e.msg);
		return 0;
	}
	FUZZ_HOLDS(!c.stage1_name == !c.stage1_version);
	auths_hold(&c.auths);
	auths_hold(&c.docker_auths);
	config_encode(&c, false, &out);
	FUZZ_HOLDS(out.len > 0);
	return 0;
}
