/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_phase: the directories that a pod passes through, below pods/.
 * One list: directory names, parser and printed states come from it and cannot drift.
 */
#pragma once

/*     phase           directory         printed, lock free   printed, lock held */
#define POD_PHASES(X)                                                            \
	X(EMBRYO, "embryo", "embryo", "embryo")                                  \
	X(PREPARE, "prepare", "aborted prepare", "preparing")                    \
	X(PREPARED, "prepared", "prepared", "prepared")                          \
	X(RUN, "run", "exited", "running")                                       \
	X(EXITED_GARBAGE, "exited-garbage", "exited garbage", "exited deleting") \
	X(GARBAGE, "garbage", "garbage", "deleting")

enum pod_phase {
#define X(name, dir, free, held) POD_##name,
	POD_PHASES(X)
#undef X
		_POD_PHASE_MAX
};

const char *pod_phase_dir(enum pod_phase phase);
const char *pod_phase_state(enum pod_phase phase, int locked); /* as list and status print it */
