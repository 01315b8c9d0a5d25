/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/handover.h"
#include "tests/fuzz/fuzz.h"

/* Each decoder on one command line; what it accepts can be sent, and is then read the same. */

static void try_run(const struct strv *argv)
{
	struct stage1_run run, again;
	struct strv first = STRV_INIT, second = STRV_INIT;
	struct err e;
	if (stage1_run_decode((int)argv->n, argv->v, &run, &e) < 0)
		return;
	run.interface = STAGE1_INTERFACE_MAX;
	strv_add(&first, "run");
	strv_add(&second, "run");
	FUZZ_HOLDS(stage1_run_encode(&run, &first, &e) == 0);
	FUZZ_HOLDS(stage1_run_decode((int)first.n, first.v, &again, &e) == 0);
	again.interface = STAGE1_INTERFACE_MAX;
	FUZZ_HOLDS(stage1_run_encode(&again, &second, &e) == 0);
	FUZZ_HOLDS(first.n == second.n);
	for (size_t i = 0; i < first.n; i++)
		FUZZ_HOLDS(strcmp(first.v[i], second.v[i]) == 0);
	strv_release(&first);
	strv_release(&second);
}

static void try_enter(const struct strv *argv)
{
	struct stage1_enter enter, again;
	struct strv sent = STRV_INIT;
	struct err e;
	if (stage1_enter_decode((int)argv->n, argv->v, &enter, &e) < 0)
		return;
	strv_add(&sent, "enter");
	FUZZ_HOLDS(stage1_enter_encode(&enter, &sent, &e) == 0);
	FUZZ_HOLDS(stage1_enter_decode((int)sent.n, sent.v, &again, &e) == 0);
	FUZZ_HOLDS(enter.pid == again.pid && strcmp(enter.app, again.app) == 0);
	for (size_t i = 0; enter.argv[i]; i++)
		FUZZ_HOLDS(strcmp(enter.argv[i], again.argv[i]) == 0);
	strv_release(&sent);
}

static void try_simple(const struct strv *argv)
{
	struct stage1_simple s;
	struct strv sent = STRV_INIT;
	struct err e;
	if (stage1_gc_decode((int)argv->n, argv->v, &s, &e) == 0) {
		s.interface = STAGE1_INTERFACE_MAX;
		FUZZ_HOLDS(stage1_gc_encode(&s, &sent, &e) == 0);
	}
	if (stage1_stop_decode((int)argv->n, argv->v, &s, &e) == 0) {
		s.interface = STAGE1_INTERFACE_MAX;
		FUZZ_HOLDS(stage1_stop_encode(&s, &sent, &e) == 0);
	}
	strv_release(&sent);
}

/* The input is the arguments after argv[0], one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(strv) struct strv argv = STRV_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	strv_add(&argv, "stage1");
	if (*text)
		strv_split(&argv, text, '\n');
	try_run(&argv);
	try_enter(&argv);
	try_simple(&argv);
	return 0;
}
