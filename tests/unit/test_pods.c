/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/atomic.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/pod/internal.h"
#include "tests/unit/unit.h"

static char base[64];
static struct pods ps;
static struct err e;

static void setup(void)
{
	e = ERR_INIT;
	snprintf(base, sizeof base, "/tmp/pods.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(pods_open(&ps, base, true, &e), 0);
}

static void teardown(void)
{
	pods_close(&ps);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static struct pod make(enum pod_phase phase)
{
	struct pod p = POD_INIT;
	ck_assert_msg(pod_create(&ps, &p, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(p.phase, POD_PREPARE);
	if (phase == POD_PREPARED)
		ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_COMMIT, &e), 0);
	if (phase == POD_RUN || phase == POD_EXITED_GARBAGE)
		ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_START, &e), 0);
	if (phase == POD_EXITED_GARBAGE || phase == POD_GARBAGE)
		ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_MARK, &e), 0);
	ck_assert_int_eq(p.phase, phase);
	return p;
}

static struct uuid make_free(enum pod_phase phase)
{
	struct pod p = make(phase);
	struct uuid u = p.uuid;
	pod_close(&p);
	return u;
}

static const char *state_of(const struct uuid *u)
{
	struct pod p = POD_INIT;
	if (pod_get(&ps, u->text, &p, &e) < 0)
		return "gone";
	const char *s = pod_phase_state(p.phase, p.locked);
	pod_close(&p);
	return s;
}

static int count_one(void *ctx, struct pod *p)
{
	(void)p;
	++*(int *)ctx;
	return 0;
}

static int count(void)
{
	int n = 0;
	ck_assert_int_eq(pods_each(&ps, count_one, &n, &e), 0);
	return n;
}

/* Every cell of the table, against the design's picture. */
START_TEST(transitions)
{
	const enum pod_phase NO = _POD_PHASE_MAX;
	const enum pod_phase want[_POD_PHASE_MAX][_POD_EVENT_MAX] = {
		/*                       LOCKED       COMMIT        START    MARK */
		[POD_EMBRYO] = { POD_PREPARE, NO, NO, POD_GARBAGE },
		[POD_PREPARE] = { NO, POD_PREPARED, POD_RUN, POD_GARBAGE },
		[POD_PREPARED] = { NO, NO, POD_RUN, POD_GARBAGE },
		[POD_RUN] = { NO, NO, NO, POD_EXITED_GARBAGE },
		[POD_EXITED_GARBAGE] = { NO, NO, NO, NO },
		[POD_GARBAGE] = { NO, NO, NO, NO },
	};
	for (enum pod_phase p = 0; p < _POD_PHASE_MAX; p++)
		for (enum pod_event ev = 0; ev < _POD_EVENT_MAX; ev++) {
			enum pod_phase to = pod_next_phase(p, ev);
			ck_assert_int_eq(to, want[p][ev]);
			/* pods_each() and pod_find() rely on it. */
			ck_assert(to == NO || to > p);
		}
}
END_TEST

START_TEST(refused_transition)
{
	struct pod p = make(POD_GARBAGE);
	ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_START, &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.msg, "cannot be run: it is garbage"));
	ck_assert_int_eq(p.phase, POD_GARBAGE);
	pod_close(&p);
}
END_TEST

START_TEST(states)
{
	static const struct {
		enum pod_phase phase;
		const char *held, *released;
	} all[] = {
		{ POD_PREPARE, "preparing", "aborted prepare" },
		{ POD_PREPARED, "prepared", "prepared" },
		{ POD_RUN, "running", "exited" },
		{ POD_EXITED_GARBAGE, "exited deleting", "exited garbage" },
		{ POD_GARBAGE, "deleting", "garbage" },
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct pod p = make(all[i].phase);
		ck_assert_str_eq(state_of(&p.uuid), all[i].held);
		pod_close(&p);
		ck_assert_str_eq(state_of(&p.uuid), all[i].released);
	}
	ck_assert_int_eq(count(), 5);
}
END_TEST

START_TEST(no_directory_yet)
{
	struct pods none;
	struct pod p = POD_INIT;
	char dir[128];
	snprintf(dir, sizeof dir, "%s/not/there", base);
	int n = 0;
	ck_assert_int_eq(pods_open(&none, dir, false, &e), 0);
	ck_assert_int_eq(pods_each(&none, count_one, &n, &e), 0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(pod_get(&none, "abc", &p, &e), -ENOENT);
	pods_close(&none);
	ck_assert_int_eq(pods_open(&none, dir, true, &e), 0);
	ck_assert_int_eq(pod_create(&none, &p, &e), 0);
	pod_close(&p);
	pods_close(&none);
}
END_TEST

/* A first start that was killed between two mkdirs. */
START_TEST(missing_phases)
{
	struct pod p = POD_INIT;
	ck_assert_int_eq(unlinkat(ps.dirfd, "embryo", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(ps.dirfd, "prepare", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(ps.dirfd, "run", AT_REMOVEDIR), 0);
	ck_assert_int_eq(count(), 0);
	ck_assert_int_eq(pod_create(&ps, &p, &e), 0);
	ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_START, &e), 0);
	pod_close(&p);
}
END_TEST

START_TEST(nothing_is_left_of_one_that_could_not_be_made)
{
	struct pod p = POD_INIT;
	ck_assert_int_eq(unlinkat(ps.dirfd, "prepare", AT_REMOVEDIR), 0);
	int fd = openat(ps.dirfd, "prepare", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(pod_create(&ps, &p, &e), -ENOTDIR);
	ck_assert_int_eq(unlinkat(ps.dirfd, "prepare", 0), 0);
	ck_assert_int_eq(unlinkat(ps.dirfd, "embryo", AT_REMOVEDIR), 0); /* empty */
}
END_TEST

START_TEST(prefixes)
{
	static const char *const uuids[] = { "aaaaaaaa-0000-4000-8000-000000000001",
		"aaaaaaaa-0000-4000-8000-000000000002", "ab000000-0000-4000-8000-000000000003" };
	char path[128];
	struct pod p = POD_INIT;
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "prepared/%s", uuids[i]);
		ck_assert_int_eq(mkdirat(ps.dirfd, path, 0750), 0);
	}
	ck_assert_int_eq(pod_get(&ps, "ab", &p, &e), 0);
	ck_assert_str_eq(p.uuid.text, uuids[2]);
	pod_close(&p);
	ck_assert_int_eq(pod_get(&ps, "AB", &p, &e), 0); /* as rkt does */
	pod_close(&p);
	ck_assert_int_eq(pod_get(&ps, uuids[0], &p, &e), 0);
	pod_close(&p);
	ck_assert_int_lt(pod_get(&ps, "a", &p, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "ambiguous uuid, 3 matches"));
	ck_assert_ptr_nonnull(strstr(e.msg, uuids[1]));
	static const char *const none[] = { "b", "..", "../run",
		"aaaaaaaa-0000-4000-8000-00000000000x", "aaaaaaaa-0000-4000-8000-0000000000012",
		"x\n", "aaaaaaaa0" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		ck_assert_int_eq(pod_get(&ps, none[i], &p, &e), -ENOENT);
		snprintf(path, sizeof path, "no matches found for \"%s\"", none[i]);
		ck_assert_str_eq(e.msg, path);
	}
	ck_assert_int_lt(pod_get(&ps, "", &p, &e), 0);
	ck_assert_str_eq(e.msg, "UUID cannot be empty");
}
END_TEST

START_TEST(damaged_directories)
{
	struct pod p = POD_INIT;
	struct arena a = ARENA_INIT;
	struct pod_info info;
	const char *dir = "run/aaaaaaaa-0000-4000-8000-000000000001";
	mkdirat(ps.dirfd, dir, 0750); /* no lock, no manifest */
	mkdirat(ps.dirfd, "run/not-a-uuid", 0750);
	mkdirat(ps.dirfd, "run/.tmp-1", 0750);
	symlinkat("/etc", ps.dirfd, "run/aaaaaaaa-0000-4000-8000-000000000002");
	close(openat(
		ps.dirfd, "run/aaaaaaaa-0000-4000-8000-000000000003", O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(count(), 1);
	ck_assert_int_eq(pod_get(&ps, "aaaaaaaa-0000-4000-8000-000000000001", &p, &e), 0);
	pod_info(&p, &a, &info);
	ck_assert_str_eq(info.state, "exited");
	ck_assert_ptr_null(info.manifest);
	ck_assert_ptr_nonnull(strstr(info.damage, "pod manifest"));
	ck_assert_int_eq(io_write_new(p.dirfd, "pod", "{\"acKind", 8, 0640, &e), 0);
	pod_info(&p, &a, &info);
	ck_assert_ptr_nonnull(info.damage);
	ck_assert_int_eq(pod_lock(&ps, &p, &e), 1); /* it gets a lock file */
	pod_close(&p);
	arena_release(&a);
}
END_TEST

START_TEST(lock_has_one_owner)
{
	struct pod mine = make(POD_RUN), other = POD_INIT;
	ck_assert_int_eq(pod_get(&ps, mine.uuid.text, &other, &e), 0);
	ck_assert(other.locked);
	ck_assert_int_eq(pod_lock(&ps, &other, &e), 0);
	pod_close(&mine);
	ck_assert_int_eq(pod_lock(&ps, &other, &e), 1);
	ck_assert_int_eq(pod_lock(&ps, &other, &e), 1);
	pod_close(&other);
}
END_TEST

/* Somebody who only looks is not an owner. */
START_TEST(lock_in_spite_of_lookers)
{
	struct uuid u = make_free(POD_RUN);
	struct pod p = POD_INIT;
	ck_assert_int_eq(pod_get(&ps, u.text, &p, &e), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (;;) {
			int fd = openat(p.dirfd, POD_LOCK_FILE, O_RDONLY | O_CLOEXEC);
			flock(fd, LOCK_SH | LOCK_NB);
			usleep(50);
			close(fd);
			usleep(100);
		}
	}
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(pod_lock(&ps, &p, &e), 1);
		p.lock_fd = fd_close(p.lock_fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pod_close(&p);
}
END_TEST

START_TEST(lock_of_a_removed_pod)
{
	struct pod p = POD_INIT, q = POD_INIT;
	struct uuid u = make_free(POD_RUN);
	ck_assert_int_eq(pod_get(&ps, u.text, &p, &e), 0);
	ck_assert_int_eq(pod_get(&ps, u.text, &q, &e), 0);
	ck_assert_int_eq(pod_lock(&ps, &q, &e), 1);
	ck_assert_int_eq(pod_transition(&ps, &q, POD_EV_MARK, &e), 0);
	pod_close(&q);
	ck_assert_int_eq(pod_lock(&ps, &p, &e), 1);
	ck_assert_int_eq(p.phase, POD_EXITED_GARBAGE); /* it was looked for again */
	p.lock_fd = fd_close(p.lock_fd);
	char path[POD_PATH_MAX];
	pod_path(&u, POD_EXITED_GARBAGE, path);
	ck_assert_int_eq(rmtree_at(ps.dirfd, path, &e), 0);
	ck_assert_int_eq(pod_lock(&ps, &p, &e), -ENOENT);
	pod_close(&p);
}
END_TEST

/* A pod that moves on and on is always found, and seen once. */
START_TEST(moving_pods_are_never_missed)
{
	pid_t pids[3];
	struct uuid u = make_free(POD_RUN);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int n = 0; n < 40; n++) {
			struct pod p = POD_INIT;
			if (pod_create(&ps, &p, &e) < 0 ||
				pod_transition(&ps, &p, POD_EV_START, &e) < 0 ||
				pod_transition(&ps, &p, POD_EV_MARK, &e) < 0)
				_exit(1);
			char path[POD_PATH_MAX];
			pod_path(&p.uuid, p.phase, path);
			if (rmtree_at(ps.dirfd, path, &e) < 0)
				_exit(2);
			pod_close(&p);
		}
		_exit(0);
	}
	/* And one of which every look must tell. */
	struct pod moving = make(POD_PREPARE);
	pid_t mover = fork();
	if (mover == 0) {
		usleep(3000);
		pod_transition(&ps, &moving, POD_EV_COMMIT, &e);
		usleep(3000);
		pod_transition(&ps, &moving, POD_EV_START, &e);
		usleep(3000);
		pod_transition(&ps, &moving, POD_EV_MARK, &e);
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		ck_assert_str_ne(state_of(&moving.uuid), "gone");
		ck_assert_str_ne(state_of(&moving.uuid), "aborted prepare");
		ck_assert_str_eq(state_of(&u), "exited");
		ck_assert_int_ge(count(), 2);
	}
	int status;
	for (int i = 0; i < 3; i++) {
		waitpid(pids[i], &status, 0);
		ck_assert_int_eq(status, 0);
	}
	waitpid(mover, &status, 0);
	pod_close(&moving);
	ck_assert_int_eq(count(), 2);
}
END_TEST

static int64_t ms_since(struct timespec from)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000;
}

START_TEST(waiting)
{
	struct pod holder = make(POD_RUN), p = POD_INIT;
	struct timespec begin;
	ck_assert_int_eq(pod_get(&ps, holder.uuid.text, &p, &e), 0);
	ck_assert_int_eq(pod_wait(&ps, &p, false, 0, &e), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ck_assert_int_eq(pod_wait(&ps, &p, false, 30000000, &e), 0);
	ck_assert_int_ge(ms_since(begin), 29);
	ck_assert_int_eq(pod_wait(&ps, &p, true, 10000000, &e), 0);
	int end[2];
	ck_assert_int_eq(pipe(end), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(end[1]);
		usleep(20000); /* so that it is waited for, most of the time */
		atomic_write(holder.dirfd, POD_PID_FILE, "1\n", 2, 0644, ATOMIC_VISIBLE, &e);
		_exit(read(end[0], &byte, 1) != 0);
	}
	close(end[0]);
	pod_close(&holder); /* the child holds it now, until it is told to end */
	ck_assert_int_eq(pod_wait(&ps, &p, true, -1, &e), 1);
	ck_assert(p.locked);
	close(end[1]);
	ck_assert_int_eq(pod_wait(&ps, &p, false, -1, &e), 1);
	ck_assert(!p.locked);
	waitpid(pid, NULL, 0);
	/* One that is gone has exited; one that never became ready never will. */
	struct pod dead = POD_INIT;
	struct uuid u = make_free(POD_RUN);
	ck_assert_int_eq(pod_get(&ps, u.text, &dead, &e), 0);
	ck_assert_int_eq(pod_wait(&ps, &dead, true, -1, &e), -ESRCH);
	char path[POD_PATH_MAX];
	pod_path(&u, POD_RUN, path);
	ck_assert_int_eq(rmtree_at(ps.dirfd, path, &e), 0);
	ck_assert_int_eq(pod_wait(&ps, &dead, false, -1, &e), 1);
	pod_close(&dead);
	pod_close(&p);
}
END_TEST

START_TEST(trees_in_use)
{
	char id[140] = "sha512-";
	memset(id + 7, 'a', 128);
	struct pod p = make(POD_PREPARE);
	ck_assert(!pods_use_tree(&ps, id));
	mkdirat(p.dirfd, "appsinfo", 0755);
	mkdirat(p.dirfd, "appsinfo/app", 0755);
	char line[160];
	int n = snprintf(line, sizeof line, "%s\n", id);
	ck_assert_int_eq(
		io_write_new(p.dirfd, "appsinfo/app/treeStoreID", line, (size_t)n, 0640, &e), 0);
	ck_assert(pods_use_tree(&ps, id));
	id[134] = 'b';
	ck_assert(!pods_use_tree(&ps, id));
	ck_assert_int_eq(io_write_new(p.dirfd, "stage1TreeStoreID", id, strlen(id), 0640, &e), 0);
	ck_assert(pods_use_tree(&ps, id));
	pod_close(&p);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, transitions);
	tcase_add_test(t, refused_transition);
	tcase_add_test(t, states);
	tcase_add_test(t, no_directory_yet);
	tcase_add_test(t, missing_phases);
	tcase_add_test(t, nothing_is_left_of_one_that_could_not_be_made);
	tcase_add_test(t, prefixes);
	tcase_add_test(t, damaged_directories);
	tcase_add_test(t, lock_has_one_owner);
	tcase_add_test(t, lock_in_spite_of_lookers);
	tcase_add_test(t, lock_of_a_removed_pod);
	tcase_add_test(t, moving_pods_are_never_missed);
	tcase_add_test(t, waiting);
	tcase_add_test(t, trees_in_use);
	return unit_end("pods", t);
}
