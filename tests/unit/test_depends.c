/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/depends.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "tests/unit/unit.h"

/* Images by one letter: "example.com/a", with the id sha512-61…; each a row of a table. */
struct row {
	const char *name, *needs; /* letters */
	const char *whitelist;	  /* separated by blanks */
	uint64_t size;
};

static struct arena arena;
static struct err e;
static const struct row *rows;
static unsigned asked;

static const char *name_of(char letter)
{
	return arena_printf(&arena, "example.com/%c", letter);
}

static int load(char letter, struct depends_image *ret)
{
	for (const struct row *row = rows; row->name; row++) {
		if (row->name[0] != letter)
			continue;
		struct image_manifest *m = ARENA_NEW(&arena, struct image_manifest);
		m->name = name_of(letter);
		nv_set(&arena, &m->labels, "version", "1");
		m->n_dependencies = strlen(row->needs);
		m->dependencies = ARENA_ARRAY(&arena, struct dependency, m->n_dependencies + 1);
		for (size_t i = 0; i < m->n_dependencies; i++)
			m->dependencies[i].image_name = name_of(row->needs[i]);
		_clean_(strv) struct strv paths = STRV_INIT;
		if (row->whitelist)
			strv_split(&paths, row->whitelist, ' ');
		for (size_t i = 0; i < paths.n; i++)
			strlist_add(&arena, &m->path_whitelist, paths.v[i]);
		*ret = (struct depends_image){ arena_printf(&arena, "sha512-%064x%064x", letter, 0),
			m, row->size };
		return 0;
	}
	return ERR_NOENT(&e, "no image '%c'", letter);
}

static int find(void *ctx, const struct dependency *d, struct depends_image *ret, struct err *err)
{
	(void)ctx;
	(void)err;
	asked++;
	return load(d->image_name[strlen(d->image_name) - 1], ret);
}

static int plan_of(const struct row *table, struct render_plan *ret)
{
	static const struct depends_source from = { find, NULL };
	struct depends_image top;
	rows = table;
	e = ERR_INIT;
	ck_assert_int_eq(load('a', &top), 0);
	return depends_plan(&top, &from, &arena, ret, &e);
}

static char letter_of(const char *id)
{
	char hex[65];
	snprintf(hex, sizeof hex, "%.64s", id + strlen("sha512-"));
	for (char c = 'a'; c <= 'z'; c++)
		if (!strcmp(arena_printf(&arena, "%064x", c), hex))
			return c;
	return '?';
}

/* "b{x y} d c a": the steps, and what of them counts. */
static const char *steps(const struct render_plan *plan)
{
	_clean_(str) struct str out = STR_INIT(4096);
	for (size_t i = 0; i < plan->n; i++) {
		str_addf(&out, "%s%c", i ? " " : "", letter_of(plan->steps[i].id));
		if (plan->steps[i].all)
			continue;
		str_addc(&out, '{');
		for (size_t k = 0; k < plan->steps[i].paths.n; k++)
			str_addf(&out, "%s%s", k ? " " : "", plan->steps[i].paths.v[k]);
		str_addc(&out, '}');
	}
	return arena_strdup(&arena, str_text(&out));
}

static const struct {
	struct row rows[6];
	const char *want, *images;
} good[] = {
	{ { { "a", "" } }, "a", "a" },
	{ { { "a", "bc" }, { "b", "" }, { "c", "d" }, { "d", "" } }, "b d c a", "bdca" },
	/* D, B, D, C, A: what comes again need not be extracted before, unless it counts less. */
	{ { { "a", "bc" }, { "b", "d" }, { "c", "d" }, { "d", "" } }, "b d c a", "dbdca" },
	{ { { "a", "bc" }, { "b", "d", "/x" }, { "c", "d" }, { "d", "" } }, "d{x} b{x} d c a",
		"dbdca" },
	{ { { "a", "bb" }, { "b", "" } }, "b a", "bba" },
	{ { { "a", "b", "/x /y" }, { "b", "c", "/y /z" }, { "c", "", "/z /y /y/ /x" } },
		"c{y} b{y} a{x y}", "cba" },
	{ { { "a", "b", "/x" }, { "b", "", "/y" } }, "b{} a{x}", "ba" },
	{ { { "a", "", "/etc//./file/ / /a/../b /../../c .. /d/e/.." } }, "a{b c d etc/file}",
		"a" },
};

START_TEST(plans)
{
	struct render_plan plan;
	ck_assert_msg(plan_of(good[_i].rows, &plan) == 0, "%s", unit_message(&e));
	ck_assert_str_eq(steps(&plan), good[_i].want);
	ck_assert_uint_eq(plan.images.n, strlen(good[_i].images));
	for (size_t i = 0; i < plan.images.n; i++)
		ck_assert_int_eq(letter_of(plan.images.v[i]), good[_i].images[i]);
}
END_TEST

static int reload(void *ctx, const char *id, struct depends_image *ret, struct err *err)
{
	(void)ctx;
	(void)err;
	return load(letter_of(id), ret);
}

START_TEST(replays)
{
	struct render_plan plan, again;
	struct depends_image top;
	struct depends_replay replay = { .load = reload };
	ck_assert_int_eq(plan_of(good[_i].rows, &plan), 0);
	ck_assert_int_eq(load('a', &top), 0);
	depends_replay(&replay, &plan.images);
	ck_assert_int_eq(depends_plan(&top, &replay.source, &arena, &again, &e), 0);
	ck_assert_str_eq(steps(&again), good[_i].want);
	/* Fewer images than the manifests ask for. */
	struct strlist less = { plan.images.v + plan.images.n - 1, 1 };
	depends_replay(&replay, &less);
	if (plan.images.n > 1)
		ck_assert_int_lt(depends_plan(&top, &replay.source, &arena, &again, &e), 0);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		struct row rows[4];
		const char *text;
	} bad[] = {
		{ { { "a", "a" } }, "dependency example.com/a -> example.com/a: images depend" },
		{ { { "a", "b" }, { "b", "c" }, { "c", "a" } },
			"example.com/a -> example.com/b -> example.com/c -> example.com/a: "
			"images" },
		{ { { "a", "b" }, { "b", "z" } }, "dependency example.com/a -> example.com/b -> "
						  "example.com/z: no image 'z'" },
		{ { { "a", "b" }, { "b", "", NULL, 1ULL << 40 } },
			"the images together have more than" },
		{ { { "a", "b" }, { "b", "", NULL, UINT64_MAX } },
			"the images together have more than" },
	};
	struct render_plan plan;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_lt(plan_of(bad[i].rows, &plan), 0);
		ck_assert_msg(
			strstr(unit_message(&e), bad[i].text) != NULL, "%s", unit_message(&e));
	}
}
END_TEST

START_TEST(many_ways)
{
	/* Doubles at each level: bounded in the number of questions. */
	static const struct row doubling[] = { { "a", "bb" }, { "b", "cc" }, { "c", "dd" },
		{ "d", "ee" }, { "e", "ff" }, { "f", "gg" }, { "g", "hh" }, { "h", "ii" },
		{ "i", "jj" }, { "j", "" }, { NULL } };
	struct render_plan plan;
	asked = 0;
	ck_assert_int_lt(plan_of(doubling, &plan), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "more than 256 images"));
	ck_assert_uint_le(asked, DEPENDS_STEPS_MAX);
}
END_TEST

static int find_fixed(
	void *ctx, const struct dependency *d, struct depends_image *ret, struct err *err)
{
	(void)d;
	(void)err;
	*ret = *(const struct depends_image *)ctx;
	return 0;
}

START_TEST(must_be_what_was_asked_for)
{
	static const struct row table[] = { { "a", "b" }, { "b", "" }, { NULL } };
	struct depends_image top, found;
	struct render_plan plan;
	const struct depends_source from = { find_fixed, &found };
	rows = table;
	ck_assert_int_eq(load('a', &top), 0);
	ck_assert_int_eq(load('b', &found), 0);
	struct dependency *d = &top.manifest->dependencies[0];
	const struct {
		const char *name, *id, *label, *value, *text;
	} cases[] = {
		{ "example.com/b", NULL, NULL, NULL, NULL },
		{ "example.com/b", found.id, "version", "1", NULL },
		{ "example.com/b", "sha512-00", NULL, NULL, NULL },
		{ "example.com/c", NULL, NULL, NULL, "has another name: \"example.com/b\"" },
		{ "example.com/b", "sha512-ab", NULL, NULL, "it must be image sha512-ab" },
		{ "example.com/b", NULL, "version", "2", "with the value \"2\", but has \"1\"" },
		{ "example.com/b", NULL, "os", "linux", "with the value \"linux\", but has none" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		*d = (struct dependency){ .image_name = cases[i].name, .image_id = cases[i].id };
		if (cases[i].label)
			nv_set(&arena, &d->labels, cases[i].label, cases[i].value);
		e = ERR_INIT;
		int r = depends_plan(&top, &from, &arena, &plan, &e);
		ck_assert_msg((r == 0) == !cases[i].text, "%zu: %s", i, unit_message(&e));
		if (r < 0)
			ck_assert_msg(strstr(unit_message(&e), cases[i].text) != NULL, "%s",
				unit_message(&e));
	}
}
END_TEST

static void teardown(void)
{
	arena_release(&arena);
}

int main(void)
{
	TCase *t = unit_case(NULL, teardown);
	tcase_add_loop_test(t, plans, 0, sizeof good / sizeof *good);
	tcase_add_loop_test(t, replays, 0, sizeof good / sizeof *good);
	tcase_add_test(t, refuses);
	tcase_add_test(t, many_ways);
	tcase_add_test(t, must_be_what_was_asked_for);
	return unit_end("depends", t);
}
