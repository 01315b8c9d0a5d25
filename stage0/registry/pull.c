/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "stage0/oci/oci.h"
#include "stage0/registry/internal.h"
#include "stage0/registry/layers.h"
#include "stage0/store/remote.h"

enum { DOCUMENTS_MAX = 8 };

struct pull {
	const struct registry_pull *p;
	const struct registry_ref *ref;
	struct registry *g;
	struct registry_document documents[DOCUMENTS_MAX];
	size_t n;
	uint64_t config_size;
	struct layers *layers;
	struct layer_supply supply;
};

/* --- what is here ----------------------------------------------------------------------------- */

static int read_note(struct store *s, const struct registry_ref *ref, struct arena *a,
	struct remote_note *note, struct image *ret, struct err *e)
{
	int r = store_note_read(s, ref->text, a, note, e);
	return r < 0 ? r : store_get(s, note->image, a, ret, e);
}

int registry_stored(struct store *s, const struct registry_ref *ref, struct arena *a,
	struct image *ret, struct err *e)
{
	struct remote_note note;
	return read_note(s, ref, a, &note, ret, e);
}

static int write_note(const struct pull *u, const char *digest, const char *id, struct err *e)
{
	const struct remote_note note = {
		.url = u->ref->text, .etag = digest, .image = id, .fetched_ns = now_unix_ns()
	};
	return store_note_write(u->p->o.remote->store, &note, e);
}

/* --- what the import asks for ----------------------------------------------------------------- */

static int as_file(const struct str *bytes, struct err *e)
{
	_clean_(fd) int fd = memory_file("document", e);
	int r = fd < 0 ? fd : io_write_all(fd, str_text(bytes), bytes->len, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	return r < 0 ? r : take_fd(&fd);
}

static int open_blob(void *ctx, const char *hex, struct err *e)
{
	struct pull *u = ctx;
	struct err ignored = ERR_INIT;
	char digest[REGISTRY_DIGEST_SIZE];
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	int fd = layers_open(u->layers, hex, &ignored);
	if (fd >= 0)
		return fd;
	snprintf(digest, sizeof digest, "sha256:%.64s", hex);
	int r = registry_get_blob(u->g, digest, u->config_size, &bytes, e);
	return r < 0 ? r : as_file(&bytes, e);
}

static int open_manifest(void *ctx, const char *hex, struct err *e)
{
	struct pull *u = ctx;
	char digest[REGISTRY_DIGEST_SIZE];
	if (u->n == DOCUMENTS_MAX)
		return ERR_BAD(e, "indexes are nested deeper than %d", DOCUMENTS_MAX);
	struct registry_document *d = &u->documents[u->n];
	*d = REGISTRY_DOCUMENT_INIT;
	snprintf(digest, sizeof digest, "sha256:%.64s", hex);
	int r = registry_get_manifest(u->g, digest, NULL, d, e);
	if (r < 0)
		return r;
	u->n++;
	return as_file(&d->bytes, e);
}

static int chosen(
	void *ctx, const struct oci_answer *manifest, const struct oci_named *named, struct err *e)
{
	struct pull *u = ctx;
	(void)named; /* it is the reference that counts */
	const struct registry_candidate c = { u->ref, u->documents, u->n };
	int r = u->p->accept ? u->p->accept(u->p->ctx, u->g, &c, e) : 0;
	u->config_size = manifest->chosen.size;
	if (r >= 0)
		r = layers_new(u->g, manifest, u->p, &u->layers, e);
	if (r >= 0)
		u->supply = layers_supply(u->layers);
	return r;
}

/* The document that the reference names. 1: it is `known` still; 0: it is documents[0]. */
static int open_first(struct pull *u, const char *known, struct err *e)
{
	const char *reference = u->ref->digest ? u->ref->digest : u->ref->tag;
	u->g = registry_open(&u->p->o, u->ref);
	u->documents[0] = REGISTRY_DOCUMENT_INIT;
	u->n = 1;
	return registry_get_manifest(u->g, reference, known, &u->documents[0], e);
}

/* --- the whole way ---------------------------------------------------------------------------- */

static int import(struct pull *u, struct arena *a, const char **ret_id, struct err *e)
{
	const struct oci_wish wish = { .ref = "",
		.name = u->ref->name,
		.tag = u->ref->version,
		.fallback = u->ref->name,
		.original = str_after(u->ref->text, "docker://") };
	const struct oci_source src = { .open_blob = open_blob,
		.open_manifest = open_manifest,
		.chosen = chosen,
		.supply = &u->supply,
		.ctx = u };
	int kind = registry_document_kind(&u->documents[0], e);
	return kind < 0 ? kind
			: oci_import_index(u->p->o.remote->store, &src, &wish, (unsigned)kind,
				  &u->documents[0].bytes, u->p->import, a, ret_id, e);
}

/* note: NULL: nothing is here that may be used. */
static int ask(struct pull *u, const struct remote_note *note, struct arena *a, const char **ret_id,
	struct err *e)
{
	const char *known = note ? note->etag : NULL;
	int r = open_first(u, known, e);
	if (r == 1) {
		dbg("registry: '%s' is still %s", u->ref->text, known);
		*ret_id = note->image;
		return write_note(u, known, note->image, e);
	}
	if (r < 0)
		return r;
	r = import(u, a, ret_id, e);
	return r < 0 ? r : write_note(u, u->documents[0].digest, *ret_id, e);
}

/* Whoever pulls what has the same name pulls alone: the others take what it got. */
static int pull(
	struct pull *u, struct part *alone, struct arena *a, struct image *ret, struct err *e)
{
	struct remote_note note;
	struct err ignored = ERR_INIT;
	struct store *s = u->p->o.remote->store;
	int64_t began = now_unix_ns();
	const char *id;
	int r = store_part_open(s, u->ref->text, alone, e);
	if (r < 0)
		return r;
	bool here = read_note(s, u->ref, a, &note, ret, &ignored) >= 0 &&
		    /* Nobody has looked at a signature of it, but somebody must now. */
		    (u->p->usable ? u->p->usable(u->p->ctx, ret)
				  : u->p->import->insecure || !ret->insecure);
	if (here && (u->ref->digest || (alone->waited && note.fetched_ns >= began))) {
		dbg("registry: '%s' is in the store", u->ref->text);
		return 0;
	}
	r = ask(u, here ? &note : NULL, a, &id, e);
	return r < 0 ? r : store_get(s, id, a, ret, e);
}

static void pull_release(struct pull *u, bool imported)
{
	layers_free(u->layers, imported);
	for (size_t i = 0; i < u->n; i++)
		registry_document_release(&u->documents[i]);
	registry_close(u->g);
}

static int pull_once(const struct registry_pull *p, const struct registry_ref *ref, struct arena *a,
	struct image *ret, bool *stale, struct err *e)
{
	struct pull u = { .p = p, .ref = ref };
	struct part alone = PART_INIT;
	int r = pull(&u, &alone, a, ret, e);
	*stale = r < 0 && layers_stale(u.layers);
	pull_release(&u, r >= 0);
	store_part_remove(&alone);
	return r;
}

/* --- for somebody else ------------------------------------------------------------------------ */

static int get_layers(struct pull *u, struct arena *a, const struct oci_found *found,
	const char **ret_id, bool *ret_here, struct err *e)
{
	const struct registry_candidate c = { u->ref, u->documents, u->n };
	struct image image;
	struct err ignored = ERR_INIT;
	int r = u->p->accept ? u->p->accept(u->p->ctx, u->g, &c, e) : 0;
	if (r < 0)
		return r;
	*ret_id = oci_image_id(found, a);
	*ret_here = store_get(u->p->o.remote->store, *ret_id, a, &image, &ignored) >= 0;
	if (*ret_here)
		return 0;
	r = layers_new(u->g, &found->manifest, u->p, &u->layers, e);
	return r < 0 ? r : layers_get(u->layers, e);
}

static int prefetch(struct pull *u, struct oci_found *found, struct err *e)
{
	const struct oci_source src = { .open_manifest = open_manifest, .ctx = u };
	int r = open_first(u, NULL, e);
	int kind = r < 0 ? r : registry_document_kind(&u->documents[0], e);
	return kind < 0 ? kind
			: oci_find_manifest(
				  &src, "", (unsigned)kind, &u->documents[0].bytes, found, e);
}

int registry_prefetch(const struct registry_pull *p, const struct registry_ref *ref,
	struct arena *a, const char **ret_id, bool *ret_here, struct err *e)
{
	struct pull u = { .p = p, .ref = ref };
	struct oci_found *found = oci_found_new();
	int r = prefetch(&u, found, e);
	if (r >= 0)
		r = get_layers(&u, a, found, ret_id, ret_here, e);
	pull_release(&u, false);
	oci_found_free(found);
	return r;
}

/* ---------------------------------------------------------------------------------------------- */

int registry_pull(const struct registry_pull *p, const struct registry_ref *ref, struct arena *a,
	struct image *ret, struct err *e)
{
	bool stale;
	int r = pull_once(p, ref, a, ret, &stale, e);
	if (!stale)
		return r;
	/* As after a loss of power: blocks that were never written. The rest of it is not there
	 * now. */
	dbg("registry: what was left of a layer is no part of it: once more");
	*e = ERR_INIT;
	return pull_once(p, ref, a, ret, &stale, e);
}
