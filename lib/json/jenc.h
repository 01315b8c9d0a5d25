/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jenc: writes JSON into a struct str, compact or indented with tabs as Go's MarshalIndent does.
 *
 *	struct jenc j = JENC_INIT(&out, pretty);
 *	jenc_open(&j, '{'); jenc_key(&j, "name"); jenc_string(&j, n); jenc_close(&j, '}');
 *
 * Strings are escaped as Go's encoding/json does (< > & U+2028 U+2029 as \u…, what is not UTF-8 as
 * \ufffd), so that output can be compared with rkt's byte for byte, and is always valid JSON.
 */
#pragma once

#include "lib/json/json.h"

struct jenc {
	struct str *out;
	bool pretty, need_comma, after_key;
	unsigned depth;
};
#define JENC_INIT(str, indent) ((struct jenc){ .out = (str), .pretty = (indent) })

void jenc_open(struct jenc *j, char bracket);  /* '{' or '[' */
void jenc_close(struct jenc *j, char bracket); /* '}' or ']' */
void jenc_key(struct jenc *j, const char *key);
void jenc_string(struct jenc *j, const char *s);
void jenc_bool(struct jenc *j, bool b);
void jenc_i64(struct jenc *j, int64_t v);
void jenc_null(struct jenc *j);
void jenc_value(struct jenc *j, const struct json *v); /* a whole tree, in its own order */

/* key + string, left out when s is NULL or empty (Go's omitempty). */
void jenc_member(struct jenc *j, const char *key, const char *s);
