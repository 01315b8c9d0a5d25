/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untar: the entries of an uncompressed tar archive, checked, one at a time.
 *
 * libarchive reads the archive's dialects (ustar, pax, GNU with long names and sparse files) and
 * nothing else; what it says is not believed: paths are brought into one form and refused when
 * they are absolute (but for layers), contain "..", are too long or too deep, owners and sizes are
 * checked for their range, everything is counted against the limits.
 *
 * Pointers within struct entry are valid until the sink's call returns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/base/err.h"
#include "stage0/unpack/stream.h"

enum { ENTRY_PATH_MAX = 4096, ENTRY_DEPTH_MAX = 256, ENTRY_XATTR_MAX = 64 };

enum entry_type {
	ENTRY_FILE,
	ENTRY_DIR,
	ENTRY_SYMLINK,
	ENTRY_HARDLINK,
	ENTRY_CHAR,
	ENTRY_BLOCK,
	ENTRY_FIFO,
	_ENTRY_TYPE_MAX
};

struct entry_xattr {
	const char *name; /* "security.capability" or below "user." */
	const void *value;
	size_t size;
};

struct entry {
	enum entry_type type;
	const char *path;   /* "a/b": no leading, doubled or trailing '/', no "." and ".." */
	const char *target; /* of a symlink: any text; of a hardlink: as path */
	mode_t mode;	    /* permissions with setuid, setgid and sticky */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	dev_t device;
	uint64_t size; /* of a file, holes included */
	struct entry_xattr xattrs[ENTRY_XATTR_MAX];
	size_t n_xattrs;
};

/* What is done with the entries. `data` comes for files only, in ascending order, holes left out.
 * A member that returns a negative number ends it all. */
struct sink {
	void *ctx;
	int (*begin)(void *ctx, const struct entry *entry, struct err *e);
	int (*data)(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e);
	int (*end)(void *ctx, const struct entry *entry, struct err *e);
	/* "./", the directory that the archive was made of, with an empty path; may be NULL. */
	int (*top)(void *ctx, const struct entry *entry, struct err *e);
};

struct untar_limits {
	uint64_t max_entries;
	uint64_t max_bytes; /* of all files together, holes included */
	/* "/a" is "a", as every reader of layers has it; appc knows no such paths. */
	bool absolute_paths;
};
struct untar_counts {
	uint64_t entries, bytes;
};

/* The file type of a sink's entry as of stat(2). */
mode_t entry_file_type(enum entry_type type);
/* True for extended attributes that images may carry. */
bool entry_xattr_kept(const char *name);

/* Chooses the character set of names; before anything is opened, and before the root changes. */
int untar_prepare(struct err *e);
/* Reads the archive to its end; the stream itself stays open. */
int untar(struct stream *s, const struct untar_limits *limits, const struct sink *sink,
	struct untar_counts *ret, struct err *e);
