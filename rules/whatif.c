/* Tries points, values and good ones more against the score's own curve and total, by bisection: all three only ever help. It
 * refuses to guess at means of times: how fast the next answers will be is not a count of good ones. */
#include "kefu/rules/whatif.h"

#include "kefu/base/fix.h"
#include "kefu/rules/score.h"

#define FULL_MILLI 100000

int whatif_next_tier(const struct whatif *w)
{
    const struct rulebook *r = w->rulebook;
    struct score s = *w->score;
    score_retotal(r, INT64_MAX, &s); /* as if enough had been handled */
    int lowest = (int)r->tiers_n - 1;
    return s.tier < 0 ? (lowest > 0 ? lowest - 1 : lowest) : s.tier - 1;
}

/* Would the tier be reached if KPI k had these points? */
static bool suffices(const struct whatif *w, size_t k, int tier, int64_t score_milli)
{
    struct score s = *w->score;
    s.kpis[k].score_milli = score_milli;
    score_retotal(w->rulebook, INT64_MAX, &s);
    return s.tier >= 0 && s.tier <= tier;
}

static int64_t least_points(const struct whatif *w, size_t k, int tier)
{
    int64_t low = 0, high = FULL_MILLI;
    if (w->rulebook->kpis[k].weight_micro == 0 || !suffices(w, k, tier, high))
        return SCORE_NONE;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (suffices(w, k, tier, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

/* The value nearest to where the metric is now that gives the points, on a curve that rises or falls. */
static int64_t least_value(const struct kpi *k, int64_t need_milli)
{
    const struct curve_point *p = k->points;
    bool rises = p[k->points_n - 1].points_micro >= p[0].points_micro;
    int64_t low = p[0].value_micro, high = p[k->points_n - 1].value_micro;
    if (score_curve(k, rises ? high : low, FIX_ONE) < need_milli)
        return INT64_MIN;
    while (low < high) {
        int64_t middle = low + (high - low + !rises) / 2;
        bool enough = score_curve(k, middle, FIX_ONE) >= need_milli;
        if (rises && enough)
            high = middle;
        else if (rises)
            low = middle + 1;
        else if (enough)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The pair of a metric after so many good ones more; false: its goodness is no count. */
static bool pair_after(enum metric m, int64_t more, struct kpi_score *pair)
{
    static const int64_t star_five = 5000, per_second = 1000;
    switch (m) {
    case METRIC_REPLY_WITHIN_RATE:
    case METRIC_FIRST_REPLY_WITHIN_RATE:
    case METRIC_RESOLVED_WITHIN_RATE:
    case METRIC_RESOLVED_RATE:
    case METRIC_FCR_RATE:
    case METRIC_RATING_GOOD_RATE:
        pair->num += more;
        pair->den += more;
        return true;
    case METRIC_RATING_MEAN:
        pair->num += more * star_five;
        pair->den += more * per_second;
        return true;
    case METRIC_CROSS_SELL_ORDERS:
        pair->num += more;
        pair->den = 1;
        return true;
    default: return false;
    }
}

static int64_t samples_after(enum metric m, const struct kpi_score *pair)
{
    return m == METRIC_RATING_MEAN ? pair->den / 1000 : pair->den;
}

static bool suffice(const struct whatif *w, size_t k, int tier, int64_t more)
{
    const struct kpi *kpi = &w->rulebook->kpis[k];
    struct kpi_score pair = w->score->kpis[k];
    if (!pair_after(kpi->metric, more, &pair) || pair.den <= 0 || samples_after(kpi->metric, &pair) < kpi->min_samples)
        return false;
    return suffices(w, k, tier, score_curve(kpi, pair.num, pair.den));
}

static int64_t least_more(const struct whatif *w, size_t k, int tier)
{
    int64_t low = 0, high = WHATIF_MORE_MAX;
    if (!suffice(w, k, tier, high))
        return -1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (suffice(w, k, tier, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

void whatif_step(const struct whatif *w, size_t k, int tier, struct whatif_step *out)
{
    const struct kpi *kpi = &w->rulebook->kpis[k];
    *out =
        (struct whatif_step){.need_score_milli = least_points(w, k, tier), .need_value_micro = INT64_MIN, .more = -1};
    if (out->need_score_milli == SCORE_NONE)
        return;
    out->need_value_micro = least_value(kpi, out->need_score_milli);
    out->more = least_more(w, k, tier);
    struct kpi_score pair = {.den = 0};
    bool counts = pair_after(kpi->metric, 0, &pair);
    out->reachable = out->need_value_micro != INT64_MIN && (out->more >= 0 || !counts);
}
