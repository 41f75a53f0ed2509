/* From figures to what payroll reads. Keeps true: the exact rule of the closed month (rules/score.h) decides the tier, the
 * tier the rest. A month without a tier ends every run of months: it is neither good nor bad. */
#include "kefu/rules/pay.h"

#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/rules/score.h"

static void fill_kpis(const struct rulebook *r, bool had_orders, const struct score *s, struct book_row *row)
{
    row->kpis_n = s->kpis_n;
    for (size_t i = 0; i < s->kpis_n; i++) {
        const struct kpi_score *from = &s->kpis[i];
        struct kpi_score whole;
        struct book_kpi *k = &row->kpis[i];
        *k = (struct book_kpi){.name = r->kpis[i].name,
                               .num = from->num,
                               .den = from->den,
                               .weight_micro = r->kpis[i].weight_micro,
                               .score_milli = from->score_milli};
        score_metric(r->kpis[i].metric, &row->figures, had_orders, &whole, &k->samples);
        if (k->den > 0)
            k->value_micro = fix_div_round((__int128)k->num * FIX_ONE, k->den);
    }
}

static size_t copy_words(const struct str *from, size_t n, struct str *to)
{
    n = n < BOOK_WORDS_MAX ? n : BOOK_WORDS_MAX;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
    return n;
}

static void add_word(struct str *list, size_t *n, struct str word)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(list[i], word))
            return;
    if (*n < BOOK_WORDS_MAX)
        list[(*n)++] = word;
}

/* The straight line between two points, flat outside; rounded once, half away from zero. */
static int64_t on_curve(const struct rulebook *r, int64_t total_milli)
{
    const struct bonus_point *p = r->bonus;
    int64_t at = total_milli * (FIX_ONE / 1000);
    size_t i = 0;
    while (i < r->bonus_n && p[i].points_micro <= at)
        i++;
    if (i == 0 || i == r->bonus_n)
        return p[i ? i - 1 : 0].fen;
    int64_t width = p[i].points_micro - p[i - 1].points_micro;
    __int128 along = (__int128)(at - p[i - 1].points_micro) * (p[i].fen - p[i - 1].fen);
    return fix_div_round((__int128)p[i - 1].fen * width + along, width);
}

static void count_months(const struct rulebook *r, int tier, const struct book_row *before, struct book_row *row)
{
    if (tier == 0)
        row->top_months = 1 + (before ? before->top_months : 0);
    if (!row->grace && r->tiers_n > 1 && (size_t)tier == r->tiers_n - 1)
        row->unqualified_months = 1 + (before ? before->unqualified_months : 0);
}

void pay_row(const struct rulebook *r, bool had_orders, const struct book_row *before, struct book_row *row)
{
    struct score s;
    struct score_part part = {row->employed_days - row->exempt_days, row->days};
    score_part(r, &row->figures, had_orders, &part, &s);
    fill_kpis(r, had_orders, &s, row);
    row->total_milli = s.total_milli;
    if (s.tier < 0)
        return;
    const struct tier *t = &r->tiers[s.tier];
    row->tier = t->name;
    row->bonus_fen = r->bonus_n ? on_curve(r, s.total_milli) : t->bonus_fen;
    row->perks_n = copy_words(t->perks, t->perks_n, row->perks);
    row->actions_n = row->grace ? 0 : copy_words(t->actions, t->actions_n, row->actions);
    count_months(r, s.tier, before, row);
    if (r->transfer_after_months && row->unqualified_months >= r->transfer_after_months)
        add_word(row->actions, &row->actions_n, PAY_TRANSFER);
    if (r->promote_after_months && row->top_months >= r->promote_after_months)
        add_word(row->actions, &row->actions_n, PAY_TEAM_LEAD);
}

/* --- over shops --------------------------------------------------------------------------------------------------- */

struct cut { /* what was cut off a part, in parts of the sum */
    __int128 off;
    size_t part;
};

static int by_cut(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;
    if (x->off != y->off)
        return x->off > y->off ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

void pay_split(int64_t fen, const struct shop_handled *shops, size_t n, int64_t *parts)
{
    struct cut *cuts = xcalloc(n, sizeof *cuts);
    __int128 sum = 0;
    int64_t left = fen;
    for (size_t i = 0; i < n; i++)
        sum += shops[i].handled;
    for (size_t i = 0; i < n; i++) {
        __int128 share = (__int128)fen * shops[i].handled;
        parts[i] = (int64_t)(share / sum);
        cuts[i] = (struct cut){share % sum, i};
        left -= parts[i];
    }
    qsort(cuts, n, sizeof *cuts, by_cut);
    for (size_t i = 0; i < n && left > 0; i++, left--)
        parts[cuts[i].part]++;
    free(cuts);
}
