/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what the user asked for, after parsing; passed to every command.
 *
 * Texts point into argv or the arena, both of which live as long as the program. Where the user
 * said nothing a text is NULL, unless the option's row has a default.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "stage0/compose.h"
#include "stage0/dns.h"

/* --insecure-options. The last two are accepted because scripts pass them: nothing that this
 * program does now is made less secure by them. */
enum insecure {
	INSECURE_IMAGE = 1 << 0,
	INSECURE_CAPABILITIES = 1 << 1,
	INSECURE_PATHS = 1 << 2,
	INSECURE_SECCOMP = 1 << 3,
	INSECURE_TLS = 1 << 4,
	INSECURE_HTTP = 1 << 5,
	INSECURE_PUBKEY = 1 << 6,
	INSECURE_ONDISK = 1 << 7,
	INSECURE_FETCH = INSECURE_IMAGE | INSECURE_TLS | INSECURE_HTTP | INSECURE_PUBKEY,
	INSECURE_RUN = INSECURE_CAPABILITIES | INSECURE_PATHS | INSECURE_SECCOMP,
	INSECURE_ALL = INSECURE_FETCH | INSECURE_RUN | INSECURE_ONDISK,
};

struct cmd;

struct cli {
	struct arena arena;
	const struct cmd *cmd; /* NULL: none was given */
	const char *group;     /* "image" where no command follows it, else NULL */
	struct strlist args;   /* what is neither flag nor command */
	bool help;
	int error_status; /* to end with when the command fails */

	/* global */
	bool debug;
	const char *dir, *system_config, *local_config, *user_config;
	unsigned insecure;

	/* run, prepare, run-prepared */
	struct compose pod; /* its apps are app[0..]; grows while parsing */
	bool no_overlay, interactive, inherit_env, quiet, no_store, store_only;
	bool trust_keys_from_https, strict_isolators;
	const char *net, *hostname, *ipc, *pod_manifest, *pull_policy, *uuid_file_save;
	const char *private_users; /* true, false; NULL: as configured */
	struct strlist set_env_files;
	struct dns_choice dns;
	const char *stage1_path, *stage1_url, *stage1_name, *stage1_hash, *stage1_from_dir;

	/* the others */
	const char *signature, *prefix, *match;
	bool root, skip_fingerprint_review, allow_unsigned, insecure_allow_http;
	const char *app, *uuid_file, *format, *fields, *sort, *order, *wait, *wait_ready;
	bool full, no_legend, force, pretty_print, mark_only, overwrite, rootfs_only, privileged;
	int64_t grace_period, expire_prepared; /* ns */
};
