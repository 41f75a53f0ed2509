/* One row at a time. Keeps true: a cell is what a spreadsheet would show; line numbers are those of an editor. */
#include "kefu/collectors/csv.h"

#include <inttypes.h>
#include <stdio.h>

static size_t count(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n && s.p[i] != '\n'; i++) {
        n += s.p[i] == c;
    }
    return n;
}

void csv_begin(struct csv *c, struct str text, char separator)
{
    bool mark = text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0;
    text = mark ? (struct str){text.p + 3, text.n - 3} : text;
    *c = (struct csv){.text = text, .separator = separator, .next_line = 1};
    if (!separator) {
        size_t tabs = count(text, '\t'), commas = count(text, ','), semis = count(text, ';');
        c->separator = tabs > commas && tabs > semis ? '\t' : semis > commas ? ';' : ',';
    }
}

static bool at_end(const struct csv *c)
{
    return c->at >= c->text.n;
}

static char now(const struct csv *c)
{
    return at_end(c) ? '\n' : c->text.p[c->at];
}

/* A cell in quotes, behind the first one; -1: it has no end. */
static int quoted(struct csv *c, char *out, size_t *n)
{
    for (;; c->at++) {
        if (at_end(c)) {
            return -1;
        }
        if (now(c) == '"') {
            c->at++;
            if (at_end(c) || now(c) != '"') {
                return 0;
            }
        }
        c->next_line += now(c) == '\n';
        out[(*n)++] = now(c);
    }
}

static int cell(struct csv *c, struct arena *arena, struct str *out)
{
    size_t from = c->at, n = 0;
    const char *end = memchr(c->text.p + from, '\n', c->text.n - from);
    if (now(c) == '"') {
        char *room = arena_bytes(arena, c->text.n - from);
        c->at++;
        if (quoted(c, room, &n) < 0) {
            return -1;
        }
        *out = (struct str){room, n};
        while (!at_end(c) && now(c) != c->separator && now(c) != '\n') {
            c->at++; /* what stands behind a quote is nothing */
        }
        return 0;
    }
    size_t stop = end ? (size_t)(end - c->text.p) : c->text.n;
    const char *sep = memchr(c->text.p + from, c->separator, stop - from);
    c->at = sep ? (size_t)(sep - c->text.p) : stop;
    n = c->at - from;
    n -= n > 0 && c->text.p[from + n - 1] == '\r';
    *out = (struct str){c->text.p + from, n};
    return 0;
}

static bool is_empty(const struct str *cells, size_t n)
{
    return n == 1 && cells[0].n == 0;
}

int csv_next(struct csv *c, struct arena *arena, struct str cells[CSV_COLUMNS_MAX], size_t *n, struct err *e)
{
    char where[40];
    do {
        *n = 0;
        if (at_end(c)) {
            return 0;
        }
        c->line = c->next_line;
        snprintf(where, sizeof(where), "line %" PRIu64, c->line);
        for (bool more = true; more;) {
            if (*n == CSV_COLUMNS_MAX) {
                return err_set(e, where, "found more than %d columns", CSV_COLUMNS_MAX);
            }
            if (cell(c, arena, &cells[*n]) < 0) {
                return err_set(e, where, "a quote is opened here and never closed");
            }
            ++*n;
            more = !at_end(c) && now(c) == c->separator;
            c->at += more;
        }
        c->next_line++;
        c->at++;
    } while (is_empty(cells, *n));
    return 1;
}
