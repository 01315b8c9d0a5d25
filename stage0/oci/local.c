/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts and archives on this machine. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/spec/oci.h"
#include "stage0/oci/oci.h"
#include "stage0/remote/request.h"
#include "stage0/trust/leads.h"

static const char *const prefixes[_OCI_TRANSPORT_MAX] = {
	[OCI_LAYOUT] = "oci:",
	[OCI_ARCHIVE] = "oci-archive:",
	[OCI_SAVED] = "docker-archive:",
};

/* The path ends at the first ':' behind which it would not exist: paths may have some too. */
static void split(char *text, struct oci_ref *ret)
{
	ret->path = text;
	ret->ref = "";
	if (access(text, F_OK) == 0)
		return;
	char *colon = strchr(text, ':');
	if (colon) {
		*colon = '\0';
		ret->ref = colon + 1;
	}
}

bool oci_ref_parse(const char *text, struct arena *a, struct oci_ref *ret)
{
	for (int t = 0; t < _OCI_TRANSPORT_MAX; t++) {
		const char *rest = str_after(text, prefixes[t]);
		if (!rest)
			continue;
		ret->transport = (enum oci_transport)t;
		split(arena_strdup(a, rest), ret);
		return true;
	}
	return false;
}

enum { DOCUMENTS_MAX = 8 };

struct local {
	struct store *s;
	int dir; /* of the layout, or of what the archive held */
	const struct oci_ref *ref;
	const struct oci_answer *saved;
	const struct oci_gate *gate;
	struct arena *a;
	struct str bytes[DOCUMENTS_MAX]; /* index.json first, the manifest last */
	struct signed_document documents[DOCUMENTS_MAX];
	size_t n;
};

/* A regular file below the directory, links (as `docker save` makes them) resolved within it. */
static int open_file(int dir, const char *path, struct err *e)
{
	struct stat st;
	_clean_(fd) int fd = path_open_in(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, e);
	if (fd < 0)
		return fd == -ENOENT ? ERR_NOENT(e, "'%s' is missing", path) : fd;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return ERR_BAD(e, "'%s' is not a regular file", path);
	return take_fd(&fd);
}

static int open_blob(void *ctx, const char *hex, struct err *e)
{
	const struct local *l = ctx;
	char path[OCI_HEX_SIZE + 32];
	snprintf(path, sizeof path, "blobs/sha256/%s", hex);
	return open_file(l->dir, path, e);
}

static int read_file(int dir, const char *path, struct str *ret, struct err *e)
{
	_clean_(fd) int fd = open_file(dir, path, e);
	return fd < 0 ? fd : io_read_fd(fd, path, ret, e);
}

/* --- whether it is trusted -------------------------------------------------------------------- */

/* Takes the bytes. */
static void add_document(struct local *l, struct str *bytes, const char *digest)
{
	l->bytes[l->n] = *bytes;
	*bytes = STR_INIT(0);
	l->documents[l->n] = (struct signed_document){
		.bytes = str_text(&l->bytes[l->n]), .size = l->bytes[l->n].len, .digest = digest
	};
	l->n++;
}

/* What is judged later is what is read now. */
static int open_manifest(void *ctx, const char *hex, struct err *e)
{
	struct local *l = ctx;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	if (l->n == DOCUMENTS_MAX)
		return ERR_BAD(e, "indexes are nested deeper than %d", DOCUMENTS_MAX);
	_clean_(fd) int from = open_blob(l, hex, e);
	int r = from < 0 ? from : io_read_fd(from, hex, &bytes, e);
	_clean_(fd) int fd = r < 0 ? -1 : memory_file("document", e);
	if (fd < 0)
		return r < 0 ? r : -e->errnum;
	r = io_write_all(fd, str_text(&bytes), bytes.len, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	if (r < 0)
		return r;
	add_document(l, &bytes, arena_printf(l->a, "sha256:%s", hex));
	return take_fd(&fd);
}

static int read_blob(void *ctx, const char *hex, struct str *ret, struct err *e)
{
	_clean_(fd) int fd = open_blob(ctx, hex, e);
	return fd < 0 ? fd : io_read_fd(fd, hex, ret, e);
}

/* The signatures that the layout has itself: what `cosign save` writes, and referrers. */
static int collect_own(
	void *ctx, const struct signed_document *d, struct evidence *v, struct err *e)
{
	struct local *l = ctx;
	const struct lead_reader reader = { read_blob, read_blob, l };
	(void)d;
	return leads_follow(&l->bytes[0], &reader, v, e);
}

static int chosen(
	void *ctx, const struct oci_answer *manifest, const struct oci_named *named, struct err *e)
{
	struct local *l = ctx;
	_clean_(mem) char *path = realpath(l->ref->path, NULL);
	const char *prefix = prefixes[l->ref->transport];
	const struct layered_subject subject = { .name = named->name,
		.tag = named->tag,
		.repository = named->repository,
		.transport = arena_strndup(l->a, prefix, strlen(prefix) - strlen(":")),
		.path = arena_strdup(l->a, path ? path : ""),
		.documents = l->documents,
		.n = l->n };
	const struct signature_source own = { .what = "the layout itself",
		.pem = true,
		.once = true,
		.collect = collect_own,
		.ctx = l };
	(void)manifest;
	return l->gate ? l->gate->accept(l->gate->ctx, &subject, l->n ? &own : NULL, e) : 0;
}

static int import_layout(struct store *s, struct local *l, const struct oci_wish *wish,
	const struct import_options *o, struct arena *a, const char **ret_id, struct err *e)
{
	const struct oci_source src = {
		.open_blob = open_blob,
		.open_manifest = l->gate ? open_manifest : NULL,
		.chosen = chosen,
		.ctx = l,
	};
	const struct oci_query q = { .magic = OCI_MAGIC, .document = OCI_ANY };
	_clean_(mem) struct oci_answer *answer = xcalloc(1, sizeof *answer);
	_clean_(str) struct str index = STR_INIT(STR_MAX_MANIFEST);
	_clean_(str) struct str kept = STR_INIT(STR_MAX_MANIFEST);
	char hex[OCI_HEX_SIZE + 1];
	int r = read_file(l->dir, "index.json", &index, e);
	if (r >= 0 && l->gate) {
		r = store_read_document(&q, str_text(&index), index.len, answer, NULL, e);
		oci_digest_hex(answer->sha256, hex);
		str_addn(&kept, str_text(&index), index.len);
		add_document(l, &kept, arena_printf(a, "sha256:%s", hex));
	}
	return r < 0 ? r : oci_import_index(s, &src, wish, OCI_INDEX, &index, o, a, ret_id, e);
}

static int open_saved_layer(void *ctx, size_t i, struct err *e)
{
	const struct local *l = ctx;
	return open_file(l->dir, l->saved->paths[i], e);
}

static int import_saved(struct store *s, struct local *l, const struct oci_wish *wish,
	const struct import_options *o, struct arena *a, const char **ret_id, struct err *e)
{
	_clean_(mem) struct oci_answer *answer = xcalloc(1, sizeof *answer);
	_clean_(str) struct str list = STR_INIT(STR_MAX_MANIFEST);
	_clean_(str) struct str config = STR_INIT(STR_MAX_MANIFEST);
	struct oci_query q = { .magic = OCI_MAGIC, .document = OCI_DOCKER_ARCHIVE };
	if (strlen(wish->ref) >= sizeof q.ref)
		return ERR_BAD(e, "the reference is too long");
	memcpy(q.ref, wish->ref, strlen(wish->ref));
	int r = read_file(l->dir, "manifest.json", &list, e);
	if (r >= 0)
		r = store_read_document(&q, str_text(&list), list.len, answer, NULL, e);
	if (r < 0)
		return err_wrap(e, r, "manifest.json");
	l->saved = answer;
	struct oci_named named;
	r = oci_trust_name(wish, answer->ref_name, a, &named, e);
	if (r >= 0)
		r = chosen(l, answer, &named, e);
	if (r >= 0)
		r = read_file(l->dir, answer->paths[answer->n_layers], &config, e);
	if (r < 0)
		return r;
	const struct oci_parts parts = { .config = &config,
		.n_layers = answer->n_layers,
		.open_layer = open_saved_layer,
		.ctx = l };
	return oci_import_parts(s, &parts, wish, answer->ref_name, o, a, ret_id, e);
}

static int import_from(struct store *s, int dir, const struct oci_ref *ref,
	const struct oci_wish *wish, const struct oci_gate *gate, const struct import_options *o,
	struct arena *a, const char **ret_id, struct err *e)
{
	struct local l = { .s = s, .dir = dir, .ref = ref, .gate = gate, .a = a };
	int r = ref->transport == OCI_SAVED ? import_saved(s, &l, wish, o, a, ret_id, e)
					    : import_layout(s, &l, wish, o, a, ret_id, e);
	while (l.n)
		str_release(&l.bytes[--l.n]);
	return r;
}

/* The file's or directory's own name, without what says of which kind it is. */
static const char *name_of(struct arena *a, const char *path)
{
	_clean_(mem) char *absolute = realpath(path, NULL);
	char *name = arena_strdup(a, path_base(absolute ? absolute : path));
	static const char *const ends[] = { ".tar", ".oci", ".docker" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (str_ends(name, ends[i]) && strlen(name) > strlen(ends[i]))
			name[strlen(name) - strlen(ends[i])] = '\0';
	return *name ? name : "image";
}

int oci_import(struct store *s, const struct oci_ref *ref, const struct oci_gate *gate,
	const struct import_options *o, struct arena *a, const char **ret_id, struct err *e)
{
	const struct oci_wish wish = { .ref = ref->ref,
		.fallback = name_of(a, ref->path),
		.original = arena_printf(
			a, "%s%s%s", path_base(ref->path), *ref->ref ? ":" : "", ref->ref) };
	bool layout = ref->transport == OCI_LAYOUT;
	if (!*ref->path)
		return ERR_BAD(e, "a path is missing");
	_clean_(fd) int fd = open(ref->path,
		O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (layout ? O_DIRECTORY : 0));
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", ref->path);
	if (layout)
		return import_from(s, fd, ref, &wish, gate, o, a, ret_id, e);
	struct stat st;
	struct scratch files;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_BAD(e, "'%s' is not a regular file", ref->path);
	int r = store_scratch(s, fd, &files, e);
	if (r < 0)
		return r;
	r = import_from(s, files.fd, ref, &wish, gate, o, a, ret_id, e);
	store_scratch_remove(&files);
	return r;
}
