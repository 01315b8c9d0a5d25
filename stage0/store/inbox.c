/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/store/inbox.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "stage0/store/internal.h"

enum { INBOX_MODE = 03730, FD_PATH = 32 };

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

int inbox_keep(struct store *s, const char *tmp, const char *name, struct err *e)
{
	if (renameat(s->dirfd, place(CAS_INCOMING, tmp).path, s->dirfd,
		    place(CAS_INCOMING, name).path) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return ERR_DENY(e,
			"'%s/%s/%s' is there, and another user's: it does not have the right size; "
			"root's next fetch removes it",
			s->path, CAS_INCOMING, name);
	return ERR_SYS(e, "rename '%s/%s/%s'", s->path, CAS_INCOMING, tmp);
}

void inbox_discard(struct store *s, const char *tmp)
{
	/* What cannot be removed now is a left-over for the collector. */
	(void)unlinkat(s->dirfd, place(CAS_INCOMING, tmp).path, 0);
}

bool inbox_has(struct store *s, const char *name, uint64_t size)
{
	struct stat st;
	return fstatat(s->dirfd, place(CAS_INCOMING, name).path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

int inbox_check(int fd, const char *hex, struct err *e)
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

static int copy(int from, const char *hex, uint64_t size, int to, struct err *e)
{
	char is[OCI_HEX_SIZE + 1];
	uint64_t bytes;
	int r = digest(from, to, size, is, &bytes, e);
	if (r >= 0 && bytes != size)
		return ERR_BAD(e, "it has %llu bytes, and should have %llu",
			(unsigned long long)bytes, (unsigned long long)size);
	if (r >= 0 && strncmp(is, hex, OCI_HEX_SIZE) != 0)
		return ERR_BAD(e, "its digest is sha256:%s", is);
	return r < 0 ? r : 0;
}

static int empty(int fd, struct err *e)
{
	return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? ERR_SYS(e, "empty the layer")
								  : 0;
}

int inbox_take(struct store *s, const char *hex, uint64_t size, int to, struct err *e)
{
	char name[INBOX_NAME_SIZE];
	struct stat st = { 0 };
	name_of(hex, name);
	if (geteuid() != 0)
		return 0;
	_clean_(fd) int from = open_entry(s, name, &st, e);
	if (from == -ENOENT)
		return 0;
	int r = from;
	if (r >= 0 && (uint64_t)st.st_size != size)
		r = ERR_BAD(e, "it has %llu bytes, and should have %llu",
			(unsigned long long)st.st_size, (unsigned long long)size);
	if (r >= 0)
		r = empty(to, e);
	if (r >= 0)
		r = copy(from, hex, size, to, e);
	if (r >= 0) {
		dbg("store: layer %s: user %u has downloaded it", hex, (unsigned)st.st_uid);
		return 1;
	}
	struct err ignored = ERR_INIT;
	inbox_remove(s, hex);
	(void)empty(to, &ignored);
	return err_wrap(e, r, "'%s/%s/%s', by user %u, is passed over", s->path, CAS_INCOMING, name,
		(unsigned)st.st_uid);
}

void inbox_remove(struct store *s, const char *hex)
{
	char name[INBOX_NAME_SIZE];
	name_of(hex, name);
	const struct place p = place(CAS_INCOMING, name);
	/* A directory with something in it is the collector's. */
	if (geteuid() == 0 && unlinkat(s->dirfd, p.path, 0) < 0 && errno == EISDIR)
		(void)unlinkat(s->dirfd, p.path, AT_REMOVEDIR);
}
