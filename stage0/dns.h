/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: what the --dns* and --hosts-entry flags mean: the modes of the handover to stage1, and the
 * two files that go with the mode "stage0". Pure.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/json/jdec.h"

struct dns_choice {
	struct strlist servers; /* addresses, or alone "host" or "none"; each may hold a,b */
	struct strlist search, options;
	const char *domain;
	struct strlist hosts; /* IP=NAME[,NAME…][,IP=NAME…], or alone "host" */
};
struct dns_files {			      /* NULL: nothing was asked for */
	const char *resolv_mode, *hosts_mode; /* host none stage0 */
	const char *resolv, *hosts;	      /* texts, for the mode stage0 */
};
int dns_compose(const struct dns_choice *c, const char *hostname, struct arena *a,
	struct dns_files *ret, struct err *e);
