/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/pem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/cleanup.h"

#define BEGIN_LINE "-----BEGIN PUBLIC KEY-----"
#define END_LINE "-----END PUBLIC KEY-----"
enum { STRONG_BITS = 2048 };

bool pem_looks_like(const char *text)
{
	return strstr(text, BEGIN_LINE) != NULL;
}

static int fingerprint(EVP_PKEY *key, char ret[FETCH_FINGERPRINT_SIZE], struct err *e)
{
	unsigned char *der = NULL, digest[FETCH_DIGEST_SIZE];
	int n = i2d_PUBKEY(key, &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	if (!ok)
		return ERR_BAD(e, "a PEM public key cannot be digested");
	size_t at = (size_t)snprintf(ret, FETCH_FINGERPRINT_SIZE, "sha256-");
	for (size_t i = 0; i < sizeof digest; i++)
		at += (size_t)snprintf(ret + at, FETCH_FINGERPRINT_SIZE - at, "%02x", digest[i]);
	return 0;
}

static int describe(EVP_PKEY *key, struct fetch_key *ret, struct err *e)
{
	char curve[32] = "";
	int bits = EVP_PKEY_get_bits(key);
	ret->type = FETCH_KEY_PEM;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		snprintf(ret->algorithm, sizeof ret->algorithm, "RSA %d", bits);
		ret->flags = bits < STRONG_BITS ? FETCH_KEY_IS_WEAK : 0;
		break;
	case EVP_PKEY_ED25519: snprintf(ret->algorithm, sizeof ret->algorithm, "Ed25519"); break;
	case EVP_PKEY_EC:
		if (!EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) ||
			(strcmp(curve, "prime256v1") != 0 && strcmp(curve, "secp384r1") != 0))
			return ERR_BAD(e,
				"a PEM public key on curve '%s': only P-256 and P-384 are accepted",
				curve);
		snprintf(ret->algorithm, sizeof ret->algorithm, "ECDSA P-%d", bits);
		break;
	default: return ERR_BAD(e, "a PEM public key that is not ECDSA, RSA or Ed25519");
	}
	return fingerprint(key, ret->fingerprint, e);
}

int pem_next(const char **text, struct fetch_key *ret, EVP_PKEY **ret_key, struct err *e)
{
	_clean_(evp_key) EVP_PKEY *key = NULL;
	struct fetch_key found = { 0 };
	const char *begin = strstr(*text, BEGIN_LINE);
	if (!begin)
		return 0;
	const char *end = strstr(begin, END_LINE);
	if (!end)
		return ERR_BAD(e, "a PEM public key without an end");
	end += strlen(END_LINE);
	BIO *bio = BIO_new_mem_buf(begin, (int)(end - begin));
	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!key)
		return ERR_BAD(e, "a PEM public key that cannot be read");
	int r = describe(key, &found, e);
	if (r < 0)
		return r;
	found.offset = (uint64_t)(begin - *text);
	found.size = (uint64_t)(end - begin);
	*ret = found;
	*text = end;
	if (ret_key)
		*ret_key = take_ptr(key);
	return 1;
}

/* --- signatures ------------------------------------------------------------------------------- */

static bool is_base64(const char *text, size_t n)
{
	size_t good = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789+/=\r\n");
	return n && good == n;
}

bool pem_signature(const struct str *file, struct pem_signature *ret)
{
	_clean_(str) struct str text = STR_INIT(4 * PEM_SIGNATURE_MAX / 3);
	if (!is_base64(str_text(file), file->len)) {
		if (!file->len || file->len > sizeof ret->bytes)
			return false;
		memcpy(ret->bytes, file->buf, file->len);
		ret->n = file->len;
		return true;
	}
	for (size_t i = 0; i < file->len; i++)
		if (!strchr("\r\n", file->buf[i]))
			str_addc(&text, file->buf[i]);
	if (!str_ok(&text) || text.len % 4)
		return false;
	int n = EVP_DecodeBlock(ret->bytes, (const unsigned char *)text.buf, (int)text.len);
	size_t padding = 0;
	while (padding < 2 && text.len > padding && text.buf[text.len - 1 - padding] == '=')
		padding++;
	if (n <= (int)padding)
		return false;
	ret->n = (size_t)n - padding;
	return true;
}

/* Ed25519 signs the file itself. */
static bool verify_whole(
	EVP_PKEY *key, const struct pem_signature *signature, int fd, uint64_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	bool ok = ctx && bytes != MAP_FAILED &&
		  EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, signature->bytes, signature->n, bytes, size) == 1;
	if (bytes && bytes != MAP_FAILED)
		munmap(bytes, size);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool pem_verify(EVP_PKEY *key, const struct pem_signature *signature,
	const unsigned char digest[FETCH_DIGEST_SIZE], int fd, uint64_t size)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return verify_whole(key, signature, fd, size);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		  EVP_PKEY_verify(ctx, signature->bytes, signature->n, digest, FETCH_DIGEST_SIZE) ==
			  1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool verify_with(EVP_PKEY *key, const EVP_MD *md, const void *signature, size_t n,
	const void *bytes, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, signature, n, bytes, size) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool pem_verify_bytes(
	EVP_PKEY *key, const void *signature, size_t n, const void *bytes, size_t size)
{
	int kind = EVP_PKEY_get_base_id(key);
	if (kind == EVP_PKEY_ED25519)
		return verify_with(key, NULL, signature, n, bytes, size);
	return verify_with(key, EVP_sha256(), signature, n, bytes, size) ||
	       (kind == EVP_PKEY_EC && EVP_PKEY_get_bits(key) == 384 &&
		       verify_with(key, EVP_sha384(), signature, n, bytes, size));
}
