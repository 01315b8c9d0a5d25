/* SPDX-License-Identifier: Apache-2.0 */
/* References to images: a line to look up, then the record of the only image of the store. */
#include "stage0/store/store.h"
#include "tests/fuzz/scratch.h"

#define HEX "00112233445566778899aabbccddeeff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int root = -1;
	static struct store s;
	struct err e = ERR_INIT;
	if (root < 0) {
		root = scratch_open();
		FUZZ_HOLDS(
			mkdirat(root, "cas", 0700) == 0 && mkdirat(root, "cas/image", 0700) == 0);
		FUZZ_HOLDS(store_open(&s, SCRATCH, &e) == 0);
	}
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	char *rest = text;
	const char *ref = scratch_line(&rest);
	struct image image;
	scratch_put(root, "cas/image/" HEX HEX HEX HEX, rest, size - (size_t)(rest - text));
	if (store_resolve(&s, ref, &a, &image, &e) == 0)
		FUZZ_HOLDS(strcmp(image.id, "sha512-" HEX HEX HEX HEX) == 0);
	else
		FUZZ_HOLDS(*e.msg);
	return 0;
}
