/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the files of stage0/pod share and nobody else uses. */
#pragma once

#include "stage0/pod/pod.h"

enum { POD_PATH_MAX = 64 };

/* "run/<uuid>", relative to the directory of all pods. */
void pod_path(const struct uuid *uuid, enum pod_phase phase, char buf[POD_PATH_MAX]);
bool pod_is_at(struct pods *ps, const struct uuid *uuid, enum pod_phase phase);
int pods_make_phases(struct pods *ps, struct err *e);
/* Opens the pod where it is; `from` is the first phase in which it can be. -ENOENT: nowhere. */
int pod_find(struct pods *ps, const struct uuid *uuid, enum pod_phase from, struct pod *ret,
	struct err *e);

/* Where the event leads from that phase; _POD_PHASE_MAX: nowhere, it is refused. */
enum pod_phase pod_next_phase(enum pod_phase phase, enum pod_event ev);

/* Makes moves between two phases survive a power cut. */
int pods_sync(struct pods *ps, enum pod_phase from, enum pod_phase to, struct err *e);
