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

/* How many bytes stand between the quote at c->at and its end, doubled ones counted twice; -1: it has no end. */
static long quoted_bytes(const struct csv *c)
{
    size_t from = c->at + 1, at = from;
    for (;;) {
        const char *quote = at < c->text.n ? memchr(c->text.p + at, '"', c->text.n - at) : NULL;
        if (!quote) {
            return -1;
        }
        at = (size_t)(quote - c->text.p) + 1;
        if (at >= c->text.n || c->text.p[at] != '"') {
            return (long)(at - 1 - from);
        }
        at++;
    }
}

/* A cell in quotes; -1: it has no end. */
static int quoted(struct csv *c, struct arena *arena, struct str *out)
{
    long bytes_n = quoted_bytes(c);
    if (bytes_n < 0) {
        return -1;
    }
    const char *from = c->text.p + c->at + 1;
    char *room = arena_bytes(arena, (size_t)bytes_n);
    size_t n = 0;
    for (size_t i = 0; i < (size_t)bytes_n; i++) {
        i += from[i] == '"';
        c->next_line += from[i] == '\n';
        room[n++] = from[i];
    }
    c->at += (size_t)bytes_n + 2;
    *out = (struct str){room, n};
    return 0;
}

static int cell(struct csv *c, struct arena *arena, struct str *out)
{
    size_t from = c->at;
    const char *end = memchr(c->text.p + from, '\n', c->text.n - from);
    if (now(c) == '"') {
        if (quoted(c, arena, out) < 0) {
            return -1;
        }
        while (!at_end(c) && now(c) != c->separator && now(c) != '\n') {
            c->at++; /* what stands behind a quote is nothing */
        }
        return 0;
    }
    size_t stop = end ? (size_t)(end - c->text.p) : c->text.n;
    const char *sep = memchr(c->text.p + from, c->separator, stop - from);
    c->at = sep ? (size_t)(sep - c->text.p) : stop;
    size_t n = c->at - from;
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
