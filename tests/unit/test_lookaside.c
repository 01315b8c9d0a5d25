/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/lookaside.h"

#include <string.h>

#include "lib/base/str.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text, *base; /* NULL: none; "!": refused */
} rows[] = {
	{ "", NULL },
	{ "# nothing\n\n---\ndocker:\n", NULL },
	{ "default-docker:\n  lookaside: https://d\n", "https://d" },
	{ "default-docker:\n  sigstore: https://d # why\n  sigstore-staging: file:///x\n",
		"https://d" },
	{ "default-docker:\n  sigstore: https://old\n  lookaside: https://new\n", "https://new" },
	{ "default-docker:\n  lookaside: https://new\n  sigstore: https://old\n", "https://new" },
	{ "docker:\n  r.example:5000:\n    lookaside: 'https://a'\n", "https://a" },
	{ "docker:\n  \"r.example:5000/ns\":\n    lookaside: \"https://b\"\n  r.example:5000:\n    "
	  "lookaside: https://a\n",
		"https://b" },
	{ "docker:\n  r.example:5000:\n    lookaside: https://a\n  r.example:5000/ns/repo:\n    "
	  "lookaside: https://c\ndefault-docker:\n  lookaside: https://d\n",
		"https://c" },
	{ "default-docker:\n  lookaside: https://d\ndocker:\n  r.example:5000:\n    lookaside: "
	  "https://a\n",
		"https://a" },
	{ "docker:\n  r.example:5000/n:\n    lookaside: https://sibling\n", NULL },
	{ "docker:\n  r.example:5000:\n    use-sigstore-attachments: true\n", NULL },
	{ "docker:\r\n  r.example:5000:\r\n    lookaside: https://a\r\n", "https://a" },
	{ "else:\n  r.example:5000:\n    lookaside: https://a\n", NULL },
	{ "docker:\n\tr.example:5000:\n", "!" },
	{ "docker: [a]\n", "!" },
	{ "docker:\n  - r.example:5000\n", "!" },
	{ "docker:\n  r.example:5000: {lookaside: https://a}\n", "!" },
	{ "docker:\n  r.example:5000:\n    lookaside: |\n      https://a\n", "!" },
	{ "docker:\n  r.example:5000:\n    lookaside: https://a\n  r.example:5000:\n    lookaside: "
	  "https://b\n",
		"!" },
	{ "docker:\n  r.example:5000:\n    lookaside: https://a\n    lookaside: https://b\n", "!" },
	{ "docker:\n  r.example:5000:\n    lookaside: &x https://a\n", "!" },
	{ "docker:\n  r.example:5000:\n    lookaside: \"a\\u0041\"\n", "!" },
	{ "nonsense\n", "!" },
};

START_TEST(files)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct lookaside l = { .name = "r.example:5000/ns/repo" };
		int r = lookaside_read(&l, rows[i].text, "x.yaml", &a, &e);
		bool refused = rows[i].base && *rows[i].base == '!';
		ck_assert_msg((r < 0) == refused, "%zu: %s", i, unit_message(&e));
		ck_assert_msg(refused || str_eq(l.base, rows[i].base), "%zu: %s", i,
			l.base ? l.base : "none");
		arena_release(&a);
	}
}
END_TEST

START_TEST(urls)
{
	struct arena a = ARENA_INIT;
	ck_assert_str_eq(
		lookaside_url("https://x/y//", "r.example:5000/ns/repo", "sha256:0123", 2, &a),
		"https://x/y/ns/repo@sha256=0123/signature-2");
	arena_release(&a);
}
END_TEST

UNIT_MAIN("lookaside", &files, &urls)
