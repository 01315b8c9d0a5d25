/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/copy.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/fs/io.h"

enum { CHUNK = 256 * 1024 };

static int copy(int in, int out, uint64_t max, EVP_MD_CTX *md, uint64_t *ret_bytes, struct err *e)
{
	_clean_(mem) uint8_t *chunk = xmalloc(CHUNK);
	*ret_bytes = 0;
	for (;;) {
		ssize_t n = io_read_full(in, chunk, CHUNK, e);
		if (n <= 0)
			return (int)n;
		*ret_bytes += (uint64_t)n;
		if (max && *ret_bytes > max)
			return ERR_BAD(e, "it has more than %llu bytes", (unsigned long long)max);
		if (!EVP_DigestUpdate(md, chunk, (size_t)n))
			return ERR_NUM(e, ENOMEM, "sha256");
		int r = out < 0 ? 0 : io_write_all(out, chunk, (size_t)n, e);
		if (r < 0)
			return err_wrap(e, r, "copy");
	}
}

int copy_digest(int in, int out, uint64_t max, uint8_t ret[UNPACK_SHA256_SIZE], uint64_t *ret_bytes,
	struct err *e)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) ? 0 : ERR_NUM(e, ENOMEM, "sha256");
	if (r >= 0)
		r = copy(in, out, max, md, ret_bytes, e);
	if (r >= 0 && !EVP_DigestFinal_ex(md, ret, NULL))
		r = ERR_NUM(e, ENOMEM, "sha256");
	EVP_MD_CTX_free(md);
	return r;
}
