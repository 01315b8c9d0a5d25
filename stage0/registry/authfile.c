/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/authfile.h"

#include <string.h>
#include <strings.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/json/jdec.h"

#define HUB_KEY "https://index.docker.io/v1/" /* what helpers know Docker Hub by */

/* --- whose key is it? ------------------------------------------------------------------------- */

/* Docker Hub has one account, whatever it is called. */
static const char *one_name(const char *registry)
{
	static const char *const hub[] = { "docker.io", "index.docker.io", "registry-1.docker.io",
		"registry.hub.docker.com" };
	for (size_t i = 0; i < sizeof hub / sizeof *hub; i++)
		if (strcasecmp(registry, hub[i]) == 0)
			return hub[0];
	return registry;
}

bool registry_same(const char *a, const char *b)
{
	return strcasecmp(one_name(a), one_name(b)) == 0;
}

static bool is_hub(const char *registry)
{
	return registry_same(registry, "docker.io");
}

enum { FITS_URL = 1, FITS_HOST = 2, HOST_MAX = 300 };

size_t authfile_match(const char *key, const char *registry, const char *repository)
{
	char host[HOST_MAX];
	const char *url = str_after(key, "https://");
	if (!url)
		url = str_after(key, "http://");
	const char *begin = url ? url : key;
	size_t n = strcspn(begin, "/");
	if (n >= sizeof host)
		return 0;
	snprintf(host, sizeof host, "%.*s", (int)n, begin);
	if (!registry_same(host, registry))
		return 0;
	if (url)
		return FITS_URL;
	const char *path = begin[n] ? begin + n + 1 : "";
	size_t length = strlen(path);
	if (!length)
		return FITS_HOST;
	if (strncmp(path, repository, length) != 0 ||
		(repository[length] && repository[length] != '/'))
		return 0;
	return FITS_HOST + length;
}

/* The member of `object` that fits best and says something; NULL: none does. */
static const struct json *best(const struct json *object, const struct authfile_find *f)
{
	const struct json *found = NULL;
	size_t best_fit = 0;
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	json_foreach (member, object) {
		size_t fit = authfile_match(member->key, f->registry, f->repository);
		bool empty = member->type == JSON_NULL ||
			     (member->type == JSON_OBJECT && !member->first) ||
			     (member->type == JSON_STRING && !*member->text);
		if (fit > best_fit && !empty) {
			best_fit = fit;
			found = member;
		}
	}
	return found;
}

/* --- one entry -------------------------------------------------------------------------------- */

struct entry {
	const char *auth, *username, *password, *identitytoken, *registrytoken;
};
static const struct jfield entry_fields[] = {
	{ "auth", J_STRING, offsetof(struct entry, auth), 0 },
	{ "username", J_STRING, offsetof(struct entry, username), 0 },
	{ "password", J_STRING, offsetof(struct entry, password), 0 },
	{ "identitytoken", J_STRING, offsetof(struct entry, identitytoken), 0 },
	{ "registrytoken", J_STRING, offsetof(struct entry, registrytoken), 0 },
	{ 0 },
};

static int malformed(struct err *e)
{
	return ERR_BAD(e, "'auth' is not the base64 of USER:PASSWORD");
}

/* Docker fills the password up with NULs: they are not part of it. */
static int read_auth(const char *auth, struct arena *a, struct credential *c, struct err *e)
{
	_clean_(secret) struct str pair = STR_INIT(STR_MAX_LINE);
	bool ok = base64_decode(&pair, auth);
	const char *text = str_text(&pair), *colon = strchr(text, ':');
	size_t used = strlen(text);
	ok = ok && colon;
	for (size_t i = used; i < pair.len; i++)
		ok = ok && text[i] == '\0';
	if (ok) {
		c->user = arena_strndup(a, text, (size_t)(colon - text));
		c->password = arena_strdup(a, colon + 1);
	}
	return ok ? 0 : malformed(e);
}

static int read_entry(const struct json *v, struct arena *a, struct credential *ret, struct err *e)
{
	struct jctx c = { .arena = a, .err = e };
	struct entry entry = { 0 };
	struct credential found = { 0 };
	int r = jdec_object(&c, v, NULL, entry_fields, J_UNKNOWN_IGNORED, &entry);
	if (r < 0)
		return r;
	if (!str_empty(entry.registrytoken)) {
		found.token = entry.registrytoken;
	} else if (!str_empty(entry.identitytoken)) {
		found.identity = entry.identitytoken;
	} else if (!str_empty(entry.auth)) {
		r = read_auth(entry.auth, a, &found, e);
	} else if (!str_empty(entry.username) && entry.password) {
		found.user = entry.username;
		found.password = entry.password;
	} else {
		return 0;
	}
	const char *const texts[] = { found.user, found.password, found.identity, found.token };
	for (size_t i = 0; r >= 0 && i < sizeof texts / sizeof *texts; i++)
		if (texts[i] && !str_is_one_line(texts[i]))
			r = ERR_BAD(e, "credentials with control characters");
	if (r < 0)
		return r;
	found.from = "";
	*ret = found;
	return 0;
}

/* --- a file ----------------------------------------------------------------------------------- */

static int ask_helper(const struct authfile_find *f, const char *name, const char *server,
	struct arena *a, struct credential *ret, struct err *e)
{
	int r = f->helper(name, server, a, ret, e);
	if (r >= 0 && ret->from)
		ret->from = arena_printf(a, "docker-credential-%s ('%s')", name, f->file);
	return r;
}

static int find(const struct authfile_find *f, const struct json *file, struct arena *a,
	struct credential *ret, struct err *e)
{
	const struct json *helper = best(json_member(file, "credHelpers"), f);
	const struct json *store = json_member(file, "credsStore");
	const struct json *entry = best(json_member(file, "auths"), f);
	if (helper) {
		if (helper->type != JSON_STRING)
			return ERR_BAD(e, "credHelpers: '%s' is not a name", helper->key);
		return ask_helper(f, helper->text, helper->key, a, ret, e);
	}
	if (store && store->type == JSON_STRING && *store->text) {
		int r = ask_helper(
			f, store->text, is_hub(f->registry) ? HUB_KEY : f->registry, a, ret, e);
		if (r < 0 || ret->from)
			return r;
	}
	if (!entry)
		return 0;
	int r = read_entry(entry, a, ret, e);
	if (r >= 0 && ret->from)
		ret->from = arena_printf(a, "'%s'", f->file);
	return r < 0 ? err_wrap(e, r, "entry '%s'", entry->key) : 0;
}

int authfile_read(const struct authfile_find *f, const char *text, size_t n, struct arena *a,
	struct credential *ret, struct err *e)
{
	struct json *file;
	int r = json_parse(text, n, a, &file, e);
	if (r >= 0 && file->type != JSON_OBJECT)
		r = ERR_BAD(e, "expected object, found %s", json_type_name(file->type));
	if (r >= 0)
		r = find(f, file, a, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", f->file) : 0;
}
