/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned: calls that this project does not make, refused by the compiler.
 *
 * Forced into every translation unit by the Makefile (-include), after the system headers below,
 * so that their own declarations still compile. What to use instead stands beside each.
 */
#pragma once

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef basename
#undef strtok
#undef alloca

#pragma GCC poison strcpy strcat strncat stpcpy sprintf vsprintf gets /* lib/base/str.h */
#pragma GCC poison atoi atol atoll strtol strtoul strtoll strtoull    /* lib/base/parse.h */
#pragma GCC poison strtok alloca tmpnam mktemp tempnam /* strv_split, arena, mkostemp */
#pragma GCC poison system popen basename dirname       /* lib/sys/proc.h, path_base */
