/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/sync.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"

static const char *const step_names[_SYNC_STEP_MAX] = {
#define X(name, text) [SYNC_##name] = text,
	SYNC_STEPS(X)
#undef X
};

const char *sync_step_name(enum sync_step step)
{
	return step < _SYNC_STEP_MAX ? step_names[step] : "unknown";
}

int sync_pair(int ret_fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return ERR_SYS(e, "socketpair");
	return 0;
}

union control { /* room for one descriptor, aligned for its header */
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int send_packet(int sock, struct sync_msg *m, int fd)
{
	struct iovec iov = { .iov_base = m, .iov_len = sizeof *m };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	if (fd >= 0) {
		memset(&control, 0, sizeof control);
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof control.bytes;
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	ssize_t n;
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sync_send(int sock, enum sync_step step, int value, int fd, struct err *e)
{
	struct sync_msg m = { .step = step, .value = value };
	int r = send_packet(sock, &m, fd);
	if (r < 0)
		return ERR_NUM(e, -r, "send '%s' to the other process", sync_step_name(step));
	return 0;
}

void sync_send_failure(int sock, int value, const struct err *why)
{
	struct sync_msg m = { .step = SYNC_FAILED, .value = value, .err = *why };
	(void)send_packet(sock, &m, -1);
}

/* The descriptor of a packet; whatever else came along is closed. */
static int received_fd(struct msghdr *h)
{
	int kept = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (kept < 0)
				kept = fd;
			else
				fd_close(fd);
		}
	}
	return kept;
}

int sync_receive(int sock, int flags, struct sync_msg *ret, int *ret_fd, struct err *e)
{
	struct sync_msg m;
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof m };
	union control control;
	struct msghdr h = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	ssize_t n;
	/* ECONNRESET says, once, that the peer died with packets of ours unread; its own last
	 * packets come after that. */
	do
		n = recvmsg(sock, &h, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return SYNC_NOTHING;
	if (n < 0)
		return ERR_SYS(e, "receive from the other process");
	_clean_(fd) int fd = received_fd(&h);
	if (n == 0)
		return SYNC_END;
	if (n != (ssize_t)sizeof m || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
		m.step >= _SYNC_STEP_MAX)
		return err_set(e, ERR_PEER, EPROTO, "the other process sent nonsense");
	err_sanitize(&m.err);
	*ret = m;
	*ret_fd = take_fd(&fd);
	return SYNC_GOT;
}
