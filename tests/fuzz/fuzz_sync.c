/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between the processes of a pod, from one that lies. */
#include <sys/socket.h>

#include "lib/sys/sync.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct sync_msg m;
	int socks[2], fd = -1;
	FUZZ_HOLDS(sync_pair(socks, &e) == 0);
	FUZZ_HOLDS(send(socks[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	if (sync_receive(socks[1], MSG_DONTWAIT, &m, &fd, &e) == SYNC_GOT) {
		char text[sizeof m.err.msg * 4];
		FUZZ_HOLDS(size == sizeof m);
		FUZZ_HOLDS(sync_step_name((enum sync_step)m.step) != NULL);
		FUZZ_HOLDS(m.err.len < sizeof m.err.msg && m.err.msg[m.err.len] == '\0');
		err_format(&m.err, true, text, sizeof text);
		FUZZ_HOLDS(fd == -1);
	} else {
		FUZZ_HOLDS(size != sizeof m || *e.msg);
	}
	close(socks[0]);
	close(socks[1]);
	return 0;
}
