/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json/jenc.h"
#include "lib/spec/pod.h"
#include "tests/fuzz/fuzz.h"

/* A volume of the command line lands in the pod manifest and is read from there. */
static void through_manifest(struct arena *a, const struct volume *v)
{
	struct str out = STR_INIT(STR_MAX_MANIFEST);
	struct jenc j = JENC_INIT(&out, false);
	struct volume back = { 0 };
	struct json *json;
	struct err e;
	struct jctx c = { a, &e };
	volume_encode(&j, v);
	FUZZ_HOLDS(json_parse(str_text(&out), out.len, a, &json, &e) == 0);
	FUZZ_HOLDS(volume_decode(&c, json, NULL, &back) == 0);
	FUZZ_HOLDS(str_eq(v->name, back.name) && str_eq(v->source, back.source));
	FUZZ_HOLDS(v->kind == back.kind && v->mode == back.mode);
	FUZZ_HOLDS(v->read_only == back.read_only && v->recursive == back.recursive);
	FUZZ_HOLDS(v->uid == back.uid && v->gid == back.gid);
	FUZZ_HOLDS(v->has_mode == back.has_mode && v->has_uid == back.has_uid);
	str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	struct volume v;
	struct mount m;
	struct err e;
	/* What is no UTF-8 cannot be in a manifest; composing one refuses it. */
	if (volume_parse(text, &a, &v, &e) == 0 && utf8_valid(text))
		through_manifest(&a, &v);
	if (mount_parse(text, &a, &m, &e) == 0)
		FUZZ_HOLDS(ac_name_valid(m.volume) && *m.path == '/');
	return 0;
}
