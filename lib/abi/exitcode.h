/* SPDX-License-Identifier: Apache-2.0 */
/* exitcode: the statuses that rkt's programs end with. Documentation/abi/exit-status.md. */
#pragma once

enum {
	EXIT_OK = 0,
	EXIT_SOFT = 1,	      /* status/stop: the file of --uuid-file cannot be read */
	EXIT_NO_COMMAND = 2,  /* bare `rkt` */
	EXIT_APP_EXEC = 203,  /* the app's program could not be executed (as systemd's EXIT_EXEC) */
	EXIT_APP_SETUP = 204, /* something before it failed: root, mounts, identity, limits */
	EXIT_ERROR = 254,     /* any error of rkt itself, usage included */
	EXIT_SIGNAL_BASE = 128, /* 128 + signal: the app was killed by it */
};
