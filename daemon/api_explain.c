/* Why: pages of an account. The first page asks for one and waits; the others come from the one that is kept. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/explain.h"
#include "kefu/daemon/month_keep.h"
#include "kefu/daemon/show.h"
#include "kefu/daemon/show_why.h"

#define BUSY_S 5

/* A page that is asked for: all that is needed when the account is there. */
struct page {
    struct daemon *d;
    struct http_request *request;
    char period[16];
    int32_t month;
    size_t limit, offset;
    enum metric metric; /* METRIC_NONE: all */
    char kind[16];      /* "": all */
};

/* Is an item part of what a metric is made of? */
static bool is_part(enum metric m, const struct account_item *i)
{
    enum fact_kind fact = i->kind == ACCOUNT_FACT ? i->as.fact.kind : FACT_NONE;
    switch (m) {
    case METRIC_REPLY_WITHIN_RATE: return fact == FACT_ANSWER || fact == FACT_MISS || fact == FACT_TURN;
    case METRIC_RESPONSE_MEAN_SECONDS: return fact == FACT_ANSWER;
    case METRIC_FIRST_REPLY_WITHIN_RATE:
    case METRIC_FIRST_RESPONSE_MEAN_SECONDS: return fact == FACT_ANSWER && i->as.fact.first;
    case METRIC_RESOLVED_WITHIN_RATE:
    case METRIC_RESOLVED_RATE: return i->kind == ACCOUNT_EPISODE || fact == FACT_IDLE;
    case METRIC_FCR_RATE: return i->kind == ACCOUNT_EPISODE && i->as.episode.fcr != FCR_NONE;
    case METRIC_RATING_MEAN:
    case METRIC_RATING_GOOD_RATE: return fact == FACT_RATING;
    case METRIC_CROSS_SELL_ORDERS: return i->kind == ACCOUNT_ORDER;
    default: return true;
    }
}

static bool fits(const struct page *p, const struct account_item *i)
{
    return is_part(p->metric, i) && (!p->kind[0] || strcmp(p->kind, item_kind(i)) == 0);
}

/* Items that fit, of these one page; returns how many fit in all. */
static size_t show_items(struct buf *out, const struct page *p, const struct account *a)
{
    struct show_why w = {p->d->settings->config.conversation_url, &p->d->settings->rulebooks};
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (!fits(p, &a->items[i])) {
            continue;
        }
        if (n >= p->offset && n - p->offset < p->limit) {
            if (n > p->offset) {
                buf_put_byte(out, ',');
            }
            show_item(out, &w, &a->items[i]);
        }
        n++;
    }
    return n;
}

static void show_account(struct buf *out, const struct page *p, const struct explained *x)
{
    const struct rulebook *r = rulebooks_for_day(&p->d->settings->rulebooks, civil_month_first(p->month));
    struct buf items = {0};
    size_t n = show_items(&items, p, &x->account);
    buf_put_str(out, STR_LIT("{\"agent\":"));
    buf_put_json(out, site_agent_id(p->d->site, x->account.agent));
    buf_printf(out, ",\"period\":\"%s\",\"snapshot\":\"%s\",", p->period, x->snapshot);
    show_time(out, "as_of", x->as_of);
    buf_put_str(out, STR_LIT(",\"rulebook\":"));
    buf_put_json(out, r->name);
    buf_put_str(out, STR_LIT(",\"figures\":"));
    show_figures(out, &x->figures);
    buf_printf(out, ",\"n\":%zu,\"items\":[", n);
    buf_put_str(out, buf_str(&items));
    buf_put_str(out, STR_LIT("],\"next\":"));
    if (p->offset + p->limit < n) {
        buf_printf(out, "\"%s.%zu\"}\n", x->snapshot, p->offset + p->limit);
    } else {
        buf_put_str(out, STR_LIT("null}\n"));
    }
    buf_fini(&items);
}

static void answer_page(void *arg, const struct explained *x)
{
    struct page *p = arg;
    struct buf out = {0};
    if (x) {
        show_account(&out, p, x);
        http_answer(p->request, 200, "application/json", buf_str(&out));
    } else {
        call_busy(p->request, "it cannot be explained at this moment", BUSY_S);
    }
    buf_fini(&out);
    free(p);
}

/* "SNAPSHOT.OFFSET" of ?after=. False: it is none. */
static bool read_after(struct str after, struct str *snapshot, size_t *offset)
{
    const char *dot = memchr(after.p, '.', after.n);
    int64_t n;
    if (!dot) {
        return false;
    }
    *snapshot = (struct str){after.p, (size_t)(dot - after.p)};
    struct str rest = {dot + 1, after.n - snapshot->n - 1};
    if (fix_parse_whole(rest, &n) < 0 || n < 0) {
        return false;
    }
    *offset = (size_t)n;
    return true;
}

/* A day or month that has begun by now. */
static bool read_period(const struct call *c, struct explain_ask *ask, struct page *p)
{
    int32_t today = tz_day(c->d->settings->tz, site_as_of(c->d->site));
    if (c->args[1].n >= sizeof(p->period)) {
        return false;
    }
    snprintf(p->period, sizeof(p->period), "%.*s", STR_ARG(c->args[1]));
    if (civil_parse_day(c->args[1], &ask->period) == 0) {
        ask->kind = PERIOD_DAY;
        p->month = civil_month(ask->period);
        return ask->period <= today;
    }
    ask->kind = PERIOD_MONTH;
    bool well = civil_parse_month(c->args[1], &ask->period) == 0;
    p->month = ask->period;
    return well && ask->period <= civil_month(today);
}

/* The evidence of the period was let go of: its sums are told where they stayed, and that there is nothing behind them. */
static void answer_let_go(struct call *c, const struct page *p, const struct explain_ask *ask)
{
    const struct rulebook *r = rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(p->month));
    const struct figures *f = site_figures(c->d->site, ask->agent, ask->kind, ask->period);
    static const struct figures none;
    struct buf out = {0};
    buf_put_str(&out, STR_LIT("{\"agent\":"));
    buf_put_json(&out, site_agent_id(c->d->site, ask->agent));
    buf_printf(&out, ",\"period\":\"%s\",\"snapshot\":\"\",", p->period);
    show_time(&out, "as_of", site_as_of(c->d->site));
    buf_put_str(&out, STR_LIT(",\"rulebook\":"));
    buf_put_json(&out, r->name);
    buf_put_str(&out, STR_LIT(",\"figures\":"));
    show_figures(&out, f ? f : &none);
    buf_put_str(&out, STR_LIT(",\"n\":0,\"items\":[],\"next\":null,\"let_go\":true}\n"));
    http_answer(c->r, 200, "application/json", buf_str(&out));
    buf_fini(&out);
}

/* ?kpi= and ?kind=. False: there is no such KPI; answered. */
static bool read_filters(struct call *c, struct page *p)
{
    const struct rulebook *r = rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(p->month));
    struct str kpi = call_query(c, "kpi"), kind = call_query(c, "kind");
    snprintf(p->kind, sizeof(p->kind), "%.*s", STR_ARG(kind));
    for (size_t i = 0; kpi.n && i < r->kpis_n; i++) {
        if (str_eq(r->kpis[i].name, kpi)) {
            p->metric = r->kpis[i].metric;
        }
    }
    if (kpi.n && p->metric == METRIC_NONE) {
        call_bad(c, "kpi: the rulebook of that month has none of this name");
        return false;
    }
    return true;
}

/* The next page of an account that is kept; answers. */
static void go_on(struct call *c, struct page *p, struct str after, const struct explain_ask *ask)
{
    struct str snapshot;
    const struct explained *x = NULL;
    if (read_after(after, &snapshot, &p->offset)) {
        x = explain_find(c->d->explain, snapshot, ask);
    }
    if (x) {
        answer_page(p, x);
    } else {
        http_answer_error(c->r, 410, "this account is no longer kept; begin anew");
        free(p);
    }
}

void api_explain(struct call *c)
{
    struct call_page asked;
    struct explain_ask ask = {.answer = answer_page};
    struct page p = {.d = c->d, .request = c->r};
    ask.agent = call_agent(c);
    if (!ask.agent) {
        return;
    }
    if (!read_period(c, &ask, &p)) {
        call_not_found(c->r);
        return;
    }
    if (!call_page(c, &asked) || !read_filters(c, &p)) {
        return;
    }
    if (month_is_let_go(c->d->months, p.month)) {
        answer_let_go(c, &p, &ask);
        return;
    }
    p.limit = asked.limit;
    ask.asker = digest_checksum(c->who.token->id);
    struct page *kept = xcalloc(1, sizeof(*kept));
    *kept = p;
    ask.arg = kept;
    if (asked.after.n) {
        go_on(c, kept, asked.after, &ask);
    } else if (!explain_ask(c->d->explain, &ask)) {
        call_busy(c->r, "too many ask for explanations at this moment", BUSY_S);
        free(kept);
    }
}
