/* Days and months: an agent's, everybody's, a team best first, and the rules they are judged by. Live figures, provisional and
 * unsigned; but the table of a closed month is what the book holds, and of one in review what a closing would freeze. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/booked.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"
#include "kefu/daemon/show_agent.h"
#include "kefu/rules/score.h"
#include "kefu/views/board.h"

static const struct figures no_figures;

static const struct rulebook *rulebook_of(const struct call *c, int32_t month)
{
    return rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(month));
}

/* The score of an agent's month and the figures it is made of. */
struct scored {
    struct show_scored show;
    struct score score;
};

static void score_it(const struct call *c, int32_t month, const struct figures *f, struct scored *out)
{
    bool had_orders = site_had_orders(c->d->site, PERIOD_MONTH, month);
    out->show = (struct show_scored){rulebook_of(c, month), f, had_orders, &out->score};
    score_month(out->show.rulebook, f, had_orders, &out->score);
}

static void score_agent(const struct call *c, uint32_t agent, int32_t month, struct scored *out)
{
    const struct figures *f = site_figures(c->d->site, agent, PERIOD_MONTH, month);
    score_it(c, month, f ? f : &no_figures, out);
}

static void show_agent(struct buf *out, const struct call *c, uint32_t agent, bool number)
{
    struct agent_now now;
    site_agent_now(c->d->site, agent, &now);
    show_who(out, &(struct show_who){site_agent_id(c->d->site, agent), now.name, now.team, now.employee_no, number});
}

/* --- an agent's period -------------------------------------------------------------------------------------------- */

struct asked_period {
    enum period_kind kind;
    int32_t number; /* of the day or month */
    int32_t month;
};

/* A day or month that has begun. */
static bool read_period(const struct call *c, struct str text, struct asked_period *out)
{
    int32_t today = tz_day(c->d->settings->tz, site_as_of(c->d->site));
    if (civil_parse_day(text, &out->number) == 0 && out->number <= today) {
        out->kind = PERIOD_DAY;
        out->month = civil_month(out->number);
        return true;
    }
    out->kind = PERIOD_MONTH;
    return civil_parse_month(text, &out->number) == 0 && (out->month = out->number) <= civil_month(today);
}

static void show_percentile(struct buf *out, const char *name, const struct hist *h, int permille)
{
    int64_t ms = hist_percentile(h, permille);
    buf_printf(out, ",\"%s\":", name);
    show_number(out, ms < 0 ? VIEW_NONE : ms);
}

static void show_days(struct buf *out, const struct call *c, uint32_t agent, int32_t month)
{
    size_t n;
    const struct totals *days = site_totals(c->d->site, agent, PERIOD_DAY, &n);
    struct figures so_far = {0};
    const char *open = "{";
    buf_put_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        char day[16];
        struct scored s;
        if (civil_month(days[i].period) != month || !figures_any(&days[i].figures)) {
            continue;
        }
        figures_add(&so_far, &days[i].figures, 1);
        score_it(c, month, &so_far, &s);
        civil_print_day(day, sizeof(day), days[i].period);
        buf_printf(out, "%s\"day\":\"%s\",\"figures\":", open, day);
        show_figures(out, &days[i].figures);
        show_percentile(out, "response_p50_ms", &days[i].responses, 500);
        show_percentile(out, "response_p90_ms", &days[i].responses, 900);
        buf_put_str(out, STR_LIT(",\"month_total_milli\":"));
        show_number(out, s.score.total_milli);
        buf_put_byte(out, '}');
        open = ",{";
    }
    buf_put_byte(out, ']');
}

void api_period(struct call *c)
{
    struct asked_period p;
    struct buf out = {0};
    uint32_t agent = call_agent(c);
    if (!agent) {
        return;
    }
    if (!read_period(c, c->args[1], &p)) {
        call_not_found(c->r);
        return;
    }
    const struct figures *f = site_figures(c->d->site, agent, p.kind, p.number);
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", site_as_of(c->d->site));
    size_t tagged = out.n;
    buf_put_byte(&out, ',');
    show_agent(&out, c, agent, false);
    buf_put_str(&out, STR_LIT(",\"period\":"));
    buf_put_json(&out, c->args[1]);
    buf_put_str(&out, STR_LIT(",\"figures\":"));
    show_figures(&out, f ? f : &no_figures);
    buf_put_str(&out, STR_LIT(",\"responses\":"));
    show_responses(&out, site_responses(c->d->site, agent, p.kind, p.number));
    buf_put_str(&out, STR_LIT(",\"score\":"));
    if (p.kind == PERIOD_MONTH) {
        struct scored s;
        score_it(c, p.month, f ? f : &no_figures, &s);
        show_score(&out, &s.show);
        buf_put_str(&out, STR_LIT(",\"days\":"));
        show_days(&out, c, agent, p.month);
        buf_put_byte(&out, '}');
    } else {
        buf_put_str(&out, STR_LIT("null,\"days\":null}"));
    }
    call_answer_tagged(c, &out, tagged);
}

/* --- everybody's month -------------------------------------------------------------------------------------------- */

static void begin_table(struct buf *out, int32_t month, int64_t as_of, size_t *tagged)
{
    char text[16];
    civil_print_month(text, sizeof(text), month);
    buf_put_byte(out, '{');
    show_time(out, "as_of", as_of);
    *tagged = out->n;
    buf_printf(out, ",\"month\":\"%s\"", text);
}

/* Of a month that has not ended, or whose first contacts can still fail: as it stands, of everybody known. */
static void show_live(struct buf *out, struct call *c, int32_t month, const struct call_page *page)
{
    size_t n;
    uint32_t *agents = call_agents(c, page, call_query(c, "team"), &n);
    buf_put_str(out, STR_LIT(",\"state\":\"provisional\",\"signed\":false,\"rulebook\":"));
    buf_put_json(out, rulebook_of(c, month)->name);
    buf_put_str(out, STR_LIT(",\"rows\":["));
    for (size_t i = 0; i < n && i < page->limit; i++) {
        struct scored s;
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT("{"));
        score_agent(c, agents[i], month, &s);
        show_agent(out, c, agents[i], true);
        buf_put_str(out, STR_LIT(",\"figures\":"));
        show_figures(out, s.show.figures);
        buf_put_str(out, STR_LIT(",\"score\":"));
        show_score(out, &s.show);
        buf_put_byte(out, '}');
    }
    call_show_next(c, out, agents, n, page->limit);
    free(agents);
}

/* A row of the book as the score that it was. */
static void show_booked_score(struct buf *out, const struct booked *b, const struct book_row *r)
{
    struct score s = {.kpis_n = r->kpis_n, .total_milli = r->total_milli, .tier = -1};
    s.complete = r->figures.handled >= b->rulebook->tier_min_handled;
    bool had_orders = false;
    for (size_t i = 0; i < r->kpis_n && i < b->rulebook->kpis_n; i++) {
        s.kpis[i] = (struct kpi_score){r->kpis[i].num, r->kpis[i].den, r->kpis[i].score_milli};
        had_orders |= b->rulebook->kpis[i].metric == METRIC_CROSS_SELL_ORDERS && r->kpis[i].den > 0;
        s.complete &= r->kpis[i].score_milli != SCORE_NONE || r->kpis[i].weight_micro == 0;
    }
    const struct tier *t = booked_tier(b, r);
    s.tier = t ? (int)(t - b->rulebook->tiers) : -1;
    show_score(out, &(struct show_scored){b->rulebook, &r->figures, had_orders, &s});
}

static bool sees_row(const struct call *c, const struct book_row *r, struct str team)
{
    uint32_t agent = r->agent.n ? site_agent_find(c->d->site, r->agent) : 0;
    bool may = agent ? call_may_agent(c, agent) : rights_reach(c->who.caller.role, c->part) == REACH_ALL;
    return may && (!team.n || str_eq(team, r->team));
}

static void show_booked(struct buf *out, struct call *c, const struct booked *b, const struct call_page *page)
{
    struct str team = call_query(c, "team"), next = {0}, last = {0};
    size_t n = 0;
    buf_printf(out, ",\"state\":\"%s\",\"signed\":%s,\"rulebook\":", b->closing ? "closed" : "provisional",
               b->closing ? "true" : "false");
    buf_put_json(out, b->rulebook->name);
    buf_put_str(out, STR_LIT(",\"rows\":["));
    for (size_t i = 0; i < b->n; i++) {
        const struct book_row *r = &b->rows[i];
        bool before = page->after.n && str_cmp(booked_key(r), page->after) <= 0;
        if (before || !sees_row(c, r, team)) {
            continue;
        }
        if (n++ == page->limit) {
            next = last;
            break;
        }
        last = booked_key(r);
        buf_put_str(out, n > 1 ? STR_LIT(",{") : STR_LIT("{"));
        show_who(out, &(struct show_who){last, r->name, r->team, r->employee_no, true});
        buf_put_str(out, STR_LIT(",\"figures\":"));
        show_figures(out, &r->figures);
        buf_put_str(out, STR_LIT(",\"score\":"));
        show_booked_score(out, b, r);
        buf_put_byte(out, '}');
    }
    buf_put_str(out, STR_LIT("],\"next\":"));
    show_text(out, next);
    buf_put_byte(out, '}');
}

void api_month(struct call *c)
{
    struct call_page page;
    struct buf out = {0};
    struct booked b = {0};
    struct err e;
    int32_t month;
    size_t tagged;
    if (!call_month(c, c->args[0], &month) || !call_page(c, &page)) {
        return;
    }
    bool live = months_state(c->d->months, month) == MONTH_OPEN;
    if (!live && booked_read(&b, c->d->months, month, &e) < 0) {
        booked_fini(&b);
        call_failed(c, &e);
        return;
    }
    begin_table(&out, month, b.closing ? b.closing->as_of : site_as_of(c->d->site), &tagged);
    if (live) {
        show_live(&out, c, month, &page);
    } else {
        show_booked(&out, c, &b, &page);
    }
    booked_fini(&b);
    call_answer_tagged(c, &out, tagged);
}

/* --- a team, best first ------------------------------------------------------------------------------------------- */

static void show_leader(struct buf *out, const struct agent_view *v, size_t rank)
{
    buf_printf(out, "{\"rank\":%zu,\"agent\":", rank);
    buf_put_json(out, v->agent);
    buf_put_str(out, STR_LIT(",\"name\":"));
    show_text(out, v->name);
    buf_put_str(out, STR_LIT(",\"total_milli\":"));
    show_number(out, v->score.total_milli);
    buf_put_str(out, STR_LIT(",\"total\":"));
    show_cut(out, v->score.total_milli);
    buf_put_str(out, STR_LIT(",\"tier\":"));
    show_tier(out, tier_of(v->rulebook, v->score.tier));
    buf_printf(out, ",\"provisional\":%s}", v->provisional ? "true" : "false");
}

static void show_leaders(struct buf *out, struct call *c, const uint32_t *members, size_t n)
{
    struct agent_view *views = xcalloc(n, sizeof(*views));
    size_t rank = 1;
    for (size_t i = 0; i < n; i++) {
        pipeline_view(c->d->pipeline, members[i], &views[i]);
    }
    qsort(views, n, sizeof(*views), board_cmp);
    for (size_t i = 0; i < n; i++) {
        if (i) {
            rank = views[i].score.total_milli == views[i - 1].score.total_milli ? rank : i + 1;
            buf_put_byte(out, ',');
        }
        show_leader(out, &views[i], rank);
    }
    free(views);
}

void api_leaderboard(struct call *c)
{
    struct buf out = {0};
    size_t n, tagged;
    uint32_t *members = c->args[0].n && call_may_team(c, c->args[0]) ? team_members(c->d, c->args[0], &n) : NULL;
    if (!members) {
        call_not_found(c->r);
        return;
    }
    begin_table(&out, pipeline_month(c->d->pipeline), site_as_of(c->d->site), &tagged);
    buf_put_str(&out, STR_LIT(",\"team\":"));
    buf_put_json(&out, c->args[0]);
    buf_put_str(&out, STR_LIT(",\"rows\":["));
    show_leaders(&out, c, members, n);
    buf_put_str(&out, STR_LIT("]}"));
    free(members);
    call_answer_tagged(c, &out, tagged);
}

/* --- the rules ---------------------------------------------------------------------------------------------------- */

static void show_rule_kpi(struct buf *out, const struct kpi *k)
{
    buf_put_byte(out, '{');
    show_kpi_head(out, k);
    buf_printf(out, ",\"weight_micro\":%" PRId64 ",\"min_samples\":%" PRId64 ",\"curve\":[", k->weight_micro,
               k->min_samples);
    for (size_t i = 0; i < k->points_n; i++) {
        buf_printf(out, "%s{\"value_micro\":%" PRId64 ",\"points_micro\":%" PRId64 "}", i ? "," : "",
                   k->points[i].value_micro, k->points[i].points_micro);
    }
    buf_put_str(out, STR_LIT("]}"));
}

static void show_rules(struct buf *out, const struct rulebook *r)
{
    char from[16];
    civil_print_month(from, sizeof(from), r->effective_month == INT32_MIN ? 0 : r->effective_month);
    buf_printf(out, ",\"sha256\":\"%s\",\"effective_from\":", r->sha256);
    show_text(out, str_of(r->effective_month == INT32_MIN ? "" : from));
#define WHOLE(name, value) buf_printf(out, ",\"" name "\":%" PRId64, value)
    WHOLE("response_target_ms", r->response_target_ms);
    WHOLE("resolution_limit_ms", r->resolution_limit_ms);
    WHOLE("fcr_window_ms", r->fcr_window_ms);
    WHOLE("abandon_after_ms", r->abandon_after_ms);
    WHOLE("idle_after_ms", r->idle_after_ms);
    WHOLE("tier_min_handled", r->tier_min_handled);
    WHOLE("hysteresis_milli", r->hysteresis_milli);
    WHOLE("dwell_ms", r->dwell_ms);
    WHOLE("cross_sell_min_fen", r->cross_sell_min_fen);
#undef WHOLE
    buf_put_str(out, STR_LIT(",\"kpis\":["));
    for (size_t i = 0; i < r->kpis_n; i++) {
        buf_put_str(out, i ? STR_LIT(",") : STR_LIT(""));
        show_rule_kpi(out, &r->kpis[i]);
    }
    buf_put_str(out, STR_LIT("],\"tiers\":["));
    for (size_t i = 0; i < r->tiers_n; i++) {
        buf_put_str(out, i ? STR_LIT(",") : STR_LIT(""));
        show_tier(out, &r->tiers[i]);
    }
    buf_put_str(out, STR_LIT("]}"));
}

void api_rulebook(struct call *c)
{
    char text[16];
    struct buf out = {0};
    struct str asked = call_query(c, "month");
    int32_t month = pipeline_month(c->d->pipeline);
    if (asked.n && !call_month(c, asked, &month)) {
        return;
    }
    civil_print_month(text, sizeof(text), month);
    buf_printf(&out, "{\"month\":\"%s\",\"name\":", text);
    buf_put_json(&out, rulebook_of(c, month)->name);
    show_rules(&out, rulebook_of(c, month));
    call_answer_tagged(c, &out, 0);
}
