/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/payload.h"
#include "tests/fuzz/fuzz.h"

static void check_payload(int r, const struct payload *p, const struct err *e)
{
	if (r < 0) {
		FUZZ_HOLDS(e->kind != ERR_NONE && e->len > 0);
		return;
	}
	FUZZ_HOLDS(memchr(p->repository, '\0', sizeof p->repository));
	FUZZ_HOLDS(memchr(p->tag, '\0', sizeof p->tag));
	FUZZ_HOLDS(memchr(p->named, '\0', sizeof p->named));
	FUZZ_HOLDS(*p->repository || (!*p->tag && !*p->named));
	FUZZ_HOLDS(!strpbrk(p->repository, " \n\x1b") && !strpbrk(p->tag, " \n\x1b/"));
}

static void check_leads(const struct fetch_leads *l)
{
	FUZZ_HOLDS(l->n <= FETCH_LEADS_MAX);
	for (size_t i = 0; i < l->n; i++) {
		FUZZ_HOLDS(l->v[i].kind < _FETCH_LEAD_KIND_MAX);
		FUZZ_HOLDS(l->v[i].size && l->v[i].size <= FETCH_EVIDENCE_BYTES);
		FUZZ_HOLDS(memchr(l->v[i].signature, '\0', sizeof l->v[i].signature));
	}
}

/* The first byte says what follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t digests[2][FETCH_DIGEST_SIZE];
	static struct fetch_leads l;
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct payload p;
	struct bundle b;
	struct downloaded d;
	int r;
	if (!size)
		return 0;
	size_t n = size - 1;
	_clean_(mem) char *text = fuzz_text(data + 1, n);
	switch (*data % 7) {
	case 0: r = payload_cosign(text, n, &p, &e); break;
	case 1: r = payload_simple(text, n, &p, &e); break;
	case 2: r = payload_statement(text, n, digests, 2, &p, &e); break;
	case 3:
		r = bundle_decode(text, n, &a, &b, &e);
		FUZZ_HOLDS(r < 0 || (b.type && b.body.v && b.signature.n));
		FUZZ_HOLDS(r < 0 || bundle_looks_like(text, n));
		return 0;
	case 4:
		r = downloaded_decode(text, n, &a, &d, &e);
		FUZZ_HOLDS(r < 0 || (d.signature && d.payload.v));
		return 0;
	case 5:
		if (leads_decode(text, n, &l, &e) >= 0)
			check_leads(&l);
		return 0;
	default: {
		struct bytes raw;
		if (bytes_decode(text, &a, &raw))
			FUZZ_HOLDS(raw.n <= n / 4 * 3);
		return 0;
	}
	}
	check_payload(r, &p, &e);
	return 0;
}
