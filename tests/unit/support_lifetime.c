/* Rows, totals and filters as a store would keep them: what no flip has made count is gone with the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "support_lifetime.h"

struct site *lifetime_site(struct lifetime *l)
{
    return site_new(&(struct site_options){.tz = l->story->zone->tz,
                                           .rulebooks = &l->story->rulebooks,
                                           .shelf = &l->shelf,
                                           .quiet_ms = l->story->quiet_ms,
                                           .seed = support_below(l->r, 1000)});
}

static void gather_row(void *arg, const struct shelf_row *row)
{
    struct lifetime *l = arg;
    assert_true(l->desk->rows_n < ROWS_MAX);
    struct shelf_row *copy = &l->desk->rows[l->desk->rows_n++];
    *copy = *row;
    copy->key = arena_copy(&l->kept.arena, row->key);
    copy->blob = arena_copy(&l->kept.arena, row->blob);
}

static void gather_total(void *arg, const struct shelf_total *total)
{
    struct lifetime *l = arg;
    assert_true(l->desk->totals_n < TOTALS_MAX);
    struct shelf_total *copy = &l->desk->totals[l->desk->totals_n++];
    *copy = *total;
    copy->agent = arena_copy(&l->kept.arena, total->agent);
    copy->blob = arena_copy(&l->kept.arena, total->blob);
}

static void cold_row(void *arg, const struct shelf_row *row)
{
    struct lifetime *l = arg;
    assert_true(row->cold);
    kept_put(&l->kept, row);
}

/* One that will leave: who asks for an identity of it must find it from now on. */
static void point_at(void *arg, const struct shelf_row *row)
{
    struct lifetime *l = arg;
    struct kept *k = &l->kept;
    size_t i = kept_find(k, row);
    assert_true(i < k->rows_n);
    assert_true(row->identities_n > 0);
    for (size_t n = 0; n < row->identities_n; n++) {
        assert_true(k->entries_n < ENTRIES_MAX);
        k->entries[k->entries_n++] = (struct entry){row->identities[n], i};
    }
    gather_row(arg, row);
}

void lifetime_settle(struct site *s, size_t steps)
{
    while (site_advance(s, site_as_of(s), steps) <= site_as_of(s))
        continue;
}

void lifetime_cut(struct lifetime *l)
{
    if (!site_may_cut(l->site))
        return;
    l->desk->rows_n = l->desk->totals_n = l->desk->head.n = 0;
    l->desk->on = true;
    l->desk->folded = l->folded;
    site_cut(l->site, &l->freezer, &l->desk->head);
}

static void flip(struct lifetime *l)
{
    struct desk *d = l->desk;
    for (size_t i = 0; i < d->rows_n; i++)
        kept_put(&l->kept, &d->rows[i]);
    if (l->kept.whole)
        l->kept.totals_n = 0;
    l->kept.whole = false;
    for (size_t i = 0; i < d->totals_n; i++)
        kept_put_total(&l->kept, &d->totals[i]);
    l->kept.head.n = 0;
    buf_put_str(&l->kept.head, buf_str(&d->head));
    l->kept.folded = d->folded;
    l->kept.flipped = true;
    d->on = false;
}

void lifetime_freeze_some(struct lifetime *l)
{
    if (l->desk->on && !site_freeze(l->site, 1 + support_below(l->r, 3)))
        flip(l);
}

/* What rests is written cold and leaves memory. */
void lifetime_chill(struct lifetime *l, int64_t before)
{
    if (l->desk->on || !l->kept.flipped)
        return;
    struct chill c = {.before = before};
    struct freezer list = {.row = point_at, .arg = l}, cold = {.row = cold_row, .arg = l};
    l->desk->rows_n = 0;
    do {
        c.n = 1 + support_below(l->r, 5);
    } while (site_chill(l->site, &c, &list));
    l->kept.until = site_cold_until(l->site);
    for (size_t i = 0; i < l->desk->rows_n; i++) {
        site_freeze_cold(l->site, l->desk->rows[i].key, &cold);
        if (support_below(l->r, 10))
            site_forget(l->site, l->desk->rows[i].key);
    }
}

static void copy_filter(struct bloom *to, const struct bloom *from)
{
    bloom_fini(to);
    for (size_t k = 0, part = 0; k < from->layers_n; k++)
        for (size_t i = 0; i < from->layers[k].parts_n; i++, part++) {
            struct str bytes = {(const char *)from->layers[k].bytes + i * BLOOM_PART_BYTES, BLOOM_PART_BYTES};
            assert_int_equal(bloom_put_part(to, part, bytes, from->layers[k].n), 0);
        }
}

static void take_up(struct lifetime *l, bool anew)
{
    struct err e = {0};
    if (site_thaw_head(l->site, buf_str(&l->kept.head), &e) < 0)
        fail_msg("%s: %s", e.where, e.what);
    for (size_t i = 0; i < l->kept.totals_n && !anew; i++)
        assert_int_equal(site_thaw_total(l->site, &l->kept.totals[i], false, &e), 0);
    for (size_t i = 0; i < l->kept.rows_n; i++)
        if ((anew || !l->kept.rows[i].cold) && site_thaw_row(l->site, &l->kept.rows[i], anew, &e) < 0)
            fail_msg("%s: %s", e.where, e.what);
    site_set_cold_until(l->site, l->kept.until);
    l->kept.whole = anew;
}

/* The process dies; the next one takes up the last flip. */
void lifetime_die(struct lifetime *l, bool anew)
{
    for (int i = 0; i < 2; i++)
        copy_filter(&l->filters[i], site_filter(l->site, i));
    site_free(l->site);
    l->site = lifetime_site(l);
    l->gathering.on = false;
    l->desk->on = false;
    for (int i = 0; i < 2; i++)
        copy_filter(site_filter(l->site, i), &l->filters[i]);
    if (l->kept.flipped)
        take_up(l, anew);
}

void lifetime_fini(struct lifetime *l)
{
    account_fini(&l->gathering.account);
    site_free(l->site);
    for (int i = 0; i < 2; i++)
        bloom_fini(&l->filters[i]);
    arena_fini(&l->kept.arena);
    buf_fini(&l->kept.head);
    buf_fini(&l->desk->head);
    free(l->kept.rows);
    free(l->kept.totals);
    free(l->kept.entries);
    free(l->desk);
}

void lifetime_init(struct lifetime *l)
{
    l->desk = calloc(1, sizeof *l->desk);
    l->kept.rows = calloc(ROWS_MAX, sizeof *l->kept.rows);
    l->kept.totals = calloc(TOTALS_MAX, sizeof *l->kept.totals);
    l->kept.entries = calloc(ENTRIES_MAX, sizeof *l->kept.entries);
    l->kept.until = INT64_MIN;
    l->shelf = (struct shelf){kept_ask, &l->kept, 99};
    l->freezer = (struct freezer){gather_row, gather_total, l};
    l->site = lifetime_site(l);
}
