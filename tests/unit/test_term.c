/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/proc.h"
#include "lib/sys/term.h"
#include "tests/unit/unit.h"

static struct err e;

/* The user's terminal (user_m is the user), and the app's. */
static int user_m, user_s, master, slave;

static void open_both(void)
{
	ck_assert_int_eq(term_open_pty("/dev/pts/ptmx", &user_m, &user_s, &e), 0);
	ck_assert_int_eq(term_open_pty("/dev/pts/ptmx", &master, &slave, &e), 0);
	fcntl(user_m, F_SETFL, O_NONBLOCK);
	fcntl(slave, F_SETFL, O_NONBLOCK);
}

static void turn(struct term_relay *r, int times)
{
	while (times-- > 0) {
		struct pollfd fds[TERM_RELAY_FDS];
		term_relay_poll(r, fds);
		if (poll(fds, TERM_RELAY_FDS, 20) <= 0)
			return;
		term_relay_step(r, fds);
	}
}

START_TEST(a_pair)
{
	open_both();
	ck_assert(isatty(slave) && isatty(master));
	ck_assert_int_eq(fcntl(master, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(slave, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	char c = 0;
	ck_assert(write(slave, "x", 1) == 1 && read(master, &c, 1) == 1 && c == 'x');
}
END_TEST

START_TEST(not_a_multiplexer)
{
	char dir[] = "/tmp/term.XXXXXX", path[64];
	int m = -1, s = -1;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(term_open_pty("/dev/null", &m, &s, &e), -EINVAL);
	ck_assert_int_eq(term_open_pty("/dev/zero", &m, &s, &e), -EINVAL);
	snprintf(path, sizeof path, "%s/link", dir);
	ck_assert_int_eq(symlink("/dev/pts/ptmx", path), 0);
	ck_assert_int_lt(term_open_pty(path, &m, &s, &e), 0);
	unlink(path);
	/* Opened for good, a FIFO would stop us for ever. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(term_open_pty(path, &m, &s, &e), -EINVAL);
	unlink(path);
	rmdir(dir);
	ck_assert(m == -1 && s == -1);
}
END_TEST

START_TEST(raw_and_back)
{
	struct term_relay r;
	struct termios before, during, after;
	open_both();
	struct winsize size = { .ws_row = 33, .ws_col = 99 }, got;
	ioctl(user_s, TIOCSWINSZ, &size);
	tcgetattr(user_s, &before);
	ck_assert_int_eq(term_relay_begin(&r, user_s, user_s, master, &e), 0);
	tcgetattr(user_s, &during);
	ck_assert_uint_eq(during.c_lflag & (ICANON | ECHO | ISIG), 0);
	ck_assert(ioctl(slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 33 && got.ws_col == 99);
	size.ws_row = 50;
	ioctl(user_m, TIOCSWINSZ, &size);
	term_copy_size(user_s, master);
	ck_assert(ioctl(slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 50);
	term_relay_end(&r);
	term_relay_end(&r);
	tcgetattr(user_s, &after);
	ck_assert_mem_eq(&before, &after, sizeof before);
}
END_TEST

START_TEST(both_directions)
{
	struct term_relay r;
	char text[64] = "";
	open_both();
	ck_assert_int_eq(term_relay_begin(&r, user_s, user_s, master, &e), 0);
	ck_assert(write(user_m, "typed\r", 6) == 6);
	turn(&r, 4);
	ck_assert_int_eq(read(slave, text, sizeof text), 6); /* cooked: a line */
	ck_assert_mem_eq(text, "typed\n", 6);
	ck_assert(write(slave, "said", 4) == 4);
	turn(&r, 6);
	ssize_t n = read(user_m, text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "typed")); /* the echo of the app's own terminal */
	ck_assert_ptr_nonnull(strstr(text, "said"));
	term_relay_end(&r);
}
END_TEST

/* More than any buffer holds, and the app gone before it is read. */
START_TEST(last_words)
{
	struct term_relay r;
	char chunk[1000];
	size_t sent = 0, got = 0;
	open_both();
	struct termios t;
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	int out[2];
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(term_relay_begin(&r, user_s, out[1], master, &e), 0);
	memset(chunk, 'z', sizeof chunk);
	for (ssize_t n; sent < 3000 && (n = write(slave, chunk, sizeof chunk)) > 0;)
		sent += (size_t)n;
	ck_assert_uint_gt(sent, 0);
	close(slave);
	term_relay_end(&r);
	close(out[1]);
	for (ssize_t n; (n = read(out[0], chunk, sizeof chunk)) > 0;)
		got += (size_t)n;
	ck_assert_uint_eq(got, sent);
}
END_TEST

START_TEST(nobody_reads)
{
	struct term_relay r;
	int out[2];
	open_both();
	ck_assert_int_eq(pipe(out), 0);
	close(out[0]);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(term_relay_begin(&r, user_s, out[1], master, &e), 0);
	/* The app must be able to go on writing for ever. */
	for (int i = 0; i < 200; i++) {
		char chunk[512] = "";
		(void)!write(slave, chunk, sizeof chunk);
		turn(&r, 4);
	}
	ck_assert(r.tty_out_lost);
	ck_assert_int_eq(write(slave, "x", 1), 1);
	term_relay_end(&r);
}
END_TEST

START_TEST(controlling_terminal)
{
	open_both();
	bool placed;
	pid_t pid = proc_clone(0, -1, &placed, &e);
	if (pid == 0) {
		int fd;
		if (setsid() < 0 || term_adopt(slave, &e) < 0 ||
			(fd = open("/dev/tty", O_RDWR)) < 0 || !isatty(STDIN_FILENO))
			_exit(1);
		_exit(tcgetpgrp(fd) == getpid() ? 0 : 2);
	}
	ck_assert_int_eq(proc_wait(pid, &e), 0);
}
END_TEST

UNIT_MAIN("term", &a_pair, &not_a_multiplexer, &raw_and_back, &both_directions, &last_words,
	&nobody_reads, &controlling_terminal)
