/* SPDX-License-Identifier: Apache-2.0 */
/*
 * term: pseudo terminals, and the terminal that the user sits at.
 *
 * An app never gets the user's terminal itself (it could push input into it, CVE-2017-5226): it
 * gets a pseudo terminal of its own, and a relay copies between the two. The relay owns the user's
 * terminal while it is in raw mode and gives it back in term_relay_end(), which whoever made the
 * relay calls on every way out.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "lib/base/err.h"

/* A new pseudo terminal of the devpts that `ptmx` (path) belongs to. The node is checked to be the
 * multiplexer and on devpts: whoever owns the root may have put something else there. Both ends
 * are close-on-exec, and neither becomes the caller's controlling terminal. */
int term_open_pty(const char *ptmx, int *ret_master, int *ret_slave, struct err *e);
/* Makes `slave` the controlling terminal of the caller, a session leader without one, and its
 * standard descriptors, but for an output that is no terminal: a file is to get what was written,
 * byte for byte. */
int term_adopt(int slave, struct err *e);
/* Copies the window size of `from` to `to`; nothing happens where `from` is no terminal. */
void term_copy_size(int from, int to);

enum { TERM_CHUNK = 4096 };
struct term_pipe { /* one direction: what was read and not yet written */
	char bytes[TERM_CHUNK];
	size_t at, end;
	bool closed; /* nothing more will be read */
};
struct term_relay {
	int tty_in, tty_out; /* the user's: borrowed */
	int master;	     /* owned; -1: no relay */
	bool raw;
	bool tty_out_lost, hung_up;
	struct termios saved;
	struct term_pipe in, out;
};
#define TERM_RELAY_FDS 3

/* Puts tty_in into raw mode, copies its size and takes over `master`. */
int term_relay_begin(struct term_relay *r, int tty_in, int tty_out, int master, struct err *e);
/* What to poll for, TERM_RELAY_FDS entries; then what to do with the answers. */
void term_relay_poll(const struct term_relay *r, struct pollfd *fds);
void term_relay_step(struct term_relay *r, const struct pollfd *fds);
/* The other side is gone: copies what it still said, restores the terminal. Idempotent. */
void term_relay_end(struct term_relay *r);
