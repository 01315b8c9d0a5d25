/* SPDX-License-Identifier: Apache-2.0 */
/* What reaches librnp: keys, detached signatures, signed messages. No key of ours signed any. */
#include <fcntl.h>
#include <unistd.h>

#include "stage0/fetch/message.h"
#include "tests/fuzz/fuzz.h"

static int look(void *ctx, rnp_key_handle_t key, struct err *e)
{
	struct pgp_facts f;
	(void)ctx;
	if (pgp_facts(key, &f, e) >= 0)
		FUZZ_HOLDS(memchr(f.fingerprint, '\0', sizeof f.fingerprint));
	return 0;
}

static void nobody_signed(const struct judged *j, const struct str *content)
{
	FUZZ_HOLDS(!judged_good(j) && !content->len);
}

/* The first byte says what follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(rnp_ffi) rnp_ffi_t ffi = NULL;
	_clean_(str) struct str packets = STR_INIT(FETCH_SIGNATURES_BYTES);
	_clean_(str) struct str file = STR_INIT(FETCH_SIGNATURES_BYTES);
	static struct judged judged;
	struct err e = ERR_INIT;
	judged.n = 0;
	/* That of the input before: librnp closes what its log goes to, which must be its own. */
	FUZZ_HOLDS(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	if (!size || pgp_open(&ffi, &e) < 0)
		return 0;
	str_addn(&file, data + 1, size - 1);
	switch (*data % 3) {
	case 0:
		if (pgp_load(ffi, str_text(&file), file.len, &e) >= 0)
			(void)pgp_each_primary(ffi, look, NULL, &e);
		break;
	case 1:
		if (pgp_signature_packets(&file, &packets, &e) >= 0)
			(void)message_verify_detached(ffi, &packets, "x", 1, &judged, &e);
		packets.len = 0;
		nobody_signed(&judged, &packets);
		break;
	default:
		(void)message_verify(ffi, str_text(&file), file.len, &judged, &packets, &e);
		nobody_signed(&judged, &packets);
	}
	return 0;
}
