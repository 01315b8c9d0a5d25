/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/policy.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/spec/docker_ref.h"

/* --- parsing ---------------------------------------------------------------------------------- */

static const char *const no_more[] = { NULL };

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(text, *list))
			return true;
	return false;
}

/* An object, all of whose members are among these. */
static int members(struct jctx *c, const struct json *v, const struct jpath *at,
	const char *const *names, const char *const *more)
{
	if (v->type != JSON_OBJECT)
		return jdec_error(c, at, "expected object, found %s", json_type_name(v->type));
	json_foreach (m, v) {
		const struct jpath here = { .up = at, .key = m->key };
		if (!is_one_of(m->key, names) && !is_one_of(m->key, more))
			return jdec_error(c, &here, "not a member that is known here");
		if (m->type == JSON_NULL)
			return jdec_error(c, &here, "null says nothing");
	}
	return 0;
}

/* *ret stays NULL where it is missing. */
static int text(struct jctx *c, const struct json *v, const struct jpath *at, const char *name,
	const char **ret)
{
	const struct json *m = json_member(v, name);
	const struct jpath here = { .up = at, .key = name };
	if (m && m->type != JSON_STRING)
		return jdec_error(c, &here, "expected string, found %s", json_type_name(m->type));
	*ret = m ? m->text : NULL;
	return 0;
}

static int wanted(struct jctx *c, const struct json *v, const struct jpath *at, const char *name,
	const char **ret)
{
	int r = text(c, v, at, name, ret);
	return r < 0 ? r : *ret ? 0 : jdec_error(c, at, "'%s' is missing", name);
}

/* Adds one text, or several. */
static int texts(struct jctx *c, const struct json *v, const struct jpath *at, const char *one,
	const char *many, struct strlist *ret, unsigned *given)
{
	static const struct jfield list = { "", J_STRING_ARRAY, 0, 0 };
	const struct json *several = many ? json_member(v, many) : NULL;
	const struct jpath here = { .up = at, .key = many };
	const char *value = NULL;
	int r = text(c, v, at, one, &value);
	if (r < 0)
		return r;
	if (value) {
		ret->v = ARENA_ARRAY(c->arena, const char *, 2);
		ret->v[ret->n++] = value;
		(*given)++;
	}
	if (!several)
		return 0;
	(*given)++;
	r = jdec_value(c, several, &here, &list, ret);
	return r < 0 ? r : ret->n ? 0 : jdec_error(c, &here, "empty");
}

/* --- signedIdentity --- */

static const struct {
	const char *name, *members[3];
} identities[_POLICY_IDENTITY_MAX] = {
	[POLICY_REPO_DIGEST_OR_EXACT] = { "matchRepoDigestOrExact", { NULL } },
	[POLICY_EXACT] = { "matchExact", { NULL } },
	[POLICY_REPOSITORY] = { "matchRepository", { NULL } },
	[POLICY_EXACT_REFERENCE] = { "exactReference", { "dockerReference", NULL } },
	[POLICY_EXACT_REPOSITORY] = { "exactRepository", { "dockerRepository", NULL } },
	[POLICY_REMAP] = { "remapIdentity", { "prefix", "signedPrefix", NULL } },
};

static bool is_host(const char *s)
{
	struct docker_ref ref;
	_clean_(arena) struct arena a = ARENA_INIT;
	return !strchr(s, '/') && docker_ref_parse(arena_printf(&a, "%s/x/y", s), &a, &ref) &&
	       str_eq(ref.name, arena_printf(&a, "%s/x/y", s));
}

/* HOST[:PORT] or what lies below it, spelt in full. */
static int check_prefix(struct jctx *c, const struct jpath *at, const char *s)
{
	struct docker_ref ref;
	if (is_host(s) || (docker_ref_parse(s, c->arena, &ref) && !ref.tagged && !ref.digest &&
				  str_eq(ref.name, s)))
		return 0;
	return jdec_error(
		c, at, "'%s' is no registry, namespace or repository that is spelt in full", s);
}

static int check_identity(
	struct jctx *c, const struct jpath *at, const struct policy_identity *identity)
{
	struct docker_ref ref;
	int r;
	switch (identity->kind) {
	case POLICY_EXACT_REFERENCE:
		if (!docker_ref_parse(identity->reference, c->arena, &ref) ||
			(!ref.tagged && !ref.digest))
			return jdec_error(c, at, "'%s' is no reference with a tag or digest",
				identity->reference);
		return 0;
	case POLICY_EXACT_REPOSITORY:
		if (!docker_ref_parse(identity->reference, c->arena, &ref))
			return jdec_error(c, at, "'%s' is no repository", identity->reference);
		return 0;
	case POLICY_REMAP:
		r = check_prefix(c, at, identity->prefix);
		return r < 0 ? r : check_prefix(c, at, identity->becomes);
	default: return 0;
	}
}

static int decode_identity(
	struct jctx *c, const struct json *v, const struct jpath *up, struct policy_identity *ret)
{
	static const char *const known[] = { "type", NULL };
	const struct jpath at = { .up = up, .key = "signedIdentity" };
	const char *type, *first = NULL, *second = NULL;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, &at, "expected object, found %s", json_type_name(v->type));
	int r = wanted(c, v, &at, "type", &type), kind = 0;
	while (r >= 0 && kind < _POLICY_IDENTITY_MAX && !str_eq(identities[kind].name, type))
		kind++;
	if (r >= 0 && kind == _POLICY_IDENTITY_MAX)
		r = jdec_error(c, &at, "type '%s' is not known", type);
	if (r < 0)
		return r;
	const char *const *has = identities[kind].members;
	r = members(c, v, &at, known, has);
	if (r >= 0 && has[0])
		r = wanted(c, v, &at, has[0], &first);
	if (r >= 0 && has[0] && has[1])
		r = wanted(c, v, &at, has[1], &second);
	if (r < 0)
		return r;
	*ret = (struct policy_identity){ .kind = (enum policy_identity_kind)kind,
		.reference = first,
		.prefix = first,
		.becomes = second };
	return check_identity(c, &at, ret);
}

/* --- requirements --- */

static int decode_signed_by(struct jctx *c, const struct json *v, const struct jpath *at,
	struct policy_requirement *ret)
{
	static const char *const known[] = { "type", "keyType", "keyPath", "keyPaths", "keyData",
		"signedIdentity", NULL };
	static const char *const others[] = { "signedByGPGKeys", "X509Certificates",
		"signedByX509CAs", NULL };
	const char *type;
	unsigned given = 0;
	int r = members(c, v, at, known, no_more);
	if (r >= 0)
		r = wanted(c, v, at, "keyType", &type);
	if (r < 0)
		return r;
	if (is_one_of(type, others))
		ret->unsupported = arena_printf(c->arena, "keyType '%s'", type);
	else if (!str_eq(type, "GPGKeys"))
		return jdec_error(c, at, "keyType '%s' is not known", type);
	r = texts(c, v, at, "keyPath", "keyPaths", &ret->paths, &given);
	if (r >= 0)
		r = texts(c, v, at, "keyData", NULL, &ret->data, &given);
	if (r >= 0 && given != 1)
		r = jdec_error(c, at, "exactly one of keyPath, keyPaths and keyData is wanted");
	return r;
}

static int decode_sigstore(struct jctx *c, const struct json *v, const struct jpath *at,
	struct policy_requirement *ret)
{
	static const char *const known[] = { "type", "keyPath", "keyPaths", "keyData", "keyDatas",
		"signedIdentity", NULL };
	static const char *const keyless[] = { "fulcio", "pki", NULL };
	static const char *const logs[] = { "rekorPublicKeyPath", "rekorPublicKeyPaths",
		"rekorPublicKeyData", "rekorPublicKeyDatas", NULL };
	const char *const all[] = { "fulcio", "pki", logs[0], logs[1], logs[2], logs[3], NULL };
	unsigned given = 0;
	int r = members(c, v, at, known, all);
	if (r >= 0)
		r = texts(c, v, at, "keyPath", "keyPaths", &ret->paths, &given);
	if (r >= 0)
		r = texts(c, v, at, "keyData", "keyDatas", &ret->data, &given);
	if (r < 0)
		return r;
	json_foreach (m, v) {
		given += is_one_of(m->key, keyless);
		if (is_one_of(m->key, all))
			ret->unsupported = m->key;
	}
	return given == 1 ? 0
			  : jdec_error(c, at,
				    "exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio "
				    "and pki is wanted");
}

static int decode_bare(struct jctx *c, const struct json *v, const struct jpath *at,
	struct policy_requirement *ret)
{
	static const char *const known[] = { "type", NULL };
	(void)ret;
	return members(c, v, at, known, no_more);
}

static int decode_requirement(struct jctx *c, const struct json *v, const struct jpath *at,
	struct policy_requirement *ret)
{
	static const struct {
		const char *name;
		enum policy_kind kind;
		int (*decode)(struct jctx *c, const struct json *v, const struct jpath *at,
			struct policy_requirement *ret);
	} kinds[] = {
		{ "insecureAcceptAnything", POLICY_ACCEPT, decode_bare },
		{ "reject", POLICY_REJECT, decode_bare },
		{ "signedBy", POLICY_SIGNED_BY, decode_signed_by },
		{ "sigstoreSigned", POLICY_SIGSTORE, decode_sigstore },
	};
	const char *type;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, at, "expected object, found %s", json_type_name(v->type));
	int r = wanted(c, v, at, "type", &type);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!str_eq(kinds[i].name, type))
			continue;
		ret->kind = kinds[i].kind;
		r = kinds[i].decode(c, v, at, ret);
		const struct json *identity = json_member(v, "signedIdentity");
		return r < 0 || !identity ? r : decode_identity(c, identity, at, &ret->identity);
	}
	return jdec_error(c, at, "type '%s' is not known", type);
}

static int decode_scope(
	struct jctx *c, const struct json *v, const struct jpath *at, struct policy_scope *ret)
{
	size_t i = 0;
	ret->name = v->key;
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	if (!v->count)
		return jdec_error(c, at, "empty: 'insecureAcceptAnything' asks for nothing");
	ret->v = ARENA_ARRAY(c->arena, struct policy_requirement, v->count);
	json_foreach (m, v) {
		const struct jpath here = { .up = at, .index = i };
		ret->v[i] = (struct policy_requirement){ .kind = POLICY_REJECT };
		int r = decode_requirement(c, m, &here, &ret->v[i++]);
		if (r < 0)
			return r;
	}
	ret->n = i;
	return 0;
}

/* --- transports and their scopes --- */

static bool is_path(const char *scope)
{
	size_t n = strlen(scope);
	return scope[0] == '/' && n > 1 && scope[n - 1] != '/' && !strstr(scope, "//") &&
	       !strstr(scope, "/./") && !strstr(scope, "/../") && !str_ends(scope, "/.") &&
	       !str_ends(scope, "/..");
}

static int check_scope(
	struct jctx *c, const struct jpath *at, const char *transport, const char *scope)
{
	static const char *const of_paths[] = { "oci", "oci-archive", "dir", NULL };
	static const char *const of_none[] = { "docker-archive", NULL };
	if (!*scope)
		return 0;
	if (is_one_of(transport, of_none))
		return jdec_error(c, at, "'%s' has no scopes but \"\"", transport);
	if (is_one_of(transport, of_paths) && !is_path(scope))
		return jdec_error(
			c, at, "a scope of '%s' is an absolute path below \"/\"", transport);
	return 0;
}

static int decode_transport(
	struct jctx *c, const struct json *v, const struct jpath *up, struct policy_transport *ret)
{
	const struct jpath at = { .up = up, .key = v->key };
	size_t i = 0;
	if (v->type != JSON_OBJECT)
		return jdec_error(c, &at, "expected object, found %s", json_type_name(v->type));
	*ret = (struct policy_transport){ v->key,
		ARENA_ARRAY(c->arena, struct policy_scope, v->count), v->count };
	json_foreach (m, v) {
		const struct jpath here = { .up = &at, .key = m->key };
		int r = check_scope(c, &here, v->key, m->key);
		if (r >= 0)
			r = decode_scope(c, m, &here, &ret->scopes[i++]);
		if (r < 0)
			return r;
	}
	return 0;
}

int policy_parse(const char *bytes, size_t n, struct arena *a, struct policy *ret, struct err *e)
{
	static const char *const known[] = { "default", "transports", NULL };
	const struct jpath in_default = { .key = "default" },
			   in_transports = { .key = "transports" };
	struct jctx c = { a, e };
	struct json *v;
	struct policy p = { 0 };
	int r = json_parse(bytes, n, a, &v, e);
	if (r >= 0)
		r = members(&c, v, NULL, known, no_more);
	if (r < 0)
		return r;
	const struct json *otherwise = json_member(v, "default");
	const struct json *transports = json_member(v, "transports");
	if (!otherwise)
		return ERR_BAD(e, "'default' is missing");
	r = decode_scope(&c, otherwise, &in_default, &p.otherwise);
	if (r < 0)
		return r;
	if (transports && transports->type != JSON_OBJECT)
		return jdec_error(&c, &in_transports, "expected object, found %s",
			json_type_name(transports->type));
	p.transports = ARENA_ARRAY(a, struct policy_transport, transports ? transports->count : 0);
	for (const struct json *m = transports ? transports->first : NULL; m; m = m->next) {
		r = decode_transport(&c, m, &in_transports, &p.transports[p.n++]);
		if (r < 0)
			return r;
	}
	*ret = p;
	return 0;
}

/* --- choosing --------------------------------------------------------------------------------- */

static const struct policy_scope *scope_named(const struct policy_transport *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->scopes[i].name, name))
			return &t->scopes[i];
	return NULL;
}

/* The name, and what it begins with, by components. */
static const struct policy_scope *scope_above(
	const struct policy_transport *t, const char *name, struct arena *a)
{
	char *at = arena_strdup(a, name), *slash;
	const struct policy_scope *ret = *at ? scope_named(t, at) : NULL;
	while (!ret && (slash = strrchr(at, '/'))) {
		*slash = '\0';
		ret = *at ? scope_named(t, at) : NULL;
	}
	return ret;
}

/* *.DOMAIN, of the host without its port. */
static const struct policy_scope *scope_of_domain(
	const struct policy_transport *t, const char *name, struct arena *a)
{
	const struct policy_scope *ret = NULL;
	const char *host = arena_strndup(a, name, strcspn(name, ":/")), *dot;
	while (!ret && (dot = strchr(host, '.'))) {
		host = dot + 1;
		ret = scope_named(t, arena_printf(a, "*.%s", host));
	}
	return ret;
}

static const struct policy_scope *scope_in(
	const struct policy_transport *t, const struct policy_image *image, struct arena *a)
{
	const struct policy_scope *ret = NULL;
	bool docker = str_eq(image->transport, "docker");
	if (docker && image->digest)
		ret = scope_named(t, arena_printf(a, "%s@%s", image->name, image->digest));
	else if (docker && image->tag)
		ret = scope_named(t, arena_printf(a, "%s:%s", image->name, image->tag));
	if (!ret)
		ret = scope_above(t, image->name, a);
	if (!ret && docker)
		ret = scope_of_domain(t, image->name, a);
	return ret ? ret : scope_named(t, "");
}

const struct policy_scope *policy_for(const struct policy *p, const struct policy_image *image,
	struct arena *a, const char **ret_where)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct policy_transport *t = &p->transports[i];
		const struct policy_scope *ret =
			str_eq(t->name, image->transport) ? scope_in(t, image, a) : NULL;
		if (ret) {
			*ret_where = arena_printf(a, "%s scope \"%s\"", t->name, ret->name);
			return ret;
		}
	}
	*ret_where = "default";
	return &p->otherwise;
}

/* --- identities ------------------------------------------------------------------------------- */

static bool same(const struct policy_reference *a, const struct policy_reference *b)
{
	return str_eq(a->name, b->name) && str_eq(a->tag, b->tag) && str_eq(a->digest, b->digest);
}

static bool says_which(const struct policy_reference *r)
{
	return *r->tag || *r->digest;
}

static bool exact(const struct policy_reference *want, const struct policy_reference *is_signed)
{
	return says_which(want) && says_which(is_signed) && same(want, is_signed);
}

static bool digest_or_exact(
	const struct policy_reference *want, const struct policy_reference *is_signed)
{
	if (*want->tag)
		return exact(want, is_signed);
	/* The digest has been compared: the signature is over that manifest. */
	return *want->digest && str_eq(want->name, is_signed->name);
}

static bool written(const char *text, struct arena *a, struct policy_reference *ret)
{
	struct docker_ref ref;
	if (!docker_ref_parse(text, a, &ref))
		return false;
	*ret = (struct policy_reference){ ref.name, ref.tagged ? ref.tag : "",
		ref.digest ? ref.digest : "" };
	return true;
}

/* The prefix covers whole components. */
static const char *remap(const struct policy_identity *identity, const char *name, struct arena *a)
{
	const char *rest = str_after(name, identity->prefix);
	return rest && (!*rest || *rest == '/') ? arena_printf(a, "%s%s", identity->becomes, rest)
						: name;
}

bool policy_matches(const struct policy_identity *identity, const struct policy_image *image,
	const struct policy_reference *is_signed, struct arena *a)
{
	struct policy_reference want = { image->name, image->tag ? image->tag : "",
		image->digest ? image->digest : "" };
	struct policy_reference given;
	if (!*is_signed->name)
		return false;
	switch (identity->kind) {
	case POLICY_EXACT_REFERENCE:
		return written(identity->reference, a, &given) && exact(&given, is_signed);
	case POLICY_EXACT_REPOSITORY:
		return written(identity->reference, a, &given) &&
		       str_eq(given.name, is_signed->name);
	default: break;
	}
	/* The others compare with a name that only images of registries have. */
	if (!str_eq(image->transport, "docker"))
		return false;
	if (identity->kind == POLICY_REPOSITORY)
		return str_eq(want.name, is_signed->name);
	if (identity->kind == POLICY_EXACT)
		return exact(&want, is_signed);
	if (identity->kind == POLICY_REMAP)
		want.name = remap(identity, want.name, a);
	return digest_or_exact(&want, is_signed);
}
