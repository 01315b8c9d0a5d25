/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: what an app inherited from whoever ran the pod, for a command that somebody else enters.
 *
 * pid 1 still has it as `run` had it, and changes none of it. An app of the same user can make it
 * less: whoever enters then has less, too.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* struct sched_attr of the kernel, in its first version. */
struct sched {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
enum { CPU_BYTES = 1024, SCHED_RESET_ON_FORK = 1, IO_OF_PROCESS = 1 };

/* Who is to run when, where and at which priority, of disks too. Soft: rt priorities take a
 * capability. */
static void follow_scheduling(pid_t pid1)
{
	uint8_t cpus[CPU_BYTES];
	struct sched s = { 0 };
	errno = 0;
	if (syscall(SYS_sched_getattr, pid1, &s, sizeof s, 0) < 0)
		dbg("scheduling of the pod: %s", strerror(errno));
	s.flags &= SCHED_RESET_ON_FORK;
	if (s.size && syscall(SYS_sched_setattr, 0, &s, 0) < 0)
		dbg("scheduling is not what the pod has: %s", strerror(errno));
	const long n = syscall(SYS_sched_getaffinity, pid1, sizeof cpus, cpus);
	if (n <= 0 || syscall(SYS_sched_setaffinity, 0, n, cpus) < 0)
		dbg("processors are not what the pod has: %s", strerror(errno));
	const long io = syscall(SYS_ioprio_get, IO_OF_PROCESS, pid1);
	if (io < 0 || syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, io) < 0)
		dbg("priority of disks is not what the pod has: %s", strerror(errno));
}

/* "00040000": whether addresses are random, for one. */
static int follow_personality(const struct proc *pid1, struct err *e)
{
	enum { DIGITS = 8 };
	char text[24];
	uint64_t persona;
	int r = io_read_line(pid1->dirfd, "personality", text, sizeof text, e);
	if (r < 0)
		return r;
	if (!parse_hex_u64(text, DIGITS, &persona) || personality((unsigned long)persona) < 0)
		return ERR_BAD(e, "personality '%s' of process %d", text, (int)pid1->pid);
	return 0;
}

int follow_inherited(const struct proc *pid1, struct err *e)
{
	int r = follow_oom_score(pid1, e);
	if (r < 0 || (r = follow_personality(pid1, e)) < 0)
		return r;
	follow_scheduling(pid1->pid);
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
	if (!row || !parse_hex_u64(row + strlen(label), HEX_DIGITS, ret))
		return ERR_BAD(e, "status of process %d has no bounding set", (int)pid1->pid);
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
