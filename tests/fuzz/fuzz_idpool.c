/* SPDX-License-Identifier: Apache-2.0 */
/* subuid, subgid and an accounts file, one after the other, cut by a line "=". */
#include "stage0/idpool.h"
#include "tests/fuzz/fuzz.h"

static size_t part(const char *text)
{
	const char *cut = strstr(text, "\n=\n");
	return cut ? (size_t)(cut - text) + 1 : strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct id_ranges users = { 0 }, groups = { 0 }, others = { 0 };
	struct id_pool pool;
	struct id_range piece, last = { 0 };
	struct err e = ERR_INIT;
	size_t n = part(text);
	int r = id_pool_subids(text, n, "subuid", &a, &users, &others, &e);
	if (r >= 0 && text[n]) {
		const char *second = text + n + 2;
		n = part(second);
		r = id_pool_subids(second, n, "subgid", &a, &groups, &others, &e);
		if (r >= 0 && second[n])
			r = id_pool_accounts(
				second + n + 2, strlen(second + n + 2), &a, &others, &e);
	}
	if (r >= 0)
		r = id_pool_make(&users, &groups, &others, &a, &pool, &e);
	if (r < 0) {
		FUZZ_HOLDS(*e.msg);
		return 0;
	}
	for (size_t i = 0; i < pool.n_pieces && i < 300; i++) {
		if (!id_pool_piece(&pool, i, &piece))
			continue;
		FUZZ_HOLDS(piece.count == ID_COUNT && piece.first <= UINT32_MAX - ID_COUNT);
		FUZZ_HOLDS(!last.count || !id_range_overlaps(&piece, &last));
		last = piece;
	}
	FUZZ_HOLDS(!id_pool_piece(&pool, pool.n_pieces, &piece));
	return 0;
}
