/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/keystore.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/atomic.h"
#include "lib/spec/docker_ref.h"
#include "stage0/fetcher.h"

#define STORE_DIR "trustedkeys"
#define UNSIGNED_FILE "allow-unsigned"
enum { PREFIX_MAX = 1024, MAX_DEPTH = 32 };

/* The trees of a directory, and what the files in them mean. */
static const struct tree {
	const char *name;
	enum trust_kind kind;
	bool root, prefixes; /* files at its top; directories below it */
} trees[] = {
	{ "root.d", TRUST_KEY, true, false },
	{ "prefix.d", TRUST_KEY, false, true },
	{ "unsigned.d", TRUST_UNSIGNED, false, true },
	{ "exact.d", TRUST_EXACT, true, true },
};
enum { TREE_ROOT, TREE_PREFIX, TREE_UNSIGNED, TREE_EXACT, _TREE_MAX };

bool prefix_covers(const char *prefix, const char *name)
{
	const char *rest = str_after(name, prefix);
	return *prefix && rest && (*rest == '\0' || *rest == '/');
}

bool prefix_valid(const char *prefix)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~:";
	if (strlen(prefix) > PREFIX_MAX)
		return false;
	for (const char *p = prefix;; p++) {
		size_t n = strspn(p, letters);
		bool dots = (n == 1 || n == 2) && !strncmp(p, "..", n);
		if (!n || dots)
			return false;
		p += n;
		if (!*p)
			return true;
		if (*p != '/')
			return false;
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

struct walk {
	struct arena *a;
	const struct tree *tree;
	enum keystore_level level;
	struct trust_entries *all;
	size_t cap;
};

static void add_entry(struct walk *w, const struct trust_entry *entry)
{
	struct trust_entries *l = w->all;
	if (l->n == w->cap) {
		struct trust_entry *old = l->v;
		w->cap = w->cap ? 2 * w->cap : 16;
		l->v = ARENA_ARRAY(w->a, struct trust_entry, w->cap);
		if (old)
			memcpy(l->v, old, l->n * sizeof *old);
	}
	l->v[l->n++] = *entry;
}

static int walk_dir(
	struct walk *w, int dirfd, const char *path, const char *prefix, int depth, struct err *e);

static int walk_name(struct walk *w, int dirfd, const char *dir, const char *name,
	const char *prefix, int depth, struct err *e)
{
	struct stat st;
	const char *path = arena_printf(w->a, "%s/%s", dir, name);
	if (fstatat(dirfd, name, &st, 0) < 0)
		return ERR_SYS(e, "stat '%s'", path);
	if (S_ISDIR(st.st_mode) && w->tree->prefixes) {
		const char *below = prefix ? arena_printf(w->a, "%s/%s", prefix, name)
					   : arena_strdup(w->a, name);
		if (!prefix_valid(below) || depth == MAX_DEPTH)
			return ERR_BAD(e, "'%s' is not the prefix of a name", path);
		int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? ERR_SYS(e, "open '%s'", path)
			      : walk_dir(w, fd, path, below, depth + 1, e);
	}
	bool named = w->tree->kind == TRUST_UNSIGNED ? !strcmp(name, UNSIGNED_FILE)
						     : fingerprint_valid(name);
	const struct trust_entry entry = {
		.kind = w->tree->kind,
		.level = w->level,
		.fingerprint = path_base(path),
		.prefix = prefix,
		.scope = prefix ? docker_ref_canonical(prefix, w->a) : NULL,
		.path = path,
		.misplaced = !S_ISREG(st.st_mode) || !named || (!prefix && !w->tree->root),
		.mask = st.st_size == 0,
	};
	add_entry(w, &entry);
	return 0;
}

/* Takes dirfd. */
static int walk_dir(
	struct walk *w, int dirfd, const char *path, const char *prefix, int depth, struct err *e)
{
	_clean_(dir) DIR *d = fdopendir(dirfd);
	if (!d) {
		int r = ERR_SYS(e, "open '%s'", path);
		fd_close(dirfd);
		return r;
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0) {
		if (entry->d_name[0] == '.') /* atomic_write's, too */
			continue;
		int r = walk_name(w, dirfd, path, entry->d_name, prefix, depth, e);
		if (r < 0)
			return r;
	}
	return errno ? ERR_SYS(e, "read '%s'", path) : 0;
}

/* Does `mask` lie in a later directory, and cover all that `entry` covers? */
static bool masks(const struct trust_entry *mask, const struct trust_entry *entry)
{
	if (!mask->mask || mask->level <= entry->level || mask->kind != entry->kind ||
		strcmp(mask->fingerprint, entry->fingerprint) != 0)
		return false;
	return !mask->prefix || (entry->prefix && prefix_covers(mask->scope, entry->scope));
}

static int by_place(const void *a, const void *b)
{
	const struct trust_entry *x = a, *y = b;
	return x->level != y->level ? (int)x->level - (int)y->level : strcmp(x->path, y->path);
}

int keystore_list(
	const struct keystore *ks, struct arena *a, struct trust_entries *ret, struct err *e)
{
	struct trust_entries all = { 0 };
	struct walk w = { .a = a, .all = &all };
	for (unsigned level = 0; level < _KEYSTORE_LEVEL_MAX; level++) {
		for (size_t t = 0; t < _TREE_MAX && !str_empty(ks->dirs[level]); t++) {
			const char *path = arena_printf(
				a, "%s/" STORE_DIR "/%s", ks->dirs[level], trees[t].name);
			w.tree = &trees[t];
			w.level = (enum keystore_level)level;
			int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0 && errno == ENOENT)
				continue;
			int r = fd < 0 ? ERR_SYS(e, "open '%s'", path)
				       : walk_dir(&w, fd, path, NULL, 0, e);
			if (r < 0)
				return err_wrap(e, r, "trusted keys");
		}
	}
	if (all.n)
		qsort(all.v, all.n, sizeof *all.v, by_place);
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < all.n; k++)
			all.v[i].masked |= masks(&all.v[k], &all.v[i]);
	*ret = all;
	return 0;
}

static bool covers(const struct trust_entry *entry, const char *name)
{
	return !entry->prefix || prefix_covers(entry->scope, name);
}

/* A mask deeper than the entry takes it away from the names below itself. */
static bool masked_for(
	const struct trust_entries *all, const struct trust_entry *entry, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct trust_entry *m = &all->v[i];
		if (m->mask && m->level > entry->level && m->kind == entry->kind &&
			!strcmp(m->fingerprint, entry->fingerprint) && covers(m, name))
			return true;
	}
	return false;
}

void keystore_for(const struct trust_entries *all, const char *name, struct arena *a,
	struct trust_entries *ret)
{
	struct trust_entries in_force = { .v = ARENA_ARRAY(a, struct trust_entry, all->n) };
	name = docker_ref_canonical(name, a);
	for (size_t i = 0; i < all->n; i++) {
		const struct trust_entry *entry = &all->v[i];
		if (!entry->mask && covers(entry, name) && !masked_for(all, entry, name))
			in_force.v[in_force.n++] = *entry;
	}
	*ret = in_force;
}

const struct trust_entry *trust_entries_find(
	const struct trust_entries *l, enum trust_kind kind, const char *fingerprint)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == kind && !strcmp(l->v[i].fingerprint, fingerprint))
			return &l->v[i];
	return NULL;
}

bool trust_entries_have(
	const struct trust_entries *l, enum trust_kind kind, const char *fingerprint)
{
	return trust_entries_find(l, kind, fingerprint) != NULL;
}

bool trust_entries_unsigned(const struct trust_entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == TRUST_UNSIGNED && !l->v[i].mask && !l->v[i].masked)
			return true;
	return false;
}

/* --- changing --------------------------------------------------------------------------------- */

/* mkdir -p of base/relative; returns a descriptor. */
static int make_dirs(const char *base, const char *relative, struct err *e)
{
	_clean_(strv) struct strv parts = STRV_INIT;
	if (mkdir(base, 0755) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create '%s'", base);
	_clean_(fd) int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", base);
	strv_split(&parts, relative, '/');
	for (size_t i = 0; i < parts.n; i++) {
		if (mkdirat(fd, parts.v[i], 0755) < 0 && errno != EEXIST)
			return ERR_SYS(e, "create '%s' of '%s/%s'", parts.v[i], base, relative);
		int next = openat(fd, parts.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return ERR_SYS(e, "open '%s' of '%s/%s'", parts.v[i], base, relative);
		fd_close(fd);
		fd = next;
	}
	return take_fd(&fd);
}

static int put_file(const struct keystore *ks, size_t tree, const char *prefix, const char *name,
	const void *bytes, size_t n, struct arena *a, const char **ret_path, struct err *e)
{
	const char *base = ks->dirs[KEYSTORE_LOCAL];
	if (str_empty(base))
		return ERR_BAD(e, "there is no local configuration directory to keep keys in");
	if (prefix && !prefix_valid(prefix))
		return ERR_BAD(e, "'%s' is not the prefix of a name", prefix);
	const char *relative = arena_printf(
		a, STORE_DIR "/%s%s%s", trees[tree].name, prefix ? "/" : "", prefix ? prefix : "");
	_clean_(fd) int dir = make_dirs(base, relative, e);
	if (dir < 0)
		return dir;
	const char *path = arena_printf(a, "%s/%s/%s", base, relative, name);
	int r = atomic_write(dir, name, bytes, n, 0644, ATOMIC_DURABLE, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	*ret_path = path;
	return 0;
}

int keystore_add(const struct keystore *ks, const char *prefix, const char *fingerprint,
	const void *bytes, size_t n, struct arena *a, const char **ret_path, struct err *e)
{
	if (!fingerprint_valid(fingerprint))
		return ERR_BAD(e, "'%s' is not a fingerprint", fingerprint);
	size_t tree = prefix ? TREE_PREFIX : TREE_ROOT;
	return put_file(ks, tree, prefix, fingerprint, bytes, n, a, ret_path, e);
}

int keystore_mask(const struct keystore *ks, const char *prefix, const char *fingerprint,
	struct arena *a, const char **ret_path, struct err *e)
{
	return keystore_add(ks, prefix, fingerprint, "", 0, a, ret_path, e);
}

int keystore_allow_unsigned(const struct keystore *ks, const char *prefix, struct arena *a,
	const char **ret_path, struct err *e)
{
	static const char text[] = "images below this prefix need no signature\n";
	return put_file(
		ks, TREE_UNSIGNED, prefix, UNSIGNED_FILE, text, sizeof text - 1, a, ret_path, e);
}

/* Up to the tree itself, which stays. */
static void remove_empty_dirs(const char *path, const char *prefix)
{
	size_t levels = 0;
	for (const char *p = prefix; p && *p; p++)
		levels += *p == '/' || p == prefix;
	_clean_(mem) char *dir = xstrdup(path);
	for (; levels; levels--) {
		*strrchr(dir, '/') = '\0';
		if (rmdir(dir) < 0)
			break;
	}
}

int keystore_set_exact(const struct keystore *ks, const char *prefix, const char *fingerprint,
	bool exact, struct arena *a, const char **ret_path, struct err *e)
{
	static const char text[] = "signatures by this key must name the tag that is asked for\n";
	if (exact)
		return put_file(
			ks, TREE_EXACT, prefix, fingerprint, text, sizeof text - 1, a, ret_path, e);
	if (str_empty(ks->dirs[KEYSTORE_LOCAL]))
		return 0;
	const char *path = arena_printf(a, "%s/" STORE_DIR "/%s%s%s/%s", ks->dirs[KEYSTORE_LOCAL],
		trees[TREE_EXACT].name, prefix ? "/" : "", prefix ? prefix : "", fingerprint);
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : ERR_SYS(e, "remove '%s'", path);
	remove_empty_dirs(path, prefix);
	*ret_path = path;
	return 1;
}

int keystore_remove(const struct trust_entry *entry, struct err *e)
{
	if (entry->level != KEYSTORE_LOCAL)
		return ERR_DENY(e, "'%s' is not of this machine's configuration: rkt trust mask",
			entry->path);
	if (unlink(entry->path) < 0)
		return ERR_SYS(e, "remove '%s'", entry->path);
	remove_empty_dirs(entry->path, entry->prefix);
	return 0;
}
