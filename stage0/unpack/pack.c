/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/unpack/untar.h"
#include "stage0/unpack/walk.h"

enum { CHUNK = 128 * 1024, XATTR_BYTES = 64 * 1024 };

struct pack {
	struct archive *archive;
	struct archive_entry_linkresolver *links;
	int out;
	uint64_t entries;
	struct err out_err;
	char *buf; /* of CHUNK */
};

static la_ssize_t emit(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct pack *p = ctx;
	if (io_write_all(p->out, bytes, n, &p->out_err) < 0) {
		archive_set_error(a, EIO, "output");
		return -1;
	}
	return (la_ssize_t)n;
}

static int failed(struct pack *p, const char *path, struct err *e)
{
	if (p->out_err.kind != ERR_NONE) {
		*e = p->out_err;
		return -EIO;
	}
	const char *why = archive_error_string(p->archive);
	return ERR_BAD(e, "cannot archive '%s': %s", path, why ? why : "no reason given");
}

static int add_xattrs(struct archive_entry *ae, int fd, char *buf, const char *path, struct err *e)
{
	_clean_(mem) char *names = xmalloc(XATTR_BYTES);
	ssize_t n = flistxattr(fd, names, XATTR_BYTES);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		if (!entry_xattr_kept(names + at))
			continue;
		ssize_t size = fgetxattr(fd, names + at, buf, CHUNK);
		if (size < 0)
			return ERR_SYS(e, "read attribute '%s' of '%s'", names + at, path);
		archive_entry_xattr_add_entry(ae, names + at, buf, (size_t)size);
	}
	return 0;
}

/* Exactly as many bytes as the header has promised, also if the file changes meanwhile. */
static int add_content(struct pack *p, int fd, uint64_t size, const char *path, struct err *e)
{
	while (size) {
		size_t want = size < CHUNK ? (size_t)size : CHUNK;
		ssize_t got = io_read_full(fd, p->buf, want, e);
		if (got < 0)
			return err_wrap(e, (int)got, "'%s'", path);
		memset(p->buf + got, 0, want - (size_t)got);
		if (archive_write_data(p->archive, p->buf, want) != (la_ssize_t)want)
			return failed(p, path, e);
		size -= want;
	}
	return 0;
}

static int add_entry(struct pack *p, struct archive_entry *ae, const struct walk_entry *w,
	const char *path, struct err *e)
{
	_clean_(fd) int fd = -1;
	char target[ENTRY_PATH_MAX];
	archive_entry_copy_pathname(ae, path);
	archive_entry_copy_stat(ae, w->st);
	if (S_ISLNK(w->st->st_mode)) {
		ssize_t n = readlinkat(w->parent, w->name, target, sizeof target - 1);
		if (n < 0)
			return ERR_SYS(e, "read link '%s'", path);
		target[n] = '\0';
		archive_entry_copy_symlink(ae, target);
	} else if (S_ISREG(w->st->st_mode) || S_ISDIR(w->st->st_mode)) {
		fd = openat(w->parent, w->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return ERR_SYS(e, "open '%s'", path);
		int r = add_xattrs(ae, fd, p->buf, path, e);
		if (r < 0)
			return r;
	}
	struct archive_entry *later = NULL, *first = ae;
	archive_entry_linkify(p->links, &first, &later);
	if (archive_write_header(p->archive, ae) < ARCHIVE_WARN)
		return failed(p, path, e);
	p->entries++;
	bool content = S_ISREG(w->st->st_mode) && !archive_entry_hardlink(ae);
	return content ? add_content(p, fd, (uint64_t)w->st->st_size, path, e) : 0;
}

static int add_one(void *ctx, const struct walk_entry *w, struct err *e)
{
	struct pack *p = ctx;
	if (S_ISSOCK(w->st->st_mode))
		return 0;
	_clean_(mem) char *path = xasprintf("rootfs%s%s", *w->path ? "/" : "", w->path);
	struct archive_entry *ae = archive_entry_new();
	if (!ae)
		return ERR_NUM(e, ENOMEM, "libarchive");
	int r = add_entry(p, ae, w, path, e);
	archive_entry_free(ae);
	return r;
}

static int add_manifest(struct pack *p, const char *manifest, size_t n, time_t when, struct err *e)
{
	struct archive_entry *ae = archive_entry_new();
	if (!ae)
		return ERR_NUM(e, ENOMEM, "libarchive");
	archive_entry_set_pathname(ae, "manifest");
	archive_entry_set_mode(ae, S_IFREG | 0644);
	archive_entry_set_size(ae, (la_int64_t)n);
	archive_entry_set_mtime(ae, when, 0);
	bool ok = archive_write_header(p->archive, ae) >= ARCHIVE_WARN &&
		  archive_write_data(p->archive, manifest, n) == (la_ssize_t)n;
	archive_entry_free(ae);
	p->entries++;
	return ok ? 0 : failed(p, "manifest", e);
}

static int pack_all(struct pack *p, int rootfs, const char *manifest, size_t n, struct err *e)
{
	struct stat st;
	if (fstat(rootfs, &st) < 0)
		return ERR_SYS(e, "stat");
	if (archive_write_set_format_pax_restricted(p->archive) != ARCHIVE_OK ||
		archive_write_set_format_option(p->archive, NULL, "xattrheader", "SCHILY") <
			ARCHIVE_WARN ||
		archive_write_open(p->archive, p, NULL, emit, NULL) != ARCHIVE_OK)
		return failed(p, "rootfs", e);
	archive_entry_linkresolver_set_strategy(p->links, archive_format(p->archive));
	int r = add_manifest(p, manifest, n, st.st_mtim.tv_sec, e);
	if (r < 0)
		return r;
	const struct walk_entry top = { rootfs, ".", "", &st };
	r = add_one(p, &top, e);
	if (r >= 0)
		r = walk_tree(rootfs, add_one, p, e);
	if (r >= 0 && archive_write_close(p->archive) != ARCHIVE_OK)
		r = failed(p, "rootfs", e);
	return r;
}

int pack_image(
	int rootfs, const char *manifest, size_t n, int out, uint64_t *ret_entries, struct err *e)
{
	struct pack p = { .out = out };
	p.buf = xmalloc(CHUNK);
	p.archive = archive_write_new();
	p.links = archive_entry_linkresolver_new();
	int r = p.archive && p.links ? pack_all(&p, rootfs, manifest, n, e)
				     : ERR_NUM(e, ENOMEM, "libarchive");
	archive_entry_linkresolver_free(p.links);
	archive_write_free(p.archive);
	free(p.buf);
	if (r >= 0)
		*ret_entries = p.entries;
	return r;
}
