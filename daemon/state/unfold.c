/* A frozen subject's events, without a site: for exports. Refuses what freeze.c did not write. */
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

struct words {
    struct str *list; /* owned; from 1 */
    uint64_t n;
};

static bool read_words(struct cursor *in, struct words *w)
{
    uint64_t n = cursor_uvar(in);
    if (in->bad || n > (uint64_t)(in->end - in->p))
        return false;
    w->list = xcalloc(n + 1, sizeof *w->list);
    for (w->n = 0; w->n < n && !in->bad;)
        w->list[++w->n] = cursor_bytes(in, (size_t)(cursor_uvar(in) >> 2));
    return !in->bad;
}

/* Borrows from all three. */
static bool event_of(const struct item *i, const struct shelf_row *row, const struct words *w, struct event *e)
{
    bool ok = i->source && i->source <= w->n;
    *e = (struct event){.type = i->type,
                        .how = i->how,
                        .flags = i->flags,
                        .ts = i->ts,
                        .source = w->list[ok ? i->source : 0],
                        .id = i->id,
                        .subject = row->key,
                        .amount_fen = i->amount_fen,
                        .score_milli = i->score_milli,
                        .scale = i->scale,
                        .text_bytes = i->text_bytes};
    for (int k = 0; k < EVENT_STR_N; k++) {
        ok = ok && i->num[k] <= w->n;
        e->strs[k] = w->list[ok ? i->num[k] : 0];
    }
    e->strs[EVENT_REF] = i->ref;
    return ok;
}

static bool unfold(const struct shelf_row *row, struct words *w, void (*each)(void *, const struct event *), void *arg)
{
    struct cursor in = cursor_of(row->blob);
    if (cursor_byte(&in) != BLOB_VERSION || !read_words(&in, w))
        return false;
    uint32_t n = (uint32_t)cursor_uvar(&in);
    struct str bytes = cursor_bytes(&in, (size_t)cursor_uvar(&in));
    struct list l = {.p = (char *)(uintptr_t)bytes.p, .bytes_n = (uint32_t)bytes.n, .n = n}; /* the cursor only reads */
    struct list_cursor cursor;
    struct item i;
    struct event e;
    list_first(&cursor, &l);
    for (; !in.bad && n && list_next(&cursor, &i); n--) {
        if (!event_of(&i, row, w, &e))
            return false;
        each(arg, &e);
    }
    return !in.bad && !n;
}

int shelf_row_events(const struct shelf_row *row, void (*each)(void *arg, const struct event *e), void *arg,
                     struct err *e)
{
    struct words w = {0};
    char where[200];
    bool ok = unfold(row, &w, each, arg);
    free(w.list);
    snprintf(where, sizeof where, "shelf %.*s", STR_ARG(row->key));
    return ok ? 0 : err_set(e, where, "does not fit together; put the latest backup in its place");
}
