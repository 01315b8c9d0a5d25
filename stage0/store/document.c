/* SPDX-License-Identifier: Apache-2.0 */
/* Documents and archives of images that are in the store not yet: read by the worker. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/store/internal.h"

enum { DOCUMENT_TIMEOUT = 60 };

static int read_answer(int fd, const struct oci_query *q, struct oci_answer *ret,
	struct str *ret_manifest, struct err *e)
{
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	ssize_t n = io_read_full(fd, ret, sizeof *ret, e);
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof *ret)
		return err_set(e, ERR_PEER, EPROTO, "the unpack worker gave half an answer");
	int r = oci_answer_check(ret, e);
	if (r >= 0)
		r = io_read_fd(fd, "manifest", &manifest, e);
	if (r >= 0 && manifest.len != ret->manifest_size)
		r = err_set(e, ERR_PEER, EPROTO, "the unpack worker gave half a manifest");
	if (r >= 0 && ret_manifest && q->document == OCI_CONFIG)
		str_addn(ret_manifest, str_text(&manifest), manifest.len);
	return r;
}

int store_read_document(const struct oci_query *q, const void *bytes, size_t n,
	struct oci_answer *ret, struct str *ret_manifest, struct err *e)
{
	struct unpack_answer answer;
	_clean_(fd) int input = memfd_create("document", MFD_CLOEXEC);
	_clean_(fd) int output = memfd_create("answer", MFD_CLOEXEC);
	if (input < 0 || output < 0)
		return ERR_SYS(e, "memfd_create");
	int r = io_write_all(input, q, sizeof *q, e);
	if (r >= 0)
		r = io_write_all(input, bytes, n, e);
	if (r >= 0 && lseek(input, 0, SEEK_SET) < 0)
		r = ERR_SYS(e, "seek");
	if (r < 0)
		return r;
	const struct unpack_job job = { .mode = UNPACK_DOCUMENT,
		.input = input,
		.dir = -1,
		.output = output,
		.lower = -1,
		.timeout_s = DOCUMENT_TIMEOUT };
	r = unpacker_run(&job, &answer, e);
	return r < 0 ? r : read_answer(output, q, ret, ret_manifest, e);
}

int store_scratch(struct store *s, int archive, struct scratch *ret, struct err *e)
{
	_clean_(tmp) struct tmp dir = TMP_INIT;
	struct unpack_answer answer;
	int r = tmp_dir(s, &dir, e);
	if (r < 0)
		return r;
	const struct unpack_job job = {
		.mode = UNPACK_FILES, .input = archive, .dir = dir.fd, .output = -1, .lower = -1
	};
	r = unpacker_run(&job, &answer, e);
	if (r < 0)
		return r;
	*ret = (struct scratch){ .s = s, .fd = dir.fd };
	memcpy(ret->name, dir.name, sizeof ret->name);
	dir.fd = -1;
	return 0;
}

void store_scratch_remove(struct scratch *t)
{
	struct tmp dir = { .s = t->s, .fd = t->fd };
	memcpy(dir.name, t->name, sizeof dir.name);
	tmp_cleanup(&dir);
	t->fd = -1;
}
