/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
enum { DEVPTS_MAGIC = 0x1cd1, PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* Kernels before 4.13 cannot open the peer by descriptor: the node beside the multiplexer is it. */
static int open_peer_by_name(int master, const char *ptmx)
{
	unsigned number;
	char path[64];
	const char *slash = strrchr(ptmx, '/');
	if (!slash || ioctl(master, TIOCGPTN, &number) < 0)
		return -1;
	int n = snprintf(path, sizeof path, "%.*s/%u", (int)(slash - ptmx), ptmx, number);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
}

int term_open_pty(const char *ptmx, int *ret_master, int *ret_slave, struct err *e)
{
	/* Looked at before it is opened: opening a device of somebody's choice may do anything. */
	_clean_(fd) int path_fd = open(ptmx, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	struct statfs fs;
	if (path_fd < 0 || fstat(path_fd, &st) < 0 || fstatfs(path_fd, &fs) < 0)
		return ERR_SYS(e, "open '%s'", ptmx);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR) ||
		fs.f_type != DEVPTS_MAGIC)
		return ERR_BAD(e, "'%s' is not the multiplexer of pseudo terminals", ptmx);
	_clean_(fd) int master = open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	int unlock = 0;
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return ERR_SYS(e, "open '%s'", ptmx);
	_clean_(fd) int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		slave = open_peer_by_name(master, ptmx);
	if (slave < 0)
		return ERR_SYS(e, "open pseudo terminal");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}

int term_adopt(int slave, struct err *e)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return ERR_SYS(e, "controlling terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if ((fd == STDIN_FILENO || isatty(fd)) && dup2(slave, fd) < 0)
			return ERR_SYS(e, "standard descriptors");
	return 0;
}

void term_copy_size(int from, int to)
{
	struct winsize size;
	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		(void)ioctl(to, TIOCSWINSZ, &size); /* the app's end may be gone already */
}

int term_relay_begin(struct term_relay *r, int tty_in, int tty_out, int master, struct err *e)
{
	*r = (struct term_relay){ .tty_in = tty_in, .tty_out = tty_out, .master = master };
	/* Before anything can fail: term_relay_end() reads what there is. */
	if (fcntl(master, F_SETFL, O_NONBLOCK) < 0)
		return ERR_SYS(e, "pseudo terminal");
	/* Raw mode set from the background would hit whoever is in the foreground: a shell. */
	pid_t foreground = tcgetpgrp(tty_in);
	if (foreground > 0 && foreground != getpgrp())
		return ERR_DENY(e,
			"the terminal cannot be taken over from the background: start it in the "
			"foreground, or with other input (</dev/null)");
	term_copy_size(tty_in, master);
	if (tcgetattr(tty_in, &r->saved) < 0)
		return ERR_SYS(e, "terminal");
	struct termios raw = r->saved;
	cfmakeraw(&raw);
	if (tcsetattr(tty_in, TCSADRAIN, &raw) < 0)
		return ERR_SYS(e, "terminal into raw mode");
	r->raw = true;
	return 0;
}

void term_relay_poll(const struct term_relay *r, struct pollfd *fds)
{
	short master = 0;
	if (r->in.at < r->in.end)
		master |= POLLOUT;
	if (r->out.end == 0)
		master |= POLLIN;
	fds[0] = (struct pollfd){ .fd = r->master >= 0 && !r->hung_up && master ? r->master : -1,
		.events = master };
	bool read_more = r->master >= 0 && r->in.end == 0 && !r->in.closed && !r->hung_up;
	fds[1] = (struct pollfd){ .fd = read_more ? r->tty_in : -1, .events = POLLIN };
	bool write_more = r->master >= 0 && r->out.at < r->out.end && !r->tty_out_lost;
	fds[2] = (struct pollfd){ .fd = write_more ? r->tty_out : -1, .events = POLLOUT };
}

/* Reads into an empty pipe. */
static void fill(struct term_pipe *p, int fd)
{
	ssize_t n = read(fd, p->bytes, sizeof p->bytes);
	if (n > 0)
		p->end = (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		p->closed = true;
}

/* false: nothing can be written there any more. */
static bool drain(struct term_pipe *p, int fd)
{
	ssize_t n = write(fd, p->bytes + p->at, p->end - p->at);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	p->at += (size_t)n;
	if (p->at == p->end)
		p->at = p->end = 0;
	return true;
}

void term_relay_step(struct term_relay *r, const struct pollfd *fds)
{
	if (r->master < 0)
		return;
	if (fds[0].fd >= 0 && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) && r->out.end == 0) {
		fill(&r->out, r->master);
		if (r->out.closed)
			r->hung_up = true; /* EIO: no process has the app's end open */
	}
	if (fds[0].fd >= 0 && (fds[0].revents & POLLOUT) && !drain(&r->in, r->master))
		r->in.at = r->in.end = 0;
	if (fds[1].fd >= 0 && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)))
		fill(&r->in, r->tty_in);
	if (fds[2].fd >= 0 && fds[2].revents && !drain(&r->out, r->tty_out)) {
		r->tty_out_lost = true;
		r->out.at = r->out.end = 0;
	}
	/* Without a reader the app's output is thrown away rather than stopping it. */
	if (r->tty_out_lost)
		r->out.at = r->out.end = 0;
}

/* What is in the pseudo terminal's buffer is at most some 64 KiB; a terminal that stands still
 * (^S) must not hold the pod's end up for ever. */
static void flush(struct term_relay *r)
{
	enum { ROUNDS = 64, PATIENCE_MS = 1000 };
	for (int i = 0; i < ROUNDS && !r->tty_out_lost; i++) {
		if (r->out.end == 0)
			fill(&r->out, r->master);
		while (r->out.at < r->out.end) {
			struct pollfd p = { .fd = r->tty_out, .events = POLLOUT };
			if (poll(&p, 1, PATIENCE_MS) <= 0 || !drain(&r->out, r->tty_out))
				return;
		}
		if (r->out.end == 0 && (r->out.closed || errno == EAGAIN))
			return;
	}
}

void term_relay_end(struct term_relay *r)
{
	if (r->master >= 0) {
		errno = 0;
		flush(r);
		r->master = fd_close(r->master);
	}
	if (r->raw)
		(void)tcsetattr(r->tty_in, TCSADRAIN, &r->saved);
	r->raw = false;
}
