/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/pubkey.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/fetcher.h"

enum { BYTES_MAX = 4 * FETCH_KEYFILE_MAX };

int pubkeys_read(int fd, struct pubkeys *ret, struct err *e)
{
	static struct fetch_answer answer;
	*ret = (struct pubkeys){ .bytes = STR_INIT(BYTES_MAX) };
	_clean_(fd) int out = memfd_create("keys", MFD_CLOEXEC);
	if (out < 0)
		return ERR_SYS(e, "memfd_create");
	const struct fetcher f = {
		.request = { .mode = FETCH_KEYINFO, .max_bytes = BYTES_MAX },
		.fds = { fd, out, -1, -1 },
	};
	int r = fetcher_run(&f, &answer, e);
	if (r < 0)
		return r;
	if (lseek(out, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	r = io_read_fd(out, "the keys", &ret->bytes, e);
	if (r < 0)
		return r;
	ret->keys = answer.keys;
	for (size_t i = 0; i < ret->keys.n; i++) {
		const struct fetch_key *key = &ret->keys.v[i];
		if (key->offset > ret->bytes.len || key->size > ret->bytes.len - key->offset ||
			!key->size)
			return err_set(
				e, ERR_PEER, EPROTO, "the fetch worker gave a senseless answer");
	}
	return 0;
}

int pubkeys_read_file(const char *path, struct pubkeys *ret, struct err *e)
{
	*ret = (struct pubkeys){ .bytes = STR_INIT(BYTES_MAX) };
	_clean_(fd) int fd = io_open_regular(path, e);
	if (fd < 0)
		return fd;
	int r = pubkeys_read(fd, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

void pubkeys_release(struct pubkeys *p)
{
	str_release(&p->bytes);
}

const char *pubkey_objection(const struct fetch_key *key)
{
	if (key->flags & FETCH_KEY_IS_REVOKED)
		return "revoked";
	if (key->flags & FETCH_KEY_IS_EXPIRED)
		return "expired";
	return key->flags & FETCH_KEY_IS_WEAK ? "too weak" : NULL;
}
