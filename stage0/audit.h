/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: what the system's log is told of commands that are less confined than their app.
 *
 * One line by syslog (RFC 3164, facility authpriv, severity notice) to /dev/log, of at most
 * AUDIT_LINE_MAX bytes:
 *
 *	rkt[PID]: privileged command: uid=0 loginuid=1000 sudo_user="alice" pod=UUID app=NAME
 *	command="/bin/sh" "-c" "id"
 *
 * The login uid is the kernel's and follows a user through su and sudo; it is "unset" for what no
 * login started, and missing where the kernel keeps none. SUDO_USER is what the environment says.
 *What is quoted has every byte that is not printable ASCII, and quotes and backslashes, as \xNN.
 *What does not fit is cut, "…" being written for it.
 */
#pragma once

#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

enum { AUDIT_LINE_MAX = 2000 };

struct audit_who {
	uid_t uid;
	char loginuid[16];     /* decimal, "unset", or empty */
	const char *sudo_user; /* NULL: not set */
};
void audit_who(struct audit_who *ret); /* of this process; points into its environment */

struct audit_command {
	const char *pod, *app;
	char *const *argv; /* NULL-terminated */
};
/* Pure: the line from "privileged command:" on. */
void audit_text(const struct audit_who *who, const struct audit_command *c, struct str *out);
/* Sends such a line. Never waits: without a listener, or where its queue is full, an error. */
int audit_send(const char *text, struct err *e);
