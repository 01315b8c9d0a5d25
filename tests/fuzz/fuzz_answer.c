/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the workers, from one that an image has taken over. The first byte says whose answer
 * and to what, then come patches: the place in four bytes, a length in one, so many bytes. They are
 * laid over an answer that is well formed as far as the header goes. A patch of length 0 cuts the
 * packet.
 */
#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "stage0/fetcher.h"
#include "stage0/store/internal.h"
#include "tests/fuzz/fuzz.h"

/* Nobody is there to be waited for. */
enum { NOBODY = INT_MAX };

/* The size of what is to be sent. */
static size_t patch(char *bytes, size_t room, const uint8_t *data, size_t size)
{
	while (size >= 5) {
		size_t at = ((size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 |
				    (size_t)data[3] << 24) %
			    room;
		size_t n = data[4];
		data += 5;
		size -= 5;
		if (n == 0)
			return at;
		n = n < size ? n : size;
		n = n < room - at ? n : room - at;
		memcpy(bytes + at, data, n);
		data += n;
		size -= n;
	}
	return room;
}

/* The end where the packet arrives. */
static int sent(const void *bytes, size_t n)
{
	int pair[2], room = 1 << 20;
	FUZZ_HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_HOLDS(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) == 0 ||
		   setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	FUZZ_HOLDS(send(pair[0], bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n);
	close(pair[0]);
	return pair[1];
}

#define ENDS(array) FUZZ_HOLDS(memchr((array), '\0', sizeof(array)))

static void signature_holds(const struct fetch_signature *s)
{
	FUZZ_HOLDS(s->verdict < _FETCH_SIG_MAX);
	ENDS(s->fingerprint);
	ENDS(s->detail);
	FUZZ_HOLDS(s->verdict != FETCH_SIG_GOOD || fingerprint_valid(s->fingerprint));
}

static void keys_hold(const struct fetch_keys *k)
{
	FUZZ_HOLDS(k->n && k->n <= FETCH_KEYS_MAX);
	for (size_t i = 0; i < k->n; i++) {
		ENDS(k->v[i].fingerprint);
		ENDS(k->v[i].algorithm);
		for (size_t u = 0; u < FETCH_UIDS_MAX; u++)
			ENDS(k->v[i].uids[u]);
		for (size_t u = 0; u < FETCH_SUBKEYS_MAX; u++)
			ENDS(k->v[i].subkeys[u]);
	}
}

static void http_holds(const struct fetch_http *h)
{
	FUZZ_HOLDS(h->outcome < _FETCH_HTTP_OUTCOME_MAX && h->status <= 999);
	ENDS(h->why);
	ENDS(h->url);
	ENDS(h->etag);
	ENDS(h->content_type);
	ENDS(h->digest);
	ENDS(h->challenge.realm);
	ENDS(h->challenge.service);
	ENDS(h->challenge.scope);
	ENDS(h->link);
	ENDS(h->filters_applied);
}

static void proofs_hold(const struct fetch_proofs *p)
{
	FUZZ_HOLDS(p->n <= FETCH_PROOFS_MAX && p->n_bad <= FETCH_BAD_MAX);
	for (size_t i = 0; i < p->n; i++) {
		signature_holds(&p->v[i].s);
		ENDS(p->v[i].why);
		ENDS(p->v[i].repository);
		ENDS(p->v[i].tag);
		FUZZ_HOLDS(
			p->v[i].s.verdict != FETCH_SIG_GOOD || p->v[i].document < p->n_documents);
	}
}

static void fetched_holds(const struct fetch_answer *a)
{
	switch (a->mode) {
	case FETCH_OPENPGP:
		FUZZ_HOLDS(a->signatures.n <= FETCH_SIGNATURES_MAX);
		for (size_t i = 0; i < a->signatures.n; i++)
			signature_holds(&a->signatures.v[i]);
		break;
	case FETCH_KEYINFO: keys_hold(&a->keys); break;
	case FETCH_HTTP: http_holds(&a->http); break;
	case FETCH_HTML:
		FUZZ_HOLDS(a->metas.n <= FETCH_METAS_MAX);
		for (size_t i = 0; i < a->metas.n; i++) {
			ENDS(a->metas.v[i].prefix);
			ENDS(a->metas.v[i].template);
		}
		break;
	case FETCH_LEADS:
		FUZZ_HOLDS(a->leads.n <= FETCH_LEADS_MAX);
		for (size_t i = 0; i < a->leads.n; i++)
			ENDS(a->leads.v[i].signature);
		break;
	case FETCH_PROOFS: proofs_hold(&a->proofs); break;
	case FETCH_TOKEN: ENDS(a->token.token); break;
	default: FUZZ_HOLDS(!"a mode");
	}
}

static void error_holds(int r, const struct err *e)
{
	char text[sizeof e->msg * 4];
	FUZZ_HOLDS(r < 0 && e->kind != ERR_NONE && e->kind < _ERR_KIND_MAX);
	FUZZ_HOLDS(e->len < sizeof e->msg && e->msg[e->len] == '\0');
	err_format(e, true, text, sizeof text);
}

static void fetched(enum fetch_mode mode, const uint8_t *data, size_t size)
{
	static struct fetch_answer bytes;
	static struct fetcher_call c;
	struct err e = ERR_INIT;
	memset(&bytes, 0, sizeof bytes);
	bytes.magic = FETCH_MAGIC;
	bytes.version = FETCH_VERSION;
	bytes.mode = mode;
	size_t n = patch((char *)&bytes, sizeof bytes, data, size);
	memset(&c, 0, sizeof c);
	c.request.mode = mode;
	c.call = (struct worker_call){ .program = "/fetch",
		.answer = &c.answer,
		.answer_size = sizeof c.answer,
		.timeout_s = 1 };
	c.worker = (struct worker){ NOBODY, sent(&bytes, n), INT64_MAX, &c.call };
	int r = fetcher_finish(&c, &e);
	if (r < 0)
		error_holds(r, &e);
	else
		fetched_holds(&c.answer);
}

static void unpacked(enum unpack_mode mode, const uint8_t *data, size_t size)
{
	static struct unpack_answer bytes;
	static struct unpacking u;
	struct err e = ERR_INIT;
	bytes = (struct unpack_answer){ .magic = UNPACK_MAGIC, .version = UNPACK_VERSION };
	size_t n = patch((char *)&bytes, sizeof bytes, data, size);
	memset(&u, 0, sizeof u);
	u.request.mode = mode;
	u.request.max_bytes = 1 << 20;
	u.request.max_entries = 100;
	u.call = (struct worker_call){ .program = "/unpack",
		.answer = &u.answer,
		.answer_size = sizeof u.answer,
		.timeout_s = 1 };
	u.worker = (struct worker){ NOBODY, sent(&bytes, n), INT64_MAX, &u.call };
	int r = unpacker_finish(&u, &e);
	if (r < 0)
		error_holds(r, &e);
	else
		FUZZ_HOLDS(u.answer.result == 0 && u.answer.bytes <= u.request.max_bytes &&
			   u.answer.tree_bytes <= u.request.max_bytes);
}

/* What the unpack worker writes of a document. */
static void read_document(const uint8_t *data, size_t size)
{
	static struct oci_answer a;
	struct err e = ERR_INIT;
	memset(&a, 0, sizeof a);
	a.magic = OCI_MAGIC;
	patch((char *)&a, sizeof a, data, size);
	int r = oci_answer_check(&a, &e);
	if (r < 0) {
		error_holds(r, &e);
		return;
	}
	FUZZ_HOLDS(a.n_layers <= OCI_LAYERS_MAX);
	ENDS(a.ref_name);
	for (size_t i = 0; i <= a.n_layers; i++)
		ENDS(a.paths[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	unsigned what = *data % (_FETCH_MODE_MAX + _UNPACK_MODE_MAX + 1);
	if (what < _FETCH_MODE_MAX)
		fetched((enum fetch_mode)what, data + 1, size - 1);
	else if (what < _FETCH_MODE_MAX + _UNPACK_MODE_MAX)
		unpacked((enum unpack_mode)(what - _FETCH_MODE_MAX), data + 1, size - 1);
	else
		read_document(data + 1, size - 1);
	return 0;
}
