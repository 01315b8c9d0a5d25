/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_fields.h"

#include <string.h>
#include <strings.h>

#include "cmd/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static const struct {
	const char *name, *title;
	bool sortable;
} fields[_FIELD_MAX] = {
	[FIELD_ID] = { "id", "ID", false },
	[FIELD_NAME] = { "name", "NAME", true },
	[FIELD_SIZE] = { "size", "SIZE", true },
	[FIELD_IMPORT_TIME] = { "importtime", "IMPORT TIME", true },
	[FIELD_LAST_USED] = { "lastused", "LAST USED", true },
	[FIELD_VERIFIED] = { "verified", "VERIFIED", false },
	[FIELD_UNIQUE] = { "unique", "UNIQUE", false },
};

const char *image_field_title(enum image_field f)
{
	return fields[f].title;
}

static int field_of(const char *text, size_t n)
{
	for (int f = 0; f < _FIELD_MAX; f++)
		if (strlen(fields[f].name) == n && !strncasecmp(fields[f].name, text, n))
			return f;
	return -1;
}

static void add_words(struct str *out, bool sorting, const char *separator)
{
	const char *between = "";
	for (int f = 0; f < _FIELD_MAX; f++) {
		if (sorting && !fields[f].sortable)
			continue;
		str_addf(out, "%s%s", between, fields[f].name);
		between = separator;
	}
}

void image_field_words(struct str *out)
{
	add_words(out, false, ",");
}

void image_sort_words(struct str *out)
{
	add_words(out, true, ",");
}

static int unknown_field(const char *flag, const char *text, size_t n, bool sorting, struct err *e)
{
	_clean_(str) struct str known = STR_INIT(STR_MAX_LINE);
	add_words(&known, sorting, ", ");
	return ERR_BAD(e, "--%s: unknown field \"%.*s\": %s", flag, (int)n, text, str_text(&known));
}

int image_fields_parse(
	const char *text, const char *flag, bool sorting, struct image_fields *ret, struct err *e)
{
	*ret = (struct image_fields){ 0 };
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");
		int f = field_of(p, n);
		if (f < 0 || (sorting && !fields[f].sortable))
			return unknown_field(flag, p, n, sorting, e);
		for (size_t i = 0; i < ret->n; i++)
			if (ret->v[i] == (enum image_field)f)
				return ERR_BAD(
					e, "--%s: duplicated field \"%.*s\"", flag, (int)n, p);
		ret->v[ret->n++] = (enum image_field)f;
		p += n + (p[n] == ',');
	}
	if (!ret->n)
		return unknown_field(flag, "", 0, sorting, e);
	return 0;
}
