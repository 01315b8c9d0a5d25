/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/token.h"

#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/json/jdec.h"
#include "stage0/fetch/mode.h"

enum { SECONDS_MAX = 100 * 365 * 86400U, DATE_LENGTH = 19 };

struct answer {
	const char *token, *access_token, *issued_at;
	int64_t expires_in;
};

/* Some count in fractions, some within quotes; what is no number at all counts as not said. */
static int decode_seconds(
	struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	int64_t *to = target;
	(void)at;
	if (v->type != JSON_NUMBER && v->type != JSON_STRING)
		return 0;
	const char *whole = arena_strndup(c->arena, v->text, strcspn(v->text, "."));
	int64_t n;
	if (parse_i64(whole, 0, SECONDS_MAX, &n))
		*to = n;
	return 0;
}

static const struct jfield fields[] = {
	{ "token", J_STRING, offsetof(struct answer, token), 0 },
	{ "access_token", J_STRING, offsetof(struct answer, access_token), 0 },
	{ "issued_at", J_STRING, offsetof(struct answer, issued_at), 0 },
	{ "expires_in", J_CUSTOM, offsetof(struct answer, expires_in), 0,
		.decode = decode_seconds },
	{ 0 },
};

/* RFC 3339, in UTC, as the specification has it; -1: another form. */
static int64_t read_time(const char *text)
{
	struct tm t = { 0 };
	const char *behind = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;
	if (!behind || behind - text != DATE_LENGTH)
		return -1;
	if (*behind == '.')
		behind += 1 + strspn(behind + 1, "0123456789");
	if (strcmp(behind, "Z") != 0 && strcmp(behind, "+00:00") != 0)
		return -1;
	int64_t unix_time = timegm(&t);
	return unix_time < 0 ? -1 : unix_time;
}

int token_read(const char *text, size_t n, struct fetch_token *ret, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	struct answer found = { .expires_in = -1 };
	struct json *v;
	struct jctx c = { .arena = &a, .err = e };
	int r = json_parse(text, n, &a, &v, e);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, fields, J_UNKNOWN_IGNORED, &found);
	if (r < 0)
		return err_wrap(e, r, "the answer of the token server");
	const char *token = str_empty(found.token) ? found.access_token : found.token;
	if (str_empty(token))
		return ERR_BAD(e, "the token server's answer has no token");
	if (strlen(token) >= sizeof ret->token)
		return ERR_BAD(e, "a token of more than %zu bytes", sizeof ret->token - 1);
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return ERR_BAD(e, "the token server's token does not fit into a header");
	ret->expires_in = found.expires_in;
	ret->issued_at = read_time(found.issued_at);
	memcpy(ret->token, token, strlen(token) + 1);
	return 0;
}

int token_run(const struct fetch_request *request, struct fetch_answer *ret, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(FETCH_TOKEN_BYTES);
	(void)request;
	if (lseek(FETCH_FD_DOCUMENT, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	int r = io_read_fd(FETCH_FD_DOCUMENT, "the answer of the token server", &text, e);
	return r < 0 ? r : token_read(str_text(&text), text.len, &ret->token, e);
}
