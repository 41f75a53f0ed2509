/* Sums by shop. Keeps true: over all shops they are the sums of the rows, to the fen, as it is and as projected. */
#include "kefu/daemon/month_shops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/rules/pay.h"

void shop_sums_init(struct shop_sums *s)
{
    *s = (struct shop_sums){0};
    intern_init(&s->names, 0);
}

void shop_sums_fini(struct shop_sums *s)
{
    intern_fini(&s->names);
    free(s->list);
}

static void add_part(struct shop_sums *s, const struct shop_sum *part)
{
    uint32_t number = intern_put(&s->names, part->shop);
    for (; s->n <= number; s->n++) {
        xgrow(&s->list, &s->cap, s->n + 1, sizeof *s->list);
        s->list[s->n] = (struct shop_sum){.shop = intern_name(&s->names, (uint32_t)s->n)};
    }
    struct shop_sum *to = &s->list[number];
    to->agents_n++;
    to->handled += part->handled;
    to->bonus_fen += part->bonus_fen;
    to->projected_fen += part->projected_fen;
}

void shop_sums_add(struct shop_sums *s, const struct book_row *row, int64_t projected_fen)
{
    const struct shop_handled none = {.handled = row->figures.handled}, whole = {.handled = 1};
    const struct shop_handled *of = row->shops_n ? row->shops : &none, *by = row->shops_n ? row->shops : &whole;
    size_t n = row->shops_n ? row->shops_n : 1;
    int64_t *parts = xcalloc(2 * n, sizeof *parts);
    pay_split(row->bonus_fen, by, n, parts);
    pay_split(projected_fen, by, n, parts + n);
    for (size_t i = 0; i < n; i++)
        add_part(s, &(struct shop_sum){of[i].shop, 0, of[i].handled, parts[i], parts[n + i]});
    free(parts);
}

static int by_name(const void *a, const void *b)
{
    struct str x = ((const struct shop_sum *)a)->shop, y = ((const struct shop_sum *)b)->shop;
    if (!x.n || !y.n)
        return (x.n == 0) - (y.n == 0);
    return str_cmp(x, y);
}

void shop_sums_print(struct buf *out, struct shop_sums *s)
{
    size_t shown_n = 0;
    if (s->n)
        qsort(s->list, s->n, sizeof *s->list, by_name);
    buf_put_byte(out, '[');
    for (size_t i = 0; i < s->n; i++) {
        const struct shop_sum *x = &s->list[i];
        if (!x->agents_n)
            continue;
        buf_put_str(out, shown_n++ ? STR_LIT(",{\"shop\":") : STR_LIT("{\"shop\":"));
        buf_put_json(out, x->shop);
        buf_printf(out,
                   ",\"agents\":%" PRId64 ",\"handled\":%" PRId64 ",\"bonus_fen\":%" PRId64
                   ",\"projected_fen\":%" PRId64 "}",
                   x->agents_n, x->handled, x->bonus_fen, x->projected_fen);
    }
    buf_put_byte(out, ']');
}
