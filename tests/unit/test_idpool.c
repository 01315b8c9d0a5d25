/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/rmtree.h"
#include "stage0/idpool.h"
#include "stage0/pod/users.h"
#include "tests/unit/unit.h"

static struct arena a;
static struct err e;
static struct id_ranges mine, others;

static int subids(const char *text)
{
	mine = others = (struct id_ranges){ 0 };
	return id_pool_subids(text, strlen(text), "/etc/subuid", &a, &mine, &others, &e);
}

static struct id_ranges ranges(const char *text)
{
	ck_assert_msg(subids(text) == 0, "%s", unit_message(&e));
	return mine;
}

START_TEST(range_as_text)
{
	static const char *const bad[] = { "", ":", "1", "1:", ":1", "1:0", "a:1", "1:2:3",
		"4294967295:1", "4294967296:1", "0:4294967296", "-1:1", " 1:1", "1: 1",
		"00000000000000001:1" };
	struct id_range r = { 7, 7 };
	char text[ID_RANGE_TEXT];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_msg(!id_range_parse(bad[i], &r), "'%s'", bad[i]);
		ck_assert_uint_eq(r.first, 7);
	}
	ck_assert(id_range_parse("0:4294967295", &r));
	ck_assert(id_range_parse("100000:65536", &r));
	id_range_print(&r, text);
	ck_assert_str_eq(text, "100000:65536");
	ck_assert(id_range_has(&r, 100000) && id_range_has(&r, 165535));
	ck_assert(!id_range_has(&r, 99999) && !id_range_has(&r, 165536));
	ck_assert_uint_eq(id_range_shift(&r, 5), 100005);
	ck_assert_uint_eq(id_range_shift(&(struct id_range){ 0 }, 5), 5);
}
END_TEST

START_TEST(subordinate_ids)
{
	ck_assert_int_eq(subids("# comment\n\nrkt:100000:65536\nalice:200000:10\nrkt:300000:1"), 0);
	ck_assert_uint_eq(mine.n, 2);
	ck_assert_uint_eq(mine.v[1].first, 300000);
	ck_assert_uint_eq(others.n, 1);
	ck_assert_uint_eq(others.v[0].count, 10);
	/* whose name begins or ends alike is somebody else */
	ck_assert_int_eq(subids("rkt2:1:1\nark:1:1\nrk:2:1\n"), 0);
	ck_assert_uint_eq(mine.n, 0);
	ck_assert_uint_eq(others.n, 3);
}
END_TEST

START_TEST(malformed_lines)
{
	static const char *const bad[] = { "rkt", "rkt:", "rkt:1", "rkt:1:", ":1:1", "rkt:x:1",
		"rkt:1:1:1", "rkt:1:0", "rkt:4294967295:1", "rkt:1:1 ", "rkt:1:-1", " " };
	char text[1200];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "a:1:1\n%s\n", bad[i]);
		ck_assert_msg(subids(text) == -EINVAL, "'%s'", bad[i]);
		ck_assert_ptr_nonnull(strstr(unit_message(&e), "'/etc/subuid', line 2"));
	}
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(subids(text), -EINVAL);
	ck_assert_int_eq(id_pool_subids("a:1:1\0\n", 7, "f", &a, &mine, &others, &e), -EINVAL);
}
END_TEST

START_TEST(accounts)
{
	struct id_ranges r = { 0 };
	char text[4096];
	int n = snprintf(text, sizeof text,
		"root:x:0:0::/root:/bin/sh\nbroken\n\nalice:x:1000:1000::/:\n"
		"many:x:77:");
	memset(text + n, 'm', 2000);
	n += 2000;
	n += snprintf(text + n, sizeof text - (size_t)n, "\nlast:x:88");
	ck_assert_int_eq(id_pool_accounts(text, (size_t)n, &a, &r, &e), 0);
	ck_assert_uint_eq(r.n, 4);
	ck_assert_uint_eq(r.v[1].first, 1000);
	ck_assert_uint_eq(r.v[2].first, 77);
	ck_assert_uint_eq(r.v[3].first, 88);
}
END_TEST

START_TEST(pool_of_subordinate_ids)
{
	struct id_ranges none = { 0 };
	struct id_pool p;
	struct id_range r;
	struct id_ranges users = ranges("rkt:165536:65536\nrkt:100000:65536\nrkt:500000:70000\n");
	struct id_ranges groups = ranges("rkt:100000:131073\nrkt:500001:65536\n");
	ck_assert_int_eq(id_pool_make(&users, &groups, &none, &a, &p, &e), 0);
	ck_assert_uint_eq(p.n_pieces, 3);
	const uint32_t want[] = { 100000, 165536, 500001 };
	for (size_t i = 0; i < 3; i++) {
		ck_assert(id_pool_piece(&p, i, &r));
		ck_assert_uint_eq(r.first, want[i]);
		ck_assert_uint_eq(r.count, ID_COUNT);
	}
	ck_assert(!id_pool_piece(&p, 3, &r));
	users = ranges("rkt:100000:65535\n");
	groups = ranges("rkt:100000:65536\n");
	ck_assert_int_eq(id_pool_make(&users, &groups, &none, &a, &p, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "in a row"));
	ck_assert_int_eq(id_pool_make(&users, &none, &none, &a, &p, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "'/etc/subgid' does not"));
	ck_assert_int_eq(id_pool_make(&none, &groups, &none, &a, &p, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "'/etc/subuid' does not"));
}
END_TEST

START_TEST(default_pool_avoids_others)
{
	struct id_ranges none = { 0 }, nobody = { 0 };
	struct id_pool p;
	struct id_range r;
	ck_assert_int_eq(id_pool_make(&none, &nobody, &nobody, &a, &p, &e), 0);
	ck_assert_uint_eq(p.n_pieces, (ID_DEFAULT_END - ID_DEFAULT_FIRST) / ID_COUNT);
	ck_assert(id_pool_piece(&p, 1, &r));
	ck_assert_uint_eq(r.first, 0x70010000);
	/* the first two pieces by one id each, all of the rest but one */
	subids("a:1879048192:1\nb:1879179263:2\nc:1879310336:2147352575\n");
	ck_assert_int_eq(id_pool_make(&none, &nobody, &others, &a, &p, &e), 0);
	ck_assert(!id_pool_piece(&p, 0, &r));
	ck_assert(!id_pool_piece(&p, 1, &r));
	ck_assert(!id_pool_piece(&p, 2, &r));
	ck_assert(id_pool_piece(&p, 3, &r));
	ck_assert(!id_pool_piece(&p, 4, &r));
	ck_assert(!id_pool_piece(&p, p.n_pieces - 1, &r));
}
END_TEST

/* --- reservations ---------------------------------------------------------------------------- */

static char base[64];
static struct pods ps;

static void pods_begin(void)
{
	snprintf(base, sizeof base, "/tmp/idpool.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(pods_open(&ps, base, true, &e), 0);
}

static int reservations(void)
{
	char path[128];
	snprintf(path, sizeof path, "%s/pods/private-users", base);
	struct stat st;
	int n = 0;
	_clean_(dir) DIR *d = opendir(path);
	for (struct dirent *ent; d && (ent = readdir(d));)
		n += fstatat(dirfd(d), ent->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
	return n;
}

static void forget(struct pod *p)
{
	ck_assert_int_eq(unlinkat(p->dirfd, POD_USERS_FILE, 0), 0);
	ck_assert_int_eq(pod_transition(&ps, p, POD_EV_MARK, &e), 0);
	pod_close(p);
}

START_TEST(reserved_until_the_pod_is_gone)
{
	pods_begin();
	struct pod one = POD_INIT, two = POD_INIT;
	struct id_range a1, a2, again;
	ck_assert_int_eq(pod_create(&ps, &one, &e), 0);
	ck_assert_int_eq(pod_create(&ps, &two, &e), 0);
	ck_assert_int_eq(pod_users_load(&one, &again, &e), 0);
	ck_assert_uint_eq(again.count, 0);
	ck_assert_msg(pod_users_reserve(&ps, &one, &a1, &e) == 0, "%s", unit_message(&e));
	ck_assert_int_eq(pod_users_reserve(&ps, &two, &a2, &e), 0);
	ck_assert(!id_range_overlaps(&a1, &a2));
	ck_assert_int_eq(pod_users_load(&one, &again, &e), 0);
	ck_assert_uint_eq(again.first, a1.first);
	ck_assert_int_eq(pods_users_collect(&ps, &e), 0);
	ck_assert_int_eq(reservations(), 2);
	forget(&one);
	ck_assert_int_eq(reservations(), 2);
	ck_assert_int_eq(pods_users_collect(&ps, &e), 0);
	ck_assert_int_eq(reservations(), 1);
	forget(&two);
	ck_assert_int_eq(pods_users_collect(&ps, &e), 0);
	ck_assert_int_eq(reservations(), 0);
	pods_close(&ps);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}
END_TEST

START_TEST(damaged_reservation)
{
	pods_begin();
	struct pod p = POD_INIT;
	struct id_range r;
	ck_assert_int_eq(pod_create(&ps, &p, &e), 0);
	int fd = openat(p.dirfd, POD_USERS_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "nonsense\n", 9), 9);
	close(fd);
	ck_assert_int_eq(pod_users_load(&p, &r, &e), -EINVAL);
	pod_close(&p);
	pods_close(&ps);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}
END_TEST

/* Collectors all the time while others reserve and forget: no range is ever two pods'. */
START_TEST(many_at_once)
{
	enum { WORKERS = 4, ROUNDS = 60 };
	pods_begin();
	pid_t pids[WORKERS + 1];
	for (int w = 0; w < WORKERS + 1; w++) {
		pids[w] = fork();
		if (pids[w])
			continue;
		for (int i = 0; w == WORKERS && i < ROUNDS * 20; i++)
			if (pods_users_collect(&ps, &e) < 0)
				_exit(1);
		for (int i = 0; w < WORKERS && i < ROUNDS; i++) {
			struct pod p = POD_INIT;
			struct id_range r;
			struct stat st;
			if (pod_create(&ps, &p, &e) < 0 || pod_users_reserve(&ps, &p, &r, &e) < 0)
				_exit(2);
			char name[64];
			snprintf(name, sizeof name, "private-users/%u", r.first / ID_COUNT);
			struct stat own;
			if (fstatat(ps.dirfd, name, &st, 0) < 0 ||
				fstatat(p.dirfd, POD_USERS_FILE, &own, 0) < 0 ||
				st.st_ino != own.st_ino)
				_exit(3);
			if (i % 2)
				forget(&p);
			else
				pod_close(&p);
		}
		_exit(0);
	}
	for (int w = 0; w < WORKERS + 1; w++) {
		int status;
		ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(pods_users_collect(&ps, &e), 0);
	ck_assert_int_eq(reservations(), WORKERS * ROUNDS / 2);
	pods_close(&ps);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, base, &e), 0);
}
END_TEST

UNIT_MAIN("idpool", &range_as_text, &subordinate_ids, &malformed_lines, &accounts,
	&pool_of_subordinate_ids, &default_pool_avoids_others, &reserved_until_the_pod_is_gone,
	&damaged_reservation, &many_at_once)
