/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/confine/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define BITS(n) ((1ULL << (n)) - 1)

/* Every access that version of the interface knows: what is not handled is not forbidden. */
static uint64_t everything(long version)
{
	static const uint64_t by_version[] = { 0, BITS(13), BITS(14), BITS(15), BITS(15),
		BITS(16) };
	const long last = sizeof by_version / sizeof *by_version - 1;
	return by_version[version > last ? last : version];
}

static int allow(int rules, const char *path, struct err *e)
{
	struct stat st;
	_clean_(fd) int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
				  (S_ISDIR(st.st_mode) ? (uint64_t)LANDLOCK_ACCESS_FS_READ_DIR : 0),
		.parent_fd = fd,
	};
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? ERR_SYS(e, "landlock: allow '%s'", path)
		       : 0;
}

int landlock_read_only(const char *const *paths, struct err *e)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version <= 0)
		return ERR_SYS(e, "landlock");
	const struct landlock_ruleset_attr attr = { .handled_access_fs = everything(version) };
	_clean_(fd) int rules =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
	if (rules < 0)
		return ERR_SYS(e, "landlock: create rules");
	for (; paths && *paths; paths++) {
		int r = allow(rules, *paths, e);
		if (r < 0)
			return r;
	}
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? ERR_SYS(e, "landlock: restrict")
								 : 0;
}
