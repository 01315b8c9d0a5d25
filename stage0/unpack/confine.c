/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "stage0/confine/confine.h"
#include "stage0/unpack/job.h"

#define MAX_ADDRESS_SPACE (2ULL << 30)
#define CAP(name) (1U << CAP_##name)
_Static_assert(CAP_SETFCAP < 32 && CAP_SYS_ADMIN < 32, "one word holds what is needed");

static const uint32_t mode_caps[_UNPACK_MODE_MAX] = {
	[UNPACK_TREE] = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) |
			CAP(SETFCAP),
	[UNPACK_COMPARE] = CAP(DAC_READ_SEARCH),
	[UNPACK_PLAIN] = 0,
	[UNPACK_PACK] = CAP(DAC_READ_SEARCH),
	/* SYS_ADMIN for one attribute: trusted.overlay.opaque. Of what it opens elsewhere nothing
	 * is among the system calls below. */
	[UNPACK_LAYER] = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) |
			 CAP(SETFCAP) | CAP(SYS_ADMIN),
	[UNPACK_RENDER] = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) |
			  CAP(SETFCAP),
	[UNPACK_FILES] = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER),
	[UNPACK_SAME] = CAP(DAC_READ_SEARCH),
	[UNPACK_COPY] = 0,
	[UNPACK_DOCUMENT] = 0,
};

/* Files below the root. */
static const uint32_t calls[] = { SYS_openat, SYS_newfstatat, SYS_statx, SYS_getdents64,
	SYS_readlinkat, SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_unlinkat,
	SYS_fchown, SYS_fchownat, SYS_fchmod, SYS_fchmodat, SYS_utimensat, SYS_fsetxattr,
	SYS_fgetxattr, SYS_flistxattr, SYS_fremovexattr };

int job_confine(const struct unpack_request *request, int dirfd, struct err *e)
{
	const struct confinement c = {
		.socket = UNPACK_FD_SOCKET,
		.rootfd = dirfd,
		.caps = mode_caps[request->mode],
		.max_address_space = MAX_ADDRESS_SPACE,
		.max_file_size = request->max_bytes,
		.cpu_seconds = request->cpu_seconds,
		.calls = calls,
		.n_calls = sizeof calls / sizeof *calls,
	};
	return confine(&c, e);
}
