/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/keyring.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/fs/io.h"

enum { ALL_KEYS_MAX = 64 * 1024 * 1024 };

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

void keyring_cleanup(struct keyring *ring)
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

int keyring_load(struct keyring *ring, struct fetch_badfile *bad, uint32_t *n_bad, struct err *e)
{
	_clean_(str) struct str all = STR_INIT(ALL_KEYS_MAX);
	int r = pgp_open(&ring->pgp, e);
	if (r >= 0)
		r = io_read_fd(FETCH_FD_KEYS, "the keys", &all, e);
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
			if (*n_bad == FETCH_BAD_MAX)
				return ERR_BAD(e, "more than %d files of trusted keys are bad",
					FETCH_BAD_MAX);
			struct fetch_badfile *b = &bad[(*n_bad)++];
			b->index = index;
			err_format(&why, false, b->why, sizeof b->why);
		}
		at += head.size;
	}
	return 0;
}
