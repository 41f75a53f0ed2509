/* An act is checked here, before it is an event: what stands in the journal meant something when it was done. */
#include "kefu/daemon/alert_acts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json_put.h"
#include "kefu/base/mem.h"
#include "kefu/model/event_table.h"
#include "kefu/publish/alert_text.h"

#define MINUTES_MAX 44640 /* 31 days */

struct alert_acting {
    struct alerts *alerts;
    void (*done)(void *arg, bool durable, struct str id); /* NULL: forgotten */
    void *arg;
    bool durable;
    char id[EVENT_ID_BYTES_MAX + 1];
};

/* --- acts --------------------------------------------------------------------------------------------------------- */

static void finish(void *arg)
{
    struct alert_acting *a = arg;
    if (a->done) {
        a->done(a->arg, a->durable, str_of(a->id));
    }
    free(a);
}

/* In the journal; the answer waits until the alerts have it too, so that who asks next sees it. */
static void on_done(struct batch *b)
{
    struct alert_acting *a = b->owner;
    struct str id = b->events[0].id;
    a->durable = b->result == BATCH_STORED && b->verdicts[0] == VERDICT_ACCEPTED;
    snprintf(a->id, sizeof(a->id), "%.*s", STR_ARG(id));
    if (a->durable) {
        alerts_when_settled(a->alerts, id, finish, a);
    } else {
        finish(a);
    }
    batch_free(b);
}

void alert_act_forget(struct alert_acting *a)
{
    a->done = NULL;
}

struct id_question {
    struct str id;
    bool found;
};

static void note_silence(void *arg, const struct alert_silence *s)
{
    struct id_question *q = arg;
    q->found |= str_eq(s->id, q->id);
}

static int check_subject(const struct alerts *all, const struct alert_act *a, int64_t now_ms, struct err *e)
{
    int64_t number = 0;
    struct id_question q = {a->subject, false};
    if (a->kind == ACT_ACKNOWLEDGE) {
        bool is = fix_parse_whole(a->subject, &number) == 0 && number > 0 && alerts_has(all, (uint64_t)number);
        return is ? 0
                  : err_refuse(e, "alert_gone", "alert", "found \"%.*s\", which is no alert that is on",
                               STR_ARG(a->subject));
    }
    if (a->kind == ACT_SILENCE) {
        bool is = str_eq(a->subject, STR_LIT("*")) || alerts_has_rule(all, now_ms, a->subject);
        return is ? 0
                  : err_refuse(e, "rule_unknown", "rule", "found \"%.*s\", which is no rule in force, nor *",
                               STR_ARG(a->subject));
    }
    alerts_each_silence(all, now_ms, note_silence, &q);
    return q.found
               ? 0
               : err_refuse(e, "silence_gone", "silence", "found \"%.*s\", which is no silence", STR_ARG(a->subject));
}

static int check_text(const char *name, struct str s, size_t max_n, bool must, struct err *e)
{
    if (must && s.n == 0) {
        return err_set(e, name, "it is missing");
    }
    return s.n <= max_n ? 0 : err_set(e, name, "found %zu bytes, expected at most %zu", s.n, max_n);
}

static int check(const struct alerts *all, const struct alert_act *a, int64_t now_ms, struct err *e)
{
    bool silence = a->kind == ACT_SILENCE;
    if (silence && (a->minutes < 1 || a->minutes > MINUTES_MAX)) {
        return err_set(e, "minutes", "found %" PRId64 ", expected 1 to %d", a->minutes, MINUTES_MAX);
    }
    return check_text("actor", a->actor, event_str_max(EVENT_ACTOR), true, e) ||
                   check_text("reason", a->reason, event_str_max(EVENT_REASON), silence, e) ||
                   check_text("agent", a->agent, event_str_max(EVENT_AGENT), false, e) ||
                   check_text("team", a->team, event_str_max(EVENT_TEAM), false, e) ||
                   check_text("subject", a->subject, EVENT_ID_BYTES_MAX, true, e) || check_subject(all, a, now_ms, e)
               ? -1
               : 0;
}

static void fill(struct batch *b, const struct alert_act *a, int64_t now_ms)
{
    static const enum event_type types[] = {EVENT_NONE, EVENT_ALERT_ACKED, EVENT_ALERT_SILENCED,
                                            EVENT_ALERT_UNSILENCED};
    char id[40];
    uint64_t random;
    struct arena *m = &b->arena;
    digest_random(&random, sizeof(random));
    snprintf(id, sizeof(id), "act-%" PRId64 "-%08" PRIx64, now_ms, random & UINT32_MAX);
    struct event *ev = batch_add_event(b);
    *ev = (struct event){.type = types[a->kind],
                         .ts = now_ms,
                         .source = arena_copy(m, a->source),
                         .id = arena_copy(m, str_of(id)),
                         .subject = arena_copy(m, a->subject),
                         .scale = a->kind == ACT_SILENCE ? a->minutes : 0};
    ev->strs[EVENT_ACTOR] = arena_copy(m, a->actor);
    ev->strs[EVENT_REASON] = arena_copy(m, a->reason);
    ev->strs[EVENT_AGENT] = arena_copy(m, a->agent);
    ev->strs[EVENT_TEAM] = arena_copy(m, a->team);
    b->inputs_n = 1;
}

struct alert_acting *alert_act_begin(struct pipeline *p, const struct alert_act *a, int64_t now_ms, struct err *e)
{
    struct ingest *in = pipeline_ingest(p);
    if (check(pipeline_alerts(p), a, now_ms, e) < 0) {
        return NULL;
    }
    struct alert_acting *acting = xcalloc(1, sizeof(*acting));
    *acting = (struct alert_acting){.alerts = pipeline_alerts(p), .done = a->done, .arg = a->arg};
    struct batch *b = batch_new(STR_LIT("act"), on_done, acting);
    fill(b, a, now_ms);
    if (in->submit(in, b) < 0) {
        err_refuse(e, "queue_full", "", "too much waits for the disk, or it is full; try again later");
        batch_free(b);
        free(acting);
        return NULL;
    }
    return acting;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct listing {
    const struct alert_sight *sight;
    struct alert_view *list; /* owned */
    size_t n, cap;
};

static void gather(void *arg, const struct alert_view *v)
{
    struct listing *l = arg;
    if (l->sight && !l->sight->sees(l->sight->arg, v)) {
        return;
    }
    xgrow(&l->list, &l->cap, l->n + 1, sizeof(*l->list));
    l->list[l->n++] = *v;
}

static int by_weight(const void *a, const void *b)
{
    const struct alert_view *x = a, *y = b;
    if (x->rule->severity != y->rule->severity) {
        return x->rule->severity > y->rule->severity ? -1 : 1;
    }
    return (x->memory->since_ms > y->memory->since_ms) - (x->memory->since_ms < y->memory->since_ms);
}

static void put_value(struct buf *out, const char *name, int64_t micro)
{
    json_put_name(out, name);
    alert_put_decimal(out, micro, 3);
}

static void put_alert(struct buf *out, const struct alert_view *v)
{
    static const char *const states[] = {"none", "pending", "firing", "acknowledged"};
    static const char *const units[] = {"count", "seconds", "share", "stars", "points"};
    const struct alert_rule *r = v->rule;
    buf_put_byte(out, '{');
    json_put_whole(out, "alert", v->memory->state == STATE_PENDING ? 0 : (int64_t)v->memory->number);
    json_put_text(out, "state", str_of(states[v->memory->state]));
    json_put_known(out, "rule", r->name);
    json_put_name(out, "label");
    buf_put_byte(out, '{');
    json_put_text(out, "zh", r->zh);
    json_put_text(out, "en", r->en);
    buf_put_byte(out, '}');
    json_put_known(out, "severity", alert_severity_name(r->severity));
    json_put_known(out, "scope", alert_scope_name(r->scope));
    json_put_known(out, v->is_agent ? "agent" : "subject", v->subject);
    json_put_known(out, "team", v->team);
    put_value(out, "value", v->memory->value_micro);
    put_value(out, "limit", r->raise_micro);
    json_put_text(out, "unit", str_of(units[alert_kind_unit(r->kind)]));
    json_put_whole(out, "since", v->memory->since_ms);
    json_put_truth(out, "told", v->memory->told);
    json_put_known(out, "acked_by", v->acked_by);
    json_put_known(out, "muted", v->muted);
    buf_put_byte(out, '}');
}

struct silences {
    const struct alert_sight *sight;
    struct buf *out;
    size_t n;
};

static void put_silence(void *arg, const struct alert_silence *s)
{
    struct silences *to = arg;
    if (to->sight && !to->sight->sees_silence(to->sight->arg, s)) {
        return;
    }
    buf_put_str(to->out, to->n++ ? STR_LIT(",{") : STR_LIT("{"));
    json_put_text(to->out, "silence", s->id);
    json_put_known(to->out, "rule", s->rule);
    json_put_known(to->out, "agent", s->agent);
    json_put_known(to->out, "team", s->team);
    json_put_known(to->out, "actor", s->actor);
    json_put_known(to->out, "reason", s->reason);
    json_put_whole(to->out, "from", s->from_ms);
    json_put_whole(to->out, "until", s->until_ms);
    buf_put_byte(to->out, '}');
}

void alert_print_list(struct buf *out, const struct alerts *a, int64_t now_ms, const struct alert_sight *sight)
{
    struct listing l = {.sight = sight};
    struct silences silences = {sight, out, 0};
    alerts_each(a, now_ms, gather, &l);
    if (l.n) {
        qsort(l.list, l.n, sizeof(*l.list), by_weight);
    }
    buf_put_str(out, STR_LIT("\"alerts\":["));
    for (size_t i = 0; i < l.n; i++) {
        buf_put_str(out, i ? STR_LIT(",") : STR_LIT(""));
        put_alert(out, &l.list[i]);
    }
    buf_put_str(out, STR_LIT("],\"silences\":["));
    alerts_each_silence(a, now_ms, put_silence, &silences);
    buf_put_byte(out, ']');
    free(l.list);
}
