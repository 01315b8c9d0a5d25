/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: how values are printed; formats are rkt's own, scripts match them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * table: rows of cells, aligned by tabs as Go's text/tabwriter does with tab stops of 8 and one
 * column of padding: a column is as wide as its widest cell in the run of rows that have it, and
 * the last cell of a row belongs to no column. What is in a cell may be an image's own: what a
 * terminal would act upon is escaped.
 */
struct table {
	struct strv cells;
	size_t *row_ends; /* index behind the last cell of each row */
	size_t n_rows, cap;
};
#define TABLE_INIT ((struct table){ 0 })
void table_cell(struct table *t, const char *text); /* control characters become \xNN */
void table_end_row(struct table *t);
void table_render(const struct table *t, struct str *out);
void table_release(struct table *t);
static inline void table_cleanup(struct table *t)
{
	table_release(t);
}

/* "2006-01-02 15:04:05.999 -0700 MST", local time; milliseconds without trailing zeros. */
const char *time_text(struct arena *a, int64_t ns);
/* "now", "5 seconds ago", "2 weeks ago". */
const char *time_ago(struct arena *a, int64_t ns, int64_t now_ns);
/* "12B", "1.5MiB", "15MiB". */
const char *size_text(struct arena *a, uint64_t bytes);
