/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/pgp.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum { V4_FINGERPRINT = 40, STRONG_BITS = 2048 };

static int failed(struct err *e, rnp_result_t r, const char *what)
{
	return ERR_BAD(e, "%s: %s", what, rnp_result_to_string(r));
}

/* What librnp tolerates in signatures of old age, a forger can date back to. */
static int forbid_weak_digests(rnp_ffi_t ffi, struct err *e)
{
	static const char *const weak[] = { RNP_ALGNAME_MD5, RNP_ALGNAME_SHA1,
		RNP_ALGNAME_RIPEMD160 };
	for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
		rnp_result_t r = rnp_add_security_rule(ffi, RNP_FEATURE_HASH_ALG, weak[i],
			RNP_SECURITY_OVERRIDE | RNP_SECURITY_VERIFY_DATA, 0, RNP_SECURITY_INSECURE);
		if (r != RNP_SUCCESS)
			return failed(e, r, "forbid weak digests");
	}
	return 0;
}

int pgp_open(rnp_ffi_t *ret, struct err *e)
{
	_clean_(rnp_ffi) rnp_ffi_t ffi = NULL;
	rnp_result_t r = rnp_ffi_create(&ffi, "GPG", "GPG");
	if (r != RNP_SUCCESS)
		return failed(e, r, "start librnp");
	/* Its opinions belong into answers, not on standard error. It closes what it is given. */
	int log = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (log >= 0 && rnp_ffi_set_log_fd(ffi, log) != RNP_SUCCESS)
		fd_close(log);
	int s = forbid_weak_digests(ffi, e);
	if (s >= 0)
		*ret = take_ptr(ffi);
	return s;
}

int pgp_load(rnp_ffi_t ffi, const void *bytes, size_t n, struct err *e)
{
	_clean_(rnp_input) rnp_input_t input = NULL;
	rnp_result_t r = rnp_input_from_memory(&input, bytes, n, false);
	if (r == RNP_SUCCESS)
		r = rnp_import_keys(
			ffi, input, RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_PERMISSIVE, NULL);
	return r == RNP_SUCCESS ? 0 : failed(e, r, "not OpenPGP public keys");
}

int pgp_each_primary(rnp_ffi_t ffi, pgp_key_fn fn, void *ctx, struct err *e)
{
	_clean_(rnp_iterator) rnp_identifier_iterator_t it = NULL;
	const char *fingerprint;
	rnp_result_t r = rnp_identifier_iterator_create(ffi, &it, "fingerprint");
	while (r == RNP_SUCCESS) {
		_clean_(rnp_key) rnp_key_handle_t key = NULL;
		bool primary = false;
		r = rnp_identifier_iterator_next(it, &fingerprint);
		if (r != RNP_SUCCESS || !fingerprint)
			break;
		r = rnp_locate_key(ffi, "fingerprint", fingerprint, &key);
		if (r == RNP_SUCCESS && key)
			r = rnp_key_is_primary(key, &primary);
		int s = r == RNP_SUCCESS && primary ? fn(ctx, key, e) : 0;
		if (s < 0)
			return s;
	}
	return r == RNP_SUCCESS || r == RNP_ERROR_EOF ? 0 : failed(e, r, "list keys");
}

void pgp_lower_hex(const char *hex, char *dst, size_t size)
{
	size_t i = 0;
	for (; hex[i] && i + 1 < size; i++)
		dst[i] = (char)tolower((unsigned char)hex[i]);
	dst[i] = '\0';
}

static bool is_weak(const char *algorithm, uint32_t bits, const char *fingerprint)
{
	if (strlen(fingerprint) != V4_FINGERPRINT)
		return true;
	if (!strcmp(algorithm, RNP_ALGNAME_RSA) || !strcmp(algorithm, RNP_ALGNAME_DSA))
		return bits < STRONG_BITS;
	return strcmp(algorithm, RNP_ALGNAME_ECDSA) != 0 &&
	       strcmp(algorithm, RNP_ALGNAME_EDDSA) != 0;
}

int pgp_facts(rnp_key_handle_t key, struct pgp_facts *ret, struct err *e)
{
	struct pgp_facts f = { 0 };
	_clean_(rnp_text) char *fingerprint = NULL;
	_clean_(rnp_text) char *algorithm = NULL;
	_clean_(rnp_text) char *curve = NULL;
	uint32_t created = 0, seconds = 0, bits = 0;
	rnp_result_t r = rnp_key_get_fprint(key, &fingerprint);
	if (r == RNP_SUCCESS)
		r = rnp_key_get_alg(key, &algorithm);
	if (r == RNP_SUCCESS)
		r = rnp_key_get_creation(key, &created);
	if (r == RNP_SUCCESS)
		r = rnp_key_get_expiration(key, &seconds);
	if (r == RNP_SUCCESS)
		r = rnp_key_is_revoked(key, &f.revoked);
	if (r == RNP_SUCCESS)
		r = rnp_key_is_expired(key, &f.expired);
	if (r == RNP_SUCCESS)
		r = rnp_key_allows_usage(key, "sign", &f.signs);
	if (r != RNP_SUCCESS)
		return failed(e, r, "examine a key");
	(void)rnp_key_get_bits(key, &bits);
	pgp_lower_hex(fingerprint, f.fingerprint, sizeof f.fingerprint);
	if (rnp_key_get_curve(key, &curve) == RNP_SUCCESS && curve)
		snprintf(f.algorithm, sizeof f.algorithm, "%s %s", algorithm, curve);
	else
		snprintf(f.algorithm, sizeof f.algorithm, "%s %u", algorithm, bits);
	f.weak = is_weak(algorithm, bits, f.fingerprint);
	f.created = created;
	f.expires = seconds ? (int64_t)created + seconds : 0;
	f.expired |= f.expires && f.expires <= (int64_t)time(NULL);
	*ret = f;
	return 0;
}

/* --- detached signatures ---------------------------------------------------------------------- */

#define SIGNATURE_LINE "-----BEGIN PGP SIGNATURE-----"

static int not_a_signature(struct err *e)
{
	return ERR_BAD(e, "not a detached OpenPGP signature");
}

static int dearmor(const char *text, size_t n, struct str *ret, struct err *e)
{
	_clean_(rnp_input) rnp_input_t input = NULL;
	_clean_(rnp_output) rnp_output_t output = NULL;
	uint8_t *bytes;
	size_t len;
	if (rnp_input_from_memory(&input, (const uint8_t *)text, n, false) != RNP_SUCCESS ||
		rnp_output_to_memory(&output, FETCH_SIGNATURES_BYTES) != RNP_SUCCESS ||
		rnp_dearmor(input, output) != RNP_SUCCESS ||
		rnp_output_memory_get_buf(output, &bytes, &len, false) != RNP_SUCCESS)
		return not_a_signature(e);
	str_addn(ret, bytes, len);
	return 0;
}

/* The size of the packet at p, header and all, when it is a signature; 0 when it is not, or not
 * whole. RFC 4880, section 4.2. */
static size_t signature_packet(const uint8_t *p, size_t n)
{
	enum { TAG_SIGNATURE = 2 };
	size_t header, length;
	if (n < 2)
		return 0;
	if (p[0] >> 6 == 3) { /* new format */
		if ((p[0] & 0x3f) != TAG_SIGNATURE)
			return 0;
		if (p[1] < 192) {
			header = 2;
			length = p[1];
		} else if (p[1] < 224 && n >= 3) {
			header = 3;
			length = ((size_t)(p[1] - 192) << 8) + p[2] + 192;
		} else if (p[1] == 255 && n >= 6) {
			header = 6;
			length = (size_t)p[2] << 24 | (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
		} else {
			return 0;
		}
	} else {
		unsigned kind = p[0] & 3;
		if (p[0] >> 6 != 2 || (p[0] >> 2 & 15) != TAG_SIGNATURE || kind == 3)
			return 0;
		header = 1 + ((size_t)1 << kind);
		length = 0;
		if (n < header)
			return 0;
		for (size_t i = 1; i < header; i++)
			length = length << 8 | p[i];
	}
	return length <= n - header ? header + length : 0;
}

int pgp_signature_packets(const struct str *file, struct str *ret, struct err *e)
{
	const char *text = str_text(file);
	if (file->len && (text[0] & 0x80)) {
		str_addn(ret, text, file->len);
	} else {
		const char *at = strstr(text, SIGNATURE_LINE);
		if (!at || (at > text && at[-1] != '\n'))
			return not_a_signature(e);
		int r = dearmor(at, file->len - (size_t)(at - text), ret, e);
		if (r < 0)
			return r;
	}
	if (!ret->len || !str_ok(ret))
		return not_a_signature(e);
	for (size_t at = 0, n; at < ret->len; at += n) {
		n = signature_packet((const uint8_t *)str_text(ret) + at, ret->len - at);
		if (!n)
			return not_a_signature(e);
	}
	return 0;
}
