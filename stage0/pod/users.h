/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users: which ids of the host a pod's users are, kept from all other pods for as long as the pod
 * exists in whatever state.
 *
 * The pod has a file private-users-prepared, "SHIFT:COUNT". Its second name,
 * pods/private-users/N (N = SHIFT divided by 65536), is the reservation: link(2) makes one at most,
 * without a lock. When the pod's files are gone, so is the first name, and the second one, whose
 * count of links says so, may be removed: by whoever removes pods, under a lock on the directory
 * that no one else takes. A crash at any point leaves a reservation too many, never too few.
 */
#pragma once

#include "lib/base/idrange.h"
#include "stage0/pod/pod.h"

/* For a pod in `prepare`: chooses a range and writes both. Exhaustion is one clear error. */
int pod_users_reserve(struct pods *ps, struct pod *p, struct id_range *ret, struct err *e);
/* What was reserved; count 0: the pod has the host's users. */
int pod_users_load(const struct pod *p, struct id_range *ret, struct err *e);
/* Makes the reservation survive a power cut, as the pod does; none is fine. */
int pod_users_sync(struct pods *ps, const struct pod *p, struct err *e);
/* Removes the reservations of pods that are gone. */
int pods_users_collect(struct pods *ps, struct err *e);
