/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/pod_phase.h"

#include "lib/base/log.h"

static const struct {
	const char *dir, *free, *held;
} phases[_POD_PHASE_MAX] = {
#define X(name, dir, free, held) [POD_##name] = { dir, free, held },
	POD_PHASES(X)
#undef X
};

const char *pod_phase_dir(enum pod_phase phase)
{
	BUG_ON(phase >= _POD_PHASE_MAX);
	return phases[phase].dir;
}

const char *pod_phase_state(enum pod_phase phase, int locked)
{
	BUG_ON(phase >= _POD_PHASE_MAX);
	return locked ? phases[phase].held : phases[phase].free;
}
