/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/proofs.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/spec/oci.h"
#include "stage0/fetcher.h"

enum { VERIFY_TIMEOUT = 120 };

void evidence_add(
	struct evidence *v, unsigned kind, const char *signature, const void *bytes, size_t size)
{
	struct fetch_evidence head = { .kind = kind, .size = (uint32_t)size };
	size_t len = signature ? strlen(signature) : 0;
	if (v->n == FETCH_EVIDENCE_MAX || len >= sizeof head.signature ||
		size > FETCH_EVIDENCE_BYTES || v->bytes.max - v->bytes.len <= size + sizeof head)
		return;
	if (len)
		memcpy(head.signature, signature, len);
	str_addn(&v->bytes, &head, sizeof head);
	str_addn(&v->bytes, bytes, size);
	v->n++;
}

static int file_with(const struct str *bytes, struct err *e)
{
	_clean_(fd) int fd = memfd_create("evidence", MFD_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "memfd_create");
	int r = io_write_all(fd, str_text(bytes), bytes->len, e);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	return r < 0 ? r : take_fd(&fd);
}

static int documents_file(const struct signed_document *v, size_t n, struct err *e)
{
	_clean_(str) struct str all =
		STR_INIT(FETCH_DOCUMENTS_MAX * (STR_MAX_MANIFEST + sizeof(struct fetch_document)));
	if (!n || n > FETCH_DOCUMENTS_MAX)
		return ERR_BAD(e, "%zu documents: 1 to %d wanted", n, FETCH_DOCUMENTS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct fetch_document head = { (uint32_t)v[i].size };
		if (v[i].size > STR_MAX_MANIFEST)
			return ERR_BAD(e, "a document is too large");
		str_addn(&all, &head, sizeof head);
		str_addn(&all, v[i].bytes, v[i].size);
	}
	return file_with(&all, e);
}

int proofs_ask(const struct signed_document *v, size_t n, const struct evidence *evidence, int keys,
	struct fetch_answer *answer, struct err *e)
{
	_clean_(fd) int documents = documents_file(v, n, e);
	_clean_(fd) int bytes = documents < 0 ? -1 : file_with(&evidence->bytes, e);
	if (bytes < 0)
		return -e->errnum;
	const struct fetcher f = {
		.request = { .mode = FETCH_PROOFS },
		.fds = { documents, bytes, keys, -1 },
		.timeout_s = VERIFY_TIMEOUT,
	};
	int r = fetcher_run(&f, answer, e);
	if (r < 0)
		return r;
	const struct fetch_proofs *p = &answer->proofs;
	bool same = p->n_documents == n;
	for (size_t i = 0; same && i < n; i++) {
		char hex[OCI_HEX_SIZE + 1];
		oci_digest_hex(p->digests[i], hex);
		same = str_eq(str_after(v[i].digest, "sha256:"), hex);
	}
	return same ? 0 : err_set(e, ERR_PEER, EPROTO, "the fetch worker gave a senseless answer");
}
