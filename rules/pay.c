/* From figures to what payroll reads. Keeps true: the exact rule of the closed month (rules/score.h) decides the tier, the
 * tier the rest. A month without a tier ends every run of months: it is neither good nor bad. */
#include "kefu/rules/pay.h"

#include "kefu/base/fix.h"
#include "kefu/rules/score.h"

static void fill_kpis(const struct rulebook *r, bool had_orders, const struct score *s, struct book_row *row)
{
    row->kpis_n = s->kpis_n;
    for (size_t i = 0; i < s->kpis_n; i++) {
        const struct kpi_score *from = &s->kpis[i];
        struct kpi_score pair;
        struct book_kpi *k = &row->kpis[i];
        *k = (struct book_kpi){.name = r->kpis[i].name,
                               .num = from->num,
                               .den = from->den,
                               .weight_micro = r->kpis[i].weight_micro,
                               .score_milli = from->score_milli};
        score_metric(r->kpis[i].metric, &row->figures, had_orders, &pair, &k->samples);
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

void pay_row(const struct rulebook *r, bool had_orders, const struct book_row *before, struct book_row *row)
{
    struct score s;
    score_month(r, &row->figures, had_orders, &s);
    fill_kpis(r, had_orders, &s, row);
    row->total_milli = s.total_milli;
    if (s.tier < 0)
        return;
    const struct tier *t = &r->tiers[s.tier];
    row->tier = t->name;
    row->bonus_fen = t->bonus_fen;
    row->perks_n = copy_words(t->perks, t->perks_n, row->perks);
    row->actions_n = copy_words(t->actions, t->actions_n, row->actions);
    if (s.tier == 0)
        row->top_months = 1 + (before ? before->top_months : 0);
    if (r->tiers_n > 1 && (size_t)s.tier == r->tiers_n - 1)
        row->unqualified_months = 1 + (before ? before->unqualified_months : 0);
}
