/* Scores as exact fractions: every product in 128 bits, every quotient rounded once, half away from zero.
 *
 * Bounds that keep this safe: values of curves are below 10^15 micro, points at most 10^8 micro, denominators at most
 * 1000 × a count (model/rulebook.h refuses more). */
#include "kefu/rules/score.h"

#include "kefu/base/fix.h"

static void set(struct kpi_score *pair, int64_t num, int64_t den)
{
    *pair = (struct kpi_score){.num = num, .den = den, .score_milli = SCORE_NONE};
}

void score_metric(enum metric m, const struct figures *f, bool had_orders, struct kpi_score *pair, int64_t *samples)
{
    static const int64_t per_second = 1000;
    set(pair, 0, 0);
    if (m == METRIC_REPLY_WITHIN_RATE)
        set(pair, f->within, f->answered + f->missed);
    else if (m == METRIC_FIRST_REPLY_WITHIN_RATE)
        set(pair, f->first_within, f->first_n);
    else if (m == METRIC_RESPONSE_MEAN_SECONDS)
        set(pair, f->response_sum, per_second * f->answered);
    else if (m == METRIC_FIRST_RESPONSE_MEAN_SECONDS)
        set(pair, f->first_sum, per_second * f->first_n);
    else if (m == METRIC_RESOLVED_WITHIN_RATE)
        set(pair, f->resolved_within, f->handled);
    else if (m == METRIC_RESOLVED_RATE)
        set(pair, f->resolved, f->handled);
    else if (m == METRIC_FCR_RATE)
        set(pair, f->fcr_pass, f->fcr_pass + f->fcr_fail);
    else if (m == METRIC_RATING_MEAN)
        set(pair, f->rating_sum, per_second * f->rating_n);
    else if (m == METRIC_RATING_GOOD_RATE)
        set(pair, f->rating_good, f->rating_n);
    else if (m == METRIC_CROSS_SELL_ORDERS)
        set(pair, f->cross, had_orders ? 1 : 0);
    bool is_mean =
        m == METRIC_RESPONSE_MEAN_SECONDS || m == METRIC_FIRST_RESPONSE_MEAN_SECONDS || m == METRIC_RATING_MEAN;
    *samples = is_mean ? pair->den / per_second : pair->den;
}

/* The straight line between two points of a curve, at num / den. */
static int64_t between(const struct curve_point *a, const struct curve_point *b, int64_t num, int64_t den)
{
    __int128 width = (__int128)(b->value_micro - a->value_micro) * den;
    __int128 along = (__int128)num * FIX_ONE - (__int128)a->value_micro * den;
    __int128 points = (__int128)a->points_micro * width + along * (b->points_micro - a->points_micro);
    return fix_div_round(points, width * (FIX_ONE / 1000));
}

int64_t score_curve(const struct kpi *k, int64_t num, int64_t den)
{
    size_t i = 0;
    while (i < k->points_n && (__int128)k->points[i].value_micro * den <= (__int128)num * FIX_ONE)
        i++;
    if (i == 0 || i == k->points_n)
        return fix_div_round(k->points[i ? i - 1 : 0].points_micro, FIX_ONE / 1000);
    return between(&k->points[i - 1], &k->points[i], num, den);
}

/* In a part of the month a part of the target is enough: as many times more are counted. */
static void prorate(enum metric m, const struct score_part *part, struct kpi_score *pair)
{
    if (m != METRIC_CROSS_SELL_ORDERS || pair->den == 0)
        return;
    set(pair, pair->num * part->days, part->worked_days > 0 ? part->worked_days : 0);
}

static void pairs(const struct rulebook *r, const struct figures *f, bool had_orders, const struct score_part *part,
                  struct score *out)
{
    *out = (struct score){.kpis_n = r->kpis_n, .total_milli = SCORE_NONE, .tier = -1};
    out->complete = f->handled >= r->tier_min_handled;
    for (size_t i = 0; i < r->kpis_n; i++) {
        const struct kpi *k = &r->kpis[i];
        int64_t samples = 0;
        score_metric(k->metric, f, had_orders, &out->kpis[i], &samples);
        if (part && r->prorate_counts)
            prorate(k->metric, part, &out->kpis[i]);
        if (out->kpis[i].den > 0 && samples >= k->min_samples)
            out->kpis[i].score_milli = score_curve(k, out->kpis[i].num, out->kpis[i].den);
        else if (k->weight_micro > 0)
            out->complete = false;
    }
}

void score_pairs(const struct rulebook *r, const struct figures *f, bool had_orders, struct score *out)
{
    pairs(r, f, had_orders, NULL, out);
    for (size_t i = 0; i < out->kpis_n; i++)
        out->kpis[i].score_milli = SCORE_NONE;
    out->complete = false;
}

static void total(const struct rulebook *r, struct score *out)
{
    __int128 sum = 0;
    __int128 weights = 0;
    for (size_t i = 0; i < r->kpis_n; i++) {
        if (out->kpis[i].score_milli == SCORE_NONE)
            continue;
        sum += (__int128)r->kpis[i].weight_micro * out->kpis[i].score_milli;
        weights += r->kpis[i].weight_micro;
    }
    if (weights > 0)
        out->total_milli = fix_div_round(sum, weights);
}

void score_retotal(const struct rulebook *r, int64_t handled, struct score *s)
{
    s->total_milli = SCORE_NONE;
    s->tier = -1;
    total(r, s);
    if (s->total_milli == SCORE_NONE || handled < r->tier_min_handled)
        return;
    s->tier = 0;
    while (s->total_milli * 1000 < r->tiers[s->tier].min_micro)
        s->tier++;
}

void score_month(const struct rulebook *r, const struct figures *f, bool had_orders, struct score *out)
{
    score_part(r, f, had_orders, NULL, out);
}

void score_part(const struct rulebook *r, const struct figures *f, bool had_orders, const struct score_part *part,
                struct score *out)
{
    pairs(r, f, had_orders, part, out);
    score_retotal(r, f->handled, out);
}
