/* SPDX-License-Identifier: Apache-2.0 */
/* The unpack worker: started by stage0/worker.c, never by hand. stage0/unpack.h is its manual. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage0/unpack/job.h"

static int receive(struct unpack_request *ret)
{
	ssize_t n = recv(UNPACK_FD_SOCKET, ret, sizeof *ret, MSG_TRUNC);
	return n == (ssize_t)sizeof *ret && ret->magic == UNPACK_MAGIC &&
			       ret->version == UNPACK_VERSION && ret->mode < _UNPACK_MODE_MAX
		       ? 0
		       : -1;
}

static int if_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}

int main(void)
{
	static struct unpack_answer answer;
	struct unpack_request request;
	struct err e = ERR_INIT;
	if (receive(&request) < 0) {
		fputs("unpack: run by rkt, not by hand\n", stderr);
		return 2;
	}
	const struct job_fds fds = { UNPACK_FD_INPUT, if_open(UNPACK_FD_DIR),
		if_open(UNPACK_FD_OUTPUT), if_open(UNPACK_FD_LOWER) };
	int r = job_prepare(&e);
	if (r >= 0)
		r = job_confine(&request, fds.dir, &e);
	if (r >= 0)
		job_run(&request, &fds, &answer);
	else
		answer = (struct unpack_answer){ UNPACK_MAGIC, UNPACK_VERSION, r, .err = e };
	bool sent = send(UNPACK_FD_SOCKET, &answer, sizeof answer, MSG_NOSIGNAL) ==
		    (ssize_t)sizeof answer;
	/* At once: no destructor, no sanitizer's last look from inside another root. */
	_exit(sent ? 0 : 1);
}
