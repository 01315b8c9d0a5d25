/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fs/path.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/compat.h"

int path_force_walk;

enum { MAX_LINKS = 40, MAX_DEPTH = 256, PROC_MAGIC = 0x9fa0 };

/* The kernel gives EAGAIN for ".." when anything anywhere was renamed or mounted meanwhile: whoever
 * renames without end must not keep others from opening, so that the walk has the last word. */
enum { MAX_TRIES = 16 };

/* The user-space walk: fds[0] is the root, fds[depth] where we are. */
struct walk {
	int fds[MAX_DEPTH];
	int depth, links;
	char rest[PATH_MAX]; /* what is still to be walked */
};

static void walk_release(struct walk *w)
{
	while (w->depth > 0)
		w->fds[w->depth] = fd_close(w->fds[w->depth]), w->depth--;
}

/* Puts the target of the link name in front of what is left to walk. */
static int walk_link(struct walk *w, const char *name, const char *rest)
{
	char target[PATH_MAX], joined[PATH_MAX];
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	struct statfs fs;
	if (fstatfs(w->fds[w->depth], &fs) < 0)
		return -errno;
	if (fs.f_type == PROC_MAGIC)
		return -ELOOP; /* may be a magic link: these are never followed */
	ssize_t n = readlinkat(w->fds[w->depth], name, target, sizeof target - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	size_t m = strlen(rest);
	if ((size_t)n + 1 + m + 1 > sizeof joined)
		return -ENAMETOOLONG;
	memcpy(joined, target, (size_t)n);
	joined[n] = '/';
	memcpy(joined + n + 1, rest, m + 1);
	if (m == 0)
		joined[n] = '\0';
	memcpy(w->rest, joined, strlen(joined) + 1);
	if (target[0] == '/')
		walk_release(w);
	return 0;
}

/* Splits the next component off w->rest; false when there is none. *last: nothing follows. */
static bool next_component(struct walk *w, char *name, bool *last, bool *slash)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");
	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	*slash = p[n] == '/';
	p += n + strspn(p + n, "/");
	*last = *p == '\0';
	memmove(w->rest, p, strlen(p) + 1);
	return true;
}

static int walk_down(struct walk *w, const char *name)
{
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		if (w->depth > 0)
			w->fds[w->depth] = fd_close(w->fds[w->depth]), w->depth--;
		return 0;
	}
	if (w->depth + 1 >= MAX_DEPTH)
		return -ENAMETOOLONG;
	int fd = openat(w->fds[w->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -EIO;
	}
	if (S_ISLNK(st.st_mode)) {
		close(fd);
		char rest[PATH_MAX];
		memcpy(rest, w->rest, sizeof rest);
		return walk_link(w, name, rest);
	}
	if (!S_ISDIR(st.st_mode)) {
		close(fd);
		return -ENOTDIR;
	}
	w->fds[++w->depth] = fd;
	return 0;
}

/* No error number: open(2) itself gives EAGAIN, for a file with a lease. */
enum { WALK_ON = INT_MIN };

/* Opens the last component where the walk stands; WALK_ON: it was a link. */
static int walk_last(struct walk *w, const char *name, bool slash, int flags, mode_t mode)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		int r = walk_down(w, name);
		if (r < 0)
			return r;
		int fd = openat(w->fds[w->depth], ".", flags & ~(O_CREAT | O_EXCL), mode);
		return fd < 0 ? -errno : fd;
	}
	struct stat st;
	bool is_link = fstatat(w->fds[w->depth], name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISLNK(st.st_mode);
	if (is_link && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (is_link && (!(flags & O_NOFOLLOW) || slash)) {
		/* The slash behind the link asks for a directory behind its target. */
		int r = walk_link(w, name, slash ? "." : "");
		return r < 0 ? r : WALK_ON;
	}
	int fd = openat(
		w->fds[w->depth], name, flags | O_NOFOLLOW | (slash ? O_DIRECTORY : 0), mode);
	/* A link that appeared after the look: refuse rather than follow. */
	return fd < 0 ? -errno : fd;
}

static int open_by_walk(int rootfd, const char *path, int flags, mode_t mode)
{
	struct walk w = { .fds = { rootfd } };
	if (strlen(path) >= sizeof w.rest)
		return -ENAMETOOLONG;
	memcpy(w.rest, path, strlen(path) + 1);
	int r = 0;
	for (;;) {
		char name[NAME_MAX + 1];
		bool last, slash;
		if (!next_component(&w, name, &last, &slash)) {
			if (w.rest[strspn(w.rest, "/")]) {
				r = -ENAMETOOLONG;
				break;
			}
			int fd = openat(w.fds[w.depth], ".", flags & ~(O_CREAT | O_EXCL), mode);
			r = fd < 0 ? -errno : fd;
			break;
		}
		if (last) {
			r = walk_last(&w, name, slash, flags, mode);
			if (r != WALK_ON)
				break;
			continue;
		}
		r = walk_down(&w, name);
		if (r < 0)
			break;
	}
	walk_release(&w);
	return r;
}

int path_open_in(int rootfd, const char *path, int flags, mode_t mode, struct err *e)
{
	flags |= O_CLOEXEC;
	const char *p = *path ? path : ".";
	struct open_how how = { .flags = (uint64_t)(unsigned)flags,
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	for (int tries = path_force_walk ? 0 : MAX_TRIES; tries > 0; tries--) {
		int fd = sys_openat2(rootfd, p, &how);
		if (fd >= 0)
			return fd;
		if (errno == ENOSYS)
			break;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_SYS(e, "open '%s'", path);
	}
	int r = open_by_walk(rootfd, p, flags, mode);
	return r < 0 ? ERR_NUM(e, -r, "open '%s'", path) : r;
}

int path_open_parent_in(int rootfd, const char *path, const char **ret_name, struct err *e)
{
	char parent[PATH_MAX];
	const char *name = path_base(path);
	size_t n = (size_t)(name - path);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return ERR_BAD(e, "'%s' does not name an entry of a directory", path);
	if (n >= sizeof parent)
		return ERR_NUM(e, ENAMETOOLONG, "'%s'", path);
	memcpy(parent, path, n);
	parent[n] = '\0';
	int fd = path_open_in(rootfd, parent, O_PATH | O_DIRECTORY, 0, e);
	if (fd >= 0)
		*ret_name = name;
	return fd;
}

/* Follows links by asking the kernel for ever longer prefixes: each missing one is made in the
 * parent that was just resolved, so nothing is ever created outside the root. */
int path_mkdir_if(int rootfd, const char *path, mode_t mode, bool (*may)(void *ctx, int dirfd),
	void *ctx, struct err *e)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof prefix)
		return ERR_NUM(e, ENAMETOOLONG, "'%s'", path);
	_clean_(fd) int at = path_open_in(rootfd, "/", O_PATH | O_DIRECTORY, 0, e);
	if (at < 0)
		return at;
	for (size_t end = strspn(path, "/"); end < len; end += strspn(path + end, "/")) {
		size_t start = end;
		end += strcspn(path + end, "/");
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		int next = path_open_in(rootfd, prefix, O_PATH | O_DIRECTORY, 0, e);
		if (next == -ENOENT) {
			if (may && !may(ctx, at))
				return ERR_NUM(e, EXDEV, "create directory '%s'", prefix);
			/* A dangling link stays -EEXIST here and is reported: nothing is made
			 * behind it. */
			if (mkdirat(at, prefix + start, mode) < 0 && errno != EEXIST)
				return ERR_SYS(e, "create directory '%s'", prefix);
			next = path_open_in(rootfd, prefix, O_PATH | O_DIRECTORY, 0, e);
		}
		if (next < 0)
			return next;
		fd_close(at);
		at = next;
	}
	return take_fd(&at);
}

int path_mkdir_in(int rootfd, const char *path, mode_t mode, struct err *e)
{
	return path_mkdir_if(rootfd, path, mode, NULL, NULL, e);
}
