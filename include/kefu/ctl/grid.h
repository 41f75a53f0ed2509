/* Tables for people on a terminal: columns as wide as what stands in them, Chinese characters counted as two. */
#ifndef KEFU_CTL_GRID_H
#define KEFU_CTL_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"

/* Columns a text takes on a terminal: wide characters of East Asian scripts and most emoji two, combining marks none. Bytes
 * that are no UTF-8 count one each. */
size_t grid_width(struct str s);

#define GRID_COLUMNS_MAX 16

struct grid {
    size_t columns_n;
    bool right[GRID_COLUMNS_MAX]; /* aligned to the right, for numbers */
    struct buf text;              /* cells, one behind the other */
    size_t *ends;                 /* owned; where each cell ends in text */
    size_t cells_n, cells_cap;
};

/* A table of columns_n columns; a zeroed grid with columns_n set is a valid empty one. */
void grid_fini(struct grid *g);
/* Adds the next cell, row by row; control characters become '?', so that what others wrote cannot move the cursor. */
void grid_put(struct grid *g, struct str cell);
void grid_printf(struct grid *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends the table to out: columns two blanks apart, no blanks at the ends of lines. */
void grid_print(struct buf *out, const struct grid *g);

#endif
