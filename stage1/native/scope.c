/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: a pod that is started where its groups cannot be made, because that place is systemd's:
 * one with limits from a session, whose control group is shared with the shell, and any from the
 * root group.
 *
 * systemd-run --scope asks the manager for a scope with Delegate=yes, moves itself there and
 * executes what it is given: ourselves, with the same process id, descriptors and environment. That
 * takes some 10 ms, so it is done from sessions for version 2 only, and only where limits cannot be
 * had otherwise.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "stage1/native/native.h"

#define BOOTED "/run/systemd/system" /* sd_booted(3) */
#define SYSTEMD_RUN "/usr/bin/systemd-run"

/* Here already, and it did not help: once is enough. */
static bool in_scope(const char *unit)
{
	_clean_(str) struct str own = STR_INIT(STR_MAX_LINE);
	struct err ignored = ERR_INIT;
	return io_read_file(AT_FDCWD, "/proc/self/cgroup", &own, &ignored) < 0 ||
	       strstr(str_text(&own), unit);
}

void native_enter_scope(const struct native *n)
{
	char unit[64];
	_clean_(strv) struct strv argv = STRV_INIT;
	snprintf(unit, sizeof unit, "rkt-%s.scope", n->run.uuid);
	if (access(BOOTED, F_OK) < 0 || access(SYSTEMD_RUN, X_OK) < 0 || in_scope(unit))
		return;
	const char *const head[] = { SYSTEMD_RUN, "--quiet", "--scope", "--collect",
		"--no-ask-password", "--slice=machine.slice", "--property=Delegate=yes" };
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		strv_add(&argv, head[i]);
	strv_addf(&argv, "--unit=%s", unit);
	strv_addf(&argv, "--description=pod %s of rkt", n->run.uuid);
	strv_add(&argv, "--");
	for (char *const *arg = n->argv; *arg; arg++)
		strv_add(&argv, *arg);
	if (fcntl(n->pod.lock_fd, F_SETFD, 0) == 0) /* it goes along */
		execv(argv.v[0], argv.v);
	dbg("no scope of systemd's: %s: %s", SYSTEMD_RUN, strerror(errno));
	(void)fcntl(n->pod.lock_fd, F_SETFD, FD_CLOEXEC);
}
