/* Alerts on the board: the list of those one may see, taking one on, silencing.
 *
 * An agent sees what agents are told of themselves; a lead the teams led and what concerns the whole house, if leads are told
 * of it; an admin all. Leads and admins act. What one may not see is not there, also to act upon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/alert_acts.h"
#include "kefu/daemon/api.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/live.h"

struct viewer {
    struct daemon *d;
    const struct caller *caller;
};

static bool may(const struct viewer *w, const struct about *whom)
{
    return rights_may(w->caller, PART_ALERTS, whom);
}

static bool sees(void *arg, const struct alert_view *v)
{
    const struct viewer *w = arg;
    uint32_t told = w->caller->role == ROLE_AGENT ? HEARS_AGENT : HEARS_LEAD;
    if (rights_reach(w->caller->role, PART_ALERTS) == REACH_ALL) {
        return true;
    }
    if (!(v->rule->hears & told)) {
        return false;
    }
    bool of_house = v->rule->scope == SCOPE_SITE && w->caller->role == ROLE_LEAD;
    return of_house || may(w, &(struct about){v->is_agent ? v->subject : (struct str){NULL, 0}, v->team});
}

static bool may_act(const struct caller *c)
{
    return c->role == ROLE_LEAD || c->role == ROLE_ADMIN;
}

/* A lead silences the teams led and their people, nobody else and nothing of the house; and sees those silences, and what is
 * silenced for all. */
static bool may_silence(const struct viewer *w, struct str of_agent, struct str of_team)
{
    uint32_t agent = of_agent.n ? site_agent_find(w->d->site, of_agent) : 0;
    if (rights_reach(w->caller->role, PART_ALERTS) == REACH_ALL) {
        return true;
    }
    if (of_agent.n) {
        struct agent_now now = {0};
        site_agent_now(w->d->site, agent, &now);
        return agent && may(w, &(struct about){of_agent, now.team});
    }
    return of_team.n && may(w, &(struct about){.team = of_team});
}

static bool sees_silence(void *arg, const struct alert_silence *s)
{
    const struct viewer *w = arg;
    return may_act(w->caller) && (!(s->agent.n || s->team.n) || may_silence(w, s->agent, s->team));
}

/* The list as it is for this caller, as JSON; returns where in it what does not merely tell the time begins. */
static size_t put_list(struct buf *out, struct daemon *d, const struct caller *caller)
{
    int64_t now_ms = clock_wall_ms(&d->clock);
    struct viewer w = {d, caller};
    buf_printf(out, "{\"now_ms\": %" PRId64 ", ", now_ms);
    size_t tagged = out->n;
    buf_printf(out, "\"may_act\": %s, ", may_act(caller) ? "true" : "false");
    alert_print_list(out, pipeline_alerts(d->pipeline), now_ms, &(struct alert_sight){sees, sees_silence, &w});
    buf_put_byte(out, '}');
    return tagged;
}

void api_alerts(struct call *c)
{
    struct buf out = {0};
    size_t tagged = put_list(&out, c->d, &c->who.caller);
    call_answer_tagged(c, &out, tagged);
}

bool api_alerts_news(struct daemon *d, const struct caller *caller, uint64_t *had, struct buf *out)
{
    size_t tagged = put_list(out, d, caller);
    uint64_t has = digest_checksum((struct str){out->p + tagged, out->n - tagged});
    bool news = has != *had;
    *had = has;
    return news;
}

void api_alerts_live(struct call *c)
{
    if (!live_open(c->d->live, c->r, &(struct live_ask){.alerts = true, .who = &c->who})) {
        call_busy(c->r, "too many boards are open", 5);
    }
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

static void on_done(void *arg, bool durable, struct str id)
{
    struct http_request *r = arg;
    struct buf out = {0};
    if (!durable) {
        call_full(r);
        return;
    }
    buf_put_str(&out, STR_LIT("{\"id\": "));
    buf_put_json(&out, id);
    buf_put_byte(&out, '}');
    http_answer(r, 200, "application/json", buf_str(&out));
    buf_fini(&out);
}

struct wanted {
    const struct call *c;
    uint64_t number;
    bool found;
};

static void find_number(void *arg, const struct alert_view *v)
{
    struct wanted *w = arg;
    struct viewer viewer = {w->c->d, &w->c->who.caller};
    w->found |= v->memory->number == w->number && v->memory->state != STATE_PENDING && sees(&viewer, v);
}

static void begin(struct call *c, struct alert_act *act)
{
    struct err e;
    act->source = STR_LIT("board");
    act->actor = call_actor(c);
    act->done = on_done;
    act->arg = c->r;
    if (!alert_act_begin(c->d->pipeline, act, clock_wall_ms(&c->d->clock), &e)) {
        call_refused(c, &e);
    }
}

/* What one may not see is not there, whoever asks how. False: answered. */
static bool may_post(struct call *c, bool sees)
{
    if (sees && may_act(&c->who.caller)) {
        return call_may_post(c);
    }
    call_not_found(c->r);
    return false;
}

void api_alert_ack(struct call *c)
{
    struct wanted w = {.c = c};
    int64_t number = 0;
    w.number = fix_parse_whole(c->args[0], &number) == 0 && number > 0 ? (uint64_t)number : 0;
    alerts_each(pipeline_alerts(c->d->pipeline), clock_wall_ms(&c->d->clock), find_number, &w);
    if (may_post(c, w.found)) {
        begin(c, &(struct alert_act){.kind = ACT_ACKNOWLEDGE, .subject = c->args[0]});
    }
}

static void silence(struct call *c, const cJSON *tree)
{
    char room[40];
    const cJSON *minutes = cJSON_GetObjectItemCaseSensitive(tree, "minutes");
    struct alert_act act = {.kind = ACT_SILENCE,
                            .subject = call_text(tree, "rule"),
                            .agent = call_text(tree, "agent"),
                            .team = call_text(tree, "team"),
                            .reason = call_text(tree, "reason")};
    if (!cJSON_IsNumber(minutes) || fix_parse_whole(json_literal(minutes, room, sizeof(room)), &act.minutes) < 0) {
        call_bad(c, "expected {\"rule\", \"minutes\", \"reason\", \"agent\"?, \"team\"?}");
    } else if (may_post(c, may_silence(&(struct viewer){c->d, &c->who.caller}, act.agent, act.team))) {
        begin(c, &act);
    }
}

void api_alert_silence(struct call *c)
{
    cJSON *tree = NULL;
    if (may_act(&c->who.caller)) {
        tree = call_body(c);
    } else {
        call_not_found(c->r);
    }
    if (tree) {
        silence(c, tree);
    }
    cJSON_Delete(tree);
}

struct wanted_silence {
    const struct call *c;
    struct str id;
    bool found;
};

static void find_silence(void *arg, const struct alert_silence *s)
{
    struct wanted_silence *w = arg;
    struct viewer viewer = {w->c->d, &w->c->who.caller};
    w->found |= str_eq(s->id, w->id) && may_silence(&viewer, s->agent, s->team);
}

void api_alert_unsilence(struct call *c)
{
    struct wanted_silence w = {c, c->args[0], false};
    alerts_each_silence(pipeline_alerts(c->d->pipeline), clock_wall_ms(&c->d->clock), find_silence, &w);
    if (may_post(c, w.found)) {
        begin(c, &(struct alert_act){.kind = ACT_UNSILENCE, .subject = c->args[0]});
    }
}
