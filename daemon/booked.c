/* One list of rows, wherever they come from. It computes nothing: the book has them, or month_draft.c makes them. */
#include "kefu/daemon/booked.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

struct str booked_key(const struct book_row *row)
{
    return row->agent.n ? row->agent : row->person;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(booked_key(a), booked_key(b));
}

static int read_rows(struct booked *b, struct months *m, struct err *e)
{
    b->closing = months_closing(m, b->month);
    if (!b->closing) {
        int bad = months_draft(m, b->month, &b->draft, e);
        b->rows = b->draft.rows;
        b->n = b->draft.rows_n;
        b->rulebook = b->draft.rulebook;
        return bad;
    }
    int bad = month_export_read(&b->closed, m, b->month, 0, e);
    b->rows = b->closed.rows.list;
    b->n = b->closed.rows.n;
    b->rulebook = b->closed.rulebook;
    return bad;
}

int booked_read(struct booked *b, struct months *m, int32_t month, struct err *e)
{
    *b = (struct booked){.month = month};
    if (read_rows(b, m, e) < 0) {
        b->n = 0;
        return -1;
    }
    if (b->n) {
        qsort(b->rows, b->n, sizeof(*b->rows), by_key);
    }
    return 0;
}

void booked_add_leavers(struct booked *b)
{
    struct month_rows *to = &b->closed.rows;
    struct book_row leaver;
    for (size_t i = 0; b->closing && i < b->closed.month.adjustments_n; i++) {
        if (export_leaver(&b->closed.month, i, &leaver)) {
            xgrow(&to->list, &to->cap, b->n + 1, sizeof(*to->list));
            to->list[b->n++] = leaver;
            b->rows = to->list;
            b->closed.month.rows = to->list;
        }
    }
    if (b->n) {
        qsort(b->rows, b->n, sizeof(*b->rows), by_key);
    }
}

void booked_fini(struct booked *b)
{
    month_export_fini(&b->closed);
    month_draft_free(&b->draft);
    *b = (struct booked){0};
}

const struct book_row *booked_find(const struct booked *b, struct str agent)
{
    struct book_row key = {.agent = agent};
    return b->n && agent.n ? bsearch(&key, b->rows, b->n, sizeof(*b->rows), by_key) : NULL;
}

int64_t booked_adjusted_fen(const struct booked *b, const struct book_row *row)
{
    return b->closing ? export_adjusted_fen(&b->closed.month, row) : 0;
}

const struct tier *booked_tier(const struct booked *b, const struct book_row *row)
{
    for (size_t i = 0; row->tier.n && i < b->rulebook->tiers_n; i++) {
        if (str_eq(b->rulebook->tiers[i].name, row->tier)) {
            return &b->rulebook->tiers[i];
        }
    }
    return NULL;
}
