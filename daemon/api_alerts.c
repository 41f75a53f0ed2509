/* Alerts on the board: the list of those one may see, taking one on, silencing.
 *
 * An agent sees what agents are told of themselves; a lead the teams led and what concerns the whole house, if leads are told
 * of it; an admin all. Leads and admins act. What one may not see is not there, also to act upon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/alert_acts.h"
#include "kefu/daemon/api.h"
#include "kefu/daemon/daemon.h"

#define BODY_MAX 4096

static bool sees(void *arg, const struct alert_view *v)
{
    const struct call *c = arg;
    struct about whom = {.agent = v->is_agent ? v->subject : (struct str){NULL, 0}, .team = v->team};
    uint32_t told = c->who.caller.role == ROLE_AGENT ? HEARS_AGENT : HEARS_LEAD;
    if (rights_reach(c->who.caller.role, c->part) == REACH_ALL) {
        return true;
    }
    if (!(v->rule->hears & told)) {
        return false;
    }
    bool of_house = v->rule->scope == SCOPE_SITE && c->who.caller.role == ROLE_LEAD;
    return of_house || rights_may(&c->who.caller, c->part, &whom);
}

static bool may_act(const struct call *c)
{
    return c->who.caller.role == ROLE_LEAD || c->who.caller.role == ROLE_ADMIN;
}

/* A lead silences the teams led and their people, nobody else and nothing of the house; and sees those silences, and what is
 * silenced for all. */
static bool may_silence(const struct call *c, const struct alert_act *act)
{
    uint32_t agent = act->agent.n ? site_agent_find(c->d->site, act->agent) : 0;
    if (rights_reach(c->who.caller.role, c->part) == REACH_ALL) {
        return true;
    }
    if (act->agent.n) {
        return agent && call_may_agent(c, agent);
    }
    return act->team.n && call_may_team(c, act->team);
}

static bool sees_silence(void *arg, const struct alert_silence *s)
{
    struct alert_act act = {.agent = s->agent, .team = s->team};
    return may_act(arg) && (!(s->agent.n || s->team.n) || may_silence(arg, &act));
}

void api_alerts(struct call *c)
{
    struct buf out = {0};
    int64_t now_ms = clock_wall_ms(&c->d->clock);
    struct alert_sight sight = {sees, sees_silence, c};
    buf_printf(&out, "{\"now_ms\": %" PRId64 ", ", now_ms);
    size_t tagged = out.n;
    buf_printf(&out, "\"may_act\": %s, ", may_act(c) ? "true" : "false");
    alert_print_list(&out, pipeline_alerts(c->d->pipeline), now_ms, &sight);
    buf_put_byte(&out, '}');
    call_answer_tagged(c, &out, tagged);
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

static void on_done(void *arg, bool durable, struct str id)
{
    struct http_request *r = arg;
    struct buf out = {0};
    if (!durable) {
        http_answer_error(r, 503, "the disk is full; nothing was changed");
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
    w->found |= v->memory->number == w->number && v->memory->state != STATE_PENDING && sees((void *)w->c, v);
}

/* Who acts, as the journal keeps it: the person's name at the proxy, else the token's subject, else its id. */
static struct str actor_of(const struct call *c)
{
    const struct token *t = c->who.token;
    return t->login.n ? t->login : t->subject.n ? t->subject : t->id;
}

static void begin(struct call *c, struct alert_act *act)
{
    struct err e;
    act->source = STR_LIT("board");
    act->actor = actor_of(c);
    act->done = on_done;
    act->arg = c->r;
    if (!alert_act_begin(c->d->pipeline, act, clock_wall_ms(&c->d->clock), &e)) {
        char text[sizeof(e.where) + sizeof(e.what) + 4];
        snprintf(text, sizeof(text), "%s%s%s", e.where, *e.where ? ": " : "", e.what);
        if (*e.where) {
            call_bad(c, text);
        } else {
            call_busy(c->r, text, 1);
        }
    }
}

/* False: answered. */
static bool may_post(struct call *c)
{
    if (!may_act(c)) {
        call_not_found(c->r);
        return false;
    }
    if (!who_same_origin(c->r)) {
        http_answer_error(c->r, 403, "a page of another site asked for this");
        return false;
    }
    return true;
}

void api_alert_ack(struct call *c)
{
    struct wanted w = {.c = c};
    int64_t number = 0;
    if (!may_post(c)) {
        return;
    }
    w.number = fix_parse_whole(c->args[0], &number) == 0 && number > 0 ? (uint64_t)number : 0;
    alerts_each(pipeline_alerts(c->d->pipeline), clock_wall_ms(&c->d->clock), find_number, &w);
    if (!w.found) {
        call_not_found(c->r);
        return;
    }
    begin(c, &(struct alert_act){.kind = ACT_ACKNOWLEDGE, .subject = c->args[0]});
}

static struct str text_of(const cJSON *tree, const char *name)
{
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name)));
}

void api_alert_silence(struct call *c)
{
    struct err e;
    char room[40];
    struct str body = http_request_body(c->r);
    if (!may_post(c)) {
        return;
    }
    cJSON *tree = body.n && body.n <= BODY_MAX ? json_parse(body, &e) : NULL;
    const cJSON *minutes = cJSON_GetObjectItemCaseSensitive(tree, "minutes");
    struct alert_act act = {.kind = ACT_SILENCE,
                            .subject = text_of(tree, "rule"),
                            .agent = text_of(tree, "agent"),
                            .team = text_of(tree, "team"),
                            .reason = text_of(tree, "reason")};
    if (!cJSON_IsNumber(minutes) || fix_parse_whole(json_literal(minutes, room, sizeof(room)), &act.minutes) < 0) {
        call_bad(c, "expected {\"rule\", \"minutes\", \"reason\", \"agent\"?, \"team\"?}");
    } else if (!may_silence(c, &act)) {
        call_not_found(c->r);
    } else {
        begin(c, &act);
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
    struct alert_act act = {.agent = s->agent, .team = s->team};
    w->found |= str_eq(s->id, w->id) && may_silence(w->c, &act);
}

void api_alert_unsilence(struct call *c)
{
    struct wanted_silence w = {c, c->args[0], false};
    if (!may_post(c)) {
        return;
    }
    alerts_each_silence(pipeline_alerts(c->d->pipeline), clock_wall_ms(&c->d->clock), find_silence, &w);
    if (w.found) {
        begin(c, &(struct alert_act){.kind = ACT_UNSILENCE, .subject = c->args[0]});
    } else {
        call_not_found(c->r);
    }
}
