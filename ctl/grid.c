/* Tables for people. Keeps true: no cell is cut; nothing in a cell can act on the terminal. */
#include "kefu/ctl/grid.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"

struct range {
    uint32_t first, last;
};

/* Unicode's East Asian Width W and F, in broad strokes. */
static const struct range wide[] = {
    {0x1100, 0x115F}, {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF}, {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};
static const struct range none[] = {
    {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xE0100, 0xE01EF}};

static bool within(const struct range *list, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= list[i].first && c <= list[i].last)
            return true;
    }
    return false;
}

size_t grid_width(struct str s)
{
    size_t width = 0, used;
    for (const char *p = s.p, *end = s.p + s.n; p < end; p += used) {
        used = 1;
        uint32_t c = utf8_length(p, end) ? utf8_get(p, &used) : 0;
        if (within(wide, sizeof wide / sizeof *wide, c))
            width += 2;
        else if (!within(none, sizeof none / sizeof *none, c))
            width += 1;
    }
    return width;
}

void grid_fini(struct grid *g)
{
    buf_fini(&g->text);
    free(g->ends);
}

void grid_put(struct grid *g, struct str cell)
{
    size_t used;
    for (const char *p = cell.p, *end = p + cell.n; p < end; p += used) {
        used = 1;
        uint32_t c = utf8_length(p, end) ? utf8_get(p, &used) : 0;
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) /* what is no character, and both ranges of controls */
            buf_put_byte(&g->text, '?');
        else
            buf_put(&g->text, p, used);
    }
    xgrow(&g->ends, &g->cells_cap, g->cells_n + 1, sizeof *g->ends);
    g->ends[g->cells_n++] = g->text.n;
}

void grid_printf(struct grid *g, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    grid_put(g, str_of(text));
}

static struct str cell_at(const struct grid *g, size_t i)
{
    size_t from = i ? g->ends[i - 1] : 0;
    return (struct str){g->text.p ? g->text.p + from : "", g->ends[i] - from};
}

static void put_blanks(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_put_byte(out, ' ');
}

void grid_print(struct buf *out, const struct grid *g)
{
    size_t widths[GRID_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < g->cells_n; i++) {
        size_t w = grid_width(cell_at(g, i));
        if (w > widths[i % g->columns_n])
            widths[i % g->columns_n] = w;
    }
    for (size_t i = 0; i < g->cells_n; i++) {
        size_t column = i % g->columns_n;
        struct str cell = cell_at(g, i);
        size_t blanks = widths[column] - grid_width(cell);
        if (g->right[column])
            put_blanks(out, blanks);
        buf_put_str(out, cell);
        if (column + 1 == g->columns_n) {
            while (out->n > 0 && out->p[out->n - 1] == ' ')
                out->n--;
            buf_put_byte(out, '\n');
            continue;
        }
        put_blanks(out, (g->right[column] ? 0 : blanks) + 2);
    }
}
