/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlimits: limits of a process, getrlimit(2), by name: "nofile" = "1024:4096", "core" = "0".
 *
 * A value is SOFT[:HARD], each a number (bytes, seconds, … as the limit has it) or "unlimited";
 * HARD is SOFT where it is left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define RLIMIT_UNLIMITED UINT64_MAX

struct rlimit_wish {
	const char *name; /* ours, static */
	int resource;	  /* RLIMIT_* */
	uint64_t soft, hard;
};

/* Refuses unknown names, malformed values, and a soft limit above the hard one. */
int rlimit_parse(const char *name, const char *value, struct rlimit_wish *ret, struct err *e);
/* Lowers the wish to what this process may set: to raise a hard limit takes CAP_SYS_RESOURCE in the
 * initial user namespace (`may_raise`: it is in that, or will set the limit from there), and no
 * number of files is above fs.nr_open. 1: it was lowered. */
int rlimit_clamp(struct rlimit_wish *wish, bool may_raise, struct err *e);
/* Of this process. Where raising is refused after all, the hard limit stays as it is. */
int rlimit_apply(const struct rlimit_wish *wish, struct err *e);
