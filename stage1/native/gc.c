/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc: what a pod that has ended may have left outside its directory, after kill -9: control groups,
 * and processes in them only if somebody else put them there. Mounts and networks went with the
 * namespaces. Idempotent.
 */
#include <fcntl.h>
#include <stdio.h>

#include "lib/abi/exitcode.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "stage1/native/native.h"

static int collect(const char *uuid, struct err *e)
{
	_clean_(str) struct str list = STR_INIT(STR_MAX_LINE);
	int r = io_read_file(AT_FDCWD, POD_SUBCGROUP_FILE, &list, e);
	if (r == -ENOENT)
		return 0;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct cgroup_view view;
	if (r < 0 || (r = cgroup_view_load(&a, &view, e)) < 0)
		return r;
	char name[64];
	snprintf(name, sizeof name, "rkt-%s", uuid);
	return cgroup_collect(&view, str_text(&list), name, e);
}

/* native_gc(): the host's namespaces, in the directory of a pod whose lock stage0 holds. */
int native_gc(int argc, char **argv, int *ret_status, struct err *e)
{
	struct stage1_simple arguments;
	int r = stage1_gc_decode(argc, argv, &arguments, e);
	if (r < 0)
		return r;
	dbg_enable(arguments.debug);
	/* What is read was written by pods; what is done is to end processes and remove groups. */
	if ((r = caps_retire(CAP_BIT(KILL) | CAP_BIT(DAC_OVERRIDE), e)) < 0)
		return r;
	if ((r = collect(arguments.uuid, e)) < 0)
		return r;
	*ret_status = EXIT_OK;
	return 0;
}
