/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/ident.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"

enum {
	DATABASE_MAX = 1024 * 1024,
	ID_MAX = INT32_MAX, /* what is larger has been taken for -1, or for 0 after a wrap */
	MIN_FIELDS = 3,	    /* name, password, number */
	MAX_FIELDS = 7,
};

/* A database of the image: lines of fields with ':' between them. */
static int read_database(int rootfs_fd, const char *path, struct str *out, struct err *e)
{
	_clean_(fd) int fd = path_open_in(rootfs_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, e);
	if (fd < 0)
		return fd;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_SYS(e, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return ERR_BAD(e, "'%s' of the image is not a regular file", path);
	return io_read_fd(fd, path, out, e);
}

/* Cuts the next line off *rest and into at most MAX_FIELDS fields. Returns their number, 0 for a
 * line that has none of use, -1 at the end. */
static int next_entry(char **rest, const char *fields[MAX_FIELDS])
{
	char *line = strsep(rest, "\n");
	if (!line)
		return -1;
	/* A field cannot hold what an entry is told by; nor do "+name" lines of old name services
	 * mean anyone. */
	if (!*line || *line == '#' || *line == '+' || *line == '-')
		return 0;
	int n = 0;
	while (line && n < MAX_FIELDS)
		fields[n++] = strsep(&line, ":");
	return n;
}

struct database {
	const char *path, *what; /* what is looked up in it, for errors */
};
static const struct database users = { "/etc/passwd", "user" };
static const struct database groups = { "/etc/group", "group" };

struct entry {
	uint32_t id;
	char home[256], shell[256], name[64];
};

static void copy_field(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);
	if (n >= size)
		n = 0; /* a cut path would be another path */
	memcpy(dst, src, n);
	dst[n] = '\0';
}

static bool fill(
	const struct database *db, const char *fields[MAX_FIELDS], int n, struct entry *ret)
{
	struct entry entry = { 0 };
	if (!parse_u32(fields[2], 0, ID_MAX, &entry.id))
		return false;
	copy_field(entry.name, sizeof entry.name, fields[0]);
	if (db == &users && n == MAX_FIELDS) {
		copy_field(entry.home, sizeof entry.home, fields[5]);
		copy_field(entry.shell, sizeof entry.shell, fields[6]);
	}
	*ret = entry;
	return true;
}

/* The first entry that has this name, or, with name NULL, this id. 1: found; 0: not there. An entry
 * of that name whose numbers are malformed or too large is an error, not somebody else. */
static int find(const struct str *text, const struct database *db, const char *name, uint32_t id,
	struct entry *ret, struct err *e)
{
	_clean_(mem) char *copy = xstrdup(str_text(text));
	char *rest = copy;
	const char *fields[MAX_FIELDS];
	for (int n; (n = next_entry(&rest, fields)) >= 0;) {
		if (n < MIN_FIELDS || (name && strcmp(fields[0], name) != 0))
			continue;
		struct entry entry;
		bool good = fill(db, fields, n, &entry);
		if (!good && name)
			return ERR_BAD(e, "%s '%s' in '%s' of the image has no valid number",
				db->what, name, db->path);
		if (good && (name || entry.id == id)) {
			*ret = entry;
			return 1;
		}
	}
	return 0;
}

/* "/path": its owner in the image. Of a link, the link's own. */
static int owner_of(int rootfs_fd, const char *path, struct stat *ret, struct err *e)
{
	_clean_(fd) int fd = path_open_in(rootfs_fd, path, O_PATH | O_NOFOLLOW, 0, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, ret) < 0)
		return ERR_SYS(e, "stat '%s'", path);
	if (ret->st_uid > ID_MAX || ret->st_gid > ID_MAX)
		return ERR_BAD(e, "the owner of '%s' is out of range", path);
	return 0;
}

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* A name of the file, then a number. The file is read only where it may matter: 0 alone is what
 * most images say, and a name "0" that means somebody else is nothing that an image needs. */
static int look_up(int rootfs_fd, const struct database *db, const char *text, struct entry *ret,
	struct err *e)
{
	*ret = (struct entry){ 0 };
	if (strcmp(text, "0") == 0)
		return 0;
	_clean_(str) struct str bytes = STR_INIT(DATABASE_MAX);
	const char *literal = *text == '+' && all_digits(text + 1) ? text + 1 : NULL;
	bool digits = literal || all_digits(text);
	int r = read_database(rootfs_fd, db->path, &bytes, e);
	if (r < 0 && !(r == -ENOENT && (digits || strcmp(text, "root") == 0)))
		return err_wrap(e, r, "\"%s\" %s not found", text, db->what);
	r = r < 0 || literal ? 0 : find(&bytes, db, text, 0, ret, e);
	if (r != 0)
		return r < 0 ? r : 0;
	if (strcmp(text, "root") == 0)
		return 0; /* of an image without accounts */
	if (!digits)
		return ERR_NOENT(e, "\"%s\" %s not found", text, db->what);
	uint32_t id;
	if (!parse_u32(literal ? literal : text, 0, ID_MAX, &id))
		return ERR_BAD(e, "%s %s is out of range", db->what, text);
	r = find(&bytes, db, NULL, id, ret, e);
	if (r < 0)
		return r;
	ret->id = id;
	return 0;
}

int ident_resolve(
	int rootfs_fd, const char *user, const char *group, struct ident *ret, struct err *e)
{
	struct ident id = { 0 };
	struct stat st;
	struct entry entry = { 0 };
	int r;
	if (*user == '/') {
		if ((r = owner_of(rootfs_fd, user, &st, e)) < 0)
			return err_wrap(e, r, "user");
		id.uid = st.st_uid;
	} else {
		if ((r = look_up(rootfs_fd, &users, user, &entry, e)) < 0)
			return r;
		id.uid = entry.id;
		memcpy(id.home, entry.home, sizeof id.home);
		memcpy(id.shell, entry.shell, sizeof id.shell);
		memcpy(id.name, entry.name, sizeof id.name);
	}
	if (*group == '/') {
		if ((r = owner_of(rootfs_fd, group, &st, e)) < 0)
			return err_wrap(e, r, "group");
		id.gid = st.st_gid;
	} else {
		if ((r = look_up(rootfs_fd, &groups, group, &entry, e)) < 0)
			return r;
		id.gid = entry.id;
	}
	*ret = id;
	return 0;
}
