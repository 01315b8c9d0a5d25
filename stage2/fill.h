/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill: a volume begins with what the image has in its place, as images of Docker expect: the first
 * app that mounts an empty directory copies it there, with its owner and mode.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

/* Both are O_PATH descriptors of directories; `from` belongs to the image and is not covered yet.
 * Apps of a pod may come at the same time: one copies, the others wait for it. A volume that has
 * something in it is left alone. keep_owner: it keeps its own owner and mode. */
int volume_fill(int volume, int from, bool keep_owner, struct err *e);
