/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystore: whose signatures count, and for which names. rkt's layout, in each of the three
 * configuration directories:
 *
 *	trustedkeys/root.d/FINGERPRINT             for every name
 *	trustedkeys/prefix.d/PREFIX/FINGERPRINT    for PREFIX and what lies below it
 *	trustedkeys/unsigned.d/PREFIX/allow-unsigned
 *	                                           (ours) needs no signature
 *
 * A prefix covers whole components of a name: "example.com/foo" covers "example.com/foo/bar" and
 * never "example.com/foobar". registry-1.docker.io, index.docker.io and docker.io are one name.
 *
 * An empty file is a mask: it takes the same file name of an earlier directory (vendor < local <
 * user) out of force, for the names that it covers itself; an empty file in root.d for all names.
 *
 * Files are only listed here. What is in them is examined by the fetch worker; a file whose name
 * is not the fingerprint of the key in it is an error for every image that it covers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

enum keystore_level { KEYSTORE_VENDOR, KEYSTORE_LOCAL, KEYSTORE_USER, _KEYSTORE_LEVEL_MAX };

struct keystore {
	const char *dirs[_KEYSTORE_LEVEL_MAX]; /* NULL or empty: there is none */
};

enum trust_kind {
	TRUST_KEY,	/* the signatures of a key count */
	TRUST_UNSIGNED, /* no signature is asked for */
	TRUST_EXACT,	/* --match=exact: a restriction of that key, not a trusted key */
};

struct trust_entry {
	enum trust_kind kind;
	enum keystore_level level;
	const char *fingerprint; /* the file's name */
	const char *prefix;	 /* NULL: every name (root.d) */
	const char *scope;	 /* the prefix, with Docker Hub spelt in one way */
	const char *path;
	bool mask;	/* the file is empty */
	bool masked;	/* a later directory takes it out of force, for all that it covers */
	bool misplaced; /* not named as a key is: an error for whatever it covers */
};
struct trust_entries {
	struct trust_entry *v;
	size_t n;
};

/* Whole components. */
bool prefix_covers(const char *prefix, const char *name);
/* An image name, or the beginning of one: components of letters, digits and "-._~:", none of them
 * empty, "." or "..". */
bool prefix_valid(const char *prefix);

/* Everything that lies there, by directory and path. */
int keystore_list(
	const struct keystore *ks, struct arena *a, struct trust_entries *ret, struct err *e);
/* What is in force for one name, and what is misplaced there: no masks, nothing masked. */
void keystore_for(const struct trust_entries *all, const char *name, struct arena *a,
	struct trust_entries *ret);
/* The entry of that kind with that key, or NULL. */
const struct trust_entry *trust_entries_find(
	const struct trust_entries *l, enum trust_kind kind, const char *fingerprint);
bool trust_entries_have(
	const struct trust_entries *l, enum trust_kind kind, const char *fingerprint);
/* Is there one in force that asks for no signature? */
bool trust_entries_unsigned(const struct trust_entries *l);

/* --- changes, always of the local directory; `prefix` NULL: root ---
 * Directories are made as needed (0755), files replaced in one step (0644). */

/* *ret_path: where it lies (arena). */
int keystore_add(const struct keystore *ks, const char *prefix, const char *fingerprint,
	const void *bytes, size_t n, struct arena *a, const char **ret_path, struct err *e);
int keystore_mask(const struct keystore *ks, const char *prefix, const char *fingerprint,
	struct arena *a, const char **ret_path, struct err *e);
int keystore_allow_unsigned(const struct keystore *ks, const char *prefix, struct arena *a,
	const char **ret_path, struct err *e);
/* The file that is laid down, or removed where it is there: 1 when it was. */
int keystore_set_exact(const struct keystore *ks, const char *prefix, const char *fingerprint,
	bool exact, struct arena *a, const char **ret_path, struct err *e);
/* Removes an entry of the local directory and the directories that it leaves empty. Entries of
 * other directories are refused: they can be masked. */
int keystore_remove(const struct trust_entry *entry, struct err *e);
