/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "stage0/registry/registry.h"

#define HUB "registry-1.docker.io"
enum { TAG_MAX = 128, REPOSITORY_MAX = 255, HOST_MAX = 253 };

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *after_scheme(const char *text)
{
	const char *rest = str_after(text, "docker://");
	return rest ? rest : str_after(text, "docker:");
}

bool registry_is_ref(const char *text)
{
	return after_scheme(text) != NULL;
}

/* [a-z0-9]+ joined by '.', '_', "__" or dashes; joined by '/'. distribution-spec "Pulling". */
static bool repository_valid(const char *text)
{
	size_t n = strlen(text);
	if (!n || n > REPOSITORY_MAX)
		return false;
	for (const char *p = text;;) {
		size_t word = strspn(p, LOWER);
		p += word;
		if (!word)
			return false;
		if (!*p)
			return true;
		size_t dashes = strspn(p, "-"), under = strspn(p, "_");
		if (!dashes && (under > 2 || (!under && *p != '.' && *p != '/')))
			return false;
		p += dashes ? dashes : under ? under : 1;
	}
}

static bool tag_valid(const char *text)
{
	size_t n = strlen(text);
	return n && n <= TAG_MAX && *text != '.' && *text != '-' &&
	       strspn(text, LOWER UPPER "._-") == n;
}

/* A name or an address, and perhaps a port. */
static bool host_valid(const char *text)
{
	uint32_t port;
	const char *end = text + strcspn(text, ":");
	size_t n = (size_t)(end - text);
	if (*text == '[') {
		n = strspn(text + 1, "0123456789abcdefABCDEF:.") + 1;
		if (n < 3 || text[n] != ']')
			return false;
		end = text + n + 1;
	} else if (!n || n > HOST_MAX || strspn(text, LOWER UPPER ".-") < n ||
		   strchr(".-", *text)) {
		return false;
	}
	return !*end || (*end == ':' && parse_u32(end + 1, 1, 65535, &port));
}

/* What stands before the first '/' is a registry when it could be no part of a name. */
static char *split_host(char *text, const char **ret_host)
{
	char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;
	*ret_host = HUB;
	if (!slash || !(memchr(text, '.', n) || memchr(text, ':', n) ||
			      strncmp(text, "localhost/", n + 1) == 0))
		return text;
	*slash = '\0';
	if (!str_eq(text, "docker.io") && !str_eq(text, "index.docker.io"))
		*ret_host = text;
	return slash + 1;
}

static int check(const struct registry_ref *ref, struct err *e)
{
	uint8_t digest[OCI_DIGEST_SIZE];
	if (!host_valid(ref->host))
		return ERR_BAD(e, "'%s' is not the name of a registry", ref->host);
	if (!repository_valid(ref->repository))
		return ERR_BAD(e,
			"'%s' is not the name of a repository: lower-case letters and digits, "
			"with '.', '_', '-' and '/' between them",
			ref->repository);
	if (ref->tag && !tag_valid(ref->tag))
		return ERR_BAD(e, "'%s' is not a tag", ref->tag);
	if (ref->digest && !oci_digest_parse(ref->digest, digest))
		return ERR_BAD(e, "'%s' is not 'sha256:' and 64 hex digits", ref->digest);
	return 0;
}

int registry_ref_parse(const char *text, struct arena *a, struct registry_ref *ret, struct err *e)
{
	struct registry_ref ref = { 0 };
	char *rest = arena_strdup(a, after_scheme(text)), *at = strchr(rest, '@');
	if (at) {
		*at = '\0';
		ref.digest = at + 1;
	}
	char *repository = split_host(rest, &ref.host), *colon = strchr(repository, ':');
	if (colon) {
		*colon = '\0';
		ref.tag = colon + 1;
	} else if (!ref.digest) {
		ref.tag = "latest";
	}
	bool library = str_eq(ref.host, HUB) && !strchr(repository, '/');
	ref.repository = library ? arena_printf(a, "library/%s", repository) : repository;
	int r = check(&ref, e);
	if (r < 0)
		return r;
	const char *full = arena_printf(a, "%s/%s", ref.host, ref.repository);
	ref.name = oci_identifier(a, full);
	ref.version =
		ref.tag ? ref.tag : arena_printf(a, "sha256-%s", str_after(ref.digest, "sha256:"));
	ref.text = ref.digest ? arena_printf(a, "docker://%s@%s", full, ref.digest)
			      : arena_printf(a, "docker://%s:%s", full, ref.tag);
	if (!ref.name || strlen(ref.name) >= OCI_TEXT_MAX || strlen(ref.text) >= OCI_TEXT_MAX)
		return ERR_BAD(e, "'%s' cannot be made a name of an image", full);
	*ret = ref;
	return 0;
}
