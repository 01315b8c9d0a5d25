/* SPDX-License-Identifier: Apache-2.0 */
/* Which modules there are, by a /sys of our own; that labels are written, test_procfs has. */
#include "lib/sys/lsm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "tests/unit/unit.h"

static struct err e;
static char sys[] = "/tmp/rkt-lsm.XXXXXX";

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	int root = open(sys, O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(path_mkdir_in(root, dir, 0755, &e));
	snprintf(path, sizeof path, "%s/%s", dir, name);
	unlinkat(root, path, 0);
	ck_assert_msg(io_write_new(root, path, text, strlen(text), 0644, &e) == 0, "%s",
		unit_message(&e));
	close(root);
}

static void no_sys(void)
{
	ck_assert_ptr_nonnull(mkdtemp(sys));
	lsm_sysfs = sys;
}

static void remove_sys(void)
{
	static const char *const names[] = { "module/apparmor/parameters/enabled",
		"module/apparmor/parameters", "module/apparmor", "module",
		"kernel/security/apparmor/profiles", "kernel/security/apparmor", "kernel/security",
		"kernel", "fs/selinux/enforce", "fs/selinux/context", "fs/selinux", "fs", "" };
	char path[256];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", sys, names[i]);
		(void)remove(path);
	}
}

static void is_refused(const char *profile, const char *why)
{
	ck_assert_int_lt(lsm_apparmor_check(profile, &e), 0);
	ck_assert_msg(strstr(unit_message(&e), why) != NULL, "%s", unit_message(&e));
}

START_TEST(apparmor)
{
	no_sys();
	is_refused("web", "not enabled");
	put("module/apparmor/parameters", "enabled", "N\n");
	is_refused("web", "not enabled");
	put("module/apparmor/parameters", "enabled", "Y\n");
	is_refused("web", "profiles");
	put("kernel/security/apparmor", "profiles",
		"/usr/sbin/web (complain)\nweb (enforce)\nmy web (kill)\nwebb (enforce)\n");
	ck_assert_msg(lsm_apparmor_check("web", &e) == 0, "%s", unit_message(&e));
	ck_assert_int_eq(lsm_apparmor_check("my web", &e), 0);
	ck_assert_int_eq(lsm_apparmor_check("/usr/sbin/web", &e), 0);
	is_refused("we", "is not loaded");
	is_refused("my", "is not loaded");
	is_refused("web (enforce)", "is not loaded");
	is_refused("web (enforce)\nmy web", "is not loaded");
	is_refused("", "is not loaded");
	remove_sys();
}
END_TEST

START_TEST(selinux)
{
	no_sys();
	ck_assert(!lsm_selinux_enabled());
	put("fs/selinux", "enforce", "0");
	ck_assert(lsm_selinux_enabled());
	/* Nobody to be asked, and somebody who takes it; who does not is in the test bed. */
	ck_assert_int_eq(lsm_selinux_check("u:r:t:s0", &e), 0);
	put("fs/selinux", "context", "");
	ck_assert_int_eq(lsm_selinux_check("u:r:t:s0", &e), 0);
	remove_sys();
}
END_TEST

UNIT_MAIN("lsm", &apparmor, &selinux)
