/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/job.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/unpack/aci.h"
#include "stage0/unpack/compare.h"
#include "stage0/unpack/copy.h"
#include "stage0/unpack/document.h"
#include "stage0/unpack/layer.h"
#include "stage0/unpack/pack.h"
#include "stage0/unpack/render.h"
#include "stage0/unpack/same.h"
#include "stage0/unpack/tree.h"

struct job {
	const struct unpack_request *request;
	const struct job_fds *fds;
	struct unpack_answer *answer;
	struct stream stream;
};

int job_prepare(struct err *e)
{
	int r = untar_prepare(e);
	return r < 0 ? r : stream_prepare(e);
}

static int open_stream(struct job *j, int copy_fd, struct err *e)
{
	const struct stream_options o = {
		.fd = j->fds->input,
		.copy_fd = copy_fd,
		.no_isal = j->request->flags & UNPACK_NO_ISAL,
		.sha256 = j->request->mode == UNPACK_LAYER,
		.max_bytes = j->request->max_bytes,
		.max_input = j->request->max_input,
	};
	return stream_open(&j->stream, &o, e);
}

static int close_stream(struct job *j, int r, struct err *e)
{
	if (r < 0)
		return stream_abort(&j->stream, r, e);
	r = stream_finish(&j->stream, e);
	if (r < 0)
		return r;
	memcpy(j->answer->digest, j->stream.digest, sizeof j->answer->digest);
	memcpy(j->answer->input_digest, j->stream.input_digest, sizeof j->answer->input_digest);
	j->answer->input_bytes = j->stream.input_bytes;
	j->answer->bytes = j->stream.bytes;
	return 0;
}

typedef int (*read_fn)(struct stream *s, const struct untar_limits *limits, const struct sink *sink,
	struct untar_counts *ret, struct err *e);

/* Reads the archive into `sink`, to its very end. */
static int read_archive(
	struct job *j, read_fn read, const struct sink *sink, int copy_fd, struct err *e)
{
	const struct untar_limits limits = { j->request->max_entries, j->request->max_bytes,
		.absolute_paths = read == untar };
	struct untar_counts counts = { 0 };
	int r = open_stream(j, copy_fd, e);
	if (r < 0)
		return r;
	r = close_stream(j, read(&j->stream, &limits, sink, &counts, e), e);
	if (r < 0)
		return r;
	j->answer->entries = counts.entries;
	j->answer->tree_bytes = counts.bytes;
	return aci_check_end(&j->stream, e);
}

static int read_image(struct job *j, const struct sink *sink, int copy_fd, struct err *e)
{
	return read_archive(j, aci_read, sink, copy_fd, e);
}

static int make_tree(struct job *j, struct err *e)
{
	struct tree tree;
	int r = tree_init(&tree, j->fds->dir, e);
	if (r < 0)
		return r;
	const struct sink sink = tree_sink(&tree);
	r = read_image(j, &sink, j->fds->output, e);
	if (r >= 0)
		r = tree_finish(&tree, e);
	tree_release(&tree);
	return r;
}

static int compare_tree(struct job *j, struct err *e)
{
	struct compare compare;
	int r = compare_init(&compare, j->fds->dir, e);
	if (r < 0)
		return r;
	const struct sink sink = compare_sink(&compare);
	r = read_image(j, &sink, -1, e);
	if (r >= 0)
		r = compare_finish(&compare, e);
	if (r >= 0) {
		j->answer->differences = compare.differences;
		j->answer->err = compare.first;
	}
	compare_release(&compare);
	return r;
}

static int make_plain(struct job *j, struct err *e)
{
	const struct ring_slot *slot;
	int r = open_stream(j, -1, e);
	if (r < 0)
		return r;
	while ((r = stream_next(&j->stream, &slot, e)) > 0) {
		r = io_write_all(j->fds->output, slot->bytes, slot->n, e);
		if (r < 0)
			break;
	}
	return close_stream(j, r, e);
}

static int make_archive(struct job *j, struct err *e)
{
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	int r = io_read_fd(j->fds->input, "manifest", &manifest, e);
	if (r < 0)
		return r;
	return pack_image(j->fds->dir, str_text(&manifest), manifest.len, j->fds->output,
		&j->answer->entries, e);
}

/* DIR/rootfs, that it may have the attributes of the layer's own top. */
static int make_rootfs(int dir, struct err *e)
{
	if (mkdirat(dir, "rootfs", 0755) < 0)
		return ERR_SYS(e, "create 'rootfs'");
	_clean_(fd) int fd = openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)
		return ERR_SYS(e, "create 'rootfs'");
	return take_fd(&fd);
}

static int make_layer(struct job *j, struct err *e)
{
	bool alone = j->request->flags & UNPACK_ALONE;
	_clean_(fd) int root = make_rootfs(j->fds->dir, e);
	if (root < 0)
		return root;
	struct layer *layer = xcalloc(1, sizeof *layer);
	int r = layer_init(layer, root, j->fds->lower, alone, j->request->max_bytes, e);
	const struct sink sink = layer_sink(layer);
	if (r >= 0)
		r = read_archive(j, untar, &sink, j->fds->output, e);
	if (r >= 0)
		r = layer_finish(layer, e);
	if (layer->needs_lower)
		j->answer->notes |= UNPACK_NEEDS_LOWER;
	if (layer->opaque_top)
		j->answer->notes |= UNPACK_OPAQUE_TOP;
	/* Not a failure: it was asked whether it can be done alone. */
	if (r < 0 && alone && layer->needs_lower)
		r = 0;
	layer_release(layer);
	free(layer);
	return r;
}

static int plain_begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct tree *t = ctx;
	struct entry plain = *entry;
	if (entry->type == ENTRY_CHAR || entry->type == ENTRY_BLOCK || entry->type == ENTRY_FIFO)
		return ERR_BAD(e, "'%s' is neither a file nor a directory nor a link", entry->path);
	plain.uid = plain.gid = 0;
	plain.mode = entry->type == ENTRY_DIR ? 0700 : 0600;
	plain.n_xattrs = 0;
	const struct sink sink = tree_sink(t);
	return sink.begin(t, &plain, e);
}

static int plain_end(void *ctx, const struct entry *entry, struct err *e)
{
	struct tree *t = ctx;
	(void)entry;
	(void)e;
	t->fd = fd_close(t->fd);
	return 0;
}

/* An archive that holds a layout: its files, for us alone. */
static int make_files(struct job *j, struct err *e)
{
	struct tree tree;
	int r = tree_init(&tree, j->fds->dir, e);
	if (r < 0)
		return r;
	tree.again = true;
	const struct sink sink = { &tree, plain_begin, tree_sink(&tree).data, plain_end, NULL };
	r = read_archive(j, untar, &sink, -1, e);
	tree_release(&tree);
	return r;
}

static int open_rendered(int dir, struct err *e)
{
	_clean_(fd) int fd = openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? make_rootfs(dir, e) : ERR_SYS(e, "open 'rootfs'");
	return take_fd(&fd);
}

/* What of the archive counts, when not all of it does. */
static int scan_image(struct job *j, struct render *render, struct err *e)
{
	if (!render->filtered)
		return 0;
	off_t start = lseek(j->fds->input, 0, SEEK_CUR);
	const struct sink sink = render_scan(render);
	int r = read_image(j, &sink, -1, e);
	render_scanned(render);
	if (r >= 0 && (start < 0 || lseek(j->fds->input, start, SEEK_SET) < 0))
		r = ERR_SYS(e, "seek");
	return r;
}

static int render_image(struct job *j, struct err *e)
{
	struct render *render = xcalloc(1, sizeof *render);
	_clean_(fd) int root = open_rendered(j->fds->dir, e);
	int r = root < 0 ? root : render_init(render, root, j->fds->lower, e);
	const struct sink sink = render_sink(render);
	if (r >= 0)
		r = scan_image(j, render, e);
	if (r >= 0)
		r = read_image(j, &sink, -1, e);
	if (r >= 0)
		r = render_finish(render, e);
	if (root >= 0)
		render_release(render);
	free(render);
	if (r >= 0 && (j->request->flags & UNPACK_MEASURE))
		r = render_measure(root, &j->answer->tree_bytes, e);
	return r;
}

static int compare_trees(struct job *j, struct err *e)
{
	return same_trees(j->fds->dir, j->fds->lower, &j->answer->differences, &j->answer->err, e);
}

static int make_copy(struct job *j, struct err *e)
{
	return copy_digest(j->fds->input, j->fds->output, j->request->max_input,
		j->answer->input_digest, &j->answer->input_bytes, e);
}

static int read_document(struct job *j, struct err *e)
{
	return document_read(j->fds->input, j->fds->output, e);
}

static int (*const modes[_UNPACK_MODE_MAX])(struct job *, struct err *) = {
	[UNPACK_TREE] = make_tree,
	[UNPACK_COMPARE] = compare_tree,
	[UNPACK_PLAIN] = make_plain,
	[UNPACK_PACK] = make_archive,
	[UNPACK_LAYER] = make_layer,
	[UNPACK_FILES] = make_files,
	[UNPACK_RENDER] = render_image,
	[UNPACK_SAME] = compare_trees,
	[UNPACK_COPY] = make_copy,
	[UNPACK_DOCUMENT] = read_document,
};

void job_run(
	const struct unpack_request *request, const struct job_fds *fds, struct unpack_answer *ret)
{
	struct err e = ERR_INIT;
	*ret = (struct unpack_answer){ .magic = UNPACK_MAGIC, .version = UNPACK_VERSION };
	struct job *job = xcalloc(1, sizeof *job);
	job->request = request;
	job->fds = fds;
	job->answer = ret;
	ret->result = modes[request->mode](job, &e);
	if (ret->result < 0)
		ret->err = e;
	free(job);
}
