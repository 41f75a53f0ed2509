/* Answers about the daemon and its figures: status, agent, agents, report. Read only; no pay. */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/report.h"
#include "kefu/views/board.h"

static void put_text(struct buf *out, const char *name, struct str s)
{
    buf_printf(out, ", \"%s\": ", name);
    buf_put_json(out, s);
}

static void put_known_text(struct buf *out, const char *name, struct str s)
{
    if (s.n) {
        put_text(out, name, s);
    }
}

static void put_whole(struct buf *out, const char *name, int64_t v)
{
    buf_printf(out, ", \"%s\": %" PRId64, name, v);
}

static void put_known_whole(struct buf *out, const char *name, int64_t v)
{
    if (v != VIEW_NONE) {
        put_whole(out, name, v);
    }
}

static void put_truth(struct buf *out, const char *name, bool v)
{
    buf_printf(out, ", \"%s\": %s", name, v ? "true" : "false");
}

/* Milli units as a decimal with three places. */
static void put_milli(struct buf *out, const char *name, int64_t milli)
{
    if (milli != SCORE_NONE) {
        buf_printf(out, ", \"%s\": %" PRId64 ".%03" PRId64, name, milli / 1000, milli % 1000);
    }
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static void put_checkpoint(struct buf *out, const struct daemon *d)
{
    struct checkpoint_status s;
    checkpoint_status(pipeline_checkpoint(d->pipeline), &s);
    buf_printf(out, ", \"checkpoint\": {\"seq\": %" PRIu64 ", ", s.seq);
    if (s.at_ms) {
        buf_printf(out, "\"at\": %" PRId64 ", ", s.at_ms);
    }
    buf_printf(out, "\"busy\": %s, \"unsaved\": %zu, \"in_memory\": %zu}", s.busy ? "true" : "false", s.unsaved_n,
               s.in_memory_n);
}

static void put_counts(struct buf *out, struct daemon *d)
{
    struct site_counts n;
    site_counts(d->site, &n);
    buf_printf(out, ", \"counts\": {\"events\": %" PRIu64 ", \"conversations\": %" PRIu64 ", \"open\": %" PRIu64,
               n.events_n, n.conversations_n, n.open_n);
    buf_printf(out, ", \"waiting\": %" PRIu64 ", \"agents\": %u, \"orders\": %" PRIu64 ", \"quarantined\": %zu}",
               n.waiting_n, site_agents_n(d->site), n.orders_n, quarantine_n(pipeline_quarantine(d->pipeline)));
}

static void put_ways(struct buf *out, const struct daemon *d)
{
    const struct config *c = &d->settings->config;
    if (d->http) {
        buf_put_str(out, STR_LIT(", \"http\": {\"address\": "));
        buf_put_json(out, str_of(http_address(d->http)));
        buf_printf(out, ", \"port\": %u}", http_port(d->http));
    }
    put_text(out, "ingest_socket", str_of(socket_path(d->socket)));
    put_text(out, "redis_address", c->redis_address);
    put_text(out, "prefix", c->redis_prefix);
}

static void put_redis(struct buf *out, const struct daemon *d)
{
    struct publisher_state s = {0};
    if (d->publisher) {
        publisher_state(d->publisher, &s);
    }
    const char *state = !d->publisher ? "off" : s.live ? "live" : "away";
    buf_printf(out, ", \"redis\": {\"state\": \"%s\", \"backlog\": %zu", state, pipeline_backlog(d->pipeline));
    if (d->publisher) {
        buf_printf(out, ", \"agents_waiting\": %zu, \"snapshots\": %" PRIu64 ", \"effects\": %" PRIu64,
                   s.agents_waiting_n, s.snapshots_n, s.effects_n);
        buf_printf(out, ", \"errors\": %" PRIu64, s.errors_n);
    }
    buf_put_byte(out, '}');
}

static void put_store(struct buf *out, const struct daemon *d)
{
    struct scrub_state s = {0};
    buf_printf(out, ", \"journal\": {\"last_seq\": %" PRIu64 ", \"set_aside\": %" PRIu64 "}", store_last_seq(d->store),
               store_aside_n(d->store));
    if (!d->scrub) {
        return;
    }
    scrub_state(d->scrub, &s);
    buf_printf(out, ", \"damage\": {\"found\": %" PRIu64 ", \"looks\": %" PRIu64, s.damages_n, s.passes_n);
    if (s.last.what[0]) {
        put_text(out, "where", str_of(s.last.where));
        put_text(out, "last", str_of(s.last.what));
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
    put_text(out, "version", STR_LIT(KEFU_VERSION));
    put_whole(out, "pid", getpid());
    put_text(out, "site", d->settings->config.site);
    put_truth(out, "demo", d->settings->config.demo);
    put_text(out, "state", d->settings->config.state_dir);
    put_whole(out, "uptime_ms", clock_mono_ms(&d->clock) - d->started_mono_ms);
    put_truth(out, "ready", d->ready && !d->stopping);
    put_text(out, "rulebook", pipeline_rulebook(d->pipeline)->name);
    put_text(out, "period", str_of(period));
    put_whole(out, "as_of", site_as_of(d->site));
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
    buf_put_str(out, STR_LIT(", \"kpis\": ["));
    for (size_t i = 0; i < v->score.kpis_n; i++) {
        const struct kpi_score *k = &v->score.kpis[i];
        buf_put_str(out, i ? STR_LIT(", {\"name\": ") : STR_LIT("{\"name\": "));
        buf_put_json(out, v->rulebook->kpis[i].name);
        buf_printf(out, ", \"num\": %" PRId64 ", \"den\": %" PRId64, k->num, k->den);
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
    put_text(out, "agent", v->agent);
    put_known_text(out, "name", v->name);
    put_known_text(out, "team", v->team);
    put_text(out, "rulebook", v->rulebook->name);
    put_text(out, "period", str_of(period));
    put_milli(out, "score", v->score.total_milli);
    put_known_text(out, "tier", v->live_tier);
    put_truth(out, "provisional", v->provisional);
    put_kpis(out, v);
    put_whole(out, "answered", f->answered);
    put_whole(out, "within", f->within);
    put_whole(out, "missed", f->missed);
    put_whole(out, "handled", f->handled);
    put_known_whole(out, "response_p50", v->response_p50_ms);
    put_known_whole(out, "response_p90", v->response_p90_ms);
    put_whole(out, "rated", f->rating_n);
    put_milli(out, "rating_mean", f->rating_n ? f->rating_sum / f->rating_n : SCORE_NONE);
    put_whole(out, "open", v->open_n);
    put_whole(out, "waiting", v->waiting_n);
    put_known_whole(out, "oldest_wait_at", v->oldest_wait_at);
    put_whole(out, "as_of", v->as_of);
    buf_printf(out, ", \"seq\": %" PRIu64, v->seq);
}

/* Totals of a period as an object; null if there is no figure. */
static void put_figures(struct buf *out, const char *name, const struct figures *f)
{
    const char *comma = "";
    buf_printf(out, ", \"%s\": ", name);
    if (!f) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    buf_put_byte(out, '{');
#define X(field)                                                                                                       \
    buf_printf(out, "%s\"%s\": %" PRId64, comma, #field, f->field);                                                    \
    comma = ", ";
    FIGURES(X)
#undef X
    (void)comma;
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
    size_t at = out->n;
    put_view(out, v);
    out->p[at] = '{'; /* in the place of the first comma */
    out->p[at + 1] = ' ';
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
    buf_put_str(c->out, STR_LIT(", \"agents\": ["));
    for (uint32_t i = 0; i < n; i++) {
        buf_put_str(c->out, i ? STR_LIT(", ") : STR_LIT(""));
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
    buf_put_str(c->out, STR_LIT(", \"report\": "));
    report_print(c->out, &(struct report_request){.site = d->site,
                                                  .rulebooks = &d->settings->rulebooks,
                                                  .tz = d->settings->tz,
                                                  .by = day ? PERIOD_DAY : PERIOD_MONTH,
                                                  .as_of = site_as_of(d->site),
                                                  .one_line = true});
    return CONTROL_ANSWERED;
}
