/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/dirs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

int dirs_init(struct dirs *d, int root, bool create, struct err *e)
{
	*d = (struct dirs){ .root = root, .create = create, .n_slots = 1024 };
	/* Seeded, so that nobody can prepare paths that all fall into one slot. */
	if (getrandom(&d->seed, sizeof d->seed, 0) != (ssize_t)sizeof d->seed)
		return ERR_SYS(e, "getrandom");
	d->slots = xcalloc(d->n_slots, sizeof *d->slots);
	return 0;
}

static void pop_to(struct dirs *d, size_t depth)
{
	while (d->depth > depth)
		fd_close(d->fds[--d->depth]);
}

void dirs_release(struct dirs *d)
{
	pop_to(d, 0);
	arena_release(&d->arena);
	free(d->slots);
	free(d->v);
	*d = (struct dirs){ .root = -1 };
}

static uint64_t hash(const struct dirs *d, const char *path, size_t n)
{
	uint64_t h = d->seed ^ 0xcbf29ce484222325;
	for (size_t i = 0; i < n; i++) {
		h = (h ^ (uint8_t)path[i]) * 0x100000001b3;
		h ^= h >> 29;
	}
	return h;
}

static uint32_t *slot_of(struct dirs *d, const char *path, size_t n)
{
	size_t i = hash(d, path, n) & (d->n_slots - 1);
	for (;; i = (i + 1) & (d->n_slots - 1)) {
		uint32_t *slot = &d->slots[i];
		if (!*slot)
			return slot;
		const char *have = d->v[*slot - 1].path;
		if (strncmp(have, path, n) == 0 && !have[n])
			return slot;
	}
}

static void grow_slots(struct dirs *d)
{
	free(d->slots);
	d->n_slots *= 2;
	d->slots = xcalloc(d->n_slots, sizeof *d->slots);
	for (size_t i = 0; i < d->n; i++)
		*slot_of(d, d->v[i].path, strlen(d->v[i].path)) = (uint32_t)i + 1;
}

struct dir *dirs_note(struct dirs *d, const char *path, size_t n, struct err *e)
{
	uint32_t *slot = slot_of(d, path, n);
	if (*slot)
		return &d->v[*slot - 1];
	d->text += n + 1;
	if (d->text > DIRS_TEXT_MAX) {
		err_set(e, ERR_INPUT, EFBIG, "the archive has too many directories");
		return NULL;
	}
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 256;
		d->v = xrealloc(d->v, d->cap, sizeof *d->v);
	}
	d->v[d->n++] = (struct dir){ .path = arena_strndup(&d->arena, path, n) };
	*slot = (uint32_t)d->n;
	if (d->n * 2 > d->n_slots)
		grow_slots(d);
	return &d->v[d->n - 1];
}

void dirs_forget(struct dirs *d, const char *path)
{
	uint32_t slot = *slot_of(d, path, strlen(path));
	if (slot)
		d->v[slot - 1].listed = false;
	pop_to(d, 0);
}

/* How many components of the walk's path lead to `path`'s directory as well. */
static size_t common_depth(const struct dirs *d, const char *path, size_t parent_len)
{
	size_t depth = 0;
	while (depth < d->depth) {
		size_t end = d->ends[depth];
		if (end > parent_len || memcmp(d->at, path, end) != 0 ||
			(end < parent_len && path[end] != '/'))
			break;
		depth++;
	}
	return depth;
}

static int keep_time(struct dir *dir, int fd, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "stat directory '%s'", dir->path);
	dir->listed = true;
	dir->mtime = st.st_mtim;
	return 0;
}

/* There is none, or something that a directory may take the place of. */
static bool may_make(const struct dirs *d, int fd)
{
	if (fd >= 0)
		return false;
	return errno == ENOENT ? d->create : d->over && (errno == ENOTDIR || errno == ELOOP);
}

/* Opens the component that ends at `end` of d->at, as the next of the walk. */
static int push(struct dirs *d, const char *name, size_t end, struct err *e)
{
	if (d->depth == ENTRY_DEPTH_MAX)
		return ERR_BAD(e, "'%s' is too deep", d->at);
	int in = d->depth ? d->fds[d->depth - 1] : d->root;
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(in, name, flags);
	bool made = fd < 0;
	if (may_make(d, fd)) {
		/* Umask and the owner of this process must not show in the tree. */
		if ((errno != ENOENT && unlinkat(in, name, 0) < 0) || mkdirat(in, name, 0700) < 0 ||
			fchownat(in, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0 ||
			fchmodat(in, name, 0755, 0) < 0)
			return ERR_SYS(e, "create directory '%.*s'", (int)end, d->at);
		fd = openat(in, name, flags);
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ERR_INPUT, ENOTDIR, "'%.*s' is not a directory", (int)end, d->at);
	if (fd < 0)
		return ERR_SYS(e, "open directory '%.*s'", (int)end, d->at);
	d->fds[d->depth] = fd;
	d->ends[d->depth++] = end;
	size_t known = d->n;
	struct dir *dir = dirs_note(d, d->at, end, e);
	if (!dir)
		return -EFBIG;
	return d->over && !made && d->n > known ? keep_time(dir, fd, e) : 0;
}

int dirs_parent(struct dirs *d, const char *path, const char **ret_name, struct err *e)
{
	const char *name = path_base(path);
	size_t parent_len = name > path ? (size_t)(name - path) - 1 : 0;
	pop_to(d, common_depth(d, path, parent_len));
	memcpy(d->at, path, parent_len);
	d->at[parent_len] = '\0';
	size_t at = d->depth ? d->ends[d->depth - 1] + 1 : 0;
	while (at < parent_len) {
		char component[256];
		size_t n = strcspn(d->at + at, "/");
		memcpy(component, d->at + at, n);
		component[n] = '\0';
		int r = push(d, component, at + n, e);
		if (r < 0)
			return r;
		at += n + 1;
	}
	*ret_name = name;
	return d->depth ? d->fds[d->depth - 1] : d->root;
}
