/* SPDX-License-Identifier: Apache-2.0 */
/* What one OpenPGP signature is worth. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "stage0/fetch/pgp.h"

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

void pgp_judge(rnp_ffi_t ffi, rnp_op_verify_signature_t sig, struct fetch_signature *ret)
{
	_clean_(rnp_signature) rnp_signature_handle_t handle = NULL;
	_clean_(rnp_key) rnp_key_handle_t key = NULL;
	_clean_(rnp_text) char *hash = NULL;
	_clean_(rnp_text) char *type = NULL;
	uint32_t created = 0, seconds = 0;
	struct err ignored = ERR_INIT;
	struct facts f = { .status = rnp_op_verify_signature_get_status(sig), .now = time(NULL) };
	ret->verdict = FETCH_SIG_WRONG;
	if (rnp_op_verify_signature_get_handle(sig, &handle) != RNP_SUCCESS) {
		handle = NULL; /* librnp has freed it, and has not said so */
		return;
	}
	if (rnp_signature_get_type(handle, &type) != RNP_SUCCESS ||
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
