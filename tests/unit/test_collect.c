/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting pods that have no stage1; test_launch has those with one. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/pod/internal.h"
#include "tests/unit/unit.h"

static char base[64];
static struct pods ps;
static struct err e;
static int said; /* a file that every collector appends to */

static void setup(void)
{
	e = ERR_INIT;
	snprintf(base, sizeof base, "/tmp/collect.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(pods_open(&ps, base, true, &e), 0);
	said = openat(ps.dirfd, "said", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(said, 0);
}

static void teardown(void)
{
	close(said);
	pods_close(&ps);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}

static void say(void *ctx, const char *fmt, const char *uuid)
{
	(void)ctx;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	dprintf(said, fmt, uuid);
#pragma GCC diagnostic pop
	dprintf(said, "\n");
}

static const char *heard(void)
{
	static struct str s;
	str_release(&s);
	s = STR_INIT(STR_MAX_MANIFEST);
	ck_assert_int_eq(io_read_file(ps.dirfd, "said", &s, &e), 0);
	return str_text(&s);
}

static bool heard_of(const char *what, const struct uuid *u)
{
	char line[160];
	snprintf(line, sizeof line, "%s \"%s\"", what, u->text);
	return strstr(heard(), line) != NULL;
}

static struct uuid make(enum pod_phase phase)
{
	_clean_(pod) struct pod p = POD_INIT;
	ck_assert_int_eq(pod_create(&ps, &p, &e), 0);
	if (phase == POD_PREPARED)
		ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_COMMIT, &e), 0);
	if (phase == POD_RUN)
		ck_assert_int_eq(pod_transition(&ps, &p, POD_EV_START, &e), 0);
	ck_assert_int_eq(mkdirat(p.dirfd, "overlay", 0755), 0);
	ck_assert_int_eq(mkdirat(p.dirfd, "overlay/app", 0), 0);
	ck_assert_int_eq(io_write_new(p.dirfd, "overlay/app/file", "x", 1, 0600, &e), 0);
	return p.uuid;
}

static const char *state_of(const struct uuid *u)
{
	_clean_(pod) struct pod p = POD_INIT;
	return pod_get(&ps, u->text, &p, &e) < 0 ? "gone" : pod_phase_state(p.phase, p.locked);
}

static int gc(struct gc_options o)
{
	e = ERR_INIT;
	return pods_gc(&ps, NULL, &o, say, NULL, &e);
}

#define HOUR 3600000000000

START_TEST(marks_then_sweeps)
{
	struct uuid exited = make(POD_RUN), aborted = make(POD_PREPARE),
		    prepared = make(POD_PREPARED);
	struct uuid embryo = { "aaaaaaaa-0000-4000-8000-000000000001" };
	ck_assert_int_eq(mkdirat(ps.dirfd, "embryo/aaaaaaaa-0000-4000-8000-000000000001", 0750), 0);
	ck_assert_int_eq(
		gc((struct gc_options){ .mark_only = true, .expire_prepared_ns = HOUR }), 0);
	ck_assert_str_eq(state_of(&exited), "exited garbage");
	ck_assert_str_eq(state_of(&aborted), "garbage");
	ck_assert_str_eq(state_of(&embryo), "garbage");
	ck_assert_str_eq(state_of(&prepared), "prepared");
	ck_assert(heard_of("moving pod", &exited));
	ck_assert(heard_of("moving failed prepare", &aborted));
	/* Within its grace period the one that ran stays. */
	ck_assert_int_eq(
		gc((struct gc_options){ .grace_ns = HOUR, .expire_prepared_ns = HOUR }), 0);
	ck_assert_str_eq(state_of(&exited), "exited garbage");
	ck_assert_str_eq(state_of(&aborted), "gone");
	ck_assert_str_eq(state_of(&embryo), "gone");
	ck_assert(heard_of("Garbage collecting pod", &aborted));
	ck_assert_int_eq(gc((struct gc_options){ .expire_prepared_ns = HOUR }), 0);
	ck_assert_str_eq(state_of(&exited), "gone");
	ck_assert_str_eq(state_of(&prepared), "prepared");
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	ck_assert_str_eq(state_of(&prepared), "gone");
	ck_assert(heard_of("moving expired prepared pod", &prepared));
}
END_TEST

START_TEST(leaves_what_is_held)
{
	_clean_(pod) struct pod running = POD_INIT;
	_clean_(pod) struct pod preparing = POD_INIT;
	ck_assert_int_eq(pod_create(&ps, &running, &e), 0);
	ck_assert_int_eq(pod_transition(&ps, &running, POD_EV_START, &e), 0);
	ck_assert_int_eq(pod_create(&ps, &preparing, &e), 0);
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	ck_assert_str_eq(state_of(&running.uuid), "running");
	ck_assert_str_eq(state_of(&preparing.uuid), "preparing");
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* What a killed collector left. */
START_TEST(half_removed)
{
	struct uuid u = make(POD_RUN);
	ck_assert_int_eq(gc((struct gc_options){ .mark_only = true }), 0);
	char path[128];
	snprintf(path, sizeof path, "exited-garbage/%s/pod.lck", u.text);
	ck_assert_int_eq(unlinkat(ps.dirfd, path, 0), 0);
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	ck_assert_str_eq(state_of(&u), "gone");
	ck_assert_int_eq(
		mkdirat(ps.dirfd, "garbage/aaaaaaaa-0000-4000-8000-000000000001", 0750), 0);
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	ck_assert_int_ne(
		faccessat(ps.dirfd, "garbage/aaaaaaaa-0000-4000-8000-000000000001", F_OK, 0), 0);
}
END_TEST

START_TEST(removes_one)
{
	static const enum pod_phase phases[] = { POD_PREPARE, POD_PREPARED, POD_RUN };
	for (int i = 0; i < 3; i++) {
		struct uuid u = make(phases[i]);
		_clean_(pod) struct pod p = POD_INIT;
		ck_assert_int_eq(pod_get(&ps, u.text, &p, &e), 0);
		ck_assert_int_eq(pod_remove(&ps, &p, NULL, &e), 0);
		ck_assert_str_eq(state_of(&u), "gone");
	}
}
END_TEST

static void hostile_links(const struct uuid *u)
{
	char path[160];
	snprintf(path, sizeof path, "run/%s/sharedVolumes", u->text);
	ck_assert_int_eq(symlinkat("/etc", ps.dirfd, path), 0);
	snprintf(path, sizeof path, "run/%s/stage1", u->text);
	ck_assert_int_eq(symlinkat("../../precious", ps.dirfd, path), 0);
}

/* The pod's own directories are ours, yet a link in their place leads nowhere. */
START_TEST(follows_no_link)
{
	struct uuid u = make(POD_RUN);
	hostile_links(&u);
	ck_assert_int_eq(mkdirat(ps.dirfd, "precious", 0755), 0);
	ck_assert_int_eq(mkdirat(ps.dirfd, "precious/rootfs", 0755), 0);
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	ck_assert_str_eq(state_of(&u), "gone");
	ck_assert_int_eq(faccessat(ps.dirfd, "precious/rootfs", F_OK, 0), 0);
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
}
END_TEST

static int look(void *ctx, struct pod *p)
{
	struct arena a = ARENA_INIT;
	struct pod_info info;
	(void)ctx;
	pod_info(p, &a, &info);
	arena_release(&a);
	return 0;
}

/* Collectors, removers, lookers and starters at once: every pod goes once, nobody complains. */
START_TEST(everybody_at_once)
{
	enum { PODS = 60, COLLECTORS = 6, OTHERS = 3 };
	static struct uuid pods[PODS];
	for (int i = 0; i < PODS; i++)
		pods[i] = make(i % 3 ? POD_RUN : POD_PREPARE);
	pid_t pids[COLLECTORS + OTHERS];
	for (int i = 0; i < COLLECTORS + OTHERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i])
			continue;
		int r = 0;
		for (int n = 0; r >= 0 && n < 20; n++) {
			struct pod p = POD_INIT;
			if (i < COLLECTORS)
				r = gc((struct gc_options){ .expire_prepared_ns = HOUR });
			else if (i == COLLECTORS)
				r = pods_each(&ps, look, NULL, &e);
			else
				r = pod_create(&ps, &p, &e);
			pod_close(&p);
		}
		if (r < 0)
			fprintf(stderr, "%d: %s\n", i, unit_message(&e));
		_exit(r < 0);
	}
	for (int i = 0; i < COLLECTORS + OTHERS; i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(gc((struct gc_options){ 0 }), 0);
	for (int i = 0; i < PODS; i++) {
		char line[160];
		ck_assert_str_eq(state_of(&pods[i]), "gone");
		snprintf(line, sizeof line, "Garbage collecting pod \"%.36s\"", pods[i].text);
		const char *first = strstr(heard(), line);
		ck_assert_msg(first && !strstr(first + 1, line), "%s", line);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, marks_then_sweeps);
	tcase_add_test(t, leaves_what_is_held);
	tcase_add_test(t, half_removed);
	tcase_add_test(t, removes_one);
	tcase_add_test(t, follows_no_link);
	tcase_add_test(t, everybody_at_once);
	return unit_end("collect", t);
}
