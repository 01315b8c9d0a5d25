/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper: docker-credential-NAME, the protocol of docker/docker-credential-helpers: `get`, the
 * server on stdin, {"ServerURL", "Username", "Secret"} on stdout; a user "<token>" means that the
 * secret is an identity token.
 *
 * The program is looked up in PATH's absolute directories, and is the user's: it runs as who
 * started rkt, with what helpers need of the environment and no descriptor of rkt's. What it says
 * beside the answer is thrown away (--debug shows its stderr), as it may be a secret.
 */
#pragma once

#include "stage0/registry/credentials.h"

enum { HELPER_OUTPUT_MAX = 64 * 1024 };
extern unsigned helper_timeout_ms; /* a minute: somebody may have to type a passphrase */

/* *ret stays as it is when the helper has nothing for that server. */
int helper_get(const char *name, const char *server, struct arena *a, struct credential *ret,
	struct err *e);
