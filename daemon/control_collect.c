/* Answers about platforms: how each collector fares, and which accounts are bound to nobody. Read only. */
#include <inttypes.h>

#include "kefu/base/json_put.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

static void put_time(struct buf *out, const char *name, int64_t at_ms)
{
    if (at_ms > 0) {
        json_put_whole(out, name, at_ms);
    }
}

static void put_one(struct buf *out, const struct collect_state *s)
{
    buf_put_str(out, STR_LIT("{\"name\":"));
    buf_put_json(out, s->name);
    buf_put_str(out, STR_LIT(",\"platform\":"));
    buf_put_json(out, s->platform);
    buf_printf(out, ",\"deliveries\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"full\":%" PRIu64, s->deliveries_n,
               s->refused_n, s->full_n);
    buf_printf(out, ",\"accepted\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"rejected\":%" PRIu64, s->accepted_n,
               s->duplicate_n, s->rejected_n);
    buf_printf(out, ",\"ignored\":%" PRIu64 ",\"asks\":%s", s->ignored_n, s->asks ? "true" : "false");
    put_time(out, "heard_at", s->heard_at_ms);
    put_time(out, "last_ts", s->last_ts);
    if (s->asks) {
        put_time(out, "asked_at", s->asked_at_ms);
        buf_printf(out, ",\"asked\":%" PRIu64 ",\"failed\":%" PRIu64, s->asked_n, s->failed_n);
    }
    put_time(out, "gap_from", s->gap_from_ms);
    put_time(out, "gap_to", s->gap_to_ms);
    json_put_known(out, "trouble", str_of(s->trouble));
    buf_put_byte(out, '}');
}

/* The collector of a source; false: it has none. */
static bool find_state(const struct collect *c, struct str source, struct collect_state *out)
{
    for (size_t i = 0; i < collect_n(c); i++) {
        collect_at(c, i, out);
        if (str_eq(out->name, source)) {
            return true;
        }
    }
    return false;
}

static void put_source(struct buf *out, const struct daemon *d, const struct source_count *s, bool first)
{
    struct collect_state of;
    int64_t lag_ms = s->events_n ? clock_wall_ms(&d->clock) - s->last_ts : 0;
    buf_put_str(out, first ? STR_LIT("{\"source\":") : STR_LIT(",{\"source\":"));
    buf_put_json(out, s->source);
    buf_printf(out, ",\"events\":%" PRIu64, s->events_n);
    if (s->events_n) {
        buf_printf(out, ",\"last_ts\":%" PRId64 ",\"lag_ms\":%" PRId64, s->last_ts, lag_ms > 0 ? lag_ms : 0);
    }
    if (find_state(d->collect, s->source, &of)) {
        json_put_text(out, "platform", of.platform);
        put_time(out, "heard_at", of.heard_at_ms);
        put_time(out, "asked_at", of.asked_at_ms);
        put_time(out, "gap_from", of.gap_from_ms);
        put_time(out, "gap_to", of.gap_to_ms);
        json_put_known(out, "trouble", str_of(of.trouble));
    }
    buf_put_byte(out, '}');
}

void control_put_sources(struct buf *out, const struct daemon *d)
{
    const struct sources *sources = pipeline_sources(d->pipeline);
    size_t n = 0;
    buf_put_str(out, STR_LIT(",\"sources\":["));
    for (size_t i = 0; i < sources_n(sources); i++) {
        struct source_count s = sources_at(sources, i);
        put_source(out, d, &s, n++ == 0);
    }
    for (size_t i = 0; i < collect_n(d->collect); i++) {
        struct collect_state of;
        bool has_sent = false;
        collect_at(d->collect, i, &of);
        for (size_t k = 0; k < sources_n(sources); k++) {
            has_sent |= str_eq(sources_at(sources, k).source, of.name);
        }
        if (!has_sent) {
            put_source(out, d, &(struct source_count){of.name, 0, INT64_MIN, INT64_MIN}, n++ == 0);
        }
    }
    buf_put_byte(out, ']');
}

enum control_outcome control_collectors(struct control_call *c, struct err *e)
{
    const struct collect *collect = c->d->collect;
    (void)e;
    buf_put_str(c->out, STR_LIT(",\"collectors\":["));
    for (size_t i = 0; i < collect_n(collect); i++) {
        struct collect_state s;
        collect_at(collect, i, &s);
        buf_put_str(c->out, i ? STR_LIT(",") : STR_LIT(""));
        put_one(c->out, &s);
    }
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}

/* Is it an account of a configured collector: NAME:…? Bound ones have the agent's id instead. */
static bool is_account(const struct roster *r, struct str agent)
{
    const char *colon = agent.n ? memchr(agent.p, ':', agent.n) : NULL;
    return colon && roster_find(r, (struct str){agent.p, (size_t)(colon - agent.p)});
}

enum control_outcome control_unbound(struct control_call *c, struct err *e)
{
    const struct daemon *d = c->d;
    size_t n = 0;
    (void)e;
    buf_put_str(c->out, STR_LIT(",\"unbound\":["));
    for (uint32_t agent = 1; agent <= site_agents_n(d->site); agent++) {
        struct str id = site_agent_id(d->site, agent);
        struct agent_view v;
        if (!is_account(&d->settings->directory->roster, id)) {
            continue;
        }
        pipeline_view(d->pipeline, agent, &v);
        buf_put_str(c->out, n++ ? STR_LIT(",{\"account\":") : STR_LIT("{\"account\":"));
        buf_put_json(c->out, id);
        buf_printf(c->out, ",\"answered\":%" PRId64 ",\"handled\":%" PRId64 "}", v.month_to_date.answered,
                   v.month_to_date.handled);
    }
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}
