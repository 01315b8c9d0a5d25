/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/sysctl.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/procfs.h"

enum { NAME_MAX_LEN = 200, VALUE_MAX_LEN = 1024 };

static const struct {
	const char *path;
	enum sysctl_space space;
} allowed[] = {
	{ "kernel/shmall", SYSCTL_IPC },
	{ "kernel/shmmax", SYSCTL_IPC },
	{ "kernel/shmmni", SYSCTL_IPC },
	{ "kernel/shm_rmid_forced", SYSCTL_IPC },
	{ "kernel/msgmax", SYSCTL_IPC },
	{ "kernel/msgmnb", SYSCTL_IPC },
	{ "kernel/msgmni", SYSCTL_IPC },
	{ "kernel/sem", SYSCTL_IPC },
	{ "fs/mqueue/", SYSCTL_IPC }, /* and all below */
	{ "kernel/domainname", SYSCTL_UTS },
	{ "net/", SYSCTL_NET },
};

/* The name as a path below /proc/sys. */
static bool to_path(const char *name, char path[NAME_MAX_LEN])
{
	const char *first = strpbrk(name, "./");
	const bool dots = first && *first == '.';
	size_t n = strlen(name), part = 0;
	if (n == 0 || n >= NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i <= n; i++) {
		char c = name[i];
		if (dots && (c == '.' || c == '/'))
			c = c == '.' ? '/' : '.';
		if (c && c != '/' && !isalnum((unsigned char)c) && !strchr("_-.:", c))
			return false;
		path[i] = c;
		if (c && c != '/')
			continue;
		/* A part ends here: neither empty nor "." nor "..". */
		const size_t len = i - part;
		if (len == 0 || (len <= 2 && strncmp(path + part, "..", len) == 0))
			return false;
		part = i + 1;
	}
	return true;
}

static int check_value(const char *value, struct err *e)
{
	const size_t n = strlen(value);
	if (n == 0 || n > VALUE_MAX_LEN)
		return ERR_BAD(e, "the value must have 1 to %d characters", VALUE_MAX_LEN);
	for (const char *p = value; *p; p++)
		if ((*p != '\t' && !isprint((unsigned char)*p)) || *p == '+')
			return ERR_BAD(e, "the value '%.64s' is not one line of plain text", value);
	return 0;
}

static int check(const char *name, const char *value, char path[NAME_MAX_LEN],
	enum sysctl_space *ret, struct err *e)
{
	int r = 0;
	if (!to_path(name, path))
		return ERR_BAD(e, "sysctl '%.64s' is not a name", name);
	if ((r = check_value(value, e)) < 0)
		return err_wrap(e, r, "sysctl '%s'", name);
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		const size_t n = strlen(allowed[i].path);
		const bool tree = allowed[i].path[n - 1] == '/';
		if (strncmp(path, allowed[i].path, n) == 0 && (tree ? path[n] : !path[n])) {
			*ret = allowed[i].space;
			return 0;
		}
	}
	if (strcmp(path, "kernel/hostname") == 0)
		return ERR_DENY(e, "sysctl '%s': the host name is --hostname's to set", name);
	return ERR_DENY(e,
		"sysctl '%s' is of no namespace of the pod: it would be changed for the host",
		name);
}

int sysctl_check(const char *name, const char *value, enum sysctl_space *ret, struct err *e)
{
	char path[NAME_MAX_LEN];
	return check(name, value, path, ret, e);
}

int sysctl_write(const char *name, const char *value, struct err *e)
{
	char below_sys[NAME_MAX_LEN], path[NAME_MAX_LEN + 4];
	enum sysctl_space ignored;
	int r = check(name, value, below_sys, &ignored, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof path, "sys/%s", below_sys);
	_clean_(fd) int fd = procfs_open(path, O_WRONLY, e);
	r = fd < 0 ? fd : procfs_write(fd, path, value, e);
	return r < 0 ? err_wrap(e, r, "sysctl '%s'", name) : 0;
}
