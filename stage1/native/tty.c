/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tty: the terminal of an interactive app, for `run` and `enter`.
 *
 * The pseudo terminal is the host's, opened before anything of the pod is looked at; the app gets
 * one end. Where standard input is no terminal there is nothing to relay: the app has rkt's own
 * descriptors, as always.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "stage1/native/native.h"

#define PTMX "/dev/pts/ptmx" /* there on every kernel since 4.7 */

int tty_begin(struct term_relay **ret_relay, int *ret_tty, struct err *e)
{
	*ret_relay = NULL;
	*ret_tty = -1;
	if (!isatty(STDIN_FILENO))
		return 0;
	int master;
	_clean_(fd) int slave = -1;
	int r = term_open_pty(PTMX, &master, &slave, e);
	if (r < 0)
		return r;
	struct term_relay *relay = xcalloc(1, sizeof *relay);
	r = term_relay_begin(relay, STDIN_FILENO, STDOUT_FILENO, master, e);
	if (r < 0) {
		tty_end(&relay);
		return r;
	}
	*ret_relay = relay;
	*ret_tty = take_fd(&slave);
	return 0;
}

void tty_end(struct term_relay **relay)
{
	if (*relay)
		term_relay_end(*relay);
	free(*relay);
	*relay = NULL;
}

unsigned tty_wait(struct term_relay *relay, int sigfd, int sock)
{
	struct pollfd fds[2 + TERM_RELAY_FDS] = {
		{ .fd = sigfd, .events = POLLIN },
		{ .fd = sock, .events = POLLIN },
	};
	nfds_t n = 2;
	if (relay) {
		term_relay_poll(relay, fds + 2);
		n += TERM_RELAY_FDS;
	}
	if (poll(fds, n, -1) < 0)
		return 0; /* EINTR: of a signal that is not blocked, which has ended us */
	if (relay)
		term_relay_step(relay, fds + 2);
	return (fds[0].revents ? TTY_WOKE_SIGNAL : 0) |
	       (sock >= 0 && fds[1].revents ? TTY_WOKE_SOCKET : 0);
}

int tty_next_signal(struct term_relay *relay, int sigfd)
{
	struct signalfd_siginfo info;
	while (read(sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo != SIGWINCH)
			return (int)info.ssi_signo;
		if (relay)
			term_copy_size(relay->tty_in, relay->master);
	}
	return 0;
}

void tty_print_error(const struct term_relay *relay, const struct err *e)
{
	char text[sizeof e->msg * 4];
	err_format(e, false, text, sizeof text);
	fprintf(stderr, "Error: %s%s", text, relay && relay->raw ? "\r\n" : "\n");
}
