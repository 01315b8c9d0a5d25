/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import of a layered image.
 *
 *	find       what the store has is locked and used
 *	alone      the others are unpacked side by side, none knowing of any other, in the order
 *	           in which they come, and where a worker is free while they come; those that
 *	           another import is at are left to it, and waited for in the end
 *	on top     the few that turn out to depend on those below them (stage0/unpack/layer.h) are
 *	           unpacked once more, from the lowest up, with those merged
 *	publish    one sync; then the image's tree, and last its record
 *
 * Layers, each behind its blob, go to their places as they are ready, some at a time, for a sync
 * comes before: what was made is there for other imports, and for the next one when this one ends
 * early. A layer that no image names yet is kept by its lock, and is the collector's after that.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "stage0/store/internal.h"

/* Each has two threads busy, and some 16 MiB. */
enum { WORKERS_MAX = 3, WORKERS_MIN = 2, WAIT_MS = 60000 };
/* A download has bounds of its own. */
enum { FLOW_WAIT_S = 7 * 24 * 3600 };
/* So many bytes are worth a sync. */
enum { PUBLISH_BYTES = 128 * 1024 * 1024 };

struct part { /* one layer */
	const struct layer_source *source;
	const char *name; /* of its tree */
	struct layer_info info;
	struct claim claim;    /* while we make it */
	struct tmp tree, blob; /* while it is new */
	int dir;	       /* its directory, once it is in place: locked */
	bool repeated;	       /* a layer further down has the same content */
	bool done, on_top;
	bool others; /* somebody else is at it */
	bool running;
	bool flows; /* it is read while it is downloaded */
	int input;
	int copy; /* the supply's: gets what flows */
	struct unpacking u;
};

struct import {
	struct store *s;
	const struct layered_import *in;
	struct arena *a;
	struct part *parts;
	struct image_manifest *manifest;
	struct verified
		*verified; /* what options.accept said; NULL: nobody was asked, or nothing */
	size_t n, running, flowing;
	const struct layer_supply *supply;
	uint64_t unpublished; /* bytes of what is ready, and not yet in its place */
};

/* context: such as depends on what is below it, or such as depends on nothing. */
static bool found_as(struct import *i, struct part *p, const char *name, bool context)
{
	struct err ignored = ERR_INIT;
	struct layer_info info;
	_clean_(fd) int dir = layer_open(i->s, name, &ignored);
	if (dir < 0 || !layer_is_whole(i->s, dir) ||
		layer_info_read(dir, i->a, &info, &ignored) < 0 || info.context != context)
		return false;
	p->dir = take_fd(&dir);
	p->info = info;
	p->name = name;
	return p->done = true;
}

static bool find(struct import *i, size_t k)
{
	struct part *p = &i->parts[k];
	return (!p->repeated && found_as(i, p, p->source->diff, false)) ||
	       found_as(i, p, p->source->chain, true);
}

static void find_all(struct import *i)
{
	for (size_t k = 0; k < i->n; k++) {
		struct part *p = &i->parts[k];
		const struct layer_source *src = p->source;
		for (size_t j = 0; j < k; j++)
			p->repeated |= str_eq(src->diff, i->parts[j].source->diff);
		/* One tree must not be twice in an overlay. */
		p->name = p->repeated ? src->chain : src->diff;
		find(i, k);
	}
}

/* --- unpacking -------------------------------------------------------------------------------- */

static int start(struct import *i, size_t k, unsigned flags, int lower, struct err *e)
{
	struct part *p = &i->parts[k];
	int r = tmp_dir(i->s, &p->tree, e);
	if (r >= 0 && !i->supply)
		r = tmp_file(i->s, &p->blob, e);
	if (r < 0)
		return r;
	if (!p->flows)
		p->input = i->in->open_layer(i->in->ctx, k, e);
	if (p->input < 0)
		return p->input;
	const struct unpack_job job = {
		.mode = UNPACK_LAYER,
		.flags = flags,
		.input = p->input,
		.dir = p->tree.fd,
		.output = p->flows ? p->copy : p->blob.fd,
		.lower = lower,
		.max_bytes = i->in->options.max_bytes,
		.max_entries = i->in->options.max_entries,
		.max_input = p->flows ? p->source->size : 0,
		.timeout_s = i->in->options.timeout_s,
		.wait_s = p->flows ? FLOW_WAIT_S : 0,
	};
	r = unpacker_start(&job, &p->u, e);
	p->running = r >= 0;
	i->running += p->running;
	/* The worker's alone, so that whoever writes knows when it is gone. */
	if (p->flows)
		p->input = fd_close(p->input);
	return r;
}

static void discard(struct part *p)
{
	tmp_cleanup(&p->tree);
	tmp_cleanup(&p->blob);
	p->tree = p->blob = TMP_INIT;
}

static int check_digests(const struct part *p, struct err *e)
{
	char blob[OCI_HEX_SIZE + 1], diff[OCI_HEX_SIZE + 1];
	const struct unpack_answer *a = &p->u.answer;
	const struct layer_source *src = p->source;
	oci_digest_hex(a->input_digest, blob);
	oci_digest_hex(a->digest, diff);
	if (src->blob && src->size != a->input_bytes)
		return ERR_BAD(e, "it has %llu bytes, the manifest says %llu",
			(unsigned long long)a->input_bytes, (unsigned long long)src->size);
	if (src->blob && strcmp(blob, src->blob) != 0)
		return ERR_BAD(
			e, "its digest is sha256:%s, the manifest says sha256:%s", blob, src->blob);
	if (strcmp(diff, src->diff) != 0)
		return ERR_BAD(e,
			"its digest when uncompressed is sha256:%s, the configuration says "
			"sha256:%s",
			diff, src->diff);
	return 0;
}

static bool has_its_digest(const struct part *p)
{
	char blob[OCI_HEX_SIZE + 1];
	oci_digest_hex(p->u.answer.input_digest, blob);
	return str_eq(blob, p->source->blob);
}

static int take_answer(struct import *i, struct part *p, struct err *e)
{
	const struct unpack_answer *a = &p->u.answer;
	char blob[OCI_HEX_SIZE + 1];
	int r = check_digests(p, e);
	if (r < 0)
		return r;
	oci_digest_hex(a->input_digest, blob);
	p->info = (struct layer_info){
		.blob = arena_strdup(i->a, blob),
		.diff = p->source->diff,
		.size = (int64_t)(a->input_bytes + a->tree_bytes),
		.context = p->repeated || a->notes & UNPACK_NEEDS_LOWER,
		.opaque_top = a->notes & UNPACK_OPAQUE_TOP,
		.empty = a->entries == 0,
	};
	/* The lowest one was made without being asked whether it depends on anything. */
	if (p->info.context)
		p->name = p->source->chain;
	p->done = true;
	i->unpublished += a->input_bytes + a->tree_bytes;
	return layer_info_write(p->tree.fd, &p->info, e);
}

static int give_up(struct part *p)
{
	discard(p);
	claim_release(&p->claim);
	return 0;
}

/* 0: what was unpacked has no blob, which a collector has taken this very moment. */
static int end_flow(struct import *i, struct part *p, bool whole, struct err *e)
{
	p->flows = false;
	i->flowing--;
	whole = whole && has_its_digest(p);
	int r = i->supply->flowed(i->supply->ctx, (size_t)(p - i->parts), whole, e);
	return r < 0 ? r : r || !whole;
}

static int finish(struct import *i, size_t k, struct err *e)
{
	struct part *p = &i->parts[k];
	bool alone = p->u.request.flags & UNPACK_ALONE;
	p->running = false;
	i->running--;
	p->input = fd_close(p->input);
	int r = unpacker_finish(&p->u, e);
	bool whole = r >= 0; /* it was read to its end */
	p->on_top = whole && alone && p->u.answer.notes & UNPACK_NEEDS_LOWER;
	int kept = p->flows && whole ? end_flow(i, p, !p->on_top, e) : 1;
	if (kept < 0)
		return err_wrap(e, kept, "layer %zu", k + 1);
	if (p->on_top || !kept)
		return give_up(p);
	if (r >= 0)
		r = take_answer(i, p, e);
	/* What cannot be unpacked may be not what it is said to be, either. Or it is, and the image
	 * says something wrong about a blob that others need. */
	if (r < 0 && e->kind == ERR_INPUT && i->supply && !(whole && has_its_digest(p)))
		i->supply->spoilt(i->supply->ctx, k, whole);
	return r < 0 ? err_wrap(e, r, "layer %zu", k + 1) : 0;
}

static size_t workers(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return n < WORKERS_MIN ? WORKERS_MIN : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

/* --- into their places ------------------------------------------------------------------------ */

/* What lies in its place may be used for it. */
static bool stands_for(struct import *i, const struct part *p)
{
	struct err ignored = ERR_INIT;
	struct layer_info info;
	return layer_is_whole(i->s, p->dir) &&
	       layer_info_read(p->dir, i->a, &info, &ignored) >= 0 &&
	       info.context == p->info.context;
}

static int publish_part(struct import *i, struct part *p, struct err *e)
{
	if (p->dir >= 0)
		return 0;
	int r = i->supply ? i->supply->publish(i->supply->ctx, (size_t)(p - i->parts), e)
			  : blob_publish(i->s, &p->blob, CAS_BLOB256, p->info.blob, e);
	if (r >= 0)
		r = tree_publish(i->s, &p->tree, p->name, &p->dir, e);
	/* Something was there that we could not use: a disk may have lost a part of it. */
	if (r <= 0 || stands_for(i, p))
		return r < 0 ? r : 0;
	r = replace_layer(i->s, p->name, p->dir, &p->tree, e);
	fd_close(p->dir);
	p->dir = r < 0 ? r : layer_open(i->s, p->name, e);
	return p->dir < 0 ? p->dir : 0;
}

/* What is ready, but for layers without content, which few images need to have. */
static int publish_parts(struct import *i, struct err *e)
{
	int r = 0;
	if (i->unpublished && syncfs(i->s->dirfd) < 0)
		return ERR_SYS(e, "sync the store");
	for (size_t k = 0; r >= 0 && k < i->n; k++) {
		struct part *p = &i->parts[k];
		if (p->done && !p->info.empty)
			r = publish_part(i, p, e);
		if (p->done && r >= 0)
			claim_release(&p->claim);
	}
	i->unpublished = 0;
	return r;
}

/* --- side by side ----------------------------------------------------------------------------- */

/* 1: it is being unpacked; 0: it is here already, or somebody else is at it. */
static int begin(struct import *i, size_t k, struct err *e)
{
	struct part *p = &i->parts[k];
	int r = claim_take(i->s, p->name, false, &p->claim, e);
	p->others = r == 0;
	if (r <= 0)
		return r;
	/* Whoever had it until now may have left it to us. */
	if (find(i, k)) {
		claim_release(&p->claim);
		return 0;
	}
	dbg("store: unpacking layer %zu", k + 1);
	r = start(i, k, k ? UNPACK_ALONE : 0, -1, e);
	return r < 0 ? r : 1;
}

/* 1: it is being unpacked while it comes, or needs no more; 0: it does not flow. What waits for the
 * network must not keep all workers from what is here. */
static int begin_flow(struct import *i, size_t k, size_t limit, struct err *e)
{
	struct part *p = &i->parts[k];
	if (!i->supply || !p->source->blob || i->running >= limit || i->flowing + 1 >= limit)
		return 0;
	int r = i->supply->flow(i->supply->ctx, k, &p->input, &p->copy, e);
	if (r <= 0)
		return r;
	p->flows = true;
	i->flowing++;
	r = begin(i, k, e);
	if (r != 0)
		return r;
	/* Nobody reads it. */
	p->input = fd_close(p->input);
	r = end_flow(i, p, false, e);
	return r < 0 ? r : 1;
}

/* An end of the download that comes of the worker's own end is not what has to be told. */
static int look_after(struct import *i, size_t k, struct err *e)
{
	struct part *p = &i->parts[k];
	int r = p->flows ? i->supply->ready(i->supply->ctx, k, e) : 0;
	if (r >= 0 || !worker_is_done(&p->u.worker))
		return r < 0 ? r : 0;
	*e = ERR_INIT;
	return 0;
}

/* 1: it is not started. */
static int start_one(struct import *i, size_t k, size_t limit, struct err *e)
{
	struct part *p = &i->parts[k];
	if (p->done || p->others)
		return 0;
	if (p->running)
		return look_after(i, k, e);
	int r = p->on_top ? 0 : begin_flow(i, k, limit, e);
	if (r)
		return r < 0 ? r : 0;
	r = i->supply ? i->supply->ready(i->supply->ctx, k, e) : 1;
	if (p->on_top)
		return r < 0 ? r : !r; /* to be there, later on */
	if (r <= 0 || i->running >= limit)
		return r < 0 ? r : 1;
	r = begin(i, k, e);
	return r < 0 ? r : 0;
}

/* Starts those that are there; counts those that are not started. */
static int start_ready(struct import *i, size_t limit, size_t *ret_left, struct err *e)
{
	*ret_left = 0;
	for (size_t k = 0; k < i->n; k++) {
		int r = start_one(i, k, limit, e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", k + 1);
		*ret_left += (size_t)r;
	}
	return 0;
}

/* Until a worker is done, or another layer is there. */
static int wait_for_some(struct import *i, struct err *e)
{
	struct pollfd p[WORKERS_MAX];
	int fds[WORKERS_MAX];
	size_t n = 0;
	for (size_t k = 0; k < i->n; k++)
		if (i->parts[k].running) {
			fds[n] = i->parts[k].u.worker.socket;
			p[n] = (struct pollfd){ .fd = fds[n], .events = POLLIN };
			n++;
		}
	if (i->supply)
		return i->supply->wait(i->supply->ctx, fds, n, e);
	return poll(p, n, WAIT_MS) < 0 && errno != EINTR ? ERR_SYS(e, "poll") : 0;
}

/* All that nobody else is at. */
static int unpack_ours(struct import *i, struct err *e)
{
	size_t limit = workers(), left = 0;
	for (;;) {
		int r = start_ready(i, limit, &left, e);
		if (r >= 0 && !i->running && !left)
			return 0;
		if (r >= 0)
			r = wait_for_some(i, e);
		for (size_t k = 0; r >= 0 && k < i->n; k++)
			if (i->parts[k].running && worker_is_done(&i->parts[k].u.worker))
				r = finish(i, k, e);
		if (r >= 0 && i->unpublished >= PUBLISH_BYTES)
			r = publish_parts(i, e);
		if (r < 0)
			return r;
	}
}

/* Without anything that somebody else may wait for, until the k-th is nobody's. */
static int wait_for(struct import *i, size_t k, struct err *e)
{
	struct claim claim = CLAIM_INIT;
	int r = publish_parts(i, e);
	if (r < 0)
		return r;
	dbg("store: waiting for who unpacks layer %zu", k + 1);
	r = claim_take(i->s, i->parts[k].name, true, &claim, e);
	claim_release(&claim);
	return r;
}

static int unpack_alone(struct import *i, struct err *e)
{
	for (;;) {
		int r = unpack_ours(i, e);
		size_t k = 0;
		while (k < i->n && !i->parts[k].others)
			k++;
		if (r < 0 || k == i->n)
			return r;
		r = wait_for(i, k, e);
		if (r < 0)
			return r;
		for (; k < i->n; k++)
			i->parts[k].others = false;
	}
}

static int rootfs_of(const struct part *p, struct err *e)
{
	int fd = openat(p->dir >= 0 ? p->dir : p->tree.fd, "rootfs",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open layer '%s'", p->name) : fd;
}

/* What the layers below the k-th are together. */
static int merge_below(struct import *i, size_t k, struct merged *ret, struct err *e)
{
	int fds[OCI_LAYERS_MAX], r = 0;
	size_t n = 0;
	for (size_t j = k; r >= 0 && j-- > 0;) {
		const struct part *p = &i->parts[j];
		if (p->info.empty && (j || n))
			continue;
		r = fds[n] = rootfs_of(p, e);
		n += r >= 0;
		if (p->info.opaque_top)
			break;
	}
	if (r >= 0)
		r = merge_layers(i->s, fds, n, ret, e);
	while (n)
		fd_close(fds[--n]);
	return r;
}

static int unpack_one_on_top(struct import *i, size_t k, struct err *e)
{
	struct part *p = &i->parts[k];
	_clean_(merged) struct merged below = MERGED_INIT;
	p->name = p->source->chain;
	int r = claim_take(i->s, p->name, false, &p->claim, e);
	if (r == 0)
		r = publish_parts(i, e);
	if (r == 0)
		r = claim_take(i->s, p->name, true, &p->claim, e);
	if (r < 0)
		return r;
	if (find(i, k)) {
		claim_release(&p->claim);
		return 0;
	}
	dbg("store: layer %zu depends on those below it", k + 1);
	r = merge_below(i, k, &below, e);
	if (r >= 0)
		r = start(i, k, 0, below.fd, e);
	return r < 0 ? r : finish(i, k, e);
}

static int unpack_on_top(struct import *i, struct err *e)
{
	int r = 0;
	for (size_t k = 0; r >= 0 && k < i->n; k++)
		if (i->parts[k].on_top)
			r = unpack_one_on_top(i, k, e);
	return r;
}

/* --- publishing ------------------------------------------------------------------------------- */

/* Those that are seen: above the last opaque one, and with something in them. */
static void choose(struct import *i, struct image *image, struct strlist *names)
{
	size_t from = i->n;
	while (from && !i->parts[--from].info.opaque_top)
		;
	image->layers = ARENA_ARRAY(i->a, struct image_layer, i->n);
	for (size_t k = from; k < i->n; k++) {
		const struct part *p = &i->parts[k];
		bool last_chance = k + 1 == i->n && !names->n;
		if (p->info.empty && !last_chance)
			continue;
		strlist_add(i->a, names, p->name);
		image->layers[image->n_layers++] =
			(struct image_layer){ .tree = p->name, .size = p->info.size };
		image->size += (uint64_t)p->info.size;
	}
}

static int write_image(struct import *i, struct tmp *tree, struct tmp *blob,
	const struct strlist *names, struct err *e)
{
	const struct layered_import *in = i->in;
	int r = tmp_dir(i->s, tree, e);
	if (r >= 0)
		r = tmp_file(i->s, blob, e);
	if (r >= 0)
		r = io_write_new(tree->fd, "manifest", in->manifest, in->manifest_size, 0600, e);
	if (r >= 0)
		r = layer_list_write(tree->fd, names, e);
	if (r >= 0)
		r = io_write_all(blob->fd, in->document, in->document_size, e);
	if (r >= 0 && syncfs(tree->fd) < 0)
		r = ERR_SYS(e, "sync the store");
	return r;
}

/* Before anything is unpacked. */
static int ask(struct import *i, struct err *e)
{
	const struct import_options *o = &i->in->options;
	struct verified v = { 0 };
	int r = image_manifest_decode(i->in->manifest, i->in->manifest_size, i->a, &i->manifest, e);
	if (r >= 0 && o->accept)
		r = o->accept(o->ctx, i->manifest, &v, e);
	if (r >= 0 && v.mechanism) {
		i->verified = ARENA_NEW(i->a, struct verified);
		*i->verified = v;
	}
	return r;
}

static void describe(struct import *i, struct image *image)
{
	const struct import_options *o = &i->in->options;
	*image = (struct image){ .id = i->in->id,
		.name = i->manifest->name,
		.version = nv_get(&i->manifest->labels, "version"),
		.imported_ns = now_unix_ns(),
		.size = i->in->document_size + i->in->manifest_size,
		.source = o->source,
		.insecure = o->accept ? !i->verified : o->insecure,
		.verified = i->verified };
}

static bool says_the_same(const struct import *i, int dir, const struct strlist *names)
{
	struct err ignored = ERR_INIT;
	struct strlist l = { 0 };
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	bool same = io_read_file(dir, "manifest", &manifest, &ignored) >= 0 &&
		    layer_list_read(dir, i->a, &l, &ignored) >= 0 && l.n == names->n &&
		    manifest.len == i->in->manifest_size &&
		    memcmp(str_text(&manifest), i->in->manifest, manifest.len) == 0;
	for (size_t k = 0; same && k < l.n; k++)
		same = str_eq(l.v[k], names->v[k]);
	return same;
}

/* One that is there may be damaged, or of the same image under another name. */
static int publish_image(struct import *i, const char *hex, struct tmp *tree,
	const struct strlist *names, int *ret_dir, struct err *e)
{
	_clean_(fd) int dir = -1;
	int r = tree_publish(i->s, tree, hex, &dir, e);
	if (r > 0 && !says_the_same(i, dir, names)) {
		r = replace_alone(i->s, hex, dir, tree, e);
		dir = fd_close(dir);
		if (r >= 0)
			r = tree_open_locked(i->s, hex, "the image", &dir, e);
	}
	*ret_dir = take_fd(&dir);
	return r < 0 ? r : 0;
}

static int publish(struct import *i, const char *hex, struct err *e)
{
	_clean_(tmp) struct tmp tree = TMP_INIT;
	_clean_(tmp) struct tmp blob = TMP_INIT;
	_clean_(fd) int dir = -1;
	struct image image;
	struct strlist names = { 0 };
	describe(i, &image);
	choose(i, &image, &names);
	int r = write_image(i, &tree, &blob, &names, e);
	for (size_t k = 0; r >= 0 && k < i->n; k++)
		if (strlist_has(&names, i->parts[k].name))
			r = publish_part(i, &i->parts[k], e);
	if (r >= 0)
		r = blob_publish(i->s, &blob, CAS_BLOB, hex, e);
	if (r >= 0)
		r = publish_image(i, hex, &tree, &names, &dir, e);
	return r < 0 ? r : record_write(i->s, &image, true, e);
}

/* What was unpacked when nobody spoke for it, and may have been changed since, is made what its
 * layers hold before it counts as verified. The tree is let go meanwhile, so that it can be
 * replaced. */
static int make_sound(struct import *i, const char *hex, struct treeref *tree, struct err *e)
{
	treeref_release(tree);
	int r = tree_verify(i->s, hex, e);
	return r < 0 ? r : store_tree(i->s, i->in->id, tree, e);
}

/* The same manifest: the same name. What was said of another one is not known of this. */
static int renew_record(
	struct import *i, const char *hex, struct image *image, struct treeref *tree, struct err *e)
{
	struct image now;
	int r = 0;
	describe(i, &now);
	if (image->insecure && now.verified)
		r = make_sound(i, hex, tree, e);
	image->imported_ns = now.imported_ns;
	image->source = now.source;
	if (now.verified || image->insecure) {
		image->verified = now.verified;
		image->insecure = now.insecure;
	}
	return r < 0 ? r : record_write(i->s, image, false, e);
}

static bool all_is_whole(struct import *i, const char *hex, int image)
{
	struct err ignored = ERR_INIT;
	struct strlist l = { 0 };
	struct stat st;
	bool whole =
		layer_list_read(image, i->a, &l, &ignored) >= 0 &&
		fstatat(i->s->dirfd, place(CAS_BLOB, hex).path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(uint64_t)st.st_size == i->in->document_size;
	for (size_t k = 0; whole && k < l.n; k++) {
		_clean_(fd) int dir = layer_open(i->s, l.v[k], &ignored);
		whole = dir >= 0 && layer_is_whole(i->s, dir);
	}
	return whole;
}

/* 1: it is here already, and its record says what is new about it. */
static int renew(struct import *i, const char *hex, struct err *e)
{
	struct err ignored = ERR_INIT;
	struct image image;
	struct treeref tree;
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	if (store_tree(i->s, i->in->id, &tree, &ignored) < 0)
		return 0;
	int r = 0;
	/* The same image under another name is described anew. */
	if (all_is_whole(i, hex, tree.lock_fd) &&
		store_get(i->s, i->in->id, i->a, &image, &ignored) >= 0 &&
		store_manifest_bytes(i->s, i->in->id, &manifest, &ignored) >= 0 &&
		manifest.len == i->in->manifest_size &&
		memcmp(manifest.buf, i->in->manifest, manifest.len) == 0) {
		r = renew_record(i, hex, &image, &tree, e);
		r = r < 0 ? r : 1;
	}
	treeref_release(&tree);
	return r;
}

static int import_new(struct import *i, const char *hex, struct err *e)
{
	i->parts = xcalloc(i->n, sizeof *i->parts);
	for (size_t k = 0; k < i->n; k++) {
		struct part *p = &i->parts[k];
		p->source = &i->in->layers[k];
		p->tree = p->blob = TMP_INIT;
		p->claim = CLAIM_INIT;
		p->dir = p->input = p->copy = -1;
	}
	find_all(i);
	int r = unpack_alone(i, e);
	if (r >= 0)
		r = unpack_on_top(i, e);
	if (r >= 0)
		r = publish(i, hex, e);
	/* What is ready is of use to the next attempt; unless room is what is missing. */
	struct err ignored = ERR_INIT;
	if (r < 0 && r != -ENOSPC && r != -EDQUOT)
		(void)publish_parts(i, &ignored);
	for (size_t k = 0; k < i->n; k++) {
		struct part *p = &i->parts[k];
		if (p->running)
			unpacker_kill(&p->u);
		fd_close(p->input);
		fd_close(p->dir);
		discard(p);
		claim_release(&p->claim);
	}
	free(i->parts);
	return r;
}

int store_import_layers(struct store *s, const struct layered_import *in, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct import i = { .s = s, .in = in, .a = &a, .n = in->n_layers, .supply = in->supply };
	const char *hex = id_hex(in->id, e);
	if (!hex)
		return -EINVAL;
	if (!i.n || i.n > OCI_LAYERS_MAX)
		return ERR_BAD(e, "%zu layers: 1 to %d wanted", i.n, OCI_LAYERS_MAX);
	int r = ask(&i, e);
	if (r >= 0)
		r = renew(&i, hex, e);
	if (r == 0)
		r = import_new(&i, hex, e);
	return r < 0 ? r : 0;
}
