/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: run a confined program for one transaction.
 *
 * What comes from outside is parsed by a program of its own that has given up what it does not
 * need. It gets a SOCK_SEQPACKET socket on descriptor 3, the descriptors of `fds` on 4, 5, …,
 * /dev/null on 0, 1 and 2, an empty environment, and nothing else; it dies with its parent. It
 * reads one request, sends one answer of exactly the agreed size, and ends.
 *
 * What comes back is as hostile as what went in: worker_finish() checks its length and nothing
 * more. The caller checks every field, and passes a struct err through err_sanitize().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

enum { WORKER_SOCKET = 3, WORKER_FD_FIRST = 4, WORKER_FD_MAX = 4 };

struct worker_call {
	const char *program;	/* absolute path */
	int fds[WORKER_FD_MAX]; /* -1: that number stays closed */
	const void *request;	/* one packet */
	size_t request_size;
	void *answer;	    /* one packet, of exactly… */
	size_t answer_size; /* …this size */
	unsigned timeout_s; /* then it is killed */
	/* Called a few times a second while the worker works; may be NULL. */
	void (*tick)(void *ctx);
	void *tick_ctx;
};

/* Several may work at once. The call lives until the worker is finished. */
struct worker {
	pid_t pid; /* 0: not running */
	int socket;
	int64_t deadline_ms;
	const struct worker_call *call;
};
#define WORKER_INIT ((struct worker){ .socket = -1 })
int worker_start(const struct worker_call *c, struct worker *ret, struct err *e);
/* worker_finish() would not wait; what can be polled for that: w->socket. */
bool worker_is_done(const struct worker *w);
/* -EPROTO/-ETIME with ERR_PEER when the worker died, spoke nonsense or took too long; it is gone
 * when this returns, in every case. */
int worker_finish(struct worker *w, struct err *e);
void worker_kill(struct worker *w); /* one that may be running: its answer is not wanted any more */
