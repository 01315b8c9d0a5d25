/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch worker: started by stage0/worker.c, never by hand. stage0/fetch.h is its manual. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage0/confine/confine.h"
#include "stage0/fetch/mode.h"

static int receive(struct fetch_request *ret)
{
	ssize_t n = recv(FETCH_FD_SOCKET, ret, sizeof *ret, MSG_TRUNC);
	return n == (ssize_t)sizeof *ret && ret->magic == FETCH_MAGIC &&
			       ret->version == FETCH_VERSION && ret->mode < _FETCH_MODE_MAX
		       ? 0
		       : -1;
}

static int serve(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	const struct fetch_mode_row *mode = &fetch_modes[request->mode];
	const struct confinement c = {
		.socket = FETCH_FD_SOCKET,
		.rootfd = -1,
		.view = mode->view,
		.host_network = mode->host_network,
		.max_address_space = mode->max_address_space,
		.max_file_size = request->max_bytes,
		.cpu_seconds = request->cpu_seconds,
		.calls = mode->calls,
		.n_calls = mode->n_calls,
	};
	int r = mode->prepare ? mode->prepare(e) : 0;
	if (r >= 0)
		r = confine(&c, e);
	return r < 0 ? r : mode->run(request, ret, e);
}

int main(void)
{
	static struct fetch_answer answer;
	struct fetch_request request;
	struct err e = ERR_INIT;
	if (receive(&request) < 0) {
		fputs("fetch: run by rkt, not by hand\n", stderr);
		return 2;
	}
	answer.magic = FETCH_MAGIC;
	answer.version = FETCH_VERSION;
	answer.mode = request.mode;
	int r = serve(&request, &answer, &e);
	answer.result = r < 0 ? r : 0;
	if (r < 0)
		answer.err = e;
	bool sent = send(FETCH_FD_SOCKET, &answer, sizeof answer, MSG_NOSIGNAL) ==
		    (ssize_t)sizeof answer;
	/* At once: no destructor, no sanitizer's last look from inside another root. */
	_exit(sent ? 0 : 1);
}
