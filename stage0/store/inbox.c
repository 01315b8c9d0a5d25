/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/store/inbox.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "stage0/store/internal.h"

enum { INBOX_MODE = 03730, INBOX_NAME_SIZE = 80, FD_PATH = 32 };

/* --- the directory ---------------------------------------------------------------------------- */

int inbox_make(struct store *s, struct err *e)
{
	struct stat cas, st;
	if (geteuid() != 0)
		return 0;
	if (fstat(s->dirfd, &cas) < 0)
		return ERR_SYS(e, "'%s'", s->path);
	const bool wanted = cas.st_mode & S_IRGRP;
	if (wanted && mkdirat(s->dirfd, CAS_INCOMING, 0700) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create '%s/%s'", s->path, CAS_INCOMING);
	if (fstatat(s->dirfd, CAS_INCOMING, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return wanted ? ERR_SYS(e, "'%s/%s'", s->path, CAS_INCOMING) : 0;
	const mode_t mode = wanted ? INBOX_MODE : 0700;
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0)
		return ERR_DENY(
			e, "'%s/%s' is no directory of root's: remove it", s->path, CAS_INCOMING);
	if ((st.st_mode & 07777) == mode && (!wanted || st.st_gid == cas.st_gid))
		return 0;
	/* A change of the group takes the bit away that hands it on. */
	if (fchownat(s->dirfd, CAS_INCOMING, (uid_t)-1, wanted ? cas.st_gid : 0,
		    AT_SYMLINK_NOFOLLOW) < 0 ||
		fchmodat(s->dirfd, CAS_INCOMING, mode, 0) < 0)
		return ERR_SYS(e, "access of the group to '%s/%s'", s->path, CAS_INCOMING);
	return 0;
}

bool inbox_is_ours(const struct store *s)
{
	struct stat st;
	return geteuid() != 0 && fstatat(s->dirfd, CAS_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_uid == 0 && faccessat(s->dirfd, CAS_INCOMING, W_OK | X_OK, AT_EACCESS) == 0;
}

static void name_of(const char *hex, char ret[INBOX_NAME_SIZE])
{
	snprintf(ret, INBOX_NAME_SIZE, "sha256-%.64s", hex);
}

static void name_of_url(const char *url, char ret[INBOX_NAME_SIZE])
{
	char key[KEY_SIZE];
	make_key(url, key);
	snprintf(ret, INBOX_NAME_SIZE, "url-%s", key);
}

static int digest(int input, int output, uint64_t max, char ret[OCI_HEX_SIZE + 1],
	uint64_t *ret_bytes, struct err *e)
{
	struct unpack_answer answer;
	const struct unpack_job job = { .mode = UNPACK_COPY,
		.input = input,
		.dir = -1,
		.output = output,
		.lower = -1,
		.max_input = max };
	int r = unpacker_run(&job, &answer, e);
	oci_digest_hex(answer.input_digest, ret);
	*ret_bytes = answer.input_bytes;
	return r;
}

/* --- members ---------------------------------------------------------------------------------- */

int inbox_new(struct store *s, char tmp[24], struct err *e)
{
	char random[24];
	int r = tmp_name(random, e);
	if (r < 0)
		return r;
	snprintf(tmp, 24, "tmp-%.16s", random);
	/* Root alone reads it: what one member's credentials have opened is not for the others. */
	int fd = openat(s->dirfd, place(CAS_INCOMING, tmp).path,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? ERR_SYS(e, "create '%s/%s/%s'", s->path, CAS_INCOMING, tmp) : fd;
}

bool inbox_has(struct store *s, const char *hex, uint64_t size)
{
	char name[INBOX_NAME_SIZE];
	struct stat st;
	name_of(hex, name);
	return fstatat(s->dirfd, place(CAS_INCOMING, name).path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* The whole of fd has that sha256. */
static int check(int fd, const char *hex, struct err *e)
{
	char is[OCI_HEX_SIZE + 1];
	uint64_t bytes;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	int r = digest(fd, -1, 0, is, &bytes, e);
	if (r >= 0 && strncmp(is, hex, OCI_HEX_SIZE) != 0)
		r = ERR_BAD(e, "its digest is sha256:%s, the manifest says sha256:%s", is, hex);
	return r < 0 ? r : 0;
}

static int keep(struct store *s, const char *tmp, const char *name, struct err *e)
{
	if (renameat(s->dirfd, place(CAS_INCOMING, tmp).path, s->dirfd,
		    place(CAS_INCOMING, name).path) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return ERR_DENY(e,
			"'%s/%s/%s' is another user's, and cannot be replaced; root's next "
			"fetch uses or removes it",
			s->path, CAS_INCOMING, name);
	return ERR_SYS(e, "rename '%s/%s/%s'", s->path, CAS_INCOMING, tmp);
}

int inbox_keep_layer(struct store *s, int fd, const char *tmp, const char *hex, struct err *e)
{
	char name[INBOX_NAME_SIZE];
	name_of(hex, name);
	int r = check(fd, hex, e);
	return r < 0 ? r : keep(s, tmp, name, e);
}

int inbox_keep_url(struct store *s, const char *tmp, const char *url, struct err *e)
{
	char name[INBOX_NAME_SIZE];
	name_of_url(url, name);
	int r = keep(s, tmp, name, e);
	if (r >= 0)
		return 0;
	inbox_discard(s, tmp);
	return r;
}

void inbox_discard(struct store *s, const char *tmp)
{
	/* What cannot be removed now is a left-over for the collector. */
	(void)unlinkat(s->dirfd, place(CAS_INCOMING, tmp).path, 0);
}

/* --- root ------------------------------------------------------------------------------------- */

/* What it is, is known before it is opened: opening a device may do something. */
static int open_entry(struct store *s, const char *name, struct stat *ret, struct err *e)
{
	char path[FD_PATH];
	_clean_(fd) int entry =
		openat(s->dirfd, place(CAS_INCOMING, name).path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (entry < 0)
		return errno == ENOENT ? -ENOENT : ERR_SYS(e, "open");
	if (fstat(entry, ret) < 0)
		return ERR_SYS(e, "stat");
	if (!S_ISREG(ret->st_mode))
		return ERR_BAD(e, "it is no file");
	snprintf(path, sizeof path, "/proc/self/fd/%d", entry);
	/* Whoever it belongs to may have a lease on it: that is not waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open") : fd;
}

/* What `to` gets from the file that lies there. */
struct entry {
	const char *name;
	const char *hex; /* its sha256, or NULL: anything */
	uint64_t size;	 /* with that; else at most */
};

static int check_size(const struct entry *n, uint64_t is, struct err *e)
{
	if (is == n->size || (!n->hex && is < n->size))
		return 0;
	return ERR_BAD(e, "it has %llu bytes, and should have %llu%s", (unsigned long long)is,
		(unsigned long long)n->size, n->hex ? "" : " at most");
}

static int copy(int from, const struct entry *n, int to, struct err *e)
{
	char is[OCI_HEX_SIZE + 1];
	uint64_t bytes;
	int r = digest(from, to, n->size, is, &bytes, e);
	if (r >= 0)
		r = check_size(n, bytes, e);
	if (r >= 0 && n->hex && strncmp(is, n->hex, OCI_HEX_SIZE) != 0)
		r = ERR_BAD(e, "its digest is sha256:%s", is);
	return r < 0 ? r : 0;
}

static int empty(int fd, struct err *e)
{
	return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? ERR_SYS(e, "empty the copy")
								  : 0;
}

static void remove_entry(struct store *s, const char *name)
{
	const struct place p = place(CAS_INCOMING, name);
	/* A directory with something in it is the collector's. */
	if (geteuid() == 0 && unlinkat(s->dirfd, p.path, 0) < 0 && errno == EISDIR)
		(void)unlinkat(s->dirfd, p.path, AT_REMOVEDIR);
}

static int pass_over(
	const struct store *s, const struct entry *n, uid_t owner, int r, struct err *e)
{
	return err_wrap(e, r, "'%s/%s/%s', by user %u, is passed over", s->path, CAS_INCOMING,
		n->name, (unsigned)owner);
}

static int take(struct store *s, const struct entry *n, int to, struct stat *st, struct err *e)
{
	/* Of nothing there is nothing to spare. */
	if (geteuid() != 0 || !n->size)
		return 0;
	_clean_(fd) int from = open_entry(s, n->name, st, e);
	if (from == -ENOENT)
		return 0;
	int r = from;
	if (r >= 0)
		r = check_size(n, (uint64_t)st->st_size, e);
	if (r >= 0)
		r = empty(to, e);
	if (r >= 0)
		r = copy(from, n, to, e);
	if (r < 0)
		return pass_over(s, n, st->st_uid, r, e);
	dbg("store: '%s/%s': by user %u", CAS_INCOMING, n->name, (unsigned)st->st_uid);
	return 1;
}

int inbox_take(struct store *s, const char *hex, uint64_t size, int to, struct err *e)
{
	char name[INBOX_NAME_SIZE];
	struct stat st = { 0 };
	struct err ignored = ERR_INIT;
	name_of(hex, name);
	const struct entry n = { name, hex, size };
	int r = take(s, &n, to, &st, e);
	if (r < 0) {
		remove_entry(s, name);
		(void)empty(to, &ignored);
	}
	return r;
}

void inbox_remove(struct store *s, const char *hex)
{
	char name[INBOX_NAME_SIZE];
	name_of(hex, name);
	remove_entry(s, name);
}

int inbox_take_url(struct store *s, const char *url, uint64_t max, int to, inbox_use use, void *ctx,
	struct err *e)
{
	char name[INBOX_NAME_SIZE];
	struct stat st = { 0 };
	struct err ignored = ERR_INIT;
	name_of_url(url, name);
	const struct entry n = { name, NULL, max };
	int r = take(s, &n, to, &st, e);
	if (r > 0) {
		r = use(ctx, e);
		r = r < 0 ? pass_over(s, &n, st.st_uid, r, e) : 1;
	}
	if (r != 0)
		remove_entry(s, name);
	if (r < 0)
		(void)empty(to, &ignored);
	return r;
}
