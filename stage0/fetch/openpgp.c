/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/fs/io.h"
#include "stage0/fetch/mode.h"
#include "stage0/fetch/pem.h"
#include "stage0/fetch/pgp.h"

enum { ALL_KEYS_MAX = 64 * 1024 * 1024 };

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

/* --- keys ------------------------------------------------------------------------------------- */

struct names {
	const char *wanted;
	unsigned keys;
	bool matches;
};

static int compare_name(void *ctx, rnp_key_handle_t key, struct err *e)
{
	struct names *names = ctx;
	struct pgp_facts f;
	int r = pgp_facts(key, &f, e);
	names->keys++;
	names->matches |= r >= 0 && !strcmp(f.fingerprint, names->wanted);
	return r;
}

static int check_name(const struct fetch_keyfile *head, const void *bytes, struct err *e)
{
	_clean_(rnp_ffi) rnp_ffi_t ffi = NULL;
	struct names names = { .wanted = head->fingerprint };
	int r = pgp_open(&ffi, e);
	if (r >= 0)
		r = pgp_load(ffi, bytes, head->size, e);
	if (r >= 0)
		r = pgp_each_primary(ffi, compare_name, &names, e);
	if (r < 0)
		return r;
	if (names.keys != 1)
		return ERR_BAD(e, "it holds %u keys instead of one", names.keys);
	if (!names.matches)
		return ERR_BAD(e, "its name is not the fingerprint of the key in it");
	return 0;
}

/* The keys that count. */
struct keyring {
	rnp_ffi_t pgp;
	struct pem_key {
		struct fetch_key facts;
		EVP_PKEY *key;
	} * pem;
	size_t n_pem, cap;
};

static int load_pem(
	struct keyring *ring, const struct fetch_keyfile *head, const char *text, struct err *e)
{
	struct fetch_key facts, other;
	_clean_(evp_key) EVP_PKEY *key = NULL;
	int r = pem_next(&text, &facts, &key, e);
	if (r < 0)
		return r;
	if (strcmp(facts.fingerprint, head->fingerprint) != 0)
		return ERR_BAD(e, "its name is not the fingerprint of the key in it");
	r = pem_next(&text, &other, NULL, e);
	if (r != 0)
		return r < 0 ? r : ERR_BAD(e, "it holds more than one key");
	if (ring->n_pem == ring->cap) {
		ring->cap = ring->cap ? 2 * ring->cap : 16;
		ring->pem = xrealloc(ring->pem, ring->cap, sizeof *ring->pem);
	}
	ring->pem[ring->n_pem++] = (struct pem_key){ facts, take_ptr(key) };
	return 0;
}

static void keyring_cleanup(struct keyring *ring)
{
	rnp_ffi_cleanup(&ring->pgp);
	while (ring->n_pem)
		evp_key_cleanup(&ring->pem[--ring->n_pem].key);
	mem_cleanup(&ring->pem);
}

static int load_file(
	struct keyring *ring, const struct fetch_keyfile *head, const char *bytes, struct err *e)
{
	_clean_(mem) char *text = xstrndup(bytes, head->size);
	if (pem_looks_like(text))
		return load_pem(ring, head, text, e);
	int r = check_name(head, bytes, e);
	return r < 0 ? r : pgp_load(ring->pgp, bytes, head->size, e);
}

static int load_keys(struct keyring *ring, struct fetch_signatures *ret, struct err *e)
{
	_clean_(str) struct str all = STR_INIT(ALL_KEYS_MAX);
	int r = io_read_fd(FETCH_FD_KEYS, "the keys", &all, e);
	if (r < 0)
		return r;
	uint32_t index = 0;
	for (size_t at = 0; at < all.len; index++) {
		struct fetch_keyfile head;
		struct err why = ERR_INIT;
		if (all.len - at < sizeof head)
			return ERR_BAD(e, "the list of keys is cut");
		memcpy(&head, all.buf + at, sizeof head);
		at += sizeof head;
		head.fingerprint[sizeof head.fingerprint - 1] = '\0';
		if (head.size > all.len - at)
			return ERR_BAD(e, "the list of keys is cut");
		if (load_file(ring, &head, all.buf + at, &why) < 0) {
			if (ret->n_bad == FETCH_BAD_MAX)
				return ERR_BAD(e, "more than %d files of trusted keys are bad",
					FETCH_BAD_MAX);
			struct fetch_badfile *bad = &ret->bad[ret->n_bad++];
			bad->index = index;
			err_format(&why, false, bad->why, sizeof bad->why);
		}
		at += head.size;
	}
	return 0;
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

/* --- judging ---------------------------------------------------------------------------------- */

/* What is known about one signature. Only `status` was computed from the file; all the rest can
 * but speak against it. */
struct facts {
	rnp_result_t status;
	char *type, *hash;
	bool has_key;
	struct pgp_facts key, primary;
	int64_t created, expires, now;
};

static bool strong_digest(const char *hash)
{
	static const char *const strong[] = { RNP_ALGNAME_SHA256, RNP_ALGNAME_SHA384,
		RNP_ALGNAME_SHA512, RNP_ALGNAME_SHA224, RNP_ALGNAME_SHA3_256,
		RNP_ALGNAME_SHA3_512 };
	for (size_t i = 0; hash && i < sizeof strong / sizeof *strong; i++)
		if (!strcmp(hash, strong[i]))
			return true;
	return false;
}

static enum fetch_verdict judge(const struct facts *f)
{
	const struct {
		bool applies;
		enum fetch_verdict verdict;
	} objections[] = {
		{ !str_eq(f->type, "binary"), FETCH_SIG_KIND },
		{ !strong_digest(f->hash), FETCH_SIG_DIGEST_WEAK },
		{ !f->has_key, FETCH_SIG_UNKNOWN_KEY },
		{ f->key.weak || f->primary.weak, FETCH_SIG_KEY_WEAK },
		{ f->key.revoked || f->primary.revoked, FETCH_SIG_KEY_REVOKED },
		{ f->key.expired || f->primary.expired, FETCH_SIG_KEY_EXPIRED },
		{ !f->key.signs, FETCH_SIG_KEY_USAGE },
		{ f->created > f->now, FETCH_SIG_FUTURE },
		{ f->expires && f->expires <= f->now, FETCH_SIG_EXPIRED },
		{ f->status != RNP_SUCCESS, FETCH_SIG_WRONG },
	};
	for (size_t i = 0; i < sizeof objections / sizeof *objections; i++)
		if (objections[i].applies)
			return objections[i].verdict;
	return FETCH_SIG_GOOD;
}

static int primary_facts(rnp_ffi_t ffi, rnp_key_handle_t key, struct pgp_facts *ret, struct err *e)
{
	_clean_(rnp_text) char *fingerprint = NULL;
	_clean_(rnp_key) rnp_key_handle_t primary = NULL;
	bool is_primary = false;
	if (rnp_key_is_primary(key, &is_primary) == RNP_SUCCESS && is_primary)
		return pgp_facts(key, ret, e);
	if (rnp_key_get_primary_fprint(key, &fingerprint) != RNP_SUCCESS || !fingerprint ||
		rnp_locate_key(ffi, "fingerprint", fingerprint, &primary) != RNP_SUCCESS ||
		!primary)
		return ERR_BAD(e, "a subkey without a primary key");
	return pgp_facts(primary, ret, e);
}

static void name_signer(rnp_signature_handle_t handle, struct fetch_signature *ret)
{
	_clean_(rnp_text) char *fingerprint = NULL;
	_clean_(rnp_text) char *keyid = NULL;
	if (rnp_signature_get_key_fprint(handle, &fingerprint) == RNP_SUCCESS && fingerprint)
		pgp_lower_hex(fingerprint, ret->fingerprint, sizeof ret->fingerprint);
	else if (rnp_signature_get_keyid(handle, &keyid) == RNP_SUCCESS && keyid)
		pgp_lower_hex(keyid, ret->fingerprint, sizeof ret->fingerprint);
}

static void say_detail(const struct facts *f, struct fetch_signature *ret)
{
	const char *detail = "";
	if (ret->verdict == FETCH_SIG_DIGEST_WEAK && f->hash)
		detail = f->hash;
	else if (ret->verdict == FETCH_SIG_KIND && f->type)
		detail = f->type;
	else if (ret->verdict == FETCH_SIG_KEY_WEAK)
		detail = f->key.weak ? f->key.algorithm : f->primary.algorithm;
	snprintf(ret->detail, sizeof ret->detail, "%s", detail);
}

static void examine(rnp_ffi_t ffi, rnp_op_verify_signature_t sig, struct fetch_signature *ret)
{
	_clean_(rnp_signature) rnp_signature_handle_t handle = NULL;
	_clean_(rnp_key) rnp_key_handle_t key = NULL;
	_clean_(rnp_text) char *hash = NULL;
	_clean_(rnp_text) char *type = NULL;
	uint32_t created = 0, seconds = 0;
	struct err ignored = ERR_INIT;
	struct facts f = { .status = rnp_op_verify_signature_get_status(sig), .now = time(NULL) };
	ret->verdict = FETCH_SIG_WRONG;
	if (rnp_op_verify_signature_get_handle(sig, &handle) != RNP_SUCCESS ||
		rnp_signature_get_type(handle, &type) != RNP_SUCCESS ||
		rnp_op_verify_signature_get_hash(sig, &hash) != RNP_SUCCESS ||
		rnp_op_verify_signature_get_times(sig, &created, &seconds) != RNP_SUCCESS)
		return;
	f.type = type;
	f.hash = hash;
	f.created = ret->created = created;
	f.expires = ret->expires = seconds ? (int64_t)created + seconds : 0;
	name_signer(handle, ret);
	if (rnp_op_verify_signature_get_key(sig, &key) == RNP_SUCCESS && key)
		f.has_key = pgp_facts(key, &f.key, &ignored) >= 0 &&
			    primary_facts(ffi, key, &f.primary, &ignored) >= 0;
	if (f.has_key)
		memcpy(ret->fingerprint, f.primary.fingerprint, sizeof ret->fingerprint);
	ret->verdict = judge(&f);
	say_detail(&f, ret);
}

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
			examine(ffi, sig, v);
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
	int r = pgp_open(&ring.pgp, e);
	if (r >= 0)
		r = load_keys(&ring, s, e);
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
