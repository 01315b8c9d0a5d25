/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

int notify_send(const char *state, struct err *e)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (str_empty(path))
		return 0;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof to.sun_path)
		return ERR_BAD(e, "NOTIFY_SOCKET: '%s' is not a socket's path", path);
	memcpy(to.sun_path, path, n);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* the abstract namespace: exactly these bytes */
	else
		size++;
	_clean_(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYS(e, "socket");
	const struct sockaddr *address = (const struct sockaddr *)&to;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, address, size) < 0)
		return ERR_SYS(e, "NOTIFY_SOCKET: send to '%s'", path);
	return 0;
}
