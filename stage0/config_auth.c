/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/config_auth.h"

#include <string.h>
#include <strings.h>

#include "lib/json/jenc.h"
#include "lib/spec/types.h"

struct credentials {
	const char *user, *password, *token, *access_key_id, *secret_access_key, *aws_region;
};
static const struct jfield credentials_fields[] = {
	{ "user", J_STRING, offsetof(struct credentials, user), 0 },
	{ "password", J_STRING, offsetof(struct credentials, password), 0 },
	{ "token", J_STRING, offsetof(struct credentials, token), 0 },
	{ "accessKeyID", J_STRING, offsetof(struct credentials, access_key_id), 0 },
	{ "secretAccessKey", J_STRING, offsetof(struct credentials, secret_access_key), 0 },
	{ "awsRegion", J_STRING, offsetof(struct credentials, aws_region), 0 },
	{ 0 },
};
const struct jfield auth_fields[] = {
	{ "domains", J_STRING_ARRAY, offsetof(struct config_file, domains), 0 },
	{ "type", J_STRING, offsetof(struct config_file, type), 0 },
	{ "credentials", J_OBJECT, offsetof(struct config_file, credentials), 0, credentials_fields,
		sizeof(struct credentials) },
	{ 0 },
};
const struct jfield docker_auth_fields[] = {
	{ "registries", J_STRING_ARRAY, offsetof(struct config_file, domains), 0 },
	{ "credentials", J_OBJECT, offsetof(struct config_file, credentials), 0, credentials_fields,
		sizeof(struct credentials) },
	{ 0 },
};

const struct auth *auth_for(const struct auths *auths, const char *domain)
{
	for (size_t i = 0; i < auths->n; i++)
		if (strcasecmp(auths->v[i].domain, domain) == 0)
			return &auths->v[i];
	return NULL;
}

static void add(struct auths *to, const struct auth *auth, struct arena *a)
{
	struct auth *v = ARENA_ARRAY(a, struct auth, to->n + 1);
	if (to->n)
		memcpy(v, to->v, to->n * sizeof *v);
	v[to->n] = *auth;
	to->v = v;
	to->n++;
}

int auths_merge(struct auths *into, const struct auths *from, const char *twice, bool exclusive,
	struct arena *a, struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct auth *auth = &from->v[i], *have = auth_for(into, auth->domain);
		if (have && exclusive)
			return ERR_BAD(e, "%s \"%s\" is already specified", twice, auth->domain);
		if (have)
			into->v[have - into->v] = *auth;
		else
			add(into, auth, a);
	}
	return 0;
}

/* --- one file --------------------------------------------------------------------------------- */

/* The words of each type: what must be there, where it goes, and what is said without it. */
static const struct word {
	const char *type;
	size_t from, to;
	const char *missing;
} words[] = {
	{ "basic", offsetof(struct credentials, user), offsetof(struct auth, user),
		"user not specified" },
	{ "basic", offsetof(struct credentials, password), offsetof(struct auth, password),
		"password not specified" },
	{ "oauth", offsetof(struct credentials, token), offsetof(struct auth, token),
		"no oauth bearer token specified" },
	{ "aws", offsetof(struct credentials, access_key_id), offsetof(struct auth, access_key_id),
		"no AWS Access Key ID specified" },
	{ "aws", offsetof(struct credentials, secret_access_key),
		offsetof(struct auth, secret_access_key), "no AWS Secret Access Key specified" },
	{ "aws", offsetof(struct credentials, aws_region), offsetof(struct auth, aws_region),
		"no AWS region specified" },
};

static int take_credentials(
	const struct config_file *f, const char *type, struct auth *ret, struct err *e)
{
	static const struct credentials none;
	const char *from = (const char *)(f->credentials ? f->credentials : &none);
	bool known = false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i].type, type) != 0)
			continue;
		const char *value;
		memcpy(&value, from + words[i].from, sizeof value);
		if (str_empty(value))
			return ERR_BAD(e, "%s", words[i].missing);
		if (!str_is_one_line(value))
			return ERR_BAD(e, "credentials with control characters");
		memcpy((char *)ret + words[i].to, &value, sizeof value);
		known = true;
	}
	if (!known)
		return ERR_BAD(e, "unknown auth type: \"%s\"", type);
	ret->type = type;
	return 0;
}

static int add_domains(struct config_file *f, const char *type, struct auths *to, const char *twice,
	struct arena *a, struct err *e)
{
	struct auth auth = { 0 };
	int r = take_credentials(f, type, &auth, e);
	for (size_t i = 0; r >= 0 && i < f->domains.n; i++) {
		auth.domain = f->domains.v[i];
		r = auths_merge(to, &(struct auths){ &auth, 1 }, twice, true, a, e);
	}
	return r;
}

int auth_check(struct config_file *f, struct arena *a, struct err *e)
{
	if (!f->domains.n)
		return ERR_BAD(e, "no domains specified");
	if (str_empty(f->type))
		return ERR_BAD(e, "no auth type specified");
	return add_domains(f, f->type, &f->config.auths, "auth for domain", a, e);
}

int docker_auth_check(struct config_file *f, struct arena *a, struct err *e)
{
	if (!f->domains.n)
		return ERR_BAD(e, "no registries specified");
	return add_domains(
		f, "basic", &f->config.docker_auths, "credentials for docker registry", a, e);
}

/* --- rkt config ------------------------------------------------------------------------------- */

static void encode(struct jenc *j, const struct auth *auth, const char *kind, const char *domains,
	bool has_type)
{
	jenc_open(j, '{');
	jenc_member(j, "rktVersion", "v1");
	jenc_member(j, "rktKind", kind);
	jenc_key(j, domains);
	jenc_open(j, '[');
	jenc_string(j, auth->domain);
	jenc_close(j, ']');
	if (has_type)
		jenc_member(j, "type", auth->type);
	jenc_key(j, "credentials");
	jenc_open(j, '{');
	jenc_member(j, "user", auth->user);
	jenc_member(j, "password", auth->password);
	jenc_member(j, "token", auth->token);
	jenc_member(j, "accessKeyID", auth->access_key_id);
	jenc_member(j, "secretAccessKey", auth->secret_access_key);
	jenc_member(j, "awsRegion", auth->aws_region);
	jenc_close(j, '}');
	jenc_close(j, '}');
}

void auths_encode(struct jenc *j, const struct config *c)
{
	for (size_t i = 0; i < c->auths.n; i++)
		encode(j, &c->auths.v[i], "auth", "domains", true);
	for (size_t i = 0; i < c->docker_auths.n; i++)
		encode(j, &c->docker_auths.v[i], "dockerAuth", "registries", false);
}
