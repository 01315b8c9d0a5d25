/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>

#include "stage0/fetch/mode.h"

#define MIB (1ULL << 20)

/* Names and certificate authorities. */
static const char *const network_view[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
	"/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl/certs",
	"/etc/ca-certificates", "/etc/pki", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", NULL };

static const uint32_t network_calls[] = {
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_recvmsg,
	SYS_shutdown,
	SYS_ioctl,
	SYS_ppoll,
	SYS_pselect6,
	SYS_pipe2,
	SYS_eventfd2,
	SYS_openat,
	SYS_newfstatat,
	SYS_statx,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_faccessat,
	SYS_uname,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
#if defined(__x86_64__)
	SYS_poll,
	SYS_select,
	SYS_pipe,
	SYS_access,
	SYS_readlink,
	SYS_stat,
#endif
};

const struct fetch_mode_row fetch_modes[_FETCH_MODE_MAX] = {
	[FETCH_OPENPGP] = { openpgp_prepare, openpgp_run, .max_address_space = 512 * MIB },
	[FETCH_KEYINFO] = { openpgp_prepare, keyinfo_run, .max_address_space = 512 * MIB },
	[FETCH_HTTP] = { http_prepare, http_run, .host_network = true, .view = network_view,
		.calls = network_calls, .n_calls = sizeof network_calls / sizeof *network_calls,
		.max_address_space = 512 * MIB },
	[FETCH_HTML] = { NULL, html_run, .max_address_space = 128 * MIB },
	[FETCH_LEADS] = { NULL, leads_run, .max_address_space = 128 * MIB },
	[FETCH_PROOFS] = { openpgp_prepare, proofs_run, .max_address_space = 512 * MIB },
	[FETCH_TOKEN] = { NULL, token_run, .max_address_space = 128 * MIB },
};
