/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/render.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/unpack/walk.h"

enum { XATTR_LIST = 64 * 1024 };

/* --- the whitelist ---------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct render_path *x = a, *y = b;
	return strcmp(x->path, y->path);
}

static int read_whitelist(struct render *r, int fd, struct err *e)
{
	r->text = STR_INIT(STR_MAX_MANIFEST);
	int s = io_read_fd(fd, "whitelist", &r->text, e);
	if (s < 0)
		return s;
	const char *end = str_text(&r->text) + r->text.len;
	size_t n = 0;
	for (const char *p = str_text(&r->text); p < end; p += strlen(p) + 1)
		n++;
	r->paths = ARENA_ARRAY(&r->arena, struct render_path, n + 1);
	for (const char *p = str_text(&r->text); p < end; p += strlen(p) + 1)
		r->paths[r->n_paths++].path = p;
	if (r->n_paths)
		qsort(r->paths, r->n_paths, sizeof *r->paths, by_path);
	r->filtered = true;
	return 0;
}

static struct render_path *listed(struct render *r, const char *path)
{
	const struct render_path key = { .path = path };
	return r->n_paths ? bsearch(&key, r->paths, r->n_paths, sizeof key, by_path) : NULL;
}

/* Is something taken that lies below it? After the scan. */
static bool leads(const struct render *r, const char *path)
{
	char below[ENTRY_PATH_MAX + 1];
	int len = snprintf(below, sizeof below, "%s/", path);
	size_t low = 0, high = r->n_paths;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(r->paths[mid].path, below) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n_paths && strncmp(r->paths[low].path, below, (size_t)len) == 0;
}

/* "rootfs/etc/file" → "etc/file"; "rootfs" → ""; NULL: not of the root filesystem. */
static const char *in_rootfs(const char *path)
{
	const char *below = str_after(path, "rootfs");
	return !below ? NULL : *below == '/' ? below + 1 : *below ? NULL : below;
}

/* --- the first reading ------------------------------------------------------------------------ */

static int note_link(struct render *r, const char *path, const char *target, struct err *e)
{
	r->links_text += strlen(path) + strlen(target) + 2;
	if (r->links_text > RENDER_LINKS_TEXT_MAX)
		return err_set(e, ERR_INPUT, EFBIG, "the archive has too many hard links");
	if (r->n_links == r->cap_links) {
		r->cap_links = r->cap_links ? 2 * r->cap_links : 64;
		r->links = xrealloc(r->links, r->cap_links, sizeof *r->links);
	}
	r->links[r->n_links++] = (struct render_link){
		.path = arena_strdup(&r->arena, path),
		.target = arena_strdup(&r->arena, target),
	};
	return 0;
}

static int scan_begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct render *r = ctx;
	const char *path = in_rootfs(entry->path);
	if (str_empty(path))
		return 0;
	struct render_path *p = listed(r, path);
	if (p)
		p->found = true;
	return entry->type == ENTRY_HARDLINK ? note_link(r, path, in_rootfs(entry->target), e) : 0;
}

static int scan_data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	(void)ctx;
	(void)offset;
	(void)bytes;
	(void)n;
	(void)e;
	return 0;
}

static int scan_end(void *ctx, const struct entry *entry, struct err *e)
{
	(void)ctx;
	(void)entry;
	(void)e;
	return 0;
}

struct sink render_scan(struct render *r)
{
	return (struct sink){ r, scan_begin, scan_data, scan_end, NULL };
}

static int by_link(const void *a, const void *b)
{
	const struct render_link *x = *(struct render_link *const *)a,
				 *y = *(struct render_link *const *)b;
	return strcmp(x->path, y->path);
}

static struct render_link *find_link(struct render_link *const *sorted, size_t n, const char *path)
{
	const struct render_link key = { .path = path }, *at = &key;
	struct render_link *const *found =
		n ? bsearch(&at, sorted, n, sizeof *sorted, by_link) : NULL;
	return found ? *found : NULL;
}

static int by_alias(const void *a, const void *b)
{
	const struct render_alias *x = a, *y = b;
	int order = strcmp(x->origin, y->origin);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static const char *alias_of(const struct render *r, const char *origin)
{
	size_t low = 0, high = r->n_aliases;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(r->aliases[mid].origin, origin) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n_aliases && strcmp(r->aliases[low].origin, origin) == 0
		       ? r->aliases[low].path
		       : NULL;
}

/* What a link leads to in the end: targets come before their links. */
static void find_origins(struct render *r, struct render_link **sorted)
{
	for (size_t i = 0; i < r->n_links; i++)
		sorted[i] = &r->links[i];
	if (r->n_links)
		qsort(sorted, r->n_links, sizeof *sorted, by_link);
	for (size_t i = 0; i < r->n_links; i++) {
		struct render_link *l = &r->links[i], *t = find_link(sorted, r->n_links, l->target);
		l->origin = t && t->origin ? t->origin : l->target;
	}
}

void render_scanned(struct render *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_paths; i++)
		if (r->paths[i].found)
			r->paths[n++] = r->paths[i];
	r->n_paths = n;
	if (!r->n_links)
		return;
	struct render_link **sorted = xcalloc(r->n_links, sizeof *sorted);
	find_origins(r, sorted);
	r->aliases = ARENA_ARRAY(&r->arena, struct render_alias, r->n_links);
	for (size_t i = 0; i < r->n_links; i++) {
		const struct render_link *l = &r->links[i];
		if (listed(r, l->path) && !listed(r, l->origin)) {
			r->aliases[r->n_aliases] =
				(struct render_alias){ l->origin, l->path, r->n_aliases };
			r->n_aliases++;
		}
	}
	if (r->n_aliases)
		qsort(r->aliases, r->n_aliases, sizeof *r->aliases, by_alias);
	/* From now on they are looked up by their names. */
	struct render_link *links = xcalloc(r->n_links, sizeof *links);
	for (size_t i = 0; i < r->n_links; i++)
		links[i] = *sorted[i];
	free(sorted);
	free(r->links);
	r->links = links;
}

/* --- making room ------------------------------------------------------------------------------ */

static int remove_dir(int parent, const char *name, unsigned depth, struct err *e)
{
	_clean_(fd) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return ERR_SYS(e, "open directory '%s'", name);
	take_fd(&fd);
	if (depth > ENTRY_DEPTH_MAX)
		return ERR_BAD(e, "'%s' is too deep", name);
	errno = 0;
	for (const struct dirent *ent; (ent = readdir(d)); errno = 0) {
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0 ||
			unlinkat(dirfd(d), ent->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return ERR_SYS(e, "remove '%s'", ent->d_name);
		int s = remove_dir(dirfd(d), ent->d_name, depth + 1, e);
		if (s < 0)
			return s;
	}
	if (errno)
		return ERR_SYS(e, "read directory '%s'", name);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? ERR_SYS(e, "remove '%s'", name) : 0;
}

/* The later directory has its own attributes, and none of the earlier one's. */
static int clear_xattrs(int parent, const char *name, struct err *e)
{
	_clean_(fd) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open directory '%s'", name);
	ssize_t n = flistxattr(fd, NULL, 0);
	if (n <= 0)
		return 0;
	_clean_(mem) char *names = xmalloc(XATTR_LIST);
	n = flistxattr(fd, names, XATTR_LIST);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		if (entry_xattr_kept(names + at) && fremovexattr(fd, names + at) < 0)
			return ERR_SYS(e, "remove attribute '%s' of '%s'", names + at, name);
	return 0;
}

static int make_room(struct render *r, const struct entry *entry, struct err *e)
{
	struct stat st;
	const char *name;
	int parent = dirs_parent(&r->tree.dirs, entry->path, &name, e);
	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "stat '%s'", entry->path);
	if (S_ISDIR(st.st_mode) && entry->type == ENTRY_DIR)
		return clear_xattrs(parent, name, e);
	int s = 0;
	if (S_ISDIR(st.st_mode))
		s = remove_dir(parent, name, 0, e);
	else if (unlinkat(parent, name, 0) < 0)
		s = ERR_SYS(e, "remove '%s'", entry->path);
	dirs_forget(&r->tree.dirs, entry->path);
	return s;
}

/* --- the sink --------------------------------------------------------------------------------- */

/* Another name for what stands first under one that does not count; 0: it is not taken. */
static bool choose_link(struct render *r, struct entry *entry)
{
	struct render_link *l = NULL;
	if (!listed(r, entry->path))
		return false;
	for (size_t low = 0, high = r->n_links; low < high && !l;) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(r->links[mid].path, entry->path);
		if (order == 0)
			l = &r->links[mid];
		else if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (!l)
		return false;
	entry->target = listed(r, l->origin) ? l->origin : alias_of(r, l->origin);
	/* It was extracted under this very name. */
	return entry->target && strcmp(entry->target, entry->path) != 0;
}

static bool choose(struct render *r, struct entry *entry)
{
	if (entry->type == ENTRY_HARDLINK)
		return choose_link(r, entry);
	if (listed(r, entry->path) || (entry->type == ENTRY_DIR && leads(r, entry->path)))
		return true;
	entry->path = entry->type == ENTRY_DIR ? NULL : alias_of(r, entry->path);
	return entry->path != NULL;
}

static int begin(void *ctx, const struct entry *entry, struct err *e)
{
	struct render *r = ctx;
	const char *path = in_rootfs(entry->path);
	r->skip = !path || !*path;
	if (path && !*path) {
		int s = clear_xattrs(r->tree.dirs.root, ".", e);
		return s < 0 ? s : tree_top(&r->tree, entry, e);
	}
	if (!path)
		return 0;
	r->entry = *entry;
	r->entry.path = path;
	if (entry->type == ENTRY_HARDLINK)
		r->entry.target = in_rootfs(entry->target);
	r->skip = r->filtered && !choose(r, &r->entry);
	if (r->skip)
		return 0;
	int s = make_room(r, &r->entry, e);
	return s < 0 ? s : r->inner.begin(r->inner.ctx, &r->entry, e);
}

static int data(void *ctx, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	struct render *r = ctx;
	return r->skip ? 0 : r->inner.data(r->inner.ctx, offset, bytes, n, e);
}

static int end(void *ctx, const struct entry *entry, struct err *e)
{
	struct render *r = ctx;
	(void)entry;
	return r->skip ? 0 : r->inner.end(r->inner.ctx, &r->entry, e);
}

struct sink render_sink(struct render *r)
{
	return (struct sink){ r, begin, data, end, NULL };
}

int render_init(struct render *r, int root, int whitelist, struct err *e)
{
	struct stat st;
	*r = (struct render){ 0 };
	int s = tree_init(&r->tree, root, e);
	if (s >= 0 && fstat(root, &st) < 0)
		s = ERR_SYS(e, "stat the root directory");
	if (s >= 0) { /* unless the archive has one */
		r->tree.has_top = true;
		r->tree.top_mtime = st.st_mtim;
	}
	r->tree.again = true;
	r->tree.dirs.over = true;
	r->inner = tree_sink(&r->tree);
	return s >= 0 && whitelist >= 0 ? read_whitelist(r, whitelist, e) : s;
}

void render_release(struct render *r)
{
	tree_release(&r->tree);
	str_release(&r->text);
	arena_release(&r->arena);
	free(r->links);
	r->links = NULL;
}

int render_finish(struct render *r, struct err *e)
{
	return tree_finish(&r->tree, e);
}

static int measure(void *ctx, const struct walk_entry *entry, struct err *e)
{
	uint64_t *sum = ctx;
	(void)e;
	if (S_ISREG(entry->st->st_mode))
		*sum += (uint64_t)entry->st->st_size / (uint64_t)entry->st->st_nlink;
	return 0;
}

int render_measure(int root, uint64_t *ret, struct err *e)
{
	*ret = 0;
	return walk_tree(root, measure, ret, e);
}
