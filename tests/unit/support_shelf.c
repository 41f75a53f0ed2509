/* Rows and totals in arrays, looked through from the first. */
#include "support_shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

size_t kept_find(const struct kept *k, const struct shelf_row *row)
{
    size_t i = 0;
    while (i < k->rows_n && (k->rows[i].kind != row->kind || !str_eq(k->rows[i].key, row->key)))
        i++;
    return i;
}

void kept_put(struct kept *k, const struct shelf_row *row)
{
    size_t i = kept_find(k, row);
    assert_true(i < ROWS_MAX);
    k->rows_n += i == k->rows_n;
    k->rows[i] = *row;
    k->rows[i].key = arena_copy(&k->arena, row->key);
    k->rows[i].blob = arena_copy(&k->arena, row->blob);
}

void kept_put_total(struct kept *k, const struct shelf_total *t)
{
    size_t i = 0;
    while (i < k->totals_n &&
           (k->totals[i].kind != t->kind || k->totals[i].period != t->period || !str_eq(k->totals[i].agent, t->agent)))
        i++;
    assert_true(i < TOTALS_MAX);
    k->totals_n += i == k->totals_n;
    k->totals[i] = *t;
    k->totals[i].agent = arena_copy(&k->arena, t->agent);
    k->totals[i].blob = arena_copy(&k->arena, t->blob);
}

void kept_ask(void *arg, const struct shelf_question *q, void (*each)(void *, const struct shelf_row *), void *to)
{
    struct kept *k = arg;
    for (size_t i = 0; q->by == SHELF_BY_IDENTITY && i < k->entries_n; i++)
        if (k->entries[i].hash == q->hash)
            each(to, &k->rows[k->entries[i].row]);
    for (size_t i = 0; q->by != SHELF_BY_IDENTITY && i < k->rows_n; i++) {
        const struct shelf_row *r = &k->rows[i];
        bool by_key = q->by == SHELF_BY_KEY && r->kind == SUBJECT_CONVERSATION && str_eq(r->key, q->key);
        if (by_key || (q->by == SHELF_BY_GROUP && r->group == q->hash && r->last_ts >= q->from))
            each(to, r);
    }
}
