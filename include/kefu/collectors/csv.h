/* Tables as text: RFC 4180 as spreadsheets write it. UTF-8, a byte order mark skipped, cells in quotes may hold line feeds. */
#ifndef KEFU_COLLECTORS_CSV_H
#define KEFU_COLLECTORS_CSV_H

#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

#define CSV_COLUMNS_MAX 256

struct csv {
    struct str text; /* borrowed */
    size_t at;
    char separator; /* ',', ';' or a tab */
    uint64_t line;  /* on which the row given last begins, from 1 */
    uint64_t next_line;
};

/* Looks at the first line for the separator if separator is 0. */
void csv_begin(struct csv *c, struct str text, char separator);
/* The next row that is not empty: 1, its cells in the arena; 0 at the end; -1 with e: a quote is not closed, or there are too
 * many columns. */
int csv_next(struct csv *c, struct arena *arena, struct str cells[CSV_COLUMNS_MAX], size_t *n, struct err *e);

#endif
