/* SPDX-License-Identifier: Apache-2.0 */
/* rkt image list. */
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/image_fields.h"
#include "cmd/output.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/now.h"
#include "lib/base/str.h"
#include "lib/json/jenc.h"

#define USUAL_FIELDS "id,name,size,importtime,lastused"
#define FULL_FIELDS USUAL_FIELDS ",verified"

static int compare(const struct image *a, const struct image *b, enum image_field f)
{
	switch (f) {
	case FIELD_NAME: return strcmp(a->name, b->name);
	case FIELD_SIZE: return (a->size > b->size) - (a->size < b->size);
	case FIELD_LAST_USED:
		return (a->last_used_ns > b->last_used_ns) - (a->last_used_ns < b->last_used_ns);
	default: return (a->imported_ns > b->imported_ns) - (a->imported_ns < b->imported_ns);
	}
}

static bool belongs_behind(const struct image *a, const struct image *b,
	const struct image_fields *by, bool descending)
{
	for (size_t i = 0; i < by->n; i++) {
		int r = compare(a, b, by->v[i]);
		if (r)
			return descending ? r < 0 : r > 0;
	}
	return false;
}

/* Stable; images are few and mostly in order. */
static void sort_images(struct images *l, const struct image_fields *by, bool descending)
{
	for (size_t i = 1; i < l->n; i++) {
		struct image moved = l->v[i];
		size_t k = i;
		for (; k && belongs_behind(&l->v[k - 1], &moved, by, descending); k--)
			l->v[k] = l->v[k - 1];
		l->v[k] = moved;
	}
}

static bool has_layer(const struct image *i, const char *tree)
{
	for (size_t k = 0; k < i->n_layers; k++)
		if (strcmp(i->layers[k].tree, tree) == 0)
			return true;
	return false;
}

/* What its removal would free: its size without the layers that other images have too. */
static uint64_t unique_size(const struct images *l, const struct image *image)
{
	uint64_t shared = 0;
	for (size_t k = 0; k < image->n_layers; k++) {
		bool others = false;
		for (size_t i = 0; i < l->n && !others; i++)
			others = &l->v[i] != image && has_layer(&l->v[i], image->layers[k].tree);
		shared += others ? (uint64_t)image->layers[k].size : 0;
	}
	return shared < image->size ? image->size - shared : 0;
}

/* What was put together of an image belongs to it. */
static int add_rendered(struct session *s, struct images *l, struct err *e)
{
	struct rendered_list trees = { 0 };
	int r = store_rendered(&s->store, NULL, &s->cli->arena, &trees, e);
	/* A member of the group rkt sees the images, not the trees. */
	if (r == -EACCES && geteuid() != 0) {
		*e = ERR_INIT;
		return 0;
	}
	for (size_t t = 0; r >= 0 && t < trees.n; t++)
		for (size_t i = 0; i < l->n; i++)
			if (str_eq(l->v[i].id, trees.v[t].images.v[trees.v[t].images.n - 1]))
				l->v[i].size += (uint64_t)trees.v[t].size;
	return r;
}

static const char *image_name(struct arena *a, const struct image *i)
{
	return i->version ? arena_printf(a, "%s:%s", i->name, i->version) : i->name;
}

/* Who spoke for it: "openpgp:<fingerprint>", "no", "-" for what came with rkt. */
static const char *verified_text(struct arena *a, const struct image *i)
{
	if (i->verified)
		return arena_printf(a, "%s:%s", i->verified->mechanism, i->verified->key);
	return i->insecure ? "no" : "-";
}

static const char *bytes_text(struct cli *cli, uint64_t n)
{
	return cli->full ? arena_printf(&cli->arena, "%llu", (unsigned long long)n)
			 : size_text(&cli->arena, n);
}

static const char *cell(struct cli *cli, const struct images *l, const struct image *i,
	enum image_field f, int64_t now)
{
	struct arena *a = &cli->arena;
	bool full = cli->full;
	switch (f) {
	case FIELD_ID: return id_text(a, i->id, full ? ID_FULL : ID_LIST);
	case FIELD_NAME: return image_name(a, i);
	case FIELD_SIZE: return bytes_text(cli, i->size);
	case FIELD_UNIQUE: return bytes_text(cli, unique_size(l, i));
	case FIELD_VERIFIED: return verified_text(a, i);
	case FIELD_LAST_USED:
		return full ? time_text(a, i->last_used_ns) : time_ago(a, i->last_used_ns, now);
	default: return full ? time_text(a, i->imported_ns) : time_ago(a, i->imported_ns, now);
	}
}

static void print_table(struct cli *cli, const struct images *l, const struct image_fields *columns)
{
	_clean_(table) struct table t = TABLE_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	int64_t now = now_unix_ns();
	for (size_t c = 0; !cli->no_legend && c < columns->n; c++)
		table_cell(&t, image_field_title(columns->v[c]));
	if (!cli->no_legend)
		table_end_row(&t);
	for (size_t i = 0; i < l->n; i++) {
		for (size_t c = 0; c < columns->n; c++)
			table_cell(&t, cell(cli, l, &l->v[i], columns->v[c], now));
		table_end_row(&t);
	}
	table_render(&t, &out);
	fputs(str_text(&out), stdout);
}

/* Times in nanoseconds, as rkt's. */
static void print_json(struct cli *cli, const struct images *l)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct jenc j = JENC_INIT(&out, str_eq(cli->format, "json-pretty"));
	jenc_open(&j, '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct image *image = &l->v[i];
		jenc_open(&j, '{');
		jenc_key(&j, "id");
		jenc_string(&j, id_text(&cli->arena, image->id, ID_FULL));
		jenc_key(&j, "name");
		jenc_string(&j, image_name(&cli->arena, image));
		jenc_key(&j, "import_time");
		jenc_i64(&j, image->imported_ns);
		jenc_key(&j, "last_used_time");
		jenc_i64(&j, image->last_used_ns);
		jenc_key(&j, "size");
		jenc_i64(&j, (int64_t)image->size);
		jenc_key(&j, "unique_size");
		jenc_i64(&j, (int64_t)unique_size(l, image));
		jenc_key(&j, "insecure");
		jenc_bool(&j, image->insecure);
		if (image->verified) {
			jenc_key(&j, "verified");
			verified_encode(&j, image->verified);
		}
		jenc_close(&j, '}');
	}
	jenc_close(&j, ']');
	printf("%s\n", str_text(&out));
}

int cmd_image_list(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	struct image_fields columns, keys;
	struct images l = { 0 };
	if (!cli->fields)
		cli->fields = cli->full ? FULL_FIELDS : USUAL_FIELDS;
	int r = image_fields_parse(cli->fields, "fields", false, &columns, e);
	if (r >= 0)
		r = image_fields_parse(cli->sort, "sort", true, &keys, e);
	if (r >= 0)
		r = session_open(&s, cli, SEE_STORE, e);
	if (r >= 0 && s.has_store)
		r = store_list(&s.store, &cli->arena, &l, e);
	if (r >= 0 && s.has_store)
		r = add_rendered(&s, &l, e);
	if (r < 0)
		return r;
	sort_images(&l, &keys, str_eq(cli->order, "desc"));
	if (cli->format)
		print_json(cli, &l);
	else
		print_table(cli, &l, &columns);
	return EXIT_OK;
}
