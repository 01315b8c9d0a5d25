/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: debug lines, for people who look for a fault. Nothing but these is ever printed by lib/.
 * Off unless a program turns them on (--debug); they go to stderr, one write a line.
 */
#pragma once

#include <stdbool.h>

void dbg_enable(bool on);
bool dbg_enabled(void);
void dbg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A fault in this program, never in its input: prints file and line, and aborts. */
_Noreturn void bug_at(const char *file, int line, const char *what);
#define BUG(what) bug_at(__FILE__, __LINE__, (what))
#define BUG_ON(condition)                \
	do {                             \
		if (condition)           \
			BUG(#condition); \
	} while (0)
