/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/docker_ref.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"

#define DOCKER_HUB "docker.io"
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER
enum { DIGEST_HEX = 64 };

const char *docker_ref_canonical(const char *name, struct arena *a)
{
	static const char *const spellings[] = { "registry-1.docker.io", "index.docker.io" };
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		const char *rest = str_after(name, spellings[i]);
		if (rest && (!*rest || *rest == '/'))
			return arena_printf(a, DOCKER_HUB "%s", rest);
	}
	return arena_strdup(a, name);
}

/* HOST[:PORT], before the first '/'. */
static bool is_registry(const char *text, size_t n)
{
	return memchr(text, '.', n) || memchr(text, ':', n) ||
	       (n == strlen("localhost") && strncmp(text, "localhost", n) == 0);
}

static bool registry_valid(const char *text)
{
	size_t host = strspn(text, LETTERS "-.");
	uint32_t port;
	if (!host || strstr(text, "..") || text[0] == '.' || text[0] == '-')
		return false;
	return !text[host] || (text[host] == ':' && parse_u32(text + host + 1, 1, 65535, &port));
}

/* Components of small letters, digits, and single separators between them. */
static bool repository_valid(const char *text)
{
	for (const char *p = text;; p++) {
		size_t n = strspn(p, LOWER "._-");
		if (!n || !strchr(LOWER, p[0]) || !strchr(LOWER, p[n - 1]))
			return false;
		p += n;
		if (!*p)
			return true;
		if (*p != '/')
			return false;
	}
}

static bool tag_valid(const char *tag)
{
	size_t n = strspn(tag, LETTERS "_.-");
	return n && n <= DOCKER_REF_TAG_MAX && !tag[n] && !strchr(".-", tag[0]);
}

static bool digest_valid(const char *digest)
{
	const char *hex = str_after(digest, "sha256:");
	return hex && strlen(hex) == DIGEST_HEX && parse_hex(hex, DIGEST_HEX);
}

static bool name_parse(char *text, struct arena *a, const char **ret)
{
	char *slash = strchr(text, '/');
	const char *registry = DOCKER_HUB, *repository = text;
	if (slash && is_registry(text, (size_t)(slash - text))) {
		*slash = '\0';
		registry = docker_ref_canonical(text, a);
		repository = slash + 1;
	}
	if (!registry_valid(registry) || !repository_valid(repository))
		return false;
	bool library = strcmp(registry, DOCKER_HUB) == 0 && !strchr(repository, '/');
	*ret = arena_printf(a, "%s/%s%s", registry, library ? "library/" : "", repository);
	return strlen(*ret) < DOCKER_REF_NAME_MAX;
}

bool docker_ref_parse(const char *text, struct arena *a, struct docker_ref *ret)
{
	struct docker_ref ref = { 0 };
	if (strlen(text) > DOCKER_REF_NAME_MAX + DOCKER_REF_TAG_MAX + DIGEST_HEX)
		return false;
	char *copy = arena_strdup(a, text), *at = strchr(copy, '@');
	if (at) {
		*at = '\0';
		ref.digest = at + 1;
	}
	char *last = strrchr(copy, '/'), *colon = strchr(last ? last : copy, ':');
	if (colon) {
		*colon = '\0';
		ref.tag = colon + 1;
		ref.tagged = true;
	} else if (!ref.digest) {
		ref.tag = "latest";
	}
	if ((ref.tag && !tag_valid(ref.tag)) || (ref.digest && !digest_valid(ref.digest)) ||
		!name_parse(copy, a, &ref.name))
		return false;
	*ret = ref;
	return true;
}
