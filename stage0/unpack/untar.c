/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

struct untar {
	struct stream *stream;
	const struct untar_limits *limits;
	const struct sink *sink;
	struct archive *archive;
	struct untar_counts counts;
	struct err stream_err; /* why the stream gave no more */
	bool stream_failed;
};

int untar_prepare(struct err *e)
{
	/* Names of pax archives are UTF-8. With another character set libarchive would convert
	 * them by iconv(3), which loads modules from whatever is the root then. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return err_set(e, ERR_SYSTEM, ENOENT, "this system has no locale 'C.UTF-8'");
	return 0;
}

mode_t entry_file_type(enum entry_type type)
{
	static const mode_t types[_ENTRY_TYPE_MAX] = {
		[ENTRY_FILE] = S_IFREG,
		[ENTRY_DIR] = S_IFDIR,
		[ENTRY_SYMLINK] = S_IFLNK,
		[ENTRY_HARDLINK] = S_IFREG,
		[ENTRY_CHAR] = S_IFCHR,
		[ENTRY_BLOCK] = S_IFBLK,
		[ENTRY_FIFO] = S_IFIFO,
	};
	return types[type];
}

bool entry_xattr_kept(const char *name)
{
	/* trusted.overlay.* and user.overlay.* in a lower directory would steer overlayfs. */
	if (str_after(name, "user.overlay."))
		return false;
	return strcmp(name, "security.capability") == 0 || str_after(name, "user.");
}

/* --- what libarchive calls -------------------------------------------------------------------- */

static la_ssize_t feed(struct archive *a, void *ctx, const void **ret)
{
	struct untar *u = ctx;
	const struct ring_slot *slot;
	int r = stream_next(u->stream, &slot, &u->stream_err);
	if (r < 0) {
		u->stream_failed = true;
		archive_set_error(a, EIO, "the stream failed");
		return ARCHIVE_FATAL;
	}
	if (r == 0)
		return 0;
	*ret = slot->bytes;
	return (la_ssize_t)slot->n;
}

/* The error of the archive, or of the stream below it where that is the cause. */
static int failed(struct untar *u, struct err *e)
{
	if (u->stream_failed) {
		*e = u->stream_err;
		return -EPROTO;
	}
	if (archive_errno(u->archive) == ENOMEM)
		return ERR_BAD(e, "the archive's headers are too large");
	const char *why = archive_error_string(u->archive);
	return ERR_BAD(e, "not a sound tar archive: %s", why ? why : "no reason given");
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Writes the normal form of `path` to buf; an empty one for the archive's own top. */
static int normalize(const char *path, bool absolute, char *buf, const char *what, struct err *e)
{
	size_t at = 0;
	unsigned depth = 0;
	if (!path || !*path)
		return ERR_BAD(e, "an entry has an empty %s", what);
	if (*path == '/' && !absolute)
		return ERR_BAD(e, "the %s '%s' is absolute", what, path);
	for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0)
			return ERR_BAD(e, "the %s '%s' contains '..'", what, path);
		if (n > 1 || *p != '.') {
			if (at + 1 + n >= ENTRY_PATH_MAX || n > 255 || ++depth > ENTRY_DEPTH_MAX)
				return ERR_BAD(
					e, "the %s '%.100s…' is too long or too deep", what, path);
			if (at)
				buf[at++] = '/';
			memcpy(buf + at, p, n);
			at += n;
		}
		p += n;
	}
	buf[at] = '\0';
	return 0;
}

static int entry_type(struct archive_entry *ae, enum entry_type *ret, struct err *e)
{
	if (archive_entry_hardlink(ae)) {
		*ret = ENTRY_HARDLINK;
		return 0;
	}
	for (enum entry_type t = 0; t < _ENTRY_TYPE_MAX; t++)
		if (t != ENTRY_HARDLINK && entry_file_type(t) == archive_entry_filetype(ae)) {
			*ret = t;
			return 0;
		}
	return ERR_BAD(e, "'%s' is of an unknown type", archive_entry_pathname(ae));
}

static int entry_xattrs(struct archive_entry *ae, struct entry *entry, struct err *e)
{
	const char *name;
	const void *value;
	size_t size;
	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || !entry_xattr_kept(name))
			continue;
		if (entry->n_xattrs == ENTRY_XATTR_MAX)
			return ERR_BAD(e, "'%s' has too many extended attributes", entry->path);
		entry->xattrs[entry->n_xattrs++] = (struct entry_xattr){ name, value, size };
	}
	return 0;
}

static int entry_numbers(
	struct untar *u, struct archive_entry *ae, struct entry *entry, struct err *e)
{
	int64_t uid = archive_entry_uid(ae), gid = archive_entry_gid(ae);
	int64_t size = entry->type == ENTRY_FILE ? archive_entry_size(ae) : 0;
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return ERR_BAD(e, "the owner of '%s' is out of range", entry->path);
	if (size < 0 || (uint64_t)size > u->limits->max_bytes - u->counts.bytes)
		return err_set(e, ERR_INPUT, EFBIG, "the files are larger than %llu bytes together",
			(unsigned long long)u->limits->max_bytes);
	u->counts.bytes += (uint64_t)size;
	entry->uid = (uid_t)uid;
	entry->gid = (gid_t)gid;
	entry->size = (uint64_t)size;
	entry->mode = archive_entry_perm(ae) & 07777;
	entry->mtime.tv_sec = archive_entry_mtime(ae);
	entry->mtime.tv_nsec = archive_entry_mtime_nsec(ae);
	if (entry->mtime.tv_nsec < 0 || entry->mtime.tv_nsec > 999999999)
		entry->mtime.tv_nsec = 0;
	if (entry->type == ENTRY_CHAR || entry->type == ENTRY_BLOCK)
		entry->device = archive_entry_rdev(ae);
	return 0;
}

static int entry_data(struct untar *u, struct entry *entry, struct err *e)
{
	uint64_t end = 0;
	for (;;) {
		const void *bytes;
		size_t n;
		la_int64_t offset;
		int r = archive_read_data_block(u->archive, &bytes, &n, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return failed(u, e);
		if (offset < 0 || (uint64_t)offset < end || (uint64_t)offset > entry->size ||
			n > entry->size - (uint64_t)offset)
			return ERR_BAD(e, "'%s' has data outside of its size", entry->path);
		end = (uint64_t)offset + n;
		r = n ? u->sink->data(u->sink->ctx, (uint64_t)offset, bytes, n, e) : 0;
		if (r < 0)
			return r;
	}
}

/* Its type, and its names, which lie in the buffers. */
static int entry_names(const struct untar *u, struct archive_entry *ae, char path[ENTRY_PATH_MAX],
	char target[ENTRY_PATH_MAX], struct entry *entry, struct err *e)
{
	const bool absolute = u->limits->absolute_paths;
	int r = normalize(archive_entry_pathname(ae), absolute, path, "path", e);
	if (r >= 0)
		r = entry_type(ae, &entry->type, e);
	if (r < 0)
		return r;
	entry->path = path;
	if (!*path && entry->type != ENTRY_DIR)
		return ERR_BAD(e, "the top of the archive is not a directory");
	if (entry->type == ENTRY_HARDLINK) {
		entry->target = target;
		return normalize(
			archive_entry_hardlink(ae), absolute, target, "hard link target", e);
	}
	if (entry->type == ENTRY_SYMLINK) {
		entry->target = archive_entry_symlink(ae);
		if (str_empty(entry->target) || strlen(entry->target) >= ENTRY_PATH_MAX)
			return ERR_BAD(
				e, "the target of symbolic link '%s' is empty or too long", path);
	}
	return 0;
}

static int one_entry(struct untar *u, struct archive_entry *ae, struct err *e)
{
	char path[ENTRY_PATH_MAX], target[ENTRY_PATH_MAX];
	struct entry entry = { 0 };
	if (++u->counts.entries > u->limits->max_entries)
		return err_set(e, ERR_INPUT, EFBIG, "the archive has more than %llu entries",
			(unsigned long long)u->limits->max_entries);
	int r = entry_names(u, ae, path, target, &entry, e);
	if (r < 0)
		return r;
	bool top = !*path; /* "./" stands for the directory that the archive was made of. */
	if (top && !u->sink->top)
		return 0;
	r = entry_numbers(u, ae, &entry, e);
	if (r >= 0)
		r = entry_xattrs(ae, &entry, e);
	if (r >= 0 && top)
		return u->sink->top(u->sink->ctx, &entry, e);
	if (r >= 0)
		r = u->sink->begin(u->sink->ctx, &entry, e);
	if (r >= 0 && entry.type == ENTRY_FILE)
		r = entry_data(u, &entry, e);
	return r < 0 ? r : u->sink->end(u->sink->ctx, &entry, e);
}

static int all_entries(struct untar *u, struct err *e)
{
	for (;;) {
		struct archive_entry *ae;
		int r = archive_read_next_header(u->archive, &ae);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return failed(u, e);
		r = one_entry(u, ae, e);
		if (r < 0)
			return r;
	}
}

int untar(struct stream *s, const struct untar_limits *limits, const struct sink *sink,
	struct untar_counts *ret, struct err *e)
{
	struct untar u = { .stream = s, .limits = limits, .sink = sink };
	u.archive = archive_read_new();
	if (!u.archive)
		return ERR_NUM(e, ENOMEM, "libarchive");
	int r = 0;
	if (archive_read_support_format_tar(u.archive) != ARCHIVE_OK ||
		archive_read_open(u.archive, &u, NULL, feed, NULL) != ARCHIVE_OK)
		r = failed(&u, e);
	if (r >= 0)
		r = all_entries(&u, e);
	archive_read_free(u.archive);
	if (r >= 0)
		*ret = u.counts;
	return r;
}
