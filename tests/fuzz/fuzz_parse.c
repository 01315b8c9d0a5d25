/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "lib/base/parse.h"
#include "lib/base/uuid.h"
#include "lib/spec/isolator.h"
#include "tests/fuzz/fuzz.h"

static void numbers(const char *text)
{
	char again[32];
	uint64_t u, v;
	uint32_t w;
	int64_t i, k;
	bool b;
	if (parse_u64(text, 0, UINT64_MAX, &u)) {
		snprintf(again, sizeof again, "%" PRIu64, u);
		FUZZ_HOLDS(parse_u64(again, u, u, &v) && u == v);
		FUZZ_HOLDS(parse_u32(text, 0, UINT32_MAX, &w) == (u <= UINT32_MAX));
	}
	if (parse_i64(text, INT64_MIN, INT64_MAX, &i)) {
		snprintf(again, sizeof again, "%" PRId64, i);
		FUZZ_HOLDS(parse_i64(again, i, i, &k) && i == k);
	}
	if (parse_octal(text, 07777, &w))
		FUZZ_HOLDS(w <= 07777);
	if (parse_duration(text, &i) && *text != '-' && *text != '+')
		FUZZ_HOLDS(i >= 0);
	parse_bool(text, &b);
}

static void names(const char *text)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct quantity q;
	struct err e;
	const char *name = ac_name_sanitize(&a, text);
	FUZZ_HOLDS(!name || ac_name_valid(name));
	FUZZ_HOLDS(!ac_name_valid(text) || ac_identifier_valid(text));
	FUZZ_HOLDS(!ac_name_valid(text) || strcmp(name, text) == 0);
	FUZZ_HOLDS(!uuid_valid(text) || uuid_prefix_valid(text));
	env_name_valid(text);
	semver_valid(text);
	rfc3339_valid(text);
	image_id_valid(text);
	for (int milli = 0; milli < 2; milli++)
		if (quantity_parse(text, milli, &a, &q, &e) == 0)
			FUZZ_HOLDS(q.value >= 0);
}

/* Nothing that a terminal acts upon is left. */
static void escapes(const char *text)
{
	char out[64];
	text_escape(text, out, sizeof out);
	FUZZ_HOLDS(strlen(out) < sizeof out);
	for (const unsigned char *p = (const unsigned char *)out; *p; p++) {
		FUZZ_HOLDS(*p >= 0x20 && *p != 0x7f);
		FUZZ_HOLDS(*p < 0x80 || *p > 0x9f || p > (const unsigned char *)out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	numbers(text);
	names(text);
	escapes(text);
	return 0;
}
