/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: what an app inherited from whoever ran the pod, for a command that somebody else enters.
 *
 * pid 1 still has it as `run` had it: it changes none of it, and no app can.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "stage1/native/native.h"

/* Soft: raising a hard limit takes a capability that we may lack. */
static int follow_rlimits(const struct proc *pid1, struct err *e)
{
	struct rlimit theirs, ours;
	struct proc_status status;
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		if (prlimit(pid1->pid, i, NULL, &theirs) < 0)
			return ERR_SYS(e, "read limits of process %d", (int)pid1->pid);
		if (setrlimit(i, &theirs) == 0)
			continue;
		dbg("limit %d is not what the pod has", i);
		if (getrlimit(i, &ours) < 0)
			return ERR_SYS(e, "read limits");
		ours.rlim_cur = theirs.rlim_cur < ours.rlim_max ? theirs.rlim_cur : ours.rlim_max;
		(void)setrlimit(i, &ours);
	}
	/* By number: it was pid 1 all the time if it still is. */
	return proc_status(pid1, &status, e);
}

/* Soft, too. */
static int follow_oom_score(const struct proc *pid1, struct err *e)
{
	char text[16];
	struct err ignored = ERR_INIT;
	int r = io_read_line(pid1->dirfd, "oom_score_adj", text, sizeof text, e);
	if (r >= 0 && io_write_knob(AT_FDCWD, "/proc/self/oom_score_adj", text, &ignored) < 0)
		dbg("oom score is not what the pod has: %s", ignored.msg);
	return r;
}

int follow_inherited(const struct proc *pid1, struct err *e)
{
	int r = follow_oom_score(pid1, e);
	if (r < 0)
		return r;
	errno = 0;
	const int nice = getpriority(PRIO_PROCESS, (id_t)pid1->pid);
	if (errno || setpriority(PRIO_PROCESS, 0, nice) < 0)
		dbg("priority is not what the pod has: %s", strerror(errno));
	return follow_rlimits(pid1, e);
}

enum { HEX_DIGITS = 16 };

int follow_bounding(const struct proc *pid1, uint64_t *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	int r = io_read_file(pid1->dirfd, "status", &text, e);
	if (r < 0)
		return r;
	static const char label[] = "\nCapBnd:\t";
	const char *row = strstr(str_text(&text), label);
	if (!row || !parse_hex(row + strlen(label), HEX_DIGITS))
		return ERR_BAD(e, "status of process %d has no bounding set", (int)pid1->pid);
	row += strlen(label);
	*ret = 0;
	for (int i = 0; i < HEX_DIGITS; i++)
		*ret = *ret << 4 | (unsigned)(row[i] <= '9' ? row[i] - '0' : row[i] - 'a' + 10);
	return 0;
}

int follow_capabilities(uint64_t bounding, struct err *e)
{
	struct caps held;
	if ((caps_bounding() & ~bounding) == 0)
		return 0;
	int r = caps_bound(bounding, e);
	if (r < 0 || (r = caps_get(&held, e)) < 0)
		return r;
	held.effective &= bounding;
	held.permitted &= bounding;
	held.inheritable &= bounding;
	return caps_set(&held, e);
}
