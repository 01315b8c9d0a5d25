/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: what commands share: configuration, store, pods and the ways to name one of them.
 *
 *	_clean_(session) struct session s = SESSION_INIT;
 *	r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
 */
#pragma once

#include "cmd/cli.h"
#include "stage0/config.h"
#include "stage0/pod/pod.h"
#include "stage0/store/store.h"
#include "stage0/trust/keystore.h"

enum session_needs {
	WITH_STORE = 1 << 0,
	WITH_PODS = 1 << 1,   /* where there are none yet, there is no pod */
	CREATE_PODS = 1 << 2, /* makes the directories of pods */
	SEE_STORE = 1 << 3,   /* makes none: has_store tells whether there is one */
};

struct session {
	struct cli *cli;
	struct config config;
	const char *data_dir;
	struct store store;
	struct pods pods;
	bool has_store, has_pods;
	bool downloaded; /* by a member of the group rkt, for root */
	bool judged;	 /* session_image(): a signature that the user names was looked at */
};
#define SESSION_INIT ((struct session){ 0 })
int session_open(struct session *s, struct cli *cli, unsigned needs, struct err *e);
void session_close(struct session *s);
/* Adds to -EACCES of who is not root that it takes root: the directories are root's. Returns r. */
int session_denial(int r, struct err *e);
static inline void session_cleanup(struct session *s)
{
	session_close(s);
}

/*
 * An image as the user names it, found or imported:
 *	sha512-…              the store's, by any beginning of its id
 *	file://…, a path      read anew every time, and verified with the signature beside it
 *	                      or in `signature` (NULL: beside it)
 *	oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF]
 *	                      images with layers (stage0/oci/oci.h), read anew every time; signed in
 *	                      `signature`, or in themselves
 *	docker:…              an image of a registry (stage0/registry/registry.h); likewise, but as
 *	                      --pull-policy says
 *	an appc name          the store's newest of that name
 * For a member of the group rkt (store.member) of what is not in the store only the id is set, and
 * its bytes lie where root will find them; a file is refused.
 * What is a path and what is a name is told apart as rkt does: an absolute path or an existing
 * file is a path; with a ':' a name; with "./" or ending in ".aci" a path; else a name.
 */
int session_image(struct session *s, const char *ref, const char *signature, struct image *ret,
	struct err *e);
/* The same without import: an image that is in the store. */
int session_stored(struct session *s, const char *ref, struct image *ret, struct err *e);
/* An image that is to be used: by a name, one with a signature first unless none is asked for. */
int session_resolve(struct session *s, const char *ref, struct image *ret, struct err *e);

/* An image that the store has by the name `ref`, or what is newer than it, as the pull policy says.
 * d: it is a dependency, else NULL. */
struct dependency;
int session_renew(struct session *s, const char *ref, const struct dependency *d,
	const char *policy, struct image *ret, struct err *e);

struct keystore session_keystore(const struct session *s);

/* The UUID arguments: cli->args, or the one in --uuid-file. */
int session_uuids(struct session *s, struct strlist *ret, struct err *e);
/* The one pod that the arguments name. */
int session_pod(struct session *s, struct pod *ret, struct err *e);

/* Prints an error while going on with the next of several things. */
void cli_report(const struct cli *cli, const struct err *e);

/* "sha512-" and that many hex digits of an id. */
enum { ID_LIST = 12, ID_SHORT = 32, ID_FULL = 64 };
const char *id_text(struct arena *a, const char *id, int digits);
