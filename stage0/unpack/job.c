/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/job.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/unpack/aci.h"
#include "stage0/unpack/compare.h"
#include "stage0/unpack/pack.h"
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
		.max_bytes = j->request->max_bytes,
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
	j->answer->input_bytes = j->stream.input_bytes;
	j->answer->bytes = j->stream.bytes;
	return 0;
}

/* Reads the archive into `sink`, to its very end. */
static int read_image(struct job *j, const struct sink *sink, int copy_fd, struct err *e)
{
	const struct untar_limits limits = { j->request->max_entries, j->request->max_bytes };
	struct untar_counts counts = { 0 };
	int r = open_stream(j, copy_fd, e);
	if (r < 0)
		return r;
	r = close_stream(j, aci_read(&j->stream, &limits, sink, &counts, e), e);
	if (r < 0)
		return r;
	j->answer->entries = counts.entries;
	j->answer->tree_bytes = counts.bytes;
	return aci_check_end(&j->stream, e);
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

static int (*const modes[_UNPACK_MODE_MAX])(struct job *, struct err *) = {
	[UNPACK_TREE] = make_tree,
	[UNPACK_COMPARE] = compare_tree,
	[UNPACK_PLAIN] = make_plain,
	[UNPACK_PACK] = make_archive,
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
