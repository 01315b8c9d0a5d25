/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ident: users and groups, by the image's own passwd and group files.
 *
 * appc 0.8.11 spec/aci.md "user, group": a name of the file, a number, or "/path" whose owner is
 * taken. An all-digit text is looked up as a name first, as the specification says, and must be
 * below 2^31 either way. With a '+' before it, it is a number whatever the file says: what images
 * of OCI and Docker mean by one. Files are read below rootfs_fd, bounded (1 MiB), never a FIFO or
 * device.
 */
#pragma once

#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct ident {
	uid_t uid;
	gid_t gid;
	char home[256], shell[256], name[64]; /* from passwd; "" where unknown */
};
/* `user` and `group` as in the manifest. Errors: "\"user2\" user not found". */
int ident_resolve(
	int rootfs_fd, const char *user, const char *group, struct ident *ret, struct err *e);
