/* Copies of rows. It keeps true that nothing in a pile points outside it. */
#include "kefu/daemon/pile.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void pile_fini(struct pile *p)
{
    arena_fini(&p->arena);
    free(p->rows);
    *p = (struct pile){0};
}

void pile_clear(struct pile *p)
{
    arena_reset(&p->arena);
    p->n = 0;
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
