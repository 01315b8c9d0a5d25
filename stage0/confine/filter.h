/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter of confine(): what any program needs, and `calls`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

int filter_load_calls(const uint32_t *calls, size_t n, struct err *e);
