/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/document.h"

#include <openssl/evp.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"

static int digest(const void *bytes, size_t n, const EVP_MD *md, uint8_t *ret, struct err *e)
{
	return EVP_Digest(bytes, n, ret, NULL, md, NULL) ? 0 : ERR_NUM(e, ENOMEM, "digest");
}

/* image-spec config.md "Layer ChainID": what identifies a layer on top of those below it. That of
 * the lowest one is its diff id there; but a layer with nothing below it is not the same as one
 * that depends on nothing, whose tree is named by the diff id. */
static int chain(struct oci_answer *a, struct err *e)
{
	char below[OCI_HEX_SIZE + 1] = "", own[OCI_HEX_SIZE + 1], text[256];
	for (size_t i = 0; i < a->n_layers; i++) {
		oci_digest_hex(a->diff_ids[i], own);
		int n = snprintf(text, sizeof text, "sha256:%s sha256:%s", below, own);
		int r = digest(text, (size_t)n, EVP_sha256(), a->chain_ids[i], e);
		if (r < 0)
			return r;
		if (i)
			oci_digest_hex(a->chain_ids[i], below);
		else
			memcpy(below, own, sizeof below);
	}
	return 0;
}

int document_read(int in, int out, struct err *e)
{
	struct oci_query q;
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_MANIFEST);
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	_clean_(mem) struct oci_answer *a = xcalloc(1, sizeof *a);
	ssize_t n = io_read_full(in, &q, sizeof q, e);
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof q || q.magic != OCI_MAGIC)
		return ERR_BAD(e, "no query precedes the document");
	int r = io_read_fd(in, "document", &bytes, e);
	a->magic = OCI_MAGIC;
	if (r >= 0 && q.document != OCI_ANY)
		r = oci_decode(&q, str_text(&bytes), bytes.len, a, &manifest, e);
	if (r >= 0)
		r = digest(str_text(&bytes), bytes.len, EVP_sha256(), a->sha256, e);
	if (r >= 0)
		r = digest(str_text(&bytes), bytes.len, EVP_sha512(), a->sha512, e);
	if (r >= 0 && q.document == OCI_CONFIG)
		r = chain(a, e);
	if (r >= 0)
		r = io_write_all(out, a, sizeof *a, e);
	return r < 0 ? r : io_write_all(out, str_text(&manifest), manifest.len, e);
}
