/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/stream.h"

#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/fs/io.h"
#include "stage0/unpack/codec.h"

enum { INPUT_SIZE = 256 * 1024 };

int stream_prepare(struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) ||
		!EVP_Digest("", 0, digest, NULL, EVP_sha512(), NULL) ||
		!EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL))
		return err_set(e, ERR_SYSTEM, ENOSYS, "this OpenSSL has no sha512 or sha256");
	return 0;
}

/* --- the thread that reads and inflates ------------------------------------------------------ */

struct inflate {
	struct stream *s;
	const struct codec *codec;
	void *state;
	EVP_MD_CTX *md; /* of the input, where that is asked */
	uint8_t *input;
	struct codec_io io;
	bool between; /* members: only another one, or zeros, may follow */
	struct ring_slot *slot;
};

/* Fills the input buffer behind what is left in it. */
static int inflate_read(struct inflate *f, struct err *e)
{
	memmove(f->input, f->io.in, f->io.n_in);
	f->io.in = f->input;
	uint8_t *at = f->input + f->io.n_in;
	ssize_t n = io_read_full(f->s->o.fd, at, INPUT_SIZE - f->io.n_in, e);
	if (n < 0)
		return (int)n;
	f->io.last = (size_t)n < INPUT_SIZE - f->io.n_in;
	f->io.n_in += (size_t)n;
	f->s->input_bytes += (uint64_t)n;
	if (f->s->o.max_input && f->s->input_bytes > f->s->o.max_input)
		return ERR_BAD(
			e, "it has more than %llu bytes", (unsigned long long)f->s->o.max_input);
	if (f->md && !EVP_DigestUpdate(f->md, at, (size_t)n))
		return ERR_NUM(e, ENOMEM, "sha256");
	if (f->s->o.copy_fd < 0)
		return 0;
	int r = io_write_all(f->s->o.copy_fd, at, (size_t)n, e);
	return r < 0 ? err_wrap(e, r, "copy the archive") : 0;
}

/* Hands the current slot on (when it holds anything) and takes a free one. -ECANCELED: somebody
 * else has failed and said so. */
static int inflate_flush(struct inflate *f, struct err *e)
{
	if (f->slot) {
		f->slot->n = RING_SLOT_SIZE - f->io.n_out;
		f->s->bytes += f->slot->n;
		if (f->s->bytes > f->s->o.max_bytes)
			return err_set(e, ERR_INPUT, EFBIG,
				"the archive is larger than %llu bytes when uncompressed",
				(unsigned long long)f->s->o.max_bytes);
		if (f->slot->n)
			ring_wrote(&f->s->ring);
	}
	f->slot = ring_space(&f->s->ring);
	if (!f->slot)
		return -ECANCELED;
	f->io.out = f->slot->bytes;
	f->io.n_out = RING_SLOT_SIZE;
	return 0;
}

/* Between two members: skips zero padding. 1: another member begins; 0: the input is over. */
static int inflate_between(struct inflate *f, struct err *e)
{
	for (;;) {
		while (f->io.n_in && *f->io.in == 0)
			f->io.in++, f->io.n_in--;
		if (f->io.n_in >= CODEC_MAGIC_MAX || f->io.last)
			break;
		int r = inflate_read(f, e);
		if (r < 0)
			return r;
	}
	if (!f->io.n_in)
		return 0;
	if (!f->codec->restart || f->io.n_in < f->codec->n_magic ||
		memcmp(f->io.in, f->codec->magic, f->codec->n_magic) != 0)
		return ERR_BAD(e, "something follows the end of the %s data", f->codec->name);
	int r = f->codec->restart(f->state, e);
	return r < 0 ? r : 1;
}

static int inflate_all(struct inflate *f, struct err *e)
{
	for (;;) {
		if (!f->io.n_in && !f->io.last) {
			int r = inflate_read(f, e);
			if (r < 0)
				return r;
		}
		size_t n_in = f->io.n_in, n_out = f->io.n_out;
		int r = f->codec->run(f->state, &f->io, e);
		if (r < 0)
			return r;
		if (r == 1) {
			r = inflate_between(f, e);
			if (r <= 0)
				return r;
			continue;
		}
		if (!f->io.n_out) {
			r = inflate_flush(f, e);
		} else if (n_in == f->io.n_in && n_out == f->io.n_out) {
			/* There is room, and yet nothing moves: it wants more than there is. */
			if (f->io.last || n_in == INPUT_SIZE)
				return ERR_BAD(e, "the %s data is truncated", f->codec->name);
			r = inflate_read(f, e);
		}
		if (r < 0)
			return r;
	}
}

static int inflate_stream(struct inflate *f, struct err *e)
{
	f->md = f->s->o.sha256 ? EVP_MD_CTX_new() : NULL;
	if (f->s->o.sha256 && !(f->md && EVP_DigestInit_ex(f->md, EVP_sha256(), NULL)))
		return ERR_NUM(e, ENOMEM, "sha256");
	int r = inflate_read(f, e);
	if (r < 0)
		return r;
	f->codec = codec_find(f->io.in, f->io.n_in, f->s->o.no_isal);
	f->state = f->codec->open(e);
	if (!f->state)
		return -ENOMEM;
	r = inflate_flush(f, e);
	if (r >= 0)
		r = inflate_all(f, e);
	f->codec->close(f->state);
	if (r >= 0 && f->md && !EVP_DigestFinal_ex(f->md, f->s->input_digest, NULL))
		return ERR_NUM(e, ENOMEM, "sha256");
	return r < 0 ? r : inflate_flush(f, e);
}

/* stream_inflater(): a thread of the worker; reads o.fd, writes o.copy_fd, fills the ring. */
static void *stream_inflater(void *arg)
{
	struct stream *s = arg;
	struct err e = ERR_INIT;
	struct inflate f = { .s = s };
	_clean_(mem) uint8_t *input = f.input = xmalloc(INPUT_SIZE);
	f.io.in = input;
	int r = inflate_stream(&f, &e);
	EVP_MD_CTX_free(f.md);
	if (r < 0)
		ring_fail(&s->ring, &e);
	else
		ring_end(&s->ring);
	return NULL;
}

/* --- the thread that digests ------------------------------------------------------------------ */

static void *stream_digester(void *arg)
{
	struct stream *s = arg;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, s->o.sha256 ? EVP_sha256() : EVP_sha512(), NULL);
	const struct ring_slot *slot;
	while (ok && (slot = ring_next(&s->ring, RING_DIGEST))) {
		ok = EVP_DigestUpdate(md, slot->bytes, slot->n);
		ring_passed(&s->ring, RING_DIGEST);
	}
	ok = ok && EVP_DigestFinal_ex(md, s->digest, NULL);
	EVP_MD_CTX_free(md);
	if (!ok) {
		struct err e = ERR_INIT;
		ERR_NUM(&e, ENOMEM, "digest");
		ring_fail(&s->ring, &e);
	}
	return NULL;
}

/* --- the caller's side ------------------------------------------------------------------------ */

int stream_open(struct stream *s, const struct stream_options *o, struct err *e)
{
	*s = (struct stream){ .o = *o };
	ring_init(&s->ring);
	int r = pthread_create(&s->inflater, NULL, stream_inflater, s);
	if (r == 0) {
		r = pthread_create(&s->digester, NULL, stream_digester, s);
		if (r == 0)
			return 0;
		struct err stopped = ERR_INIT;
		ERR_NUM(&stopped, r, "start a thread");
		ring_fail(&s->ring, &stopped);
		pthread_join(s->inflater, NULL);
	}
	ring_release(&s->ring);
	return ERR_NUM(e, r, "start a thread");
}

static uint64_t zeros_at_end(const struct ring_slot *slot)
{
	size_t n = slot->n;
	while (n && slot->bytes[n - 1] == 0)
		n--;
	return slot->n - n;
}

int stream_next(struct stream *s, const struct ring_slot **ret, struct err *e)
{
	if (s->holds)
		ring_passed(&s->ring, RING_FILES);
	const struct ring_slot *slot = ring_next(&s->ring, RING_FILES);
	s->holds = slot != NULL;
	if (!slot && ring_failed(&s->ring)) {
		*e = s->ring.err;
		return -EPROTO;
	}
	if (!slot)
		return 0;
	uint64_t zeros = zeros_at_end(slot);
	s->trailing_zeros = zeros == slot->n ? s->trailing_zeros + zeros : zeros;
	*ret = slot;
	return 1;
}

int stream_finish(struct stream *s, struct err *e)
{
	const struct ring_slot *slot;
	int r;
	do {
		r = stream_next(s, &slot, e);
	} while (r > 0);
	if (r < 0)
		return stream_abort(s, r, e);
	pthread_join(s->inflater, NULL);
	pthread_join(s->digester, NULL);
	bool failed = s->ring.failed;
	if (failed)
		*e = s->ring.err;
	ring_release(&s->ring);
	return failed ? -EPROTO : 0;
}

int stream_abort(struct stream *s, int r, struct err *why)
{
	ring_fail(&s->ring, why);
	*why = s->ring.err;
	pthread_join(s->inflater, NULL);
	pthread_join(s->digester, NULL);
	ring_release(&s->ring);
	return r;
}
