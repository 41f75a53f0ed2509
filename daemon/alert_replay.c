/* A small house of its own, turned by the history. */
#include "kefu/daemon/alert_replay.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

struct alert_replay {
    struct alert_replay_options o;
    struct site *site;
    struct sources *sources;
    struct judge *judge;
    struct alerts *alerts;
    int64_t now_ms, site_due_ms;
    int32_t month;
};

struct alert_replay *alert_replay_new(const struct alert_replay_options *o)
{
    static const struct store_marks marks;
    struct alert_replay *r = xcalloc(1, sizeof(*r));
    r->o = *o;
    r->now_ms = r->site_due_ms = INT64_MIN;
    r->site = site_new(&(struct site_options){.tz = o->tz, .rulebooks = o->rulebooks, .seed = 1, .rolling = true});
    r->sources = sources_new(1, o->tz);
    r->judge = judge_new(r->site, o->rulebooks, &marks);
    r->alerts = alerts_new(&(struct alerts_options){
        .site = r->site, .rulebooks = o->rulebooks, .tz = o->tz, .sources = r->sources, .channels = o->channels});
    judge_attend(r->judge, r->alerts);
    return r;
}

void alert_replay_free(struct alert_replay *r)
{
    judge_free(r->judge);
    alerts_free(r->alerts);
    sources_free(r->sources);
    site_free(r->site);
    free(r);
}

static void mark(struct alert_replay *r)
{
    size_t n;
    const uint32_t *dirty = site_dirty(r->site, &n);
    int32_t month = civil_month(tz_day(r->o.tz, r->now_ms));
    for (size_t i = 0; i < n; i++) {
        judge_mark(r->judge, dirty[i]);
    }
    site_clean(r->site);
    if (month != r->month) {
        r->month = month;
        judge_mark_all(r->judge);
    }
}

static void turn(struct alert_replay *r)
{
    struct judgement g = {0};
    r->site_due_ms = site_advance(r->site, r->now_ms, SIZE_MAX);
    mark(r);
    judge_run(r->judge, r->month, r->now_ms, &g);
    for (size_t i = 0; i < g.effects_n; i++) {
        r->o.effect(r->o.arg, r->now_ms, &g.effects[i]);
    }
    judge_settle(r->judge, &g, true);
    judgement_fini(&g);
}

void alert_replay_to(struct alert_replay *r, int64_t now_ms)
{
    while (r->now_ms != INT64_MIN) {
        int64_t due_ms = judge_due_ms(r->judge);
        due_ms = r->site_due_ms < due_ms ? r->site_due_ms : due_ms;
        due_ms = due_ms > r->now_ms ? due_ms : r->now_ms + 1;
        if (due_ms > now_ms) {
            break;
        }
        r->now_ms = due_ms;
        turn(r);
    }
    if (now_ms > r->now_ms) {
        r->now_ms = now_ms;
        turn(r);
    }
}

void alert_replay_event(struct alert_replay *r, const struct event *e)
{
    alert_replay_to(r, e->ts);
    alerts_act(r->alerts, e);
    if (site_fold(r->site, e, r->now_ms) == VERDICT_ACCEPTED) {
        sources_saw(r->sources, e, r->now_ms);
    }
    turn(r);
}
