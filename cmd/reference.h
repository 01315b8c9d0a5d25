/* SPDX-License-Identifier: Apache-2.0 */
/* reference: rkt's distribution points, as cimd:appc:v=0:NAME?label=value. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/mem.h"

/* What the distribution point means, in the words that are used without: a name with labels, a
 * URL, docker:. What is no distribution point stays as it is. */
int reference_plain(const char *ref, struct arena *a, const char **ret, struct err *e);
