/* Copies of rows. It keeps true that nothing in a pile points outside it. */
#include "kefu/daemon/pile.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void pile_fini(struct pile *p)
{
    arena_fini(&p->arena);
    free(p->rows);
    free(p->totals);
    *p = (struct pile){0};
}

void pile_clear(struct pile *p)
{
    arena_reset(&p->arena);
    p->n = p->totals_n = p->done_n = p->totals_done_n = 0;
}

void pile_reserve(struct pile *p, size_t n)
{
    xgrow(&p->rows, &p->cap, n, sizeof(*p->rows));
}

void pile_add(struct pile *p, const struct shelf_row *row)
{
    xgrow(&p->rows, &p->cap, p->n + 1, sizeof(*p->rows));
    struct shelf_row *to = &p->rows[p->n++];
    *to = *row;
    to->key = arena_copy(&p->arena, row->key);
    to->blob = arena_copy(&p->arena, row->blob);
    struct str hashes = {(const char *)row->identities, row->identities_n * sizeof(*row->identities)};
    to->identities = (const uint64_t *)(const void *)arena_copy(&p->arena, hashes).p;
}

void pile_add_total(struct pile *p, const struct shelf_total *total)
{
    xgrow(&p->totals, &p->totals_cap, p->totals_n + 1, sizeof(*p->totals));
    struct shelf_total *to = &p->totals[p->totals_n++];
    *to = *total;
    to->agent = arena_copy(&p->arena, total->agent);
    to->blob = arena_copy(&p->arena, total->blob);
}

static size_t take(size_t *done_n, size_t all_n, size_t n)
{
    size_t left_n = all_n - *done_n;
    n = left_n < n ? left_n : n;
    *done_n += n;
    return n;
}

bool pile_next(struct pile *p, size_t n, struct shelf_work *work)
{
    work->rows = p->rows + p->done_n;
    work->totals = p->totals + p->totals_done_n;
    work->rows_n = take(&p->done_n, p->n, n);
    work->totals_n = take(&p->totals_done_n, p->totals_n, n);
    return work->rows_n || work->totals_n;
}
