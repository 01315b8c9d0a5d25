/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/fetch/keyring.h"
#include "stage0/fetch/mode.h"

static void evp_digest_cleanup(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
	*ctx = NULL;
}

/* Both libraries look for files of theirs when they are first used. */
int openpgp_prepare(struct err *e)
{
	_clean_(rnp_ffi) rnp_ffi_t ffi = NULL;
	unsigned char digest[FETCH_DIGEST_SIZE];
	if (!EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL))
		return ERR_BAD(e, "OpenSSL does not work");
	return pgp_open(&ffi, e);
}

/* --- the signed file -------------------------------------------------------------------------- */

struct data {
	EVP_MD_CTX *digest;
	uint64_t bytes;
	bool failed, ended;
};

static bool read_data(void *ctx, void *buf, size_t size, size_t *ret_n)
{
	struct data *d = ctx;
	ssize_t n;
	do
		n = pread(FETCH_FD_DATA, buf, size, (off_t)d->bytes);
	while (n < 0 && errno == EINTR);
	d->failed |= n < 0 || !EVP_DigestUpdate(d->digest, buf, n < 0 ? 0 : (size_t)n);
	d->ended |= n == 0;
	*ret_n = n < 0 ? 0 : (size_t)n;
	d->bytes += *ret_n;
	return !d->failed;
}

/* --- verifying -------------------------------------------------------------------------------- */

static int verify(rnp_ffi_t ffi, const struct str *packets, struct data *data,
	struct fetch_signatures *ret, struct err *e)
{
	_clean_(rnp_input) rnp_input_t signatures = NULL;
	_clean_(rnp_input) rnp_input_t input = NULL;
	_clean_(rnp_verify) rnp_op_verify_t op = NULL;
	size_t n = 0;
	rnp_result_t r = rnp_input_from_memory(
		&signatures, (const uint8_t *)packets->buf, packets->len, false);
	if (r == RNP_SUCCESS)
		r = rnp_input_from_callback(&input, read_data, NULL, data);
	if (r == RNP_SUCCESS)
		r = rnp_op_verify_detached_create(&op, ffi, input, signatures);
	if (r != RNP_SUCCESS)
		return ERR_BAD(e, "verify: %s", rnp_result_to_string(r));
	/* What it returns says nothing: success with an expired signature, failure for good ones
	 * beside a bad one. */
	(void)rnp_op_verify_execute(op);
	if (rnp_op_verify_get_signature_count(op, &n) != RNP_SUCCESS || n == 0)
		return ERR_BAD(e, "no signature that can be read is in the file");
	bool read_all = data->ended && !data->failed;
	for (size_t i = 0; i < n && i < FETCH_SIGNATURES_MAX; i++) {
		rnp_op_verify_signature_t sig;
		struct fetch_signature *v = &ret->v[ret->n++];
		v->verdict = FETCH_SIG_WRONG;
		if (rnp_op_verify_get_signature_at(op, i, &sig) == RNP_SUCCESS)
			pgp_judge(ffi, sig, v);
		if (v->verdict == FETCH_SIG_GOOD && !read_all)
			v->verdict = FETCH_SIG_WRONG;
	}
	return 0;
}

/* What is neither armored nor made of packets is a bare signature, by some PEM key. */
static bool is_armored(const struct str *file)
{
	return strstr(str_text(file), "-----BEGIN PGP") != NULL;
}

static int verify_pem(const struct keyring *ring, const struct str *file, struct data *data,
	struct fetch_signatures *ret, struct err *e)
{
	struct pem_signature signature;
	struct fetch_signature *v = &ret->v[0];
	char chunk[65536];
	size_t n;
	do
		if (!read_data(data, chunk, sizeof chunk, &n))
			return ERR_BAD(e, "the signed file cannot be read");
	while (n);
	if (!EVP_DigestFinal_ex(data->digest, ret->digest, NULL))
		return ERR_BAD(e, "OpenSSL does not work");
	if (!pem_signature(file, &signature))
		return ERR_BAD(e, "not a detached signature, neither OpenPGP nor DER nor base64");
	ret->mechanism = FETCH_BY_PEM;
	ret->n = 1;
	v->verdict = FETCH_SIG_UNKNOWN_KEY;
	for (size_t i = 0; i < ring->n_pem; i++) {
		const struct pem_key *k = &ring->pem[i];
		if (!pem_verify(k->key, &signature, ret->digest, FETCH_FD_DATA, data->bytes))
			continue;
		v->verdict =
			k->facts.flags & FETCH_KEY_IS_WEAK ? FETCH_SIG_KEY_WEAK : FETCH_SIG_GOOD;
		memcpy(v->fingerprint, k->facts.fingerprint, sizeof v->fingerprint);
		memcpy(v->detail, k->facts.algorithm, sizeof v->detail);
	}
	return 0;
}

int openpgp_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(keyring) struct keyring ring = { 0 };
	_clean_(str) struct str file = STR_INIT(FETCH_SIGNATURES_BYTES);
	_clean_(str) struct str packets = STR_INIT(FETCH_SIGNATURES_BYTES);
	_clean_(evp_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	struct data data = { .digest = digest };
	struct fetch_signatures *s = &ret->signatures;
	(void)request;
	if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL))
		return ERR_BAD(e, "OpenSSL does not work");
	int r = keyring_load(&ring, s->bad, &s->n_bad, e);
	if (r >= 0)
		r = io_read_fd(FETCH_FD_SIGNATURES, "the signature file", &file, e);
	if (r < 0)
		return r;
	r = pgp_signature_packets(&file, &packets, e);
	if (r < 0 && !is_armored(&file)) {
		*e = ERR_INIT;
		r = verify_pem(&ring, &file, &data, s, e);
	} else if (r >= 0) {
		r = verify(ring.pgp, &packets, &data, s, e);
		if (r >= 0 && (data.failed || !EVP_DigestFinal_ex(digest, s->digest, NULL)))
			r = ERR_BAD(e, "the signed file cannot be read");
	}
	s->bytes = data.bytes;
	return r;
}
