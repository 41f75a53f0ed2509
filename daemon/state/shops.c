/* Counts by month and shop in one sorted array. Nearly always it is the last month that changes. */
#include "kefu/state/shops.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

void shops_fini(struct shops *s)
{
    free(s->list);
    *s = (struct shops){0};
}

static bool is_before(const struct shop_count *a, int32_t month, uint32_t shop)
{
    return a->month < month || (a->month == month && a->shop < shop);
}

/* The first entry that is not before. */
static size_t place_of(const struct shops *s, int32_t month, uint32_t shop)
{
    size_t lo = 0;
    size_t hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (is_before(&s->list[mid], month, shop))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void put_at(struct shops *s, size_t k, struct shop_count x)
{
    xgrow(&s->list, &s->cap, s->n + 1, sizeof *s->list);
    memmove(&s->list[k + 1], &s->list[k], (s->n - k) * sizeof *s->list);
    s->list[k] = x;
    s->n++;
}

static void take_at(struct shops *s, size_t k, size_t n)
{
    s->n -= n;
    memmove(&s->list[k], &s->list[k + n], (s->n - k) * sizeof *s->list);
}

static void add_n(struct shops *s, int32_t month, uint32_t shop, int64_t n)
{
    size_t k = place_of(s, month, shop);
    if (k == s->n || s->list[k].month != month || s->list[k].shop != shop)
        put_at(s, k, (struct shop_count){.month = month, .shop = shop});
    s->list[k].handled += n;
    if (s->list[k].handled == 0)
        take_at(s, k, 1);
}

void shops_add(struct shops *s, int32_t month, uint32_t shop, int64_t sign)
{
    add_n(s, month, shop, sign);
}

const struct shop_count *shops_of(const struct shops *s, int32_t month, size_t *n)
{
    size_t from = place_of(s, month, 0);
    *n = place_of(s, month + 1, 0) - from;
    return *n ? &s->list[from] : NULL;
}

void shops_encode(struct buf *out, const struct shops *s, int32_t month, const struct intern *words)
{
    size_t n;
    const struct shop_count *of = shops_of(s, month, &n);
    if (!n)
        return;
    buf_put_uvar(out, n);
    for (size_t i = 0; i < n; i++) {
        struct str name = intern_name(words, of[i].shop);
        buf_put_uvar(out, name.n);
        buf_put_str(out, name);
        buf_put_svar(out, of[i].handled);
    }
}

int shops_decode(struct shops *s, int32_t month, struct cursor *in, struct intern *words)
{
    size_t from = place_of(s, month, 0), to = place_of(s, month + 1, 0);
    if (to > from)
        take_at(s, from, to - from);
    uint64_t n = in->p < in->end ? cursor_uvar(in) : 0;
    for (; n && !in->bad; n--) {
        struct str name = cursor_bytes(in, (size_t)cursor_uvar(in));
        int64_t handled = cursor_svar(in);
        if (in->bad || !name.n || !handled)
            return -1;
        add_n(s, month, intern_put(words, name), handled);
    }
    return in->bad ? -1 : 0;
}
