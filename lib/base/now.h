/* SPDX-License-Identifier: Apache-2.0 */
/* now: what time it is. Time limits are measured by the clock that nobody sets. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t now_of(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return ns_of(t);
}

/* Since some moment, the same for all processes: nanoseconds, milliseconds. */
static inline int64_t now_ns(void)
{
	return now_of(CLOCK_MONOTONIC);
}

static inline int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* Nanoseconds since 1970, by the machine's date: what records hold. */
static inline int64_t now_unix_ns(void)
{
	return now_of(CLOCK_REALTIME);
}
