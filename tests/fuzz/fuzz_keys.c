/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys, as `rkt trust` and images' makers have them: what the worker tells of one, and the
 * signature files that such keys judge. The first byte says which. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fs/io.h"
#include "stage0/fetch/mode.h"
#include "stage0/fetch/pem.h"
#include "tests/fuzz/fuzz.h"

/* As the worker has it: on a descriptor of a fixed number. */
static int keyinfo(const void *bytes, size_t n, struct fetch_answer *ret, struct err *e)
{
	static const struct fetch_request request = { .mode = FETCH_KEYINFO };
	_clean_(fd) int out = memfd_create("out", MFD_CLOEXEC);
	_clean_(fd) int in = memfd_create("keys", MFD_CLOEXEC);
	FUZZ_HOLDS(io_write_all(in, bytes, n, e) == 0 && lseek(in, 0, SEEK_SET) == 0);
	int kept_in = fcntl(FETCH_FD_KEYFILE, F_DUPFD_CLOEXEC, 10);
	int kept_out = fcntl(FETCH_FD_OUTPUT, F_DUPFD_CLOEXEC, 10);
	/* Away from where they go. */
	int from_in = fcntl(in, F_DUPFD_CLOEXEC, 10), from_out = fcntl(out, F_DUPFD_CLOEXEC, 10);
	dup2(from_in, FETCH_FD_KEYFILE);
	dup2(from_out, FETCH_FD_OUTPUT);
	int r = keyinfo_run(&request, ret, e);
	close(from_in);
	close(from_out);
	close(FETCH_FD_KEYFILE);
	close(FETCH_FD_OUTPUT);
	if (kept_in >= 0) {
		dup2(kept_in, FETCH_FD_KEYFILE);
		close(kept_in);
	}
	if (kept_out >= 0) {
		dup2(kept_out, FETCH_FD_OUTPUT);
		close(kept_out);
	}
	return r;
}

static void tell(const void *bytes, size_t n)
{
	static struct fetch_answer answer;
	struct err e = ERR_INIT;
	memset(&answer, 0, sizeof answer);
	if (keyinfo(bytes, n, &answer, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	FUZZ_HOLDS(answer.keys.n && answer.keys.n <= FETCH_KEYS_MAX);
	uint64_t end = 0;
	for (size_t i = 0; i < answer.keys.n; i++) {
		const struct fetch_key *k = &answer.keys.v[i];
		FUZZ_HOLDS(memchr(k->fingerprint, '\0', sizeof k->fingerprint));
		FUZZ_HOLDS(k->offset == end && k->size > 0);
		end = k->offset + k->size;
	}
}

/* Every key of the text, without the worker around it. */
static void each_pem(const char *text)
{
	const char *at = text;
	struct fetch_key key;
	struct err e = ERR_INIT;
	for (int i = 0; i < 20; i++) {
		const char *before = at;
		int r = pem_next(&at, &key, NULL, &e);
		if (r <= 0) {
			FUZZ_HOLDS(r == 0 || e.len > 0);
			return;
		}
		FUZZ_HOLDS(at > before && key.offset + key.size <= strlen(before));
		FUZZ_HOLDS(strncmp(key.fingerprint, "sha256-", 7) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char p256[] =
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETPpJDoF03n4SpGZ1YNghNTcKZaUI\n"
		"yiEtqd+9Hjk7CB7DrOfU4Ub10wwIGlpcjAf0i5TSO7M48Uoyt6yLj75V5g==\n"
		"-----END PUBLIC KEY-----\n";
	_clean_(mem) char *text = fuzz_text(data + !!size, size - !!size);
	if (!size)
		return 0;
	if (*data % 2 == 0) {
		tell(text, size - 1);
		each_pem(text);
		return 0;
	}
	const char *at = p256;
	EVP_PKEY *key = NULL;
	struct fetch_key facts;
	struct pem_signature signature;
	struct err e = ERR_INIT;
	struct str file = STR_INIT(FETCH_SIGNATURES_BYTES);
	str_addn(&file, text, size - 1);
	if (pem_next(&at, &facts, &key, &e) > 0 && pem_signature(&file, &signature)) {
		FUZZ_HOLDS(signature.n <= PEM_SIGNATURE_MAX);
		/* Its secret half is nowhere. */
		FUZZ_HOLDS(!pem_verify_bytes(key, signature.bytes, signature.n, "x", 1));
	}
	evp_key_cleanup(&key);
	str_release(&file);
	return 0;
}
