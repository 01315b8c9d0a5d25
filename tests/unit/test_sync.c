/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/sync.h"
#include "tests/unit/unit.h"

static int a, b;
static struct err e;

static void open_pair(void)
{
	int socks[2];
	e = ERR_INIT;
	ck_assert_int_eq(sync_pair(socks, &e), 0);
	a = socks[0];
	b = socks[1];
}

static void close_pair(void)
{
	close(a);
	close(b);
}

/* What comes next is that step, without a descriptor. */
static struct sync_msg expect(enum sync_step step)
{
	struct sync_msg m = { 0 };
	int fd = -1;
	ck_assert_int_eq(sync_receive(b, 0, &m, &fd, &e), SYNC_GOT);
	ck_assert_uint_eq(m.step, step);
	ck_assert_int_eq(fd, -1);
	return m;
}

START_TEST(steps_travel)
{
	struct sync_msg m;
	int fd = -1;
	open_pair();
	ck_assert_int_eq(sync_receive(b, MSG_DONTWAIT, &m, &fd, &e), SYNC_NOTHING);
	ck_assert_int_eq(sync_send(a, SYNC_SIGNAL, 10, -1, &e), 0);
	ck_assert_int_eq(expect(SYNC_SIGNAL).value, 10);
	ck_assert_int_eq(sync_send(a, SYNC_EXEC_GO, 0, -1, &e), 0);
	expect(SYNC_EXEC_GO);
	close_pair();
}
END_TEST

START_TEST(errors_ride_along)
{
	struct err why = ERR_INIT;
	open_pair();
	ERR_NUM(&why, ENOENT, "open '%s'", "/x");
	sync_send_failure(a, 203, &why);
	struct sync_msg m = expect(SYNC_FAILED);
	ck_assert_int_eq(m.value, 203);
	ck_assert_int_eq(m.err.errnum, ENOENT);
	ck_assert_str_eq(m.err.msg, why.msg);
	close_pair();
}
END_TEST

START_TEST(the_end_is_a_failure)
{
	struct sync_msg m;
	int fd;
	open_pair();
	close(a);
	ck_assert_int_eq(sync_receive(b, 0, &m, &fd, &e), SYNC_END);
	ck_assert_int_lt(sync_send(b, SYNC_STOP, 0, -1, &e), 0); /* and no SIGPIPE */
	close(b);
	/* What it sent before it died is still heard; then it is the end. */
	open_pair();
	ck_assert_int_eq(sync_send(a, SYNC_STARTED, 0, -1, &e), 0);
	ck_assert_int_eq(sync_send(b, SYNC_STOP, 0, -1, &e), 0);
	close(a);
	expect(SYNC_STARTED);
	ck_assert_int_eq(sync_receive(b, 0, &m, &fd, &e), SYNC_END);
	close(b);
}
END_TEST

START_TEST(descriptors_travel)
{
	struct sync_msg m;
	struct stat x, y;
	int fd = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	open_pair();
	ck_assert_int_eq(sync_send(a, SYNC_MNT_NS, 0, null, &e), 0);
	ck_assert_int_eq(sync_receive(b, 0, &m, &fd, &e), SYNC_GOT);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert(fstat(fd, &x) == 0 && fstat(null, &y) == 0 && x.st_rdev == y.st_rdev);
	close(fd);
	close(null);
	close_pair();
}
END_TEST

static int open_fds(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* What a process that an app has taken over might send. */
START_TEST(hostile_packets)
{
	struct sync_msg m = { .step = SYNC_FAILED }, got;
	char big[4096] = "";
	int fd = -1;
	open_pair();
	memset(big, 'x', sizeof big);
	int before = open_fds();
	ck_assert(send(a, big, 1, 0) == 1);
	ck_assert_int_eq(sync_receive(b, 0, &got, &fd, &e), -EPROTO);
	ck_assert(send(a, big, sizeof big, 0) == sizeof big);
	ck_assert_int_eq(sync_receive(b, 0, &got, &fd, &e), -EPROTO);
	m.step = _SYNC_STEP_MAX;
	ck_assert(send(a, &m, sizeof m, 0) == sizeof m);
	ck_assert_int_eq(sync_receive(b, 0, &got, &fd, &e), -EPROTO);
	/* An error without an end, of a kind that does not exist. */
	m.step = SYNC_FAILED;
	memset(&m.err, 0xff, sizeof m.err);
	ck_assert(send(a, &m, sizeof m, 0) == sizeof m);
	got = expect(SYNC_FAILED);
	ck_assert_uint_lt(got.err.kind, _ERR_KIND_MAX);
	ck_assert_uint_lt(strlen(got.err.msg), sizeof got.err.msg);
	/* More descriptors than one, or with a packet that is refused: none stays open. */
	int fds[3] = { a, b, a };
	char control[CMSG_SPACE(sizeof fds)] = "";
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof m };
	struct msghdr h = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);
	ck_assert(sendmsg(a, &h, 0) == sizeof m);
	ck_assert_int_eq(sync_receive(b, 0, &got, &fd, &e), -EPROTO);
	ck_assert_int_eq(open_fds(), before);
	close_pair();
}
END_TEST

UNIT_MAIN("sync", &steps_travel, &errors_ride_along, &the_end_is_a_failure, &descriptors_travel,
	&hostile_packets)
