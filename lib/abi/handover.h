/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover: what stage0 tells stage1, and nothing else does.
 *
 * rkt's stage1 interface, versions 1 to 6 (Documentation/abi/stage1-interface.md). stage0 encodes,
 * stage1 decodes; the working directory is the pod's directory, RKT_LOCK_FD names the descriptor
 * that holds its lock. A flag newer than the image's interface version is not sent; if what the
 * user asked for needs it, encoding fails and says so. Decoding refuses flags that it does not
 * know.
 *
 * Strings of a decoded struct point into argv.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define STAGE1_INTERFACE_MAX 6

struct stage1_run {
	unsigned interface; /* 1 to 6, of the image; encode only */
	bool debug;
	const char *net;       /* "none", "host", "default", …: as on the command line */
	const char *mds_token; /* NULL: none */
	bool interactive;
	const char *local_config;  /* /etc/rkt */
	const char *private_users; /* "SHIFT:COUNT" or NULL */
	bool is_mutable;	   /* v1, v5 */
	const char *hostname;	   /* v2; NULL: rkt-<uuid> */
	bool disable_capabilities_restriction, disable_paths, disable_seccomp; /* v3 */
	const char *dns_resolv; /* v4: host none stage0 default */
	const char *dns_hosts;	/* v4: host stage0 default */
	const char *ipc;	/* v6: auto private parent */
	const char *uuid;
};

/* Encoding appends the arguments after argv[0] to *args, copied. Decoding takes argv with argv[0]
 * and writes *ret on success only; -EINVAL for what is unknown, malformed or missing. So for all
 * pairs below. */
int stage1_run_encode(const struct stage1_run *run, struct strv *args, struct err *e);
int stage1_run_decode(int argc, char *const *argv, struct stage1_run *ret, struct err *e);

struct stage1_enter {
	pid_t pid; /* host pid of pid 1 of the pod */
	const char *app;
	bool privileged;   /* ours: only of images with STAGE1_ANNOTATION_PRIVILEGED */
	char *const *argv; /* NULL-terminated, at least one */
};
int stage1_enter_encode(const struct stage1_enter *enter, struct strv *args, struct err *e);
int stage1_enter_decode(int argc, char *const *argv, struct stage1_enter *ret, struct err *e);

struct stage1_simple { /* gc and stop */
	unsigned interface;
	bool debug, force;	  /* force: stop only */
	const char *local_config; /* gc, v5; else NULL */
	const char *uuid;
};
int stage1_gc_encode(const struct stage1_simple *gc, struct strv *args, struct err *e);
int stage1_stop_encode(const struct stage1_simple *stop, struct strv *args, struct err *e);
int stage1_gc_decode(int argc, char *const *argv, struct stage1_simple *ret, struct err *e);
int stage1_stop_decode(int argc, char *const *argv, struct stage1_simple *ret, struct err *e);

/* The descriptor that RKT_LOCK_FD names, checked to be open; it becomes the caller's. -EINVAL where
 * the variable is missing or no number, -EBADF where nothing is open there. */
int stage1_lock_fd(int *ret_fd, struct err *e);
