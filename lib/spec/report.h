/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what became of each isolator of an app or a pod. appc 0.8.11 spec/ace.md: an executor
 * must say which isolators were ignored, enforced or modified.
 *
 * stage1 plans every isolator as enforced or not; whoever later finds that it is enforced otherwise
 * or not at all says so by report_set(), before the first process of the pod is started. Then
 * stage1 prints what was not enforced as written, refuses the pod where --strict-isolators asks for
 * it, and records all of it in the pod's directory (Documentation/abi/pod-directory.md,
 * isolators.json), where `rkt status` finds it.
 */
#pragma once

#include "lib/spec/types.h"

/* In their order of gravity; the words of the file and of `rkt status`. */
#define REPORT_STATES(X)        \
	X(ENFORCED, "enforced") \
	X(CHANGED, "changed")   \
	X(IGNORED, "ignored")

enum report_state {
#define X(name, text) REPORT_##name,
	REPORT_STATES(X)
#undef X
		_REPORT_STATE_MAX
};
const char *report_state_name(enum report_state state);

struct report_line {
	const char *isolator; /* its name, whatever a manifest calls it */
	enum report_state state;
	const char *why; /* how it was changed, why it was ignored; enforced: NULL or a remark */
};
struct report {
	struct arena *arena; /* owns the lines; what is said stays as long as it does */
	struct report_line *v;
	size_t n;
};

/* One line an isolator: replaces what was said of it before. fmt may be NULL. */
void report_set(struct report *r, const char *isolator, enum report_state state, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* The same, if it is not graver already. */
void report_worsen(struct report *r, const char *isolator, enum report_state state, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
const struct report_line *report_find(const struct report *r, const char *isolator);
/* The first that is not enforced as written; NULL: all are. */
const struct report_line *report_loose(const struct report *r);

/* The file: {"pod": [LINE...], "apps": {"NAME": [LINE...]}}, with LINE = {"isolator", "state",
 * "why"}. */
struct report_app {
	const char *name;
	struct report report;
};
struct pod_report {
	struct report pod;
	struct report_app *apps;
	size_t n_apps;
};
struct jenc;
void report_encode(struct jenc *j, const struct report *r); /* [LINE...] */
void pod_report_encode(const struct pod_report *r, struct str *out);
/* Untrusted: it was written by a stage1. */
int pod_report_decode(
	const char *bytes, size_t n, struct arena *a, struct pod_report *ret, struct err *e);
const struct report *pod_report_app(const struct pod_report *r, const char *app); /* or NULL */
