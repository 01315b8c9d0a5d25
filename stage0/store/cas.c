/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/spec/types.h"
#include "stage0/store/inbox.h"
#include "stage0/store/internal.h"

struct place place(const char *dir, const char *name)
{
	struct place p;
	snprintf(p.path, sizeof p.path, "%s/%s", dir, name);
	return p;
}

const char *id_hex(const char *id, struct err *e)
{
	if (image_id_valid(id))
		return id + strlen(ID_PREFIX);
	ERR_BAD(e, "'%s' is not an image id", id);
	return NULL;
}

const char *tree_name(const char *id, struct err *e)
{
	return rendered_name_valid(id) ? id : id_hex(id, e);
}

/* FNV-1a, twice. */
void make_key(const char *text, char ret[KEY_SIZE])
{
	uint64_t a = 0xcbf29ce484222325, b = 0x84222325cbf29ce4;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		a = (a ^ *p) * 0x100000001b3;
		b = (b ^ (uint64_t)(*p + 0x9d)) * 0x100000001b3;
	}
	snprintf(ret, KEY_SIZE, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}

/* Directories of the store are root's own: nobody else writes what root's commands trust. Where the
 * group rkt exists, its members may read which images there are. Trees stay out of their reach: an
 * image may contain setuid programs. */
static const struct {
	const char *path;
	bool group;
} dirs[] = { { ".", true }, { "blob", false }, { CAS_BLOB, false }, { CAS_BLOB256, false },
	{ CAS_IMAGE, true }, { CAS_TREE, false }, { CAS_TMP, false }, { CAS_REMOTE, false } };

/* 0700, or 0750 of the group. Another mode was chosen by somebody and stays, but for one that let
 * the group write, or hands the group on to what is made below. */
static int settle_mode(struct store *s, const char *path, bool group, struct err *e)
{
	struct stat st;
	if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_SYS(e, "'%s/%s'", s->path, path);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return ERR_DENY(e,
			"'%s/%s' is another user's: cannot be done as unprivileged user, only as "
			"root",
			s->path, path);
	if (st.st_uid != geteuid())
		return ERR_DENY(e, "'%s/%s' belongs to user %u, who may have put anything there",
			s->path, path, (unsigned)st.st_uid);
	const mode_t mode = st.st_mode & 07777;
	const bool shared = mode & (S_ISGID | S_IWGRP);
	if (!S_ISDIR(st.st_mode) || (!shared && (mode != 0700 || !group)))
		return 0;
	const struct group *g = group ? getgrnam("rkt") : NULL;
	if (!g && !shared)
		return 0;
	if ((g && fchownat(s->dirfd, path, (uid_t)-1, g->gr_gid, AT_SYMLINK_NOFOLLOW) < 0) ||
		fchmodat(s->dirfd, path, g ? 0750 : 0700, 0) < 0)
		return ERR_SYS(e, "access of group 'rkt' to '%s/%s'", s->path, path);
	return 0;
}

int cas_make_dirs(struct store *s, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs && r >= 0; i++) {
		if (mkdirat(s->dirfd, dirs[i].path, 0700) < 0 && errno != EEXIST)
			return ERR_SYS(e, "create '%s/%s'", s->path, dirs[i].path);
		r = settle_mode(s, dirs[i].path, dirs[i].group, e);
	}
	return r < 0 ? r : inbox_make(s, e);
}

int cas_share(struct store *s, int fd, const char *dir, struct err *e)
{
	struct stat st;
	if (fstatat(s->dirfd, dir, &st, 0) < 0)
		return ERR_SYS(e, "'%s/%s'", s->path, dir);
	if (!(st.st_mode & S_IRGRP))
		return 0;
	if (fchown(fd, (uid_t)-1, st.st_gid) < 0 || fchmod(fd, 0640) < 0)
		return ERR_SYS(e, "let the group of '%s/%s' read", s->path, dir);
	return 0;
}

/* mkdir -p; the last one is ours alone. */
static int make_path(const char *path, struct err *e)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof prefix)
		return ERR_NUM(e, ENAMETOOLONG, "'%s'", path);
	for (size_t end = 1; end <= len; end++) {
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		if (mkdir(prefix, end == len ? 0700 : 0755) < 0 && errno != EEXIST)
			return ERR_SYS(e, "create '%s'", prefix);
	}
	return 0;
}

/* As rkt's tmpfiles.d makes it, and somebody may have used. Without images it can be made safe. */
static int check_open(int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "'%s'", path);
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)) || geteuid() != 0)
		return 0;
	if (faccessat(fd, CAS_IMAGE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return ERR_DENY(e,
			"others than root may write to '%s' (mode %o): what is in it is not "
			"trusted; "
			"remove it, or, if nobody did, 'chmod 0750' it",
			path, (unsigned)st.st_mode & 07777);
	return fchmod(fd, 0750) < 0 ? ERR_SYS(e, "chmod '%s'", path) : 0;
}

bool store_exists(const char *data_dir)
{
	_clean_(mem) char *path = xasprintf("%s/cas", data_dir);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

int store_open(struct store *s, const char *data_dir, struct err *e)
{
	_clean_(mem) char *path = NULL;
	if (*data_dir == '/') {
		path = xasprintf("%s/cas", data_dir);
	} else {
		_clean_(mem) char *cwd = getcwd(NULL, 0);
		if (!cwd)
			return ERR_SYS(e, "current directory");
		path = xasprintf("%s/%s/cas", cwd, data_dir);
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		int r = make_path(path, e);
		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", path);
	int r = check_open(fd, path, e);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	*s = (struct store){ .dirfd = fd, .path = take_ptr(path) };
	s->member = inbox_is_ours(s);
	return 0;
}

void store_close(struct store *s)
{
	s->dirfd = fd_close(s->dirfd);
	mem_cleanup(&s->path);
}

int cas_each(struct store *s, const char *dir, size_t digits, cas_fn fn, void *ctx, struct err *e)
{
	int first = 0;
	_clean_(fd) int fd = openat(s->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_SYS(e, "open '%s/%s'", s->path, dir);
	_clean_(dir) DIR *d = fdopendir(fd);
	if (!d)
		return ERR_SYS(e, "open '%s/%s'", s->path, dir);
	take_fd(&fd);
	errno = 0;
	for (const struct dirent *entry; (entry = readdir(d)); errno = 0) {
		struct err why = ERR_INIT;
		if (digits ? strlen(entry->d_name) != digits || !parse_hex(entry->d_name, digits)
			   : str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		int r = fn(ctx, entry->d_name, &why);
		if (r < 0 && !first) {
			first = r;
			*e = why;
		}
	}
	if (errno && !first)
		return ERR_SYS(e, "read '%s/%s'", s->path, dir);
	return first;
}

int cas_sync(struct store *s, const char *dir, struct err *e)
{
	_clean_(fd) int fd = openat(s->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return ERR_SYS(e, "sync '%s/%s'", s->path, dir);
	return 0;
}

bool cas_is_still(struct store *s, const char *dir, const char *name, int fd)
{
	struct stat have, want;
	return fstat(fd, &have) == 0 &&
	       fstatat(s->dirfd, place(dir, name).path, &want, AT_SYMLINK_NOFOLLOW) == 0 &&
	       have.st_ino == want.st_ino && have.st_dev == want.st_dev;
}
