/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/reference.h"
#include "lib/base/cleanup.h"
#include "stage0/fetch/html.h"
#include "stage0/remote/discovery.h"
#include "stage0/remote/request.h"
#include "tests/unit/unit.h"

static struct fetch_metas metas;

static void read_page(const char *page)
{
	html_metas(page, strlen(page), &metas);
}

START_TEST(pages)
{
	read_page("<html><head><META Content='a.b https://x/{ext}?a&amp;b' Name=ac-discovery />"
		  "<meta name=\"ac-discovery-pubkeys\" content=\" a.b\n https://k/ \">");
	ck_assert_uint_eq(metas.n, 2);
	ck_assert_str_eq(metas.v[0].prefix, "a.b");
	ck_assert_str_eq(metas.v[0].template, "https://x/{ext}?a&b");
	ck_assert_uint_eq(metas.v[1].kind, FETCH_META_PUBKEYS);
	ck_assert_str_eq(metas.v[1].template, "https://k/");
}
END_TEST

START_TEST(hidden_metas)
{
#define META "<meta name=ac-discovery content='a.b https://x/{ext}'>"
	static const char *const none[] = { "<!-- " META " -->", "<title>" META "</title>",
		"<script>" META "</script>", "<body>" META, "<style>" META,
		"<meta name=ac-discovery content='one'>",
		"<meta name=ac-discovery content='a b c'>", "<meta name=ac-discovery>",
		"<meta content='a b'>", "<metal name=ac-discovery content='a b'>",
		"<p title='" META, "", "<", "<!--" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		read_page(none[i]);
		ck_assert_msg(metas.n == 0, "%s", none[i]);
	}
	read_page("<!-- > -->" META "<p>" META);
	ck_assert_uint_eq(metas.n, 2);
}
END_TEST

START_TEST(best_template)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct endpoint found;
	struct wanted w = { .name = "example.com/app" };
	nv_set(&a, &w.labels, "os", "linux");
	nv_set(&a, &w.labels, "arch", "amd64");
	read_page("<meta name=ac-discovery content='example.com "
		  "https://s/{os}/{arch}/{name}-latest.{ext}'>"
		  "<meta name=ac-discovery content='example.com "
		  "https://s/{os}/{arch}/{name}-{version}.{ext}'>"
		  "<meta name=ac-discovery content='example.com "
		  "hdfs://s/{os}/{arch}/{name}-{version}.{ext}'>"
		  "<meta name=ac-discovery content='example.org https://o/{name}.{ext}'>"
		  "<meta name=ac-discovery content='example.com "
		  "https://noext/{os}/{arch}/{version}'>");
	ck_assert(metas_best(&metas, &w, &a, &found));
	ck_assert_str_eq(found.aci, "https://s/linux/amd64/example.com/app-latest.aci");
	ck_assert_str_eq(found.asc, "https://s/linux/amd64/example.com/app-latest.aci.asc");
	nv_set(&a, &w.labels, "version", "1?/../x y");
	ck_assert(metas_best(&metas, &w, &a, &found));
	ck_assert_str_eq(found.aci, "https://s/linux/amd64/example.com/app-1%3F/../x%20y.aci");
	w.name = "other.example/app";
	ck_assert(!metas_best(&metas, &w, &a, &found));
}
END_TEST

START_TEST(urls)
{
	struct remote r = { 0 };
	struct err e;
	static const char *const good[] = { "https://a", "https://a.b:8443/x?y=1#z",
		"HTTPS://[::1]:1/x" };
	static const char *const bad[] = { "http://a/", "ftp://a/", "file:///x", "https://",
		"https://u@h/", "https://a\\@b/", "https://a b/", "https://a/\n", "https:///x",
		"https://h%41/", "https://a/{ext}", "a/b" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(url_check(&r, good[i], &e) == 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(url_check(&r, bad[i], &e) < 0, "%s", bad[i]);
	r.allow_http = true;
	ck_assert_int_eq(url_check(&r, "http://a/", &e), 0);
}
END_TEST

START_TEST(distribution_points)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct err e;
	const char *ret;
	static const char *const pairs[][2] = {
		{ "example.com/a:1", "example.com/a:1" },
		{ "cimd:appc:v=0:example.com/a?version=1&os=linux",
			"example.com/a,version=1,os=linux" },
		{ "cimd:appc:v=0:example.com/a", "example.com/a" },
		{ "cimd:aci-archive:v=0:https%3A%2F%2Fa%2Fb.aci", "https://a/b.aci" },
		{ "cimd:docker:v=0:registry/x", "docker://registry/x" },
	};
	static const char *const bad[] = { "cimd:", "cimd:x:v=0:y", "cimd:appc:v=1:a",
		"cimd:aci-archive:v=0:%", "cimd:aci-archive:v=0:%4", "cimd:aci-archive:v=0:%00" };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		ck_assert_int_eq(reference_plain(pairs[i][0], &a, &ret, &e), 0);
		ck_assert_str_eq(ret, pairs[i][1]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(reference_plain(bad[i], &a, &ret, &e) < 0, "%s", bad[i]);
}
END_TEST

UNIT_MAIN("discovery", &pages, &hidden_metas, &best_template, &urls, &distribution_points)
