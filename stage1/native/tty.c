/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tty: the terminal of an interactive app, for `run` and `enter`.
 *
 * The pseudo terminal of `run` is the host's, opened before anything of the pod is looked at; the
 * app gets one end, which is its /dev/console too. Where standard input is no terminal there is
 * nothing to relay: the app has rkt's own descriptors, as always.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "stage1/native/native.h"

#define PTMX "/dev/pts/ptmx" /* there on every kernel since 4.7 */

int tty_open(struct tty_ends *ret, struct err *e)
{
	*ret = TTY_ENDS_INIT;
	return isatty(STDIN_FILENO) ? term_open_pty(PTMX, &ret->master, &ret->slave, e) : 0;
}

void tty_reopen_here(struct tty_ends *ends)
{
	struct tty_ends own = TTY_ENDS_INIT;
	struct err ignored = ERR_INIT;
	if (ends->master < 0 || term_open_pty(PTMX, &own.master, &own.slave, &ignored) < 0)
		return;
	tty_close(ends);
	*ends = own;
}

void tty_close(struct tty_ends *ends)
{
	ends->master = fd_close(ends->master);
	ends->slave = fd_close(ends->slave);
}

int tty_begin(struct term_relay **ret_relay, struct tty_ends *ends, struct err *e)
{
	*ret_relay = NULL;
	if (ends->master < 0)
		return 0;
	struct term_relay *relay = xcalloc(1, sizeof *relay);
	/* What goes elsewhere does not come by. */
	const int out = isatty(STDOUT_FILENO)	? STDOUT_FILENO
			: isatty(STDERR_FILENO) ? STDERR_FILENO
						: STDIN_FILENO;
	int r = term_relay_begin(relay, STDIN_FILENO, out, take_fd(&ends->master), e);
	if (r < 0) {
		tty_end(&relay);
		return r;
	}
	*ret_relay = relay;
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
