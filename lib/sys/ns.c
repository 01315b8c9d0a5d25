/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/ns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/sockios.h>

#include "lib/base/cleanup.h"
#include "lib/sys/compat.h"

static const struct {
	const char *file;
	int flag;
} kinds[_NS_KIND_MAX] = {
#define X(name, file, flag) [NS_##name] = { file, flag },
	NS_KINDS(X)
#undef X
};

static int open_one(const struct proc *p, const char *kind, int *ret, struct err *e)
{
	char theirs[16], ours[32];
	snprintf(theirs, sizeof theirs, "ns/%s", kind);
	snprintf(ours, sizeof ours, "/proc/self/ns/%s", kind);
	struct stat a, b;
	_clean_(fd) int fd = openat(p->dirfd, theirs, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT && stat(ours, &b) < 0)
			return 0; /* a kernel without this kind */
		return ERR_SYS(e, "open the %s namespace of process %d", kind, (int)p->pid);
	}
	if (fstat(fd, &a) < 0 || stat(ours, &b) < 0)
		return ERR_SYS(e, "compare %s namespaces", kind);
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		*ret = take_fd(&fd);
	return 0;
}

int ns_open(const struct proc *p, struct ns_set *ret, struct err *e)
{
	struct ns_set s;
	int r = 0;
	for (size_t i = 0; i < _NS_KIND_MAX; i++)
		s.fds[i] = -1;
	for (size_t i = 0; i < _NS_KIND_MAX && r >= 0; i++)
		r = open_one(p, kinds[i].file, &s.fds[i], e);
	if (r < 0) {
		ns_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void ns_close(struct ns_set *s)
{
	for (size_t i = 0; i < _NS_KIND_MAX; i++)
		s->fds[i] = fd_close(s->fds[i]);
}

#if defined(__SANITIZE_ADDRESS__)
/* LeakSanitizer looks, at exit, from a process that it makes: one in another pid namespace does not
 * find us, and we would wait for it. It asks this before. */
static bool children_elsewhere;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return children_elsewhere;
}
static void note_join(enum ns_kind kind)
{
	children_elsewhere |= kind == NS_PID;
}
#else
static void note_join(enum ns_kind kind)
{
	(void)kind;
}
#endif

int ns_join(const struct ns_set *s, struct err *e)
{
	for (size_t i = 0; i < _NS_KIND_MAX; i++) {
		if (i == NS_USER || s->fds[i] < 0)
			continue;
		if (setns(s->fds[i], kinds[i].flag) < 0)
			return ERR_SYS(e, "join %s namespace", kinds[i].file);
		note_join((enum ns_kind)i);
	}
	return 0;
}

int ns_new_network(struct err *e)
{
	if (unshare(CLONE_NEWNET) < 0)
		return ERR_SYS(e, "new network namespace");
	_clean_(fd) int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 && errno == EAFNOSUPPORT) /* a kernel that speaks IPv6 alone */
		sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return ERR_SYS(e, "socket");
	/* The flags of the loopback of a new namespace are known: IFF_LOOPBACK alone. */
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return ERR_SYS(e, "set loopback up");
	/* The same as the file below, and needs no /proc; kernels before 4.9 do not know it. */
	int fd = ioctl(sock, SIOCGSKNS);
	if (fd < 0)
		fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? ERR_SYS(e, "open the new network namespace") : fd;
}
