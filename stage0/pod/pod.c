/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/atomic.h"
#include "lib/fs/lockfd.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/users.h"

enum { CREATE_TRIES = 16, LOCK_TRIES = 200, SYNC_DEPTH = 8 };

void pod_close(struct pod *p)
{
	p->dirfd = fd_close(p->dirfd);
	p->lock_fd = fd_close(p->lock_fd);
}

/* --- birth --------------------------------------------------------------------------------- */

static int make_embryo(struct pods *ps, const char *path, struct err *e)
{
	if (mkdirat(ps->dirfd, path, 0750) == 0)
		return 0;
	if (errno != ENOENT)
		return ERR_SYS(e, "create '%s/%s'", ps->path, path);
	int r = pods_make_phases(ps, e);
	if (r < 0)
		return r;
	return mkdirat(ps->dirfd, path, 0750) < 0 ? ERR_SYS(e, "create '%s/%s'", ps->path, path)
						  : 0;
}

static int create_once(struct pods *ps, struct pod *p, struct err *e)
{
	char path[POD_PATH_MAX];
	int r = uuid_generate(&p->uuid, e);
	if (r < 0)
		return r;
	pod_path(&p->uuid, POD_EMBRYO, path);
	r = make_embryo(ps, path, e);
	if (r < 0)
		return r;
	p->phase = POD_EMBRYO;
	p->dirfd = openat(ps->dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->dirfd < 0)
		return ERR_SYS(e, "open '%s/%s'", ps->path, path);
	/* Of the caller's umask nothing is left, and of embryo's setgid bit the group. */
	if (fchmod(p->dirfd, 0750) < 0)
		return ERR_SYS(e, "mode of '%s/%s'", ps->path, path);
	/* Not the group's: who can open it can lock it. */
	p->lock_fd = openat(
		p->dirfd, POD_LOCK_FILE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->lock_fd < 0)
		return ERR_SYS(e, "create '%s/%s/" POD_LOCK_FILE "'", ps->path, path);
	r = lockfd_wait(p->lock_fd, LOCK_EXCLUSIVE, e);
	if (r < 0)
		return r;
	p->locked = true;
	return pod_transition(ps, p, POD_EV_LOCKED, e);
}

/* One that could not be made: nobody else knows of it. */
static void unmake(struct pods *ps, const struct pod *p)
{
	char path[POD_PATH_MAX];
	if (p->dirfd >= 0)
		(void)unlinkat(p->dirfd, POD_LOCK_FILE, 0);
	pod_path(&p->uuid, POD_EMBRYO, path);
	(void)unlinkat(ps->dirfd, path, AT_REMOVEDIR);
}

/* Between mkdir and flock the embryo looks like one that was left behind, and a collector may take
 * it away: then another one is made. */
int pod_create(struct pods *ps, struct pod *ret, struct err *e)
{
	int r = -ENOENT;
	for (int i = 0; i < CREATE_TRIES; i++) {
		_clean_(pod) struct pod p = POD_INIT;
		r = create_once(ps, &p, e);
		if (r >= 0) {
			*ret = p;
			p = POD_INIT;
			return 0;
		}
		if (r != -ENOENT && r != -EEXIST) {
			unmake(ps, &p);
			break;
		}
	}
	return err_wrap(e, r, "create pod");
}

/* --- lock ---------------------------------------------------------------------------------- */

/* Those who only look hold a shared lock for an instant: that is not being busy. */
static int try_exclusive(int fd, struct err *e)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		int r = lockfd_try(fd, LOCK_EXCLUSIVE, e);
		if (r)
			return r;
		r = lockfd_try(fd, LOCK_SHARED, e);
		if (r <= 0)
			return r; /* somebody owns it */
		/* Of uneven length, so as not to keep step with anybody; 0.1 s in all. */
		struct timespec nap = { 0, 50000 + i * 7919 % 900000 };
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int gone(struct pod *p, struct err *e)
{
	return ERR_NOENT(e, "no matches found for \"%s\"", p->uuid.text);
}

static int open_lock(struct pods *ps, struct pod *p)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(p->dirfd, POD_LOCK_FILE, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	/* Whoever collects a pod removes its lock last: an empty directory is all that is left. */
	char path[POD_PATH_MAX];
	pod_path(&p->uuid, p->phase, path);
	if (p->phase >= POD_EXITED_GARBAGE &&
		(unlinkat(ps->dirfd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)) {
		errno = ENOENT;
		return -1;
	}
	/* One that was killed before it had a lock file gets one now. */
	return openat(p->dirfd, POD_LOCK_FILE, flags | O_CREAT, 0600);
}

int pod_lock(struct pods *ps, struct pod *p, struct err *e)
{
	if (p->lock_fd >= 0)
		return 1;
	_clean_(fd) int fd = open_lock(ps, p);
	if (fd < 0 && errno == ENOENT)
		return gone(p, e);
	if (fd < 0)
		return ERR_SYS(e, "pod %s: open '" POD_LOCK_FILE "'", p->uuid.text);
	int r = try_exclusive(fd, e);
	if (r <= 0)
		return r;
	/* Whoever held it until now may have moved the pod, or removed it. */
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return gone(p, e);
	for (enum pod_phase i = p->phase; i < _POD_PHASE_MAX; i++)
		if (pod_is_at(ps, &p->uuid, i)) {
			p->phase = i;
			p->locked = true;
			p->lock_fd = take_fd(&fd);
			return 1;
		}
	return gone(p, e);
}

/* --- transitions --------------------------------------------------------------------------- */

#define TO(phase) ((uint8_t)(POD_##phase + 1)) /* an omitted cell is 0: refused */
static const uint8_t next_phase[_POD_PHASE_MAX][_POD_EVENT_MAX] = {
	[POD_EMBRYO] = { [POD_EV_LOCKED] = TO(PREPARE), [POD_EV_MARK] = TO(GARBAGE) },
	[POD_PREPARE] = { [POD_EV_COMMIT] = TO(PREPARED),
		[POD_EV_START] = TO(RUN),
		[POD_EV_MARK] = TO(GARBAGE) },
	[POD_PREPARED] = { [POD_EV_START] = TO(RUN), [POD_EV_MARK] = TO(GARBAGE) },
	[POD_RUN] = { [POD_EV_MARK] = TO(EXITED_GARBAGE) },
};
static const char *const event_texts[_POD_EVENT_MAX] = {
	[POD_EV_LOCKED] = "be prepared",
	[POD_EV_COMMIT] = "become prepared",
	[POD_EV_START] = "be run",
	[POD_EV_MARK] = "become garbage",
};

enum pod_phase pod_next_phase(enum pod_phase phase, enum pod_event ev)
{
	BUG_ON(phase >= _POD_PHASE_MAX || ev >= _POD_EVENT_MAX);
	uint8_t cell = next_phase[phase][ev];
	return cell ? (enum pod_phase)(cell - 1) : _POD_PHASE_MAX;
}

/* The files and directories that prepare made: a few levels, a few entries. */
static int sync_below(int dirfd, int depth, struct err *e)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = ERR_SYS(e, "open directory");
		fd_close(fd);
		return r;
	}
	for (struct dirent *ent; (ent = readdir(d));) {
		bool is_dir = ent->d_type == DT_DIR;
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0 ||
			!(is_dir || ent->d_type == DT_REG))
			continue;
		_clean_(fd) int entry = openat(fd, ent->d_name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
				(is_dir ? O_DIRECTORY : 0));
		int r = 0;
		if (entry < 0)
			r = errno == ENOENT ? 0 : ERR_SYS(e, "open '%s'", ent->d_name);
		else if (is_dir)
			r = depth ? sync_below(entry, depth - 1, e) : 0;
		else if (fsync(entry) < 0)
			r = ERR_SYS(e, "sync '%s'", ent->d_name);
		if (r < 0)
			return r;
	}
	return fsync(fd) < 0 ? ERR_SYS(e, "sync directory") : 0;
}

/* A pod with copies of its trees has too many files for one fsync each. */
static int sync_pod(struct pod *p, struct err *e)
{
	if (faccessat(p->dirfd, POD_NO_OVERLAY_FILE, F_OK, 0) == 0)
		return syncfs(p->dirfd) < 0 ? ERR_SYS(e, "sync") : 0;
	return sync_below(p->dirfd, SYNC_DEPTH, e);
}

int pod_transition(struct pods *ps, struct pod *p, enum pod_event ev, struct err *e)
{
	BUG_ON(p->lock_fd < 0);
	enum pod_phase to = pod_next_phase(p->phase, ev);
	if (to == _POD_PHASE_MAX)
		return ERR_DENY(e, "pod %s cannot %s: it is %s", p->uuid.text, event_texts[ev],
			pod_phase_state(p->phase, false));
	/* Only the UUID that `prepare` prints is a promise beyond the life of the machine. */
	enum atomic_durability how = ev == POD_EV_COMMIT ? ATOMIC_DURABLE : ATOMIC_VISIBLE;
	int r = how == ATOMIC_DURABLE ? sync_pod(p, e) : 0;
	if (r >= 0 && how == ATOMIC_DURABLE)
		r = pod_users_sync(ps, p, e);
	if (r < 0)
		return err_wrap(e, r, "pod %s", p->uuid.text);
	char from[POD_PATH_MAX], dest[POD_PATH_MAX];
	pod_path(&p->uuid, p->phase, from);
	pod_path(&p->uuid, to, dest);
	r = atomic_publish(ps->dirfd, from, ps->dirfd, dest, ATOMIC_VISIBLE, e);
	if (r == -ENOENT && pod_is_at(ps, &p->uuid, p->phase)) {
		r = pods_make_phases(ps, e);
		if (r >= 0)
			r = atomic_publish(ps->dirfd, from, ps->dirfd, dest, ATOMIC_VISIBLE, e);
	}
	if (r < 0)
		return r;
	enum pod_phase was = p->phase;
	p->phase = to;
	return how == ATOMIC_DURABLE ? pods_sync(ps, was, to, e) : 0;
}

int pods_sync(struct pods *ps, enum pod_phase from, enum pod_phase to, struct err *e)
{
	const enum pod_phase both[2] = { to, from };
	for (int i = 0; i < 2; i++) {
		_clean_(fd) int fd = openat(
			ps->dirfd, pod_phase_dir(both[i]), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			return ERR_SYS(e, "sync '%s/%s'", ps->path, pod_phase_dir(both[i]));
	}
	return 0;
}

/* --- waiting ------------------------------------------------------------------------------- */

static bool has_pid(const struct pod *p)
{
	return faccessat(p->dirfd, POD_PID_FILE, F_OK, 0) == 0 ||
	       faccessat(p->dirfd, POD_PPID_FILE, F_OK, 0) == 0;
}

/* 1: there, 0: not yet, or an error that waiting does not mend. */
static int look_again(struct pods *ps, struct pod *p, bool ready, struct err *e)
{
	struct pod now = POD_INIT;
	int r = pod_find(ps, &p->uuid, p->phase, &now, e);
	if (r < 0)
		return r == -ENOENT && !ready ? 1 : r; /* one that is gone has exited */
	fd_close(p->dirfd);
	now.lock_fd = p->lock_fd;
	*p = now;
	bool over = p->phase > POD_RUN || (p->phase == POD_RUN && !p->locked);
	if (!ready)
		return over;
	if (p->phase >= POD_RUN && has_pid(p))
		return 1;
	return over ? err_set(e, ERR_NOT_FOUND, ESRCH, "pod %s ended before it was ready",
			      p->uuid.text)
		    : 0;
}

/* Sleeps until the holder of the lock ends, by the kernel's word. 0: it may not be opened. */
static int wait_for_lock(struct pod *p, struct err *e)
{
	_clean_(fd) int fd = openat(p->dirfd, POD_LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno != EACCES;
	int r = lockfd_wait(fd, LOCK_SHARED, e);
	return r < 0 ? r : 1;
}

int pod_wait(struct pods *ps, struct pod *p, bool ready, int64_t timeout_ns, struct err *e)
{
	const int64_t step_max = 20000000;
	int64_t begin = now_ns(), step = 500000;
	for (;;) {
		int r = look_again(ps, p, ready, e);
		if (r)
			return r;
		if (!ready && timeout_ns < 0 && p->phase == POD_RUN) {
			r = wait_for_lock(p, e);
			if (r < 0)
				return r;
			if (r > 0)
				continue;
		}
		int64_t left = timeout_ns < 0 ? step : begin + timeout_ns - now_ns();
		if (left <= 0)
			return 0;
		int64_t nap = left < step ? left : step;
		struct timespec t = { nap / 1000000000, nap % 1000000000 };
		nanosleep(&t, NULL);
		step = step * 2 < step_max ? step * 2 : step_max;
	}
}
