/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/exitcode.h"
#include "lib/abi/handover.h"
#include "stage1/fly/fly.h"

/* The pod's mounts and processes have ended with `run`; nothing else was made. */
int fly_gc(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple gc;
	int r = stage1_gc_decode(argc, argv, &gc, e);
	if (r >= 0)
		*ret_status = EXIT_OK;
	return r;
}
