/* What people do about months and appeals on the board. The acts are those of kefuctl, by the same functions: month_do and
 * appeal_send; here stands who may, and what must be said with it.
 *
 * Keeps true: an act is answered when it is durable, with its line in the audit log; it stands under a person's name. It refuses a
 * closing that is not confirmed by the month's name. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/appeal.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/month_deed.h"
#include "kefu/daemon/month_print.h"

/* --- months ------------------------------------------------------------------------------------------------------- */

static void answer_entry(struct http_request *r, const struct book_entry *entry, bool already)
{
    struct buf out = {0};
    buf_printf(&out, "{\"already\":%s,\"entry\":", already ? "true" : "false");
    month_print_entry(&out, entry, false);
    buf_put_str(&out, STR_LIT("}\n"));
    http_answer(r, 200, "application/json", buf_str(&out));
    buf_fini(&out);
}

static void on_entry(void *arg, const struct book_entry *entry)
{
    if (entry) {
        answer_entry(arg, entry, false);
    } else {
        call_full(arg);
    }
}

/* The entry by which the month is as it is; there is one. */
static const struct book_entry *last_entry(const struct months *m, int32_t month)
{
    size_t n;
    const struct book_entry *list = months_entries(m, &n);
    while (n > 0 && list[n - 1].month != month) {
        n--;
    }
    return &list[n - 1];
}

static void do_deed(struct call *c, enum month_deed deed, struct month_act *act)
{
    struct err e;
    struct buf line = {0};
    struct audited what = {month_did(deed, act->accept), act->agent, act->month, NULL};
    audited_print(&line, c, &what);
    act->audit = buf_str(&line);
    act->actor = call_actor(c);
    act->done = on_entry;
    act->arg = c->r;
    enum month_outcome out = month_do(c->d->months, deed, act, &e);
    buf_fini(&line);
    if (out == MONTH_ALREADY) {
        answer_entry(c->r, last_entry(c->d->months, act->month), true);
    } else if (out == MONTH_REFUSED) {
        call_refused(c, &e);
    }
}

/* The month of args[0] and what the body asks for; the tree is the caller's, since the act borrows from it. NULL: answered. */
static cJSON *read_act(struct call *c, struct month_act *act)
{
    struct err e;
    *act = (struct month_act){0};
    if (!call_month(c, c->args[0], &act->month) || !call_may_post(c)) {
        return NULL;
    }
    cJSON *tree = call_body(c);
    if (tree && month_act_read(tree, act, &e) < 0) {
        call_refused(c, &e);
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

/* Closing and reopening: the person has typed the month. */
static void do_confirmed(struct call *c, enum month_deed deed)
{
    struct month_act act;
    cJSON *tree = read_act(c, &act);
    if (tree && str_eq(call_text(tree, "confirm"), c->args[0])) {
        do_deed(c, deed, &act);
    } else if (tree) {
        call_bad(c, "confirm: expected the month, typed once more");
    }
    cJSON_Delete(tree);
}

void api_month_close(struct call *c)
{
    do_confirmed(c, DEED_CLOSE);
}

void api_month_reopen(struct call *c)
{
    do_confirmed(c, DEED_REOPEN);
}

/* `accept` of the body must be said: absent is not "no". False: answered. */
static bool is_decided(struct call *c, const cJSON *tree)
{
    if (cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(tree, "accept"))) {
        return true;
    }
    call_bad(c, "accept: expected true or false");
    return false;
}

void api_month_adjust(struct call *c)
{
    struct month_act act;
    cJSON *tree = read_act(c, &act);
    act.agent = c->args[1];
    if (tree && is_decided(c, tree)) {
        do_deed(c, DEED_ADJUST, &act);
    }
    cJSON_Delete(tree);
}

/* Leads, hr and admins decide about people; agents and payroll read. */
static bool may_propose(const struct call *c, struct str agent)
{
    uint32_t number = agent.n ? site_agent_find(c->d->site, agent) : 0;
    enum role role = c->who.caller.role;
    return (role == ROLE_LEAD || role == ROLE_HR || role == ROLE_ADMIN) && number && call_may_agent(c, number);
}

void api_month_propose(struct call *c)
{
    struct month_act act;
    if (!may_propose(c, c->args[1])) {
        call_not_found(c->r);
        return;
    }
    cJSON *tree = read_act(c, &act);
    act.agent = c->args[1];
    if (tree && is_decided(c, tree)) {
        do_deed(c, DEED_PROPOSE, &act);
    }
    cJSON_Delete(tree);
}

/* --- appeals ------------------------------------------------------------------------------------------------------ */

static void on_acted(struct batch *b)
{
    struct http_request *r = b->owner;
    struct buf out = {0};
    audited_log(b);
    if (b->result == BATCH_STORED && b->verdicts[0] == VERDICT_ACCEPTED) {
        buf_put_byte(&out, '{');
        appeal_print_done(&out, b);
        buf_put_str(&out, STR_LIT("}\n"));
        http_answer(r, 200, "application/json", buf_str(&out));
    } else {
        call_full(r);
    }
    buf_fini(&out);
    batch_free(b);
}

static void put(cJSON *event, const char *name, struct str value)
{
    char *text = strndup(value.p ? value.p : "", value.n);
    cJSON_AddStringToObject(event, name, text);
    free(text);
}

/* Sends the event, which it deletes. */
static void send_event(struct call *c, cJSON *event, struct str agent)
{
    struct err e;
    struct buf line = {0};
    put(event, "actor", call_actor(c));
    struct audited what = {call_text(event, "type").p, agent, AUDITED_NO_MONTH, NULL};
    audited_print(&line, c, &what);
    struct appeal_act act = {event, buf_str(&line), on_acted, c->r};
    if (appeal_send(&(struct appeal_options){c->d->pipeline, c->d->site, &c->d->deciding}, &act, &e) < 0) {
        call_refused(c, &e);
    }
    buf_fini(&line);
    cJSON_Delete(event);
}

static cJSON *act_event(const char *type)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "type", type);
    return event;
}

static bool read_whole(const cJSON *tree, const char *name, int64_t *out)
{
    char room[40];
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, name);
    return cJSON_IsNumber(v) && fix_parse_whole(json_literal(v, room, sizeof(room)), out) == 0;
}

/* A turn is named by when the customer asked, a rating by its day and stars, as the explanation shows them. */
static bool read_thing(const cJSON *tree, struct str agent, struct appeal_thing *out)
{
    struct str about = call_text(tree, "about");
    *out = (struct appeal_thing){.conversation = call_text(tree, "conversation"), .agent = agent};
    out->is_rating = str_eq(about, STR_LIT("rating"));
    if (out->is_rating) {
        return civil_parse_day(call_text(tree, "day"), &out->day) == 0 &&
               read_whole(tree, "score_milli", &out->score_milli);
    }
    return str_eq(about, STR_LIT("turn")) && read_whole(tree, "asked_ms", &out->asked_ms);
}

static void open_appeal(struct call *c, const cJSON *tree)
{
    struct appeal_thing thing;
    struct appeal_named named;
    if (!read_thing(tree, c->args[0], &thing)) {
        call_bad(c, "expected {\"conversation\", \"reason\", \"about\": \"turn\", \"asked_ms\"} or {…, \"about\": "
                    "\"rating\", \"day\", \"score_milli\"}");
        return;
    }
    if (!appeal_name(c->d->site, c->d->settings->tz, &thing, &c->arena, &named)) {
        call_bad(c, "conversation: there is no such turn or rating in it");
        return;
    }
    cJSON *event = act_event("appeal.opened");
    put(event, "agent", c->args[0]);
    put(event, "conversation", thing.conversation);
    put(event, "about", call_text(tree, "about"));
    put(event, "message", named.id);
    put(event, "of_source", named.source);
    put(event, "reason", call_text(tree, "reason"));
    send_event(c, event, c->args[0]);
}

/* An agent contests what is told of the agent, nobody else's. */
void api_appeal_open(struct call *c)
{
    uint32_t agent = c->who.caller.role == ROLE_AGENT ? call_agent(c) : 0;
    if (!agent) {
        if (c->who.caller.role != ROLE_AGENT) {
            call_not_found(c->r);
        }
        return;
    }
    cJSON *tree = call_may_post(c) ? call_body(c) : NULL;
    if (tree) {
        open_appeal(c, tree);
    }
    cJSON_Delete(tree);
}

/* Leads of the agent and admins decide. 0: answered. */
static uint32_t judged_agent(struct call *c)
{
    enum role role = c->who.caller.role;
    if (role == ROLE_LEAD || role == ROLE_ADMIN) {
        return call_agent(c);
    }
    call_not_found(c->r);
    return 0;
}

void api_appeal_decide(struct call *c)
{
    cJSON *tree = judged_agent(c) && call_may_post(c) ? call_body(c) : NULL;
    if (tree && is_decided(c, tree)) {
        bool accept = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tree, "accept"));
        cJSON *event = act_event("appeal.decided");
        put(event, "agent", c->args[0]);
        put(event, "appeal", c->args[1]);
        put(event, "decision", accept ? STR_LIT("accepted") : STR_LIT("rejected"));
        put(event, "reason", call_text(tree, "reason"));
        send_event(c, event, c->args[0]);
    }
    cJSON_Delete(tree);
}

void api_appeal_undo(struct call *c)
{
    struct appeal_came came;
    struct err e;
    struct appeal_which which = {judged_agent(c), c->args[1]};
    cJSON *tree = which.agent && call_may_post(c) ? call_body(c) : NULL;
    if (tree && appeal_outcome(c->d->site, &which, &c->arena, &came, &e) < 0) {
        call_refused(c, &e);
    } else if (tree) {
        cJSON *event = act_event("decision.undone");
        put(event, "conversation", came.conversation);
        put(event, "decision", came.id);
        put(event, "of_source", came.source);
        put(event, "reason", call_text(tree, "reason"));
        send_event(c, event, c->args[0]);
    }
    cJSON_Delete(tree);
}
