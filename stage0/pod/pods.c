/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of all pods. Every transition leads to a phase that stands later in POD_PHASES, so
 * one look through the phases in that order finds any pod that exists, however it moves meanwhile.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/lockfd.h"
#include "lib/fs/path.h"
#include "lib/sys/compat.h"
#include "lib/sys/flocks.h"
#include "stage0/pod/internal.h"

enum { MAX_PODS = 1 << 20, MAX_CANDIDATES = 8 };

void pod_path(const struct uuid *uuid, enum pod_phase phase, char buf[POD_PATH_MAX])
{
	snprintf(buf, POD_PATH_MAX, "%s/%s", pod_phase_dir(phase), uuid->text);
}

/* Another mode than ours was chosen by somebody and stays. */
static int share_dir(struct pods *ps, const char *dir, gid_t group, mode_t mode, struct err *e)
{
	struct stat st;
	if (fstatat(ps->dirfd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "'%s/%s'", ps->path, dir);
	if ((st.st_mode & 0777) != 0750 || st.st_uid != geteuid() ||
		(st.st_gid == group && (st.st_mode & 07777) == mode))
		return 0;
	if (fchownat(ps->dirfd, dir, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0 ||
		fchmodat(ps->dirfd, dir, mode, 0) < 0)
		return ERR_SYS(e, "access of group 'rkt' to '%s/%s'", ps->path, dir);
	return 0;
}

int pods_share(struct pods *ps, struct err *e)
{
	const struct group *g = ps->dirfd < 0 ? NULL : getgrnam("rkt");
	if (!g)
		return 0;
	int r = share_dir(ps, ".", g->gr_gid, 0750, e);
	for (enum pod_phase i = 0; r >= 0 && i < _POD_PHASE_MAX; i++)
		r = share_dir(ps, pod_phase_dir(i), g->gr_gid, i == POD_EMBRYO ? 02750 : 0750, e);
	return r;
}

int pods_make_phases(struct pods *ps, struct err *e)
{
	mode_t mask = umask(0);
	int r = 0;
	for (enum pod_phase i = 0; r >= 0 && i < _POD_PHASE_MAX; i++)
		if (mkdirat(ps->dirfd, pod_phase_dir(i), 0750) < 0 && errno != EEXIST)
			r = ERR_SYS(e, "create '%s/%s'", ps->path, pod_phase_dir(i));
	umask(mask);
	return r < 0 ? r : pods_share(ps, e);
}

static int make_pods_dir(struct pods *ps, struct err *e)
{
	_clean_(fd) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return ERR_SYS(e, "open '/'");
	mode_t mask = umask(0);
	_clean_(fd) int made = path_mkdir_in(root, ps->path, 0750, e);
	umask(mask);
	if (made < 0)
		return made;
	ps->dirfd = open(ps->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ps->dirfd < 0 ? ERR_SYS(e, "open '%s'", ps->path) : pods_make_phases(ps, e);
}

int pods_open(struct pods *ps, const char *data_dir, bool create, struct err *e)
{
	struct pods p = { .path = xasprintf("%s/pods", data_dir) };
	int r = 0;
	p.dirfd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.dirfd < 0 && errno != ENOENT)
		r = ERR_SYS(e, "open '%s'", p.path);
	else if (p.dirfd < 0 && create)
		r = make_pods_dir(&p, e);
	if (r < 0)
		pods_close(&p);
	else
		*ps = p;
	return r;
}

void pods_close(struct pods *ps)
{
	ps->dirfd = fd_close(ps->dirfd);
	free(ps->path);
	ps->path = NULL;
}

/* --- finding one --------------------------------------------------------------------------- */

/* Whether its lock is held, for who may not open it. That it was held once says it of the moment
 * that the kernel was asked; that it was not says nothing, since it may have been taken since. */
static int ask_kernel(struct pods *ps, int dirfd, struct err *e)
{
	struct stat st;
	if (fstatat(dirfd, POD_LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (ps->locks && flocks_has(ps->locks, st.st_ino))
		return 1;
	_clean_(flocks) struct flocks mine = FLOCKS_INIT;
	struct flocks *locks = ps->locks ? ps->locks : &mine;
	int r = flocks_load(locks, ps->dirfd, e);
	return r < 0 ? err_wrap(e, r, "which pods run") : flocks_has(locks, st.st_ino);
}

/* Is its lock held? Looked at with a shared lock for an instant. */
static int is_locked(struct pods *ps, int dirfd, struct err *e)
{
	struct err ignored = ERR_INIT;
	int r = lockfd_held(dirfd, POD_LOCK_FILE, &ignored);
	return r == -EACCES ? ask_kernel(ps, dirfd, e) : r == 1;
}

bool pod_is_at(struct pods *ps, const struct uuid *uuid, enum pod_phase phase)
{
	char path[POD_PATH_MAX];
	pod_path(uuid, phase, path);
	return sys_exists(ps->dirfd, path) == 0;
}

int pod_find(struct pods *ps, const struct uuid *uuid, enum pod_phase from, struct pod *ret,
	struct err *e)
{
	for (enum pod_phase i = from; i < _POD_PHASE_MAX; i++) {
		char path[POD_PATH_MAX];
		pod_path(uuid, i, path);
		_clean_(fd) int fd =
			openat(ps->dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return ERR_SYS(e, "open '%s/%s'", ps->path, path);
		int locked = is_locked(ps, fd, e);
		if (locked < 0)
			return err_wrap(e, locked, "pod %s", uuid->text);
		/* Unlocked because it was prepared in the meantime is not an aborted prepare. */
		if (i <= POD_PREPARE && !locked && !pod_is_at(ps, uuid, i))
			continue;
		*ret = (struct pod){ .uuid = *uuid,
			.phase = i,
			.locked = locked,
			.dirfd = take_fd(&fd),
			.lock_fd = -1 };
		return 0;
	}
	return ERR_NOENT(e, "no matches found for \"%s\"", uuid->text);
}

/* --- all of them --------------------------------------------------------------------------- */

struct entry {
	struct uuid uuid;
	enum pod_phase phase;
};
struct entries {
	struct entry *v;
	size_t n, cap;
};

static void entries_cleanup(struct entries *l)
{
	free(l->v);
}

static int read_phase(struct pods *ps, enum pod_phase phase, struct entries *l, struct err *e)
{
	int fd = openat(ps->dirfd, pod_phase_dir(phase), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = ERR_SYS(e, "open '%s/%s'", ps->path, pod_phase_dir(phase));
		fd_close(fd);
		return r;
	}
	errno = 0;
	for (struct dirent *ent; (ent = readdir(d)); errno = 0) {
		if (!uuid_valid(ent->d_name) || l->n >= MAX_PODS)
			continue;
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xrealloc(l->v, l->cap, sizeof *l->v);
		}
		struct entry *x = &l->v[l->n++];
		memcpy(x->uuid.text, ent->d_name, sizeof x->uuid.text);
		x->phase = phase;
	}
	return errno ? ERR_SYS(e, "read '%s/%s'", ps->path, pod_phase_dir(phase)) : 0;
}

/* By UUID; of one that was seen twice the later phase first. */
static int compare_entries(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = strcmp(a->uuid.text, b->uuid.text);
	return c ? c : (int)b->phase - (int)a->phase;
}

static int read_all(struct pods *ps, struct entries *l, struct err *e)
{
	if (ps->dirfd < 0)
		return 0;
	for (enum pod_phase i = 0; i < _POD_PHASE_MAX; i++) {
		int r = read_phase(ps, i, l, e);
		if (r < 0)
			return r;
	}
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, compare_entries);
	size_t kept = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!kept || strcmp(l->v[kept - 1].uuid.text, l->v[i].uuid.text) != 0)
			l->v[kept++] = l->v[i];
	l->n = kept;
	return 0;
}

static int each_entry(struct pods *ps, const struct entries *all,
	int (*fn)(void *ctx, struct pod *p), void *ctx, struct err *e)
{
	int result = 0;
	for (size_t i = 0; i < all->n; i++) {
		_clean_(pod) struct pod p = POD_INIT;
		struct err mine;
		int r = pod_find(ps, &all->v[i].uuid, all->v[i].phase, &p, &mine);
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP ||
			(r == -EACCES && geteuid() != 0)) {
			dbg("pod %s: %s", all->v[i].uuid.text, mine.msg);
			continue; /* gone, or never one, or closed to members of the group */
		}
		if (r < 0) {
			if (result == 0) {
				*e = mine;
				result = r;
			}
			continue;
		}
		r = fn(ctx, &p);
		if (r < 0)
			return r;
	}
	return result;
}

int pods_each(struct pods *ps, int (*fn)(void *ctx, struct pod *p), void *ctx, struct err *e)
{
	_clean_(entries) struct entries all = { 0 };
	int r = read_all(ps, &all, e);
	if (r < 0)
		return r;
	_clean_(flocks) struct flocks locks = FLOCKS_INIT;
	struct flocks *outer = ps->locks;
	ps->locks = &locks;
	r = each_entry(ps, &all, fn, ctx, e);
	ps->locks = outer;
	return r;
}

static int ambiguous(const struct entries *all, const char *prefix, size_t n, struct err *e)
{
	_clean_(str) struct str names = STR_INIT(STR_MAX_PATH);
	size_t said = 0;
	for (size_t i = 0; i < all->n && said < MAX_CANDIDATES; i++)
		if (str_after(all->v[i].uuid.text, prefix))
			str_addf(&names, "%s%s", said++ ? ", " : "", all->v[i].uuid.text);
	return ERR_BAD(
		e, "ambiguous uuid, %zu matches: %s%s", n, str_text(&names), n > said ? ", …" : "");
}

int pod_get(struct pods *ps, const char *prefix, struct pod *ret, struct err *e)
{
	struct uuid want = { "" };
	if (str_empty(prefix))
		return ERR_BAD(e, "UUID cannot be empty");
	for (size_t i = 0; prefix[i] && i < sizeof want.text - 1; i++)
		want.text[i] =
			prefix[i] >= 'A' && prefix[i] <= 'F' ? (char)(prefix[i] | 0x20) : prefix[i];
	if (strlen(prefix) >= sizeof want.text || !uuid_prefix_valid(want.text) || ps->dirfd < 0)
		return ERR_NOENT(e, "no matches found for \"%s\"", prefix);
	if (uuid_valid(want.text))
		return pod_find(ps, &want, 0, ret, e);
	_clean_(entries) struct entries all = { 0 };
	int r = read_all(ps, &all, e);
	if (r < 0)
		return r;
	const struct entry *found = NULL;
	size_t n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (str_after(all.v[i].uuid.text, want.text)) {
			found = &all.v[i];
			n++;
		}
	if (n == 0)
		return ERR_NOENT(e, "no matches found for \"%s\"", prefix);
	if (n > 1)
		return ambiguous(&all, want.text, n, e);
	return pod_find(ps, &found->uuid, found->phase, ret, e);
}

/* --- which trees are in use ---------------------------------------------------------------- */

struct tree_question {
	const char *id;
	bool yes;
};

/* What is there and cannot be read may be it. */
static bool names_tree(int dirfd, const char *path, const char *id)
{
	char line[256];
	_clean_(fd) int fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
	ssize_t n = read(fd, line, sizeof line - 1);
	if (n < 0)
		return errno != EISDIR;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return strcmp(line, id) == 0;
}

/* 1: an app of the pod uses it; or an error. */
static int ask_apps(const struct tree_question *q, int appsinfo)
{
	_clean_(dir) DIR *d = fdopendir(appsinfo);
	if (!d) {
		int r = -errno;
		close(appsinfo);
		return r;
	}
	errno = 0;
	for (struct dirent *ent; (ent = readdir(d)); errno = 0) {
		char path[NAME_MAX + 32];
		if (ent->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/" POD_TREE_ID_FILE, ent->d_name);
		if (names_tree(dirfd(d), path, q->id))
			return 1;
	}
	return -errno;
}

/* What has a treeStoreID in a directory of its own below these uses an image. */
static const char *const users_of_trees[] = { POD_APPSINFO_DIR, POD_IMAGE_VOLUMES_DIR };

static int ask_pod(void *ctx, struct pod *p)
{
	struct tree_question *q = ctx;
	int r = names_tree(p->dirfd, POD_STAGE1_TREE_ID, q->id);
	for (size_t i = 0; !r && i < sizeof users_of_trees / sizeof *users_of_trees; i++) {
		int fd = openat(p->dirfd, users_of_trees[i],
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			r = ask_apps(q, fd);
		else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			r = -errno;
	}
	q->yes |= r != 0;
	return r ? -ECANCELED : 0;
}

bool pods_use_tree(void *pods, const char *image_id)
{
	struct tree_question q = { .id = image_id };
	struct err e = ERR_INIT;
	int r = pods_each(pods, ask_pod, &q, &e);
	/* Where we cannot look, the tree stays. */
	return q.yes || r < 0;
}
