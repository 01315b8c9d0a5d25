/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/leads.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/fs/io.h"
#include "lib/spec/oci.h"
#include "stage0/fetcher.h"

/* An index, the manifest of signatures that is in it, and no further. */
enum { DEPTH_MAX = 2 };

static int read_leads(const struct str *document, struct fetch_answer *ret, struct err *e)
{
	_clean_(fd) int fd = memfd_create("document", MFD_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "memfd_create");
	int r = io_write_all(fd, str_text(document), document->len, e);
	const struct fetcher f = {
		.request = { .mode = FETCH_LEADS },
		.fds = { fd, -1, -1, -1 },
	};
	return r < 0 ? r : fetcher_run(&f, ret, e);
}

static int follow(const struct str *document, const struct lead_reader *r, int depth,
	struct evidence *v, struct err *e);

static int follow_one(const struct fetch_lead *lead, const struct lead_reader *r, int depth,
	struct evidence *v, struct err *e)
{
	bool is_blob = lead->kind == FETCH_LEAD_PAYLOAD || lead->kind == FETCH_LEAD_BUNDLE;
	_clean_(str) struct str bytes = STR_INIT(is_blob ? FETCH_EVIDENCE_BYTES : STR_MAX_MANIFEST);
	char hex[OCI_HEX_SIZE + 1];
	oci_digest_hex(lead->digest, hex);
	if (!is_blob && depth == DEPTH_MAX)
		return 0;
	int s = (is_blob ? r->blob : r->manifest)(r->ctx, hex, &bytes, e);
	if (s < 0)
		return s;
	if (!is_blob)
		return follow(&bytes, r, depth + 1, v, e);
	evidence_add(v,
		lead->kind == FETCH_LEAD_BUNDLE ? FETCH_EVIDENCE_BUNDLE : FETCH_EVIDENCE_COSIGN,
		lead->signature, str_text(&bytes), bytes.len);
	return 0;
}

static int follow(const struct str *document, const struct lead_reader *r, int depth,
	struct evidence *v, struct err *e)
{
	_clean_(mem) struct fetch_answer *answer = xcalloc(1, sizeof *answer);
	int s = read_leads(document, answer, e);
	for (size_t i = 0; s >= 0 && i < answer->leads.n && v->n < FETCH_EVIDENCE_MAX; i++) {
		struct err why = ERR_INIT;
		/* One that is broken must not hide the others. */
		if (follow_one(&answer->leads.v[i], r, depth, v, &why) < 0)
			dbg("trust: a signature is left out: %s", why.msg);
	}
	return s;
}

int leads_follow(
	const struct str *document, const struct lead_reader *r, struct evidence *v, struct err *e)
{
	return follow(document, r, 0, v, e);
}
