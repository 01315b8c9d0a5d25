/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/fetch/mode.h"
#include "stage0/fetch/pem.h"
#include "stage0/fetch/pgp.h"

struct keyinfo {
	struct fetch_keys *keys;
	struct str out; /* all of them, one behind the other */
};

static struct fetch_key *add_key(struct keyinfo *k, struct err *e)
{
	if (k->keys->n < FETCH_KEYS_MAX)
		return &k->keys->v[k->keys->n++];
	ERR_BAD(e, "more than %d keys in one file", FETCH_KEYS_MAX);
	return NULL;
}

static void list_uids(rnp_key_handle_t key, struct fetch_key *ret)
{
	size_t n = 0;
	if (rnp_key_get_uid_count(key, &n) != RNP_SUCCESS)
		return;
	ret->n_uids = (uint32_t)n;
	for (size_t i = 0; i < n && i < FETCH_UIDS_MAX; i++) {
		_clean_(rnp_text) char *uid = NULL;
		if (rnp_key_get_uid_at(key, i, &uid) == RNP_SUCCESS && uid)
			snprintf(ret->uids[i], FETCH_UID_SIZE, "%s", uid);
	}
}

static void list_subkeys(rnp_key_handle_t key, struct fetch_key *ret)
{
	size_t n = 0;
	if (rnp_key_get_subkey_count(key, &n) != RNP_SUCCESS)
		return;
	ret->n_subkeys = (uint32_t)n;
	for (size_t i = 0; i < n && i < FETCH_SUBKEYS_MAX; i++) {
		_clean_(rnp_key) rnp_key_handle_t sub = NULL;
		_clean_(rnp_text) char *hex = NULL;
		if (rnp_key_get_subkey_at(key, i, &sub) == RNP_SUCCESS &&
			rnp_key_get_fprint(sub, &hex) == RNP_SUCCESS)
			pgp_lower_hex(hex, ret->subkeys[i], FETCH_FINGERPRINT_SIZE);
	}
}

static int export_key(rnp_key_handle_t key, struct str *out, struct err *e)
{
	_clean_(rnp_output) rnp_output_t output = NULL;
	uint8_t *bytes;
	size_t n;
	rnp_result_t r = rnp_output_to_memory(&output, 2 * FETCH_KEYFILE_MAX);
	if (r == RNP_SUCCESS)
		r = rnp_key_export(key, output,
			RNP_KEY_EXPORT_ARMORED | RNP_KEY_EXPORT_PUBLIC | RNP_KEY_EXPORT_SUBKEYS);
	if (r == RNP_SUCCESS)
		r = rnp_output_memory_get_buf(output, &bytes, &n, false);
	if (r != RNP_SUCCESS)
		return ERR_BAD(e, "export a key: %s", rnp_result_to_string(r));
	str_addn(out, bytes, n);
	return 0;
}

static int add_openpgp(void *ctx, rnp_key_handle_t key, struct err *e)
{
	struct keyinfo *k = ctx;
	struct pgp_facts f;
	struct fetch_key *ret = add_key(k, e);
	int r = ret ? pgp_facts(key, &f, e) : -EINVAL;
	if (r < 0)
		return r;
	ret->type = FETCH_KEY_OPENPGP;
	ret->flags = (f.revoked ? FETCH_KEY_IS_REVOKED : 0u) |
		     (f.expired ? FETCH_KEY_IS_EXPIRED : 0u) | (f.weak ? FETCH_KEY_IS_WEAK : 0u);
	ret->created = f.created;
	ret->expires = f.expires;
	memcpy(ret->fingerprint, f.fingerprint, sizeof ret->fingerprint);
	memcpy(ret->algorithm, f.algorithm, sizeof ret->algorithm);
	list_uids(key, ret);
	list_subkeys(key, ret);
	ret->offset = k->out.len;
	r = export_key(key, &k->out, e);
	ret->size = k->out.len - ret->offset;
	return r;
}

static int add_pem(struct keyinfo *k, const char *text, struct err *e)
{
	struct fetch_key key;
	int r;
	for (const char *before = text; (r = pem_next(&text, &key, NULL, e)) > 0; before = text) {
		struct fetch_key *ret = add_key(k, e);
		if (!ret)
			return -EINVAL;
		*ret = key;
		ret->offset = k->out.len;
		str_addn(&k->out, before + key.offset, key.size);
		str_addc(&k->out, '\n');
		ret->size = k->out.len - ret->offset;
	}
	return r;
}

static int examine(struct keyinfo *k, const struct str *file, struct err *e)
{
	_clean_(rnp_ffi) rnp_ffi_t ffi = NULL;
	if (strlen(str_text(file)) == file->len && pem_looks_like(str_text(file)))
		return add_pem(k, str_text(file), e);
	/* PGP's, PKCS's, cosign's… */
	const char *armor = strstr(str_text(file), "-----BEGIN ");
	const char *kind = armor ? strstr(armor, "PRIVATE KEY") : NULL;
	if (kind && !memchr(armor, '\n', (size_t)(kind - armor)))
		return ERR_BAD(e, "a secret key: trust takes the public one alone");
	int r = pgp_open(&ffi, e);
	if (r >= 0 && pgp_load(ffi, str_text(file), file->len, e) < 0)
		r = ERR_BAD(e, "no public key is in it, neither OpenPGP's (armored or binary) nor "
			       "one in PEM");
	return r < 0 ? r : pgp_each_primary(ffi, add_openpgp, k, e);
}

int keyinfo_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(str) struct str file = STR_INIT(FETCH_KEYFILE_MAX);
	struct keyinfo k = { .keys = &ret->keys, .out = STR_INIT(4 * FETCH_KEYFILE_MAX) };
	(void)request;
	int r = io_read_fd(FETCH_FD_KEYFILE, "the key file", &file, e);
	if (r >= 0)
		r = examine(&k, &file, e);
	if (r >= 0 && k.keys->n == 0)
		r = ERR_BAD(e, "no public key is in it");
	if (r >= 0 && !str_ok(&k.out))
		r = ERR_BAD(e, "the keys are too large");
	if (r >= 0 && fcntl(FETCH_FD_OUTPUT, F_GETFD) >= 0)
		r = io_write_all(FETCH_FD_OUTPUT, str_text(&k.out), k.out.len, e);
	str_release(&k.out);
	return r;
}
