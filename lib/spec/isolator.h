/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolator: typed values of appc's isolators (spec/ace.md "Isolators", schema/types/isolator*.go).
 *
 * resource/pids is rkt's own: {"limit": "100"}, processes and threads.
 *
 * Decoding checks the value's form. An isolator whose name is not known is kept as it is
 * (ISO_UNKNOWN, raw) so that it can be reported and written back.
 */
#pragma once

#include "lib/spec/types.h"

#define ISOLATORS(X)                                       \
	X(CPU, "resource/cpu")                             \
	X(MEMORY, "resource/memory")                       \
	X(BLOCK_BANDWIDTH, "resource/block-bandwidth")     \
	X(BLOCK_IOPS, "resource/block-iops")               \
	X(NETWORK_BANDWIDTH, "resource/network-bandwidth") \
	X(PIDS, "resource/pids")                           \
	X(CPU_SHARES, "os/linux/cpu-shares")               \
	X(OOM_SCORE_ADJ, "os/linux/oom-score-adj")         \
	X(NO_NEW_PRIVILEGES, "os/linux/no-new-privileges") \
	X(CAPS_RETAIN, "os/linux/capabilities-retain-set") \
	X(CAPS_REMOVE, "os/linux/capabilities-remove-set") \
	X(SECCOMP_RETAIN, "os/linux/seccomp-retain-set")   \
	X(SECCOMP_REMOVE, "os/linux/seccomp-remove-set")   \
	X(SELINUX_CONTEXT, "os/linux/selinux-context")     \
	X(APPARMOR_PROFILE, "os/linux/apparmor-profile")   \
	X(SYSCTL, "os/unix/sysctl")                        \
	X(RLIMITS, "os/linux/rlimits") /* rkt's own */

enum { ISOLATORS_MAX = 1024 }; /* of a list; each is reported, and looked for among the others */

enum isolator_kind {
	ISO_UNKNOWN,
#define X(name, text) ISO_##name,
	ISOLATORS(X)
#undef X
		_ISO_MAX
};

/* A quantity of appc (Kubernetes' form, less the sign): decimal number with suffix m, none, k or K,
 * M G T P E, Ki … Ei, or an exponent, e3 or E3; rounded up. Kept in thousandths for cpu ("500m" =
 * 500), in whole units for everything else. */
struct quantity {
	bool set;
	int64_t value;
	const char *text; /* as written */
};

struct isolator {
	enum isolator_kind kind;
	const char *name;
	const struct json *raw; /* the value as decoded from JSON; NULL when made by a flag.
				 * Set it to NULL after changing what was decoded. */
	union {
		struct {
			struct quantity request, limit;
			bool is_default; /* "default": applies to all devices/interfaces */
		} resource;
		struct {
			struct strlist names;
			const char *errno_name; /* seccomp; NULL: not given */
		} set;
		int64_t number; /* cpu-shares, oom-score-adj */
		bool flag;	/* no-new-privileges */
		struct {
			const char *user, *role, *type, *level;
		} selinux;
		const char *profile;
		struct nvlist sysctl;
		struct nvlist rlimits; /* name → "SOFT[:HARD]", lib/sys/rlimits.h */
	};
};
struct isolators {
	struct isolator *v;
	size_t n;
};

/* For the tables of manifests: target is struct isolators. One of each known kind at most, and not
 * both the retain and the remove set of the same thing. */
int isolators_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
struct jenc;
/* What was decoded is written as it was; what a flag made, in the form of the appc schema. */
void isolators_encode(struct jenc *j, const struct isolators *l);

/* Limits that nothing could start with: zero, or less memory than a program needs to be executed,
 * and, of a pod, what rkt needs beside it. For what is about to run; a manifest that has them can
 * be stored and shown. */
int isolators_check_limits(const struct isolators *l, struct err *e);
int isolators_check_pod_limits(const struct isolators *l, struct err *e);

/* Of ISO_SELINUX_CONTEXT: "user:role:type:level". */
const char *isolator_selinux_text(const struct isolator *iso, struct arena *a);
/* A resource's that says neither what is requested nor what is the limit. */
bool isolator_is_empty(const struct isolator *iso);

const struct isolator *isolator_find(const struct isolators *l, enum isolator_kind kind);
/* Replaces one of the same kind or appends. */
void isolator_set(struct arena *a, struct isolators *l, const struct isolator *iso);
/* From command line text (--memory=, --cpu=): the quantity as limit and request. */
int quantity_parse(
	const char *text, bool milli, struct arena *a, struct quantity *ret, struct err *e);
