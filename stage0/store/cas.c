/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/spec/types.h"
#include "stage0/store/internal.h"

struct place place(const char *dir, const char *name)
{
	struct place p;
	snprintf(p.path, sizeof p.path, "%s/%s", dir, name);
	return p;
}

bool hex_valid(const char *name)
{
	return strnlen(name, HEX_SIZE + 1) == HEX_SIZE && parse_hex(name, HEX_SIZE);
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

/* Directories of the store are root's own; where the group rkt exists, its members may fetch. Trees
 * stay out of reach in either case: an image may contain setuid programs. */
static const struct {
	const char *path;
	bool group;
} dirs[] = { { ".", true }, { "blob", true }, { CAS_BLOB, true }, { CAS_BLOB256, true },
	{ CAS_IMAGE, true }, { CAS_TREE, false }, { CAS_TMP, true }, { CAS_REMOTE, true } };

int cas_make_dirs(struct store *s, struct err *e)
{
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		bool made = mkdirat(s->dirfd, dirs[i].path, 0700) == 0;
		if (!made && errno != EEXIST)
			return ERR_SYS(e, "create '%s/%s'", s->path, dirs[i].path);
		if ((!made && i > 0) || !dirs[i].group)
			continue;
		struct stat st;
		const struct group *g;
		if (fstatat(s->dirfd, dirs[i].path, &st, 0) < 0 || (st.st_mode & 07777) != 0700 ||
			!(g = getgrnam("rkt")))
			continue;
		if (fchownat(s->dirfd, dirs[i].path, (uid_t)-1, g->gr_gid, 0) < 0 ||
			fchmodat(s->dirfd, dirs[i].path, 02770, 0) < 0)
			return ERR_SYS(e, "give '%s/%s' to group 'rkt'", s->path, dirs[i].path);
	}
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
	*s = (struct store){ .dirfd = fd, .path = take_ptr(path) };
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
			   : entry->d_name[0] == '.')
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
