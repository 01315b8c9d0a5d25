/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render: a sink that extracts one appc image over what earlier ones have left in a root
 * filesystem. appc 0.8.11, spec/ace.md "Filesystem Setup".
 *
 * What is there already makes room for what the archive has under the same path. Two directories
 * are merged, the later one's attributes count. Nothing is ever followed: a symbolic link where the
 * archive has a directory is removed, and so is one on the way to an entry.
 *
 * A whitelist says which paths of the archive count. A path that is in it is taken; a directory
 * that is not, only when it leads to one that is taken from this very archive. A hard link that is
 * taken while its target is not becomes the file itself. All of this must be known before the first
 * entry is extracted, so the archive is read twice:
 *
 *	render_init, [aci_read into render_scan(), render_scanned(),] aci_read into render_sink(),
 *	render_finish; in any case render_release
 */
#pragma once

#include <stdbool.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "stage0/unpack/tree.h"

enum { RENDER_LINKS_TEXT_MAX = 64 * 1024 * 1024 }; /* bytes of all hard links, with a whitelist */

struct render_path {
	const char *path; /* "etc/file" */
	bool found;	  /* by the scan */
};
struct render_link {
	const char *path, *target;
	const char *origin; /* the first name of what it is */
};
struct render_alias {
	const char *origin, *path; /* what is extracted under that name instead */
	size_t order;		   /* in the archive: of several the first counts */
};

struct render {
	struct tree tree;
	struct sink inner;
	struct arena arena;
	bool filtered; /* there is a whitelist: */
	struct str text;
	struct render_path *paths; /* sorted; after the scan those that were found */
	size_t n_paths;
	struct render_link *links; /* in the archive's order, until they were sorted */
	size_t n_links, cap_links, links_text;
	struct render_alias *aliases; /* sorted */
	size_t n_aliases;

	struct entry entry; /* the one that is passed on */
	bool skip;
};

/* root: of the root filesystem. whitelist: a descriptor that gives paths, each ended by a NUL,
 * without a leading '/'; -1: everything counts. */
int render_init(struct render *r, int root, int whitelist, struct err *e);
void render_release(struct render *r);
struct sink render_scan(struct render *r);
void render_scanned(struct render *r);
struct sink render_sink(struct render *r);
int render_finish(struct render *r, struct err *e);
/* Bytes of all files below root; one with several names counts once. */
int render_measure(int root, uint64_t *ret, struct err *e);
