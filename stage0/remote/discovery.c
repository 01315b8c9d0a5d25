/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/remote/discovery.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "stage0/fetcher.h"
#include "stage0/remote/image.h"
#include "stage0/remote/request.h"

enum { LABELS_MAX = 64 };

/* --- templates -------------------------------------------------------------------------------- */

/* Values become parts of URLs. */
static void add_escaped(struct str *out, const char *value)
{
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || strchr("-._~/+", *p);
		if (plain)
			str_addc(out, (char)*p);
		else
			str_addf(out, "%%%02X", *p);
	}
}

static const char *value_of(const struct wanted *w, const char *ext, const char *variable)
{
	if (!strcmp(variable, "name"))
		return w->name;
	if (!strcmp(variable, "ext"))
		return ext;
	return nv_get(&w->labels, variable);
}

const char *template_render(const char *template, const struct wanted *w, const char *ext,
	struct arena *a, size_t *ret_labels)
{
	_clean_(str) struct str out = STR_INIT(FETCH_URL_SIZE - 1);
	_clean_(strv) struct strv labels = STRV_INIT;
	bool has_ext = false;
	for (const char *p = template; *p;) {
		const char *close = *p == '{' ? strchr(p, '}') : NULL;
		if (!close) {
			str_addc(&out, *p++);
			continue;
		}
		_clean_(mem) char *variable = xstrndup(p + 1, (size_t)(close - p - 1));
		const char *value = value_of(w, ext, variable);
		if (!value || labels.n == LABELS_MAX)
			return NULL;
		has_ext |= !strcmp(variable, "ext");
		if (strcmp(variable, "ext") != 0 && strcmp(variable, "name") != 0 &&
			!strv_has(&labels, variable))
			strv_add(&labels, variable);
		add_escaped(&out, value);
		p = close + 1;
	}
	if (!has_ext || !str_ok(&out))
		return NULL;
	*ret_labels = labels.n;
	return arena_strdup(a, str_text(&out));
}

bool metas_best(const struct fetch_metas *metas, const struct wanted *w, struct arena *a,
	struct endpoint *ret)
{
	size_t best = 0;
	bool found = false;
	for (size_t i = 0; i < metas->n; i++) {
		const struct fetch_meta *m = &metas->v[i];
		size_t labels;
		if (m->kind != FETCH_META_DISCOVERY || !str_after(w->name, m->prefix))
			continue;
		const char *aci = template_render(m->template, w, "aci", a, &labels);
		const char *asc = template_render(m->template, w, "aci.asc", a, &labels);
		/* Other schemes are for others. */
		if (!aci || !asc || (!str_after(aci, "https://") && !str_after(aci, "http://")) ||
			(found && labels <= best))
			continue;
		best = labels;
		found = true;
		*ret = (struct endpoint){ aci, asc };
	}
	return found;
}

/* --- pages ------------------------------------------------------------------------------------ */

static int read_metas(int page, struct fetch_metas *ret, struct err *e)
{
	static struct fetch_answer answer;
	const struct fetcher f = {
		.request = { .mode = FETCH_HTML },
		.fds = { page, -1, -1, -1 },
	};
	int r = fetcher_run(&f, &answer, e);
	if (r >= 0)
		*ret = answer.metas;
	return r;
}

/* 1: *ret is filled; 0: there is no such page. Over http only when https gives nothing. */
static int ask_page(
	const struct remote *r, const char *name, struct fetch_metas *ret, struct err *e)
{
	static const char *const schemes[] = { "https", "http" };
	int s = 0;
	for (size_t i = 0; i < (r->allow_http ? 2 : 1); i++) {
		_clean_(fd) int page = memory_file("page", e);
		if (page < 0)
			return page;
		_clean_(mem) char *url = xasprintf("%s://%s?ac-discovery=1", schemes[i], name);
		const struct request q = {
			.url = url, .body = page, .progress = -1, .max_body = FETCH_DOCUMENT_MAX
		};
		struct fetch_http http;
		s = request_get(r, &q, &http, e);
		if (s < 0)
			continue;
		if (http.status == 200) {
			s = read_metas(page, ret, e);
			return s < 0 ? s : 1;
		}
		if (http.status < 400 || http.status > 499) {
			s = request_bad_status(&http, e);
			return err_wrap(e, s, "'%s'", url);
		}
		dbg("image: meta tag 'ac-discovery' not found on %s: bad HTTP status code: %u",
			name, http.status);
		s = 0;
	}
	return s;
}

/* Asks for the name, then for what is above it, until `take` is content with a page (1). */
typedef int (*take_fn)(void *ctx, const struct fetch_metas *metas);
static int walk(const struct remote *r, const char *name, take_fn take, void *ctx, struct err *e)
{
	static struct fetch_metas metas;
	_clean_(mem) char *at = xstrdup(name);
	for (;;) {
		int s = ask_page(r, at, &metas, e);
		if (s < 0)
			return s;
		if (s > 0 && take(ctx, &metas))
			return 1;
		char *slash = strrchr(at, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}
}

/* --- images ----------------------------------------------------------------------------------- */

struct search {
	const struct wanted *wanted, *latest; /* latest: NULL when a version is asked for */
	struct arena *a;
	struct endpoint found;
};

static int take_endpoint(void *ctx, const struct fetch_metas *metas)
{
	struct search *s = ctx;
	if (metas_best(metas, s->wanted, s->a, &s->found))
		return 1;
	/* A page that has no template without a version, but knows the latest one. */
	return s->latest && metas_best(metas, s->latest, s->a, &s->found);
}

static int parse_wanted(const char *ref, struct arena *a, struct wanted *ret, struct err *e)
{
	int r = store_parse_name(ref, a, &ret->name, &ret->labels, e);
	if (r < 0)
		return r;
	if (!ac_identifier_valid(ret->name) || !strchr(ret->name, '.'))
		return ERR_BAD(e,
			"'%s' is not the name of an image on the network, as in "
			"'example.com/app'; one of Docker Hub is docker://%s",
			ret->name, ref);
	if (!nv_get(&ret->labels, "os"))
		nv_set(a, &ret->labels, "os", TARGET_OS);
	if (!nv_get(&ret->labels, "arch"))
		nv_set(a, &ret->labels, "arch", target_arch());
	return 0;
}

#define SIMPLE_TEMPLATE "{name}-{version}-{os}-{arch}.{ext}"

bool simple_endpoint(
	const char *scheme, const struct wanted *w, struct arena *a, struct endpoint *ret)
{
	size_t labels;
	/* A name without a path is a host: another one, with all that behind it. */
	if (!strchr(w->name, '/'))
		return false;
	const char *template = arena_printf(a, "%s://" SIMPLE_TEMPLATE, scheme);
	ret->aci = template_render(template, w, "aci", a, &labels);
	ret->asc = template_render(template, w, "aci.asc", a, &labels);
	return ret->aci && ret->asc;
}

/* Over http only when https gives nothing. */
static int fetch_simple(const struct remote *r, const struct wanted *w,
	const struct wanted *required, struct arena *a, struct image *ret, struct err *e)
{
	static const char *const schemes[] = { "https", "http" };
	struct endpoint at;
	int s = ERR_NOENT(e, "no endpoints discovered");
	for (size_t i = 0; i < (r->allow_http ? 2 : 1); i++) {
		if (!simple_endpoint(schemes[i], w, a, &at))
			return s;
		dbg("image: remote fetching from URL \"%s\"", at.aci);
		s = remote_image(r, at.aci, at.asc, required, a, ret, e);
		if (s >= 0)
			return s;
		err_wrap(e, s, "no endpoints discovered, nor is there one");
	}
	return s;
}

int remote_fetch_name(
	const struct remote *r, const char *ref, struct arena *a, struct image *ret, struct err *e)
{
	struct wanted wanted, latest, required;
	int s = parse_wanted(ref, a, &wanted, e);
	if (s >= 0)
		s = store_parse_name(ref, a, &required.name, &required.labels, e);
	if (s < 0)
		return s;
	if (!r->any_platform)
		required = wanted;
	bool versioned = nv_get(&wanted.labels, "version") != NULL;
	latest.name = wanted.name;
	latest.labels = (struct nvlist){ 0 };
	nv_copy(a, &latest.labels, &wanted.labels);
	nv_set(a, &latest.labels, "version", "latest");
	struct search search = { &wanted, versioned ? NULL : &latest, a, { 0 } };
	dbg("image: searching for app image %s", wanted.name);
	s = walk(r, wanted.name, take_endpoint, &search, e);
	if (s == 0)
		s = fetch_simple(r, versioned ? &wanted : &latest, &required, a, ret, e);
	else if (s > 0) {
		dbg("image: remote fetching from URL \"%s\"", search.found.aci);
		return remote_image(r, search.found.aci, search.found.asc, &required, a, ret, e);
	}
	return s < 0 ? err_wrap(e, s, "discovery failed for \"%s\"", wanted.name) : s;
}

int remote_fetch_url(
	const struct remote *r, const char *url, struct arena *a, struct image *ret, struct err *e)
{
	/* What stands behind a '?' stays behind it. */
	size_t path = strcspn(url, "?#");
	size_t stem = path;
	if (stem > 4 && strncmp(url + stem - 4, ".aci", 4) == 0)
		stem -= 4;
	const char *asc = arena_printf(a, "%.*s.aci.asc%s", (int)stem, url, url + path);
	dbg("image: remote fetching from URL \"%s\"", url);
	return remote_image(r, url, asc, NULL, a, ret, e);
}

/* --- keys ------------------------------------------------------------------------------------- */

struct key_search {
	const char *name;
	struct arena *a;
	struct strlist *found;
};

static int take_keys(void *ctx, const struct fetch_metas *metas)
{
	struct key_search *s = ctx;
	for (size_t i = 0; i < metas->n; i++)
		if (metas->v[i].kind == FETCH_META_PUBKEYS &&
			str_after(s->name, metas->v[i].prefix))
			strlist_add(s->a, s->found, metas->v[i].template);
	return s->found->n > 0;
}

int remote_discover_keys(const struct remote *r, const char *name, struct arena *a,
	struct strlist *ret, struct err *e)
{
	struct strlist found = { 0 };
	struct key_search search = { name, a, &found };
	if (!ac_identifier_valid(name) || !strchr(name, '.'))
		return ERR_BAD(e, "'%s' is not a name on the network", name);
	int s = walk(r, name, take_keys, &search, e);
	if (s == 0)
		s = ERR_NOENT(e, "no key locations discovered");
	if (s < 0)
		return err_wrap(e, s, "discovery failed for \"%s\"", name);
	*ret = found;
	return 0;
}
