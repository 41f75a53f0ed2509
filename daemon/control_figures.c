/* Answers about the daemon and its figures: status, agent, agents, report. Read only; no pay. */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/json_put.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/report.h"
#include "kefu/views/board.h"

static void put_known_whole(struct buf *out, const char *name, int64_t v)
{
    if (v != VIEW_NONE) {
        json_put_whole(out, name, v);
    }
}

/* Milli units as a decimal with three places. */
static void put_milli(struct buf *out, const char *name, int64_t milli)
{
    if (milli != SCORE_NONE) {
        json_put_name(out, name);
        buf_printf(out, "%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);
    }
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static void begin(struct buf *out, const char *name)
{
    json_put_name(out, name);
    buf_put_byte(out, '{');
}

static void put_checkpoint(struct buf *out, const struct daemon *d)
{
    struct checkpoint_status s;
    checkpoint_status(pipeline_checkpoint(d->pipeline), &s);
    begin(out, "checkpoint");
    json_put_whole(out, "seq", (int64_t)s.seq);
    if (s.at_ms) {
        json_put_whole(out, "at", s.at_ms);
    }
    json_put_truth(out, "busy", s.busy);
    json_put_whole(out, "unsaved", (int64_t)s.unsaved_n);
    json_put_whole(out, "in_memory", (int64_t)s.in_memory_n);
    buf_put_byte(out, '}');
}

static void put_counts(struct buf *out, struct daemon *d)
{
    struct site_counts n;
    site_counts(d->site, &n);
    begin(out, "counts");
    json_put_whole(out, "events", (int64_t)n.events_n);
    json_put_whole(out, "conversations", (int64_t)n.conversations_n);
    json_put_whole(out, "open", (int64_t)n.open_n);
    json_put_whole(out, "waiting", (int64_t)n.waiting_n);
    json_put_whole(out, "agents", site_agents_n(d->site));
    json_put_whole(out, "orders", (int64_t)n.orders_n);
    json_put_whole(out, "quarantined", (int64_t)quarantine_n(pipeline_quarantine(d->pipeline)));
    buf_put_byte(out, '}');
}

static void put_ways(struct buf *out, const struct daemon *d)
{
    const struct config *c = &d->settings->config;
    if (d->http) {
        begin(out, "http");
        json_put_text(out, "address", str_of(http_address(d->http)));
        json_put_whole(out, "port", http_port(d->http));
        buf_put_byte(out, '}');
    }
    json_put_text(out, "ingest_socket", str_of(socket_path(d->socket)));
    json_put_text(out, "redis_address", c->redis_address);
    json_put_text(out, "prefix", c->redis_prefix);
}

static void put_redis(struct buf *out, const struct daemon *d)
{
    struct publisher_state s = {0};
    if (d->publisher) {
        publisher_state(d->publisher, &s);
    }
    const char *state = !d->publisher ? "off" : s.live ? "live" : "away";
    begin(out, "redis");
    json_put_text(out, "state", str_of(state));
    json_put_whole(out, "backlog", (int64_t)pipeline_backlog(d->pipeline));
    if (d->publisher) {
        json_put_whole(out, "agents_waiting", (int64_t)s.agents_waiting_n);
        json_put_whole(out, "snapshots", (int64_t)s.snapshots_n);
        json_put_whole(out, "effects", (int64_t)s.effects_n);
        json_put_whole(out, "errors", (int64_t)s.errors_n);
        if (!s.live && s.why[0]) {
            json_put_text(out, "why", str_of(s.why));
        }
    }
    buf_put_byte(out, '}');
}

static void put_store(struct buf *out, const struct daemon *d)
{
    struct scrub_state s = {0};
    begin(out, "journal");
    json_put_whole(out, "last_seq", (int64_t)store_last_seq(d->store));
    json_put_whole(out, "set_aside", (int64_t)store_aside_n(d->store));
    buf_put_byte(out, '}');
    if (!d->scrub) {
        return;
    }
    scrub_state(d->scrub, &s);
    begin(out, "damage");
    json_put_whole(out, "found", (int64_t)s.damages_n);
    json_put_whole(out, "looks", (int64_t)s.passes_n);
    if (s.last.what[0]) {
        json_put_text(out, "where", str_of(s.last.where));
        json_put_text(out, "last", str_of(s.last.what));
    }
    buf_put_byte(out, '}');
}

enum control_outcome control_status(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    struct buf *out = c->out;
    char period[16];
    (void)e;
    civil_print_month(period, sizeof(period), pipeline_month(d->pipeline));
    json_put_text(out, "version", STR_LIT(KEFU_VERSION));
    json_put_whole(out, "pid", getpid());
    json_put_text(out, "site", d->settings->config.site);
    json_put_truth(out, "demo", d->settings->config.demo);
    json_put_text(out, "state", d->settings->config.state_dir);
    json_put_whole(out, "uptime_ms", clock_mono_ms(&d->clock) - d->started_mono_ms);
    json_put_truth(out, "ready", d->ready && !d->stopping);
    json_put_text(out, "rulebook", pipeline_rulebook(d->pipeline)->name);
    json_put_text(out, "period", str_of(period));
    json_put_whole(out, "as_of", site_as_of(d->site));
    put_counts(out, d);
    put_store(out, d);
    put_checkpoint(out, d);
    put_redis(out, d);
    streams_put_status(out, d);
    control_put_sources(out, d);
    put_ways(out, d);
    return CONTROL_ANSWERED;
}

/* --- agents ------------------------------------------------------------------------------------------------------- */

static void put_kpis(struct buf *out, const struct agent_view *v)
{
    buf_put_str(out, STR_LIT(",\"kpis\":["));
    for (size_t i = 0; i < v->score.kpis_n; i++) {
        const struct kpi_score *k = &v->score.kpis[i];
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT("{"));
        json_put_text(out, "name", v->rulebook->kpis[i].name);
        json_put_whole(out, "num", k->num);
        json_put_whole(out, "den", k->den);
        put_milli(out, "points", k->score_milli);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

/* The members of an agent's snapshot; what has no data is not there. */
static void put_view(struct buf *out, const struct agent_view *v)
{
    const struct figures *f = &v->month_to_date;
    char period[16];
    civil_print_month(period, sizeof(period), v->month);
    json_put_text(out, "agent", v->agent);
    json_put_known(out, "name", v->name);
    json_put_known(out, "team", v->team);
    json_put_text(out, "rulebook", v->rulebook->name);
    json_put_text(out, "period", str_of(period));
    put_milli(out, "score", v->score.total_milli);
    json_put_known(out, "tier", v->live_tier);
    json_put_truth(out, "provisional", v->provisional);
    put_kpis(out, v);
    json_put_whole(out, "answered", f->answered);
    json_put_whole(out, "within", f->within);
    json_put_whole(out, "missed", f->missed);
    json_put_whole(out, "handled", f->handled);
    put_known_whole(out, "response_p50", v->response_p50_ms);
    put_known_whole(out, "response_p90", v->response_p90_ms);
    json_put_whole(out, "rated", f->rating_n);
    put_milli(out, "rating_mean", f->rating_n ? f->rating_sum / f->rating_n : SCORE_NONE);
    json_put_whole(out, "open", v->open_n);
    json_put_whole(out, "waiting", v->waiting_n);
    put_known_whole(out, "oldest_wait_at", v->oldest_wait_at);
    json_put_whole(out, "as_of", v->as_of);
    json_put_whole(out, "seq", (int64_t)v->seq);
}

/* Totals of a period as an object; null if there is no figure. */
static void put_figures(struct buf *out, const char *name, const struct figures *f)
{
    json_put_name(out, name);
    if (!f) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    buf_put_byte(out, '{');
#define X(field) json_put_whole(out, #field, f->field);
    FIGURES(X)
#undef X
    buf_put_byte(out, '}');
}

enum control_outcome control_agent(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    struct agent_view v;
    struct str id;
    if (control_text(c->request, "agent", &id, e) < 0) {
        return CONTROL_REFUSED;
    }
    uint32_t agent = id.n ? site_agent_find(d->site, id) : 0;
    if (agent == 0) {
        return (enum control_outcome)err_set(
            e, "agent", "there is no agent \"%.*s\" in any event; `kefuctl agents` lists them", STR_ARG(id));
    }
    pipeline_catch_up(d->pipeline);
    pipeline_view(d->pipeline, agent, &v);
    put_view(c->out, &v);
    int32_t today = tz_day(d->settings->tz, site_as_of(d->site));
    put_figures(c->out, "today", site_figures(d->site, agent, PERIOD_DAY, today));
    put_figures(c->out, "month", site_figures(d->site, agent, PERIOD_MONTH, v.month));
    return CONTROL_ANSWERED;
}

static void put_view_object(struct buf *out, const struct agent_view *v)
{
    buf_put_byte(out, '{');
    put_view(out, v);
    buf_put_byte(out, '}');
}

enum control_outcome control_agents(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    uint32_t n = site_agents_n(d->site);
    struct agent_view *views = xcalloc(n, sizeof(*views));
    (void)e;
    pipeline_catch_up(d->pipeline);
    for (uint32_t i = 0; i < n; i++) {
        pipeline_view(d->pipeline, i + 1, &views[i]);
    }
    qsort(views, n, sizeof(*views), board_cmp);
    buf_put_str(c->out, STR_LIT(",\"agents\":["));
    for (uint32_t i = 0; i < n; i++) {
        buf_put_str(c->out, i ? STR_LIT(",") : STR_LIT(""));
        put_view_object(c->out, &views[i]);
    }
    buf_put_byte(c->out, ']');
    free(views);
    return CONTROL_ANSWERED;
}

enum control_outcome control_report(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    struct str by;
    if (control_text(c->request, "by", &by, e) < 0) {
        return CONTROL_REFUSED;
    }
    bool day = str_eq(by, STR_LIT("day"));
    if (!day && by.n && !str_eq(by, STR_LIT("month"))) {
        return (enum control_outcome)err_set(e, "by", "found \"%.*s\", expected \"month\" or \"day\"", STR_ARG(by));
    }
    pipeline_catch_up(d->pipeline);
    buf_put_str(c->out, STR_LIT(",\"report\":"));
    report_print(c->out, &(struct report_request){.site = d->site,
                                                  .rulebooks = &d->settings->rulebooks,
                                                  .tz = d->settings->tz,
                                                  .by = day ? PERIOD_DAY : PERIOD_MONTH,
                                                  .as_of = site_as_of(d->site),
                                                  .one_line = true});
    return CONTROL_ANSWERED;
}
