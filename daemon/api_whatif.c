/* The road to the next tier: rules/whatif.h in words of docs/openapi.json, with the pace of targets that are counts. */
#include "kefu/daemon/api.h"

#include <inttypes.h>

#include "kefu/base/fix.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"
#include "kefu/rules/score.h"
#include "kefu/rules/whatif.h"

static const char *unit_of(enum metric m)
{
    switch (m) {
    case METRIC_REPLY_WITHIN_RATE: return "\"reply\"";
    case METRIC_FIRST_REPLY_WITHIN_RATE: return "\"first_reply\"";
    case METRIC_RESOLVED_WITHIN_RATE:
    case METRIC_RESOLVED_RATE: return "\"resolution\"";
    case METRIC_FCR_RATE: return "\"first_contact\"";
    case METRIC_RATING_MEAN:
    case METRIC_RATING_GOOD_RATE: return "\"rating\"";
    case METRIC_CROSS_SELL_ORDERS: return "\"order\"";
    default: return "null";
    }
}

/* The days of a month, and how many of them have begun. */
struct month_days {
    int64_t passed, n;
};

static struct month_days days_of(const struct daemon *d, int32_t month)
{
    int32_t first = civil_month_first(month), today = tz_day(d->settings->tz, site_as_of(d->site));
    return (struct month_days){today - first + 1, civil_month_first(month + 1) - first};
}

/* A count is full at the highest value of its curve. */
static void show_pace(struct buf *out, const struct kpi *k, int64_t have, const struct month_days *days)
{
    int64_t target = k->points[k->points_n - 1].value_micro / FIX_ONE;
    if (k->metric != METRIC_CROSS_SELL_ORDERS || target <= 0) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    int64_t expected_milli = target * 1000 * days->passed / days->n;
    buf_printf(out,
               "{\"days_passed\":%" PRId64 ",\"days_n\":%" PRId64 ",\"have\":%" PRId64 ",\"target\":%" PRId64
               ",\"expected_milli\":%" PRId64 ",\"projected\":%" PRId64 ",\"on_pace\":%s}",
               days->passed, days->n, have, target, expected_milli,
               fix_div_round((__int128)have * days->n, days->passed), have * 1000 >= expected_milli ? "true" : "false");
}

static void show_step(struct buf *out, const struct whatif *w, size_t k, int tier, const struct month_days *days)
{
    const struct kpi *kpi = &w->rulebook->kpis[k];
    const struct kpi_score *now = &w->score->kpis[k];
    struct whatif_step s = {.need_score_milli = SCORE_NONE, .need_value_micro = INT64_MIN, .more = -1};
    if (tier >= 0) {
        whatif_step(w, k, tier, &s);
    }
    buf_put_byte(out, '{');
    show_kpi_head(out, kpi);
    buf_printf(out, ",\"num\":%" PRId64 ",\"den\":%" PRId64 ",\"value_micro\":", now->num, now->den);
    show_number(out, now->den > 0 ? (int64_t)((__int128)now->num * FIX_ONE / now->den) : VIEW_NONE);
    buf_put_str(out, STR_LIT(",\"score_milli\":"));
    show_number(out, now->score_milli);
    buf_put_str(out, STR_LIT(",\"need_score_milli\":"));
    show_number(out, s.need_score_milli);
    buf_put_str(out, STR_LIT(",\"need_value_micro\":"));
    show_number(out, s.need_value_micro);
    buf_printf(out, ",\"reachable\":%s,\"more\":", s.reachable ? "true" : "false");
    show_number(out, s.more < 0 ? VIEW_NONE : s.more);
    buf_printf(out, ",\"unit\":%s,\"pace\":", unit_of(kpi->metric));
    show_pace(out, kpi, now->num, days);
    buf_put_byte(out, '}');
}

static void show_steps(struct buf *out, const struct whatif *w, int tier, const struct month_days *days)
{
    bool any = false;
    buf_put_str(out, STR_LIT(",\"steps\":["));
    for (size_t k = 0; k < w->rulebook->kpis_n; k++) {
        if (w->rulebook->kpis[k].weight_micro == 0) {
            continue;
        }
        if (any) {
            buf_put_byte(out, ',');
        }
        show_step(out, w, k, tier, days);
        any = true;
    }
    buf_put_str(out, STR_LIT("]}"));
}

static int64_t gap_milli(const struct whatif *w, int tier)
{
    int64_t have = w->score->total_milli == SCORE_NONE ? 0 : w->score->total_milli;
    if (tier < 0) {
        return VIEW_NONE;
    }
    int64_t min_milli = (w->rulebook->tiers[tier].min_micro + 999) / 1000; /* a total is whole thousandths */
    return min_milli > have ? min_milli - have : 1;
}

void api_whatif(struct call *c)
{
    static const struct figures none;
    char text[16];
    struct buf out = {0};
    struct score score;
    uint32_t agent = call_agent(c);
    if (!agent) {
        return;
    }
    int32_t month = pipeline_month(c->d->pipeline);
    const struct figures *f = site_figures(c->d->site, agent, PERIOD_MONTH, month);
    struct whatif w = {rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(month)), f ? f : &none,
                       site_had_orders(c->d->site, PERIOD_MONTH, month), &score};
    score_month(w.rulebook, w.figures, w.had_orders, &score);
    int tier = whatif_next_tier(&w);
    int64_t missing = w.rulebook->tier_min_handled - w.figures->handled;
    struct month_days days = days_of(c->d, month);
    civil_print_month(text, sizeof(text), month);
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", site_as_of(c->d->site));
    size_t tagged = out.n;
    buf_put_str(&out, STR_LIT(",\"agent\":"));
    buf_put_json(&out, c->args[0]);
    buf_printf(&out, ",\"month\":\"%s\",\"score\":", text);
    show_score(&out, &(struct show_scored){w.rulebook, w.figures, w.had_orders, &score});
    buf_put_str(&out, STR_LIT(",\"next_tier\":"));
    show_tier(&out, tier_of(w.rulebook, tier));
    buf_put_str(&out, STR_LIT(",\"gap_milli\":"));
    show_number(&out, gap_milli(&w, tier));
    buf_printf(&out, ",\"handled_more\":%" PRId64, missing > 0 ? missing : 0);
    show_steps(&out, &w, tier, &days);
    call_answer_tagged(c, &out, tagged);
}
