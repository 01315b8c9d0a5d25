/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lsm: labels of security modules that the next execve takes on: SELinux's context and AppArmor's
 * profile. selinux(8), apparmor(7); /proc/PID/attr/{exec,apparmor/exec}.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

/* selinuxfs is mounted, which it is where SELinux is enabled. */
bool lsm_selinux_enabled(void);
/* Refuses a context that the loaded policy does not know; where SELinux is not enabled, or does not
 * let us ask, nothing is refused: lsm_exec_selinux() will be. */
int lsm_selinux_check(const char *context, struct err *e);
/* Refuses where AppArmor is not enabled, and a profile that is not loaded. */
int lsm_apparmor_check(const char *profile, struct err *e);

/* For the calling process's next execve. "user:role:type:level" */
int lsm_exec_selinux(const char *context, struct err *e);
int lsm_exec_apparmor(const char *profile, struct err *e);

extern const char *lsm_sysfs; /* "/sys"; for tests */
