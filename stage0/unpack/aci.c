/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/aci.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/spec/image.h"

/* A tar archive ends in two blocks of zeros. */
enum { TAR_END = 1024 };

struct aci {
	const struct sink *inner;
	struct str manifest;
	bool in_manifest, has_manifest, has_rootfs;
};

static int check_place(struct aci *a, const struct entry *entry, struct err *e)
{
	if (str_after(entry->path, "rootfs/")) {
		a->has_rootfs = true;
	} else if (strcmp(entry->path, "rootfs") == 0) {
		if (entry->type != ENTRY_DIR)
			return ERR_BAD(e, "'rootfs' is not a directory");
		a->has_rootfs = true;
	} else if (strcmp(entry->path, "manifest") == 0) {
		if (entry->type != ENTRY_FILE)
			return ERR_BAD(e, "'manifest' is not a regular file");
		if (a->has_manifest)
			return ERR_BAD(e, "duplicate entry 'manifest'");
		if (entry->size > STR_MAX_MANIFEST)
			return err_set(e, ERR_INPUT, EFBIG, "'manifest' is larger than %d bytes",
				STR_MAX_MANIFEST);
		a->in_manifest = a->has_manifest = true;
	} else {
		return ERR_BAD(e, "'%s' is neither 'manifest' nor below 'rootfs'", entry->path);
	}
	if (entry->type == ENTRY_HARDLINK && !str_after(entry->target, "rootfs/"))
		return ERR_BAD(e, "the hard link '%s' leads out of the root, to '%s'", entry->path,
			entry->target);
	return 0;
}

static int begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct aci *a = ctx;
	int r = check_place(a, entry, e);
	return r < 0 ? r : a->inner->begin(a->inner->ctx, entry, e);
}

static int data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	struct aci *a = ctx;
	if (a->in_manifest) {
		/* A hole would not be JSON: leaving it out cannot make it valid. */
		if (offset != a->manifest.len)
			return ERR_BAD(e, "'manifest' has holes");
		str_addn(&a->manifest, bytes, n);
	}
	return a->inner->data(a->inner->ctx, offset, bytes, n, e);
}

static int end(void *ctx, const struct entry *entry, struct err *e)
{
	struct aci *a = ctx;
	if (a->in_manifest) {
		_clean_(arena) struct arena arena = ARENA_INIT;
		struct image_manifest *m;
		a->in_manifest = false;
		int r = image_manifest_decode(
			str_text(&a->manifest), a->manifest.len, &arena, &m, e);
		if (r < 0)
			return err_wrap(e, r, "'manifest'");
	}
	return a->inner->end(a->inner->ctx, entry, e);
}

int aci_read(struct stream *s, const struct untar_limits *limits, const struct sink *inner,
	struct untar_counts *ret, struct err *e)
{
	struct aci a = { .inner = inner, .manifest = STR_INIT(STR_MAX_MANIFEST) };
	const struct sink sink = { &a, begin, data, end, NULL };
	int r = untar(s, limits, &sink, ret, e);
	str_release(&a.manifest);
	if (r < 0)
		return r;
	if (!a.has_manifest)
		return ERR_BAD(e, "the archive has no 'manifest'");
	if (!a.has_rootfs)
		return ERR_BAD(e, "the archive has no 'rootfs'");
	return 0;
}

int aci_check_end(const struct stream *s, struct err *e)
{
	if (s->trailing_zeros < TAR_END)
		return ERR_BAD(e, "the archive is truncated: it has no end");
	return 0;
}
