/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/unpack/codec.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/base/mem.h"

/* What a decompressor may ask for: xz -9 needs 65 MiB, zstd --ultra -22 128 MiB. */
enum { LZMA_MEMORY = 192 * 1024 * 1024, ZSTD_WINDOW_LOG = 27 };

static int corrupt(struct err *e, const char *format, const char *why)
{
	return ERR_BAD(e, "corrupt %s data: %s", format, why);
}

/* Moves io by what a library's own pair of counters has left. */
static void moved(struct codec_io *io, size_t left_in, size_t left_out)
{
	io->in += io->n_in - left_in;
	io->n_in = left_in;
	io->out += io->n_out - left_out;
	io->n_out = left_out;
}

/* --- plain --------------------------------------------------------------------------------- */

static void *plain_open(struct err *e)
{
	(void)e;
	return xmalloc(1);
}

static int plain_run(void *state, struct codec_io *io, struct err *e)
{
	(void)state;
	(void)e;
	size_t n = io->n_in < io->n_out ? io->n_in : io->n_out;
	memcpy(io->out, io->in, n);
	moved(io, io->n_in - n, io->n_out - n);
	return io->last && !io->n_in;
}

/* --- gzip by ISA-L -------------------------------------------------------------------------- */

static int isal_restart(void *state, struct err *e)
{
	(void)e;
	struct inflate_state *s = state;
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	return 0;
}

static void *isal_open(struct err *e)
{
	struct inflate_state *s = xmalloc(sizeof *s);
	isal_restart(s, e);
	return s;
}

static int isal_run(void *state, struct codec_io *io, struct err *e)
{
	struct inflate_state *s = state;
	union { /* the library's pointers lack const; it does not write */
		const uint8_t *in;
		uint8_t *next_in;
	} p = { .in = io->in };
	s->next_in = p.next_in;
	s->avail_in = (uint32_t)io->n_in;
	s->next_out = io->out;
	s->avail_out = (uint32_t)io->n_out;
	int r = isal_inflate(s);
	moved(io, s->avail_in, s->avail_out);
	if (r < 0)
		return corrupt(e, "gzip",
			r == ISAL_INCORRECT_CHECKSUM ? "wrong checksum" : "invalid block");
	/* ISAL_DECOMP_OK alone does not mean that the trailer was seen and checked. */
	return s->block_state == ISAL_BLOCK_FINISH;
}

/* --- gzip by zlib --------------------------------------------------------------------------- */

static void *zlib_open(struct err *e)
{
	z_stream *z = xcalloc(1, sizeof *z);
	if (inflateInit2(z, 16 + MAX_WBITS) == Z_OK)
		return z;
	ERR_NUM(e, ENOMEM, "zlib");
	free(z);
	return NULL;
}

static int zlib_run(void *state, struct codec_io *io, struct err *e)
{
	z_stream *z = state;
	union {
		const uint8_t *in;
		uint8_t *next_in;
	} p = { .in = io->in };
	z->next_in = p.next_in;
	z->avail_in = (uInt)io->n_in;
	z->next_out = io->out;
	z->avail_out = (uInt)io->n_out;
	int r = inflate(z, Z_NO_FLUSH);
	moved(io, z->avail_in, z->avail_out);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return corrupt(e, "gzip", z->msg ? z->msg : "invalid data");
	return r == Z_STREAM_END;
}

static int zlib_restart(void *state, struct err *e)
{
	return inflateReset(state) == Z_OK ? 0 : corrupt(e, "gzip", "cannot restart");
}

static void zlib_close(void *state)
{
	inflateEnd(state);
	free(state);
}

/* --- bzip2 ---------------------------------------------------------------------------------- */

static void *bzip2_open(struct err *e)
{
	bz_stream *b = xcalloc(1, sizeof *b);
	if (BZ2_bzDecompressInit(b, 0, 0) == BZ_OK)
		return b;
	ERR_NUM(e, ENOMEM, "bzip2");
	free(b);
	return NULL;
}

static int bzip2_run(void *state, struct codec_io *io, struct err *e)
{
	bz_stream *b = state;
	union {
		const uint8_t *in;
		char *next_in;
	} p = { .in = io->in };
	union {
		uint8_t *out;
		char *next_out;
	} q = { .out = io->out };
	b->next_in = p.next_in;
	b->avail_in = (unsigned)io->n_in;
	b->next_out = q.next_out;
	b->avail_out = (unsigned)io->n_out;
	int r = BZ2_bzDecompress(b);
	moved(io, b->avail_in, b->avail_out);
	if (r != BZ_OK && r != BZ_STREAM_END)
		return corrupt(e, "bzip2", "invalid data");
	return r == BZ_STREAM_END;
}

static int bzip2_restart(void *state, struct err *e)
{
	bz_stream *b = state;
	BZ2_bzDecompressEnd(b);
	memset(b, 0, sizeof *b);
	return BZ2_bzDecompressInit(b, 0, 0) == BZ_OK ? 0 : ERR_NUM(e, ENOMEM, "bzip2");
}

static void bzip2_close(void *state)
{
	BZ2_bzDecompressEnd(state);
	free(state);
}

/* --- xz ------------------------------------------------------------------------------------- */

static void *xz_open(struct err *e)
{
	lzma_stream *x = xcalloc(1, sizeof *x);
	if (lzma_stream_decoder(x, LZMA_MEMORY, LZMA_CONCATENATED) == LZMA_OK)
		return x;
	ERR_NUM(e, ENOMEM, "xz");
	free(x);
	return NULL;
}

static int xz_run(void *state, struct codec_io *io, struct err *e)
{
	lzma_stream *x = state;
	x->next_in = io->in;
	x->avail_in = io->n_in;
	x->next_out = io->out;
	x->avail_out = io->n_out;
	lzma_ret r = lzma_code(x, io->last ? LZMA_FINISH : LZMA_RUN);
	moved(io, x->avail_in, x->avail_out);
	if (r == LZMA_MEMLIMIT_ERROR)
		return corrupt(e, "xz", "its dictionary is too large");
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return corrupt(e, "xz", "invalid data");
	return r == LZMA_STREAM_END;
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}

/* --- zstd ----------------------------------------------------------------------------------- */

static void *zstd_open(struct err *e)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	if (!d) {
		ERR_NUM(e, ENOMEM, "zstd");
		return NULL;
	}
	ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	return d;
}

static int zstd_run(void *state, struct codec_io *io, struct err *e)
{
	ZSTD_inBuffer in = { io->in, io->n_in, 0 };
	ZSTD_outBuffer out = { io->out, io->n_out, 0 };
	size_t r = ZSTD_decompressStream(state, &out, &in);
	moved(io, in.size - in.pos, out.size - out.pos);
	if (ZSTD_isError(r))
		return corrupt(e, "zstd", ZSTD_getErrorName(r));
	return r == 0;
}

static int zstd_restart(void *state, struct err *e)
{
	(void)state; /* a complete frame leaves the context ready for the next */
	(void)e;
	return 0;
}

static void zstd_close(void *state)
{
	ZSTD_freeDCtx(state);
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct codec codecs[] = {
	{ "gzip", { 0x1f, 0x8b }, 2, isal_open, isal_run, isal_restart, free },
	{ "gzip", { 0x1f, 0x8b }, 2, zlib_open, zlib_run, zlib_restart, zlib_close },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, bzip2_open, bzip2_run, bzip2_restart, bzip2_close },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz_open, xz_run, NULL, xz_close },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_open, zstd_run, zstd_restart, zstd_close },
	{ "plain", { 0 }, 0, plain_open, plain_run, NULL, free },
};

const struct codec *codec_find(const uint8_t *bytes, size_t n, bool no_isal)
{
	const struct codec *c = codecs;
	if (no_isal)
		c++;
	while (n < c->n_magic || memcmp(bytes, c->magic, c->n_magic) != 0)
		c++;
	return c;
}
