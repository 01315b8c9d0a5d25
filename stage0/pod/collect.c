/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting what is over. Whoever removes a pod holds its lock, and the lock file goes last:
 * dozens of collectors at once each find pods that nobody else works on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/rmtree.h"
#include "stage0/pod/internal.h"
#include "stage0/pod/users.h"

/* --- removing one -------------------------------------------------------------------------- */

static int remove_entries(struct pod *p, struct err *e)
{
	int fd = openat(p->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_clean_(dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = errno == ENOENT ? 0 : ERR_SYS(e, "open directory");
		fd_close(fd);
		return r;
	}
	for (struct dirent *ent; (ent = readdir(d));) {
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0 ||
			strcmp(ent->d_name, POD_LOCK_FILE) == 0)
			continue;
		int r = rmtree_at(p->dirfd, ent->d_name, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The pod is locked and garbage. What the apps wrote goes first: as long as that fails, everything
 * that says what this was stays for the next attempt. */
static int destroy(
	struct pods *ps, struct pod *p, struct store *s, const char *local_config, struct err *e)
{
	static const char *const first[] = { POD_STAGE1_DIR, POD_OVERLAY_DIR, POD_VOLUMES_DIR };
	char path[POD_PATH_MAX];
	struct err mine = ERR_INIT;
	int result = p->phase == POD_EXITED_GARBAGE ? pod_stage1_gc(p, s, local_config, e) : 0;
	int r = 0;
	for (size_t i = 0; r >= 0 && i < sizeof first / sizeof *first; i++)
		r = rmtree_at(p->dirfd, first[i], &mine);
	if (r >= 0)
		r = remove_entries(p, &mine);
	if (r >= 0) {
		pod_path(&p->uuid, p->phase, path);
		r = rmtree_at(ps->dirfd, path, &mine);
	}
	if (r < 0 && result >= 0) {
		*e = mine;
		result = r;
	}
	return err_wrap(e, result, "pod %s", p->uuid.text);
}

static int refuse_busy(const struct pod *p, struct err *e)
{
	const char *what = p->phase == POD_RUN	      ? "running"
			   : p->phase <= POD_PREPARED ? "being prepared"
						      : "being deleted";
	return err_set(e, ERR_BUSY, EBUSY, "pod \"%s\" is currently %s", p->uuid.text, what);
}

int pod_remove(struct pods *ps, struct pod *p, struct store *s, struct err *e)
{
	int r = pod_lock(ps, p, e);
	if (r == 0)
		return refuse_busy(p, e);
	if (r > 0 && pod_next_phase(p->phase, POD_EV_MARK) != _POD_PHASE_MAX)
		r = pod_transition(ps, p, POD_EV_MARK, e);
	if (r < 0)
		return r;
	const bool had_users = faccessat(p->dirfd, POD_USERS_FILE, F_OK, 0) == 0;
	r = destroy(ps, p, s, NULL, e);
	return r < 0 || !had_users ? r : pods_users_collect(ps, e);
}

/* --- all of them --------------------------------------------------------------------------- */

struct gc {
	struct pods *ps;
	struct store *s;
	const struct gc_options *o;
	gc_say_fn say;
	void *ctx;
	struct err *e;
	int result;
	bool left[_POD_PHASE_MAX]; /* phases that a pod was moved out of */
};

/* The first error is what is reported; no pod keeps the others from being looked at. */
static void remember(struct gc *c, int r, const struct err *mine)
{
	if (r >= 0 || r == -ENOENT || c->result < 0)
		return; /* gone: somebody else was faster */
	c->result = r;
	*c->e = *mine;
}

static void tell(struct gc *c, const char *fmt, const struct pod *p)
{
	if (c->say)
		c->say(c->ctx, fmt, p->uuid.text);
}

/* The rename into the phase is what changed the directory last. */
static bool older_than(struct pod *p, int64_t ns)
{
	struct stat st;
	if (fstat(p->dirfd, &st) < 0)
		return false;
	return now_unix_ns() - ns_of(st.st_ctim) >= ns;
}

/* What to say when a pod of this phase becomes garbage. */
static const char *const mark_texts[_POD_PHASE_MAX] = {
	[POD_EMBRYO] = "moving failed prepare \"%s\" to garbage",
	[POD_PREPARE] = "moving failed prepare \"%s\" to garbage",
	[POD_PREPARED] = "moving expired prepared pod \"%s\" to garbage",
	[POD_RUN] = "moving pod \"%s\" to garbage",
};

static bool is_over(const struct gc *c, struct pod *p)
{
	if (p->phase == POD_PREPARED)
		return !c->o->mark_only && older_than(p, c->o->expire_prepared_ns);
	return !p->locked && p->phase < _POD_PHASE_MAX && mark_texts[p->phase];
}

/* 1: ours; 0: nothing to do, since somebody else has it or it moved on. */
static int own(struct gc *c, struct pod *p, struct err *e)
{
	enum pod_phase was = p->phase;
	int r = pod_lock(c->ps, p, e);
	return r > 0 ? p->phase == was : r;
}

static int mark(void *ctx, struct pod *p)
{
	struct gc *c = ctx;
	struct err mine = ERR_INIT;
	if (!is_over(c, p))
		return 0;
	int r = own(c, p, &mine);
	if (r > 0) {
		enum pod_phase was = p->phase;
		tell(c, mark_texts[was], p);
		r = pod_transition(c->ps, p, POD_EV_MARK, &mine);
		c->left[was] = true;
	}
	remember(c, r, &mine);
	return 0;
}

static int sweep(void *ctx, struct pod *p)
{
	struct gc *c = ctx;
	struct err mine = ERR_INIT;
	if (p->phase != POD_EXITED_GARBAGE && p->phase != POD_GARBAGE)
		return 0;
	if (p->phase == POD_EXITED_GARBAGE && !older_than(p, c->o->grace_ns)) {
		tell(c, "pod \"%s\" not removed: still within grace period", p);
		return 0;
	}
	int r = own(c, p, &mine);
	if (r > 0) {
		tell(c, "Garbage collecting pod \"%s\"", p);
		r = destroy(c->ps, p, c->s, c->o->local_config, &mine);
	}
	remember(c, r, &mine);
	return 0;
}

/* Grace periods are counted from the move: it must not be undone by a power cut. */
static void sync_moves(struct gc *c)
{
	for (enum pod_phase i = 0; i < _POD_PHASE_MAX; i++) {
		struct err mine = ERR_INIT;
		if (c->left[i])
			remember(c, pods_sync(c->ps, i, pod_next_phase(i, POD_EV_MARK), &mine),
				&mine);
	}
}

int pods_gc(struct pods *ps, struct store *s, const struct gc_options *o, gc_say_fn say, void *ctx,
	struct err *e)
{
	struct gc c = { .ps = ps, .s = s, .o = o, .say = say, .ctx = ctx, .e = e };
	struct err mine = ERR_INIT;
	remember(&c, pods_share(ps, &mine), &mine);
	remember(&c, pods_each(ps, mark, &c, &mine), &mine);
	sync_moves(&c);
	if (!o->mark_only)
		remember(&c, pods_each(ps, sweep, &c, &mine), &mine);
	if (!o->mark_only)
		remember(&c, pods_users_collect(ps, &mine), &mine);
	return c.result;
}
