/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/audit.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"

#define LOG_SOCKET "/dev/log"
#define CUT "…"

enum {
	PRIORITY = 10 * 8 + 5, /* authpriv, notice */
	NAME_SHOWN = 64,
};

void audit_who(struct audit_who *ret)
{
	struct err ignored = ERR_INIT;
	uint32_t id;
	*ret = (struct audit_who){ .uid = getuid(), .sudo_user = getenv("SUDO_USER") };
	int r = io_read_line(
		AT_FDCWD, "/proc/self/loginuid", ret->loginuid, sizeof ret->loginuid, &ignored);
	if (r < 0 || !parse_u32(ret->loginuid, 0, UINT32_MAX, &id))
		ret->loginuid[0] = '\0';
	else if (id == UINT32_MAX)
		snprintf(ret->loginuid, sizeof ret->loginuid, "unset");
}

/* At most `most` bytes, quotes aside. False: it was cut. */
static bool add_quoted(struct str *out, const char *text, size_t most)
{
	str_addc(out, '"');
	const size_t end = out->len + most;
	for (const char *p = text; *p; p++) {
		const bool plain = *p >= ' ' && *p <= '~' && *p != '"' && *p != '\\';
		if (out->len + (plain ? 1 : 4) > end) {
			str_add(out, CUT "\"");
			return false;
		}
		if (plain)
			str_addc(out, *p);
		else
			str_addf(out, "\\x%02x", (unsigned)(unsigned char)*p);
	}
	str_addc(out, '"');
	return true;
}

void audit_text(const struct audit_who *who, const struct audit_command *c, struct str *out)
{
	const size_t begin = out->len;
	str_addf(out, "privileged command: uid=%u", (unsigned)who->uid);
	if (*who->loginuid)
		str_addf(out, " loginuid=%s", who->loginuid);
	if (who->sudo_user) {
		str_add(out, " sudo_user=");
		add_quoted(out, who->sudo_user, NAME_SHOWN);
	}
	str_addf(out, " pod=%s app=%s command=", c->pod, c->app);
	/* Room for the header, and for the mark that something is missing. */
	const size_t end = begin + AUDIT_LINE_MAX - 64;
	for (char *const *arg = c->argv; *arg; arg++) {
		if (out->len + 8 > end) {
			str_add(out, " " CUT);
			return;
		}
		if (arg != c->argv)
			str_addc(out, ' ');
		if (!add_quoted(out, *arg, end - out->len - 2))
			return;
	}
}

int audit_send(const char *text, struct err *e)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = LOG_SOCKET };
	char date[32] = "", line[AUDIT_LINE_MAX + 1];
	const time_t now = time(NULL);
	struct tm tm;
	if (localtime_r(&now, &tm))
		(void)strftime(date, sizeof date, "%b %e %H:%M:%S ", &tm);
	int n = snprintf(
		line, sizeof line, "<%d>%srkt[%d]: %s", PRIORITY, date, (int)getpid(), text);
	const size_t size = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
	_clean_(fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return ERR_SYS(e, "socket");
	if (sendto(sock, line, size, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to,
		    sizeof to) < 0)
		return ERR_SYS(e, "send to '" LOG_SOCKET "'");
	return 0;
}
