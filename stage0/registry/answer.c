/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/answer.h"

#include <string.h>

#include "lib/base/cleanup.h"

static int not_found(
	const struct registry_ref *ref, const char *kind, const char *name, struct err *e)
{
	if (str_eq(kind, "manifests") && !str_after(name, "sha256:"))
		return ERR_NOENT(e,
			"registry '%s' has no tag '%s' of '%s' (HTTP status 404): is it spelled "
			"so, and does '%s' exist?",
			ref->host, name, ref->repository, ref->repository);
	return ERR_NOENT(e, "registry '%s' has it not in '%s' (HTTP status 404)", ref->host,
		ref->repository);
}

static int too_many(const struct registry_ref *ref, const struct fetch_http *http, struct err *e)
{
	char when[64] = "later";
	if (http->retry_after > 0)
		snprintf(when, sizeof when, "in %lld seconds", (long long)http->retry_after);
	return err_set(e, ERR_BUSY, EBUSY,
		"registry '%s' has had too many requests from here (HTTP status 429): try again "
		"%s, or log in ('podman login %s', or a dockerAuth file in auth.d)",
		ref->host, when, ref->host);
}

int answer_status(const struct registry_ref *ref, const struct fetch_http *http, const char *kind,
	const char *name, struct err *e)
{
	switch (http->status) {
	case 401:
	case 403:
		return ERR_DENY(e,
			"registry '%s' does not let us have '%s' (HTTP status %u): does it exist? "
			"'podman login %s' or a dockerAuth file in auth.d says who you are",
			ref->host, ref->repository, http->status, ref->host);
	case 404: return not_found(ref, kind, name, e);
	case 429: return too_many(ref, http, e);
	default: break;
	}
	if (http->status >= 500)
		return err_set(e, ERR_PEER, EIO,
			"registry '%s' has trouble (HTTP status %u): try again later", ref->host,
			http->status);
	return ERR_BAD(e, "registry '%s' answered with HTTP status %u: is it a registry?",
		ref->host, http->status);
}

int answer_explain(int r, struct err *e)
{
	static const struct {
		const char *said, *helps;
	} table[] = {
		{ "wrong version number",
			"it speaks no TLS: --insecure-options=http accepts that" },
		{ "certificate", "SSL_CERT_FILE names a file of authorities to believe; "
				 "--insecure-options=tls believes everybody" },
		{ "resolve host", "is that the registry's name?" },
		{ "connect to", "is that where the registry is?" },
		{ "timed out", "try again later" },
	};
	char text[sizeof e->msg];
	for (size_t i = 0; e->kind == ERR_PEER && i < sizeof table / sizeof *table; i++) {
		if (!strstr(e->msg, table[i].said))
			continue;
		snprintf(text, sizeof text, "%s", e->msg);
		err_set(e, (enum err_kind)e->kind, e->errnum, "%s (%s)", text, table[i].helps);
		break;
	}
	return r;
}

int answer_next(const char *scheme, const struct registry_ref *ref, const char *link,
	const char *digest, char ret[FETCH_URL_SIZE], struct err *e)
{
	const char *end = *link == '<' ? strchr(link, '>') : NULL;
	*ret = '\0';
	if (!end || !strstr(end, "next"))
		return 0;
	_clean_(mem) char *to = xstrndup(link + 1, (size_t)(end - link - 1));
	_clean_(mem) char *home = xasprintf("%s://%s", scheme, ref->host);
	_clean_(mem) char *path = xasprintf("/v2/%s/referrers/%s?", ref->repository, digest);
	const char *rest = str_after(to, home);
	rest = rest ? rest : to;
	int n = str_after(rest, path) ? snprintf(ret, FETCH_URL_SIZE, "%s%s", home, rest) : -1;
	if (n >= 0 && n < FETCH_URL_SIZE)
		return 0;
	*ret = '\0';
	return ERR_BAD(e, "the registry's list goes on at '%.200s', which is elsewhere", to);
}
