/* Acts of leads. Keeps true: the event table is the one check of an act's fields; who did it stands in it. It refuses what
 * names nothing, and an appeal that is decided. */
#include "kefu/daemon/appeal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json_put.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/decode.h"

#define SOURCE STR_LIT("kefud")

static void put_id(char out[33])
{
    uint8_t bytes[16];
    digest_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The act as a line of JSON with its envelope, for the decoder. */
static char *enveloped(const cJSON *event, int64_t now_ms)
{
    char id[33], ts[24];
    cJSON *copy = cJSON_Duplicate(event, true);
    static const char *const ours[] = {"id", "source", "ts"};
    put_id(id);
    snprintf(ts, sizeof(ts), "%" PRId64, now_ms);
    for (size_t i = 0; i < 3; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(copy, ours[i]);
    cJSON_AddStringToObject(copy, "id", id);
    cJSON_AddRawToObject(copy, "ts", ts); /* whole, and never by way of a double */
    char *line = cJSON_PrintUnformatted(copy);
    cJSON_Delete(copy);
    return line;
}

static bool is_lead_act(enum event_type t)
{
    return t == EVENT_EXCUSED || t == EVENT_VOIDED || t == EVENT_UNDONE || t == EVENT_EXEMPT || t == EVENT_APPEAL ||
           t == EVENT_APPEAL_DECIDED;
}

/* Does any event have this identity? One of another content would be in conflict with it. */
static bool is_known(const struct appeal_options *o, struct str source, struct str id)
{
    struct event e = {.type = EVENT_STATUS, .how = STATUS_ONLINE, .source = source, .id = id, .subject = STR_LIT("?")};
    return site_probe(o->site, &e) != VERDICT_ACCEPTED;
}

/* What an act is about must be of its conversation and of the kind that it can change, or it would change nothing. */
static int check_meant(const struct appeal_options *o, const struct event *a, struct err *e)
{
    bool of_agent = a->type == EVENT_APPEAL;
    struct str conversation = of_agent ? a->strs[EVENT_CONVERSATION] : a->subject;
    struct str id = a->strs[EVENT_REF];
    enum event_type is = site_event_type(o->site, conversation, a->strs[EVENT_REF_SOURCE], id);
    const char *expected = "message";
    bool fits = is == EVENT_MESSAGE;
    if (a->type == EVENT_UNDONE) {
        expected = "decision";
        fits = is == EVENT_VOIDED || is == EVENT_EXCUSED;
    } else if (a->type == EVENT_VOIDED || a->how == ABOUT_RATING) {
        expected = "rating";
        fits = is == EVENT_RATING;
    }
    return fits ? 0
                : err_refuse(e, "not_there", expected, "the conversation \"%.*s\" has no %s \"%.*s\"",
                             STR_ARG(conversation), expected, STR_ARG(id));
}

static int check_act(const struct appeal_options *o, const struct event *a, struct err *e)
{
    struct str type = event_type_name(a->type);
    bool names_event = a->type != EVENT_EXEMPT;
    if (!is_lead_act(a->type))
        return err_set(e, "type", "found %.*s, which is no act of a lead", STR_ARG(type));
    if (a->strs[EVENT_ACTOR].n == 0)
        return err_set(e, "actor", "expected the name of who does this");
    if (names_event && !is_known(o, a->strs[EVENT_REF_SOURCE], a->strs[EVENT_REF]))
        return err_refuse(e, "not_there", "message", "there is no event \"%.*s\" of source \"%.*s\"",
                          STR_ARG(a->strs[EVENT_REF]), STR_ARG(a->strs[EVENT_REF_SOURCE]));
    bool of_agent = a->type == EVENT_EXEMPT || a->type == EVENT_APPEAL || a->type == EVENT_APPEAL_DECIDED;
    if (of_agent && !site_agent_find(o->site, a->subject))
        return err_set(e, "agent", "there is no agent \"%.*s\" in any event", STR_ARG(a->subject));
    if (a->type == EVENT_EXEMPT && str_cmp(a->strs[EVENT_HIRED_ON], a->strs[EVENT_LEFT_ON]) > 0)
        return err_set(e, "to", "is before from");
    return names_event && a->type != EVENT_APPEAL_DECIDED ? check_meant(o, a, e) : 0;
}

/* --- an appeal that is decided ------------------------------------------------------------------------------------ */

struct searching {
    struct str id;
    struct arena *arena;
    struct event appeal, decision;
    bool found, decided;
};

static void look_at(void *arg, const struct event *e)
{
    struct searching *s = arg;
    if (e->type == EVENT_APPEAL && str_eq(e->id, s->id)) {
        s->appeal = event_copy(e, s->arena);
        s->found = true;
    }
    if (e->type == EVENT_APPEAL_DECIDED && str_eq(e->strs[EVENT_REF], s->id)) {
        s->decision = event_copy(e, s->arena);
        s->decided = true;
    }
}

/* The second event of the batch: what an accepted appeal brings. */
static void add_outcome(struct batch *b, const struct event *decided, const struct event *appeal)
{
    char id[33];
    put_id(id);
    struct event *to = batch_add_event(b);
    bool rating = appeal->how == ABOUT_RATING;
    *to = (struct event){.type = rating ? EVENT_VOIDED : EVENT_EXCUSED,
                         .ts = decided->ts,
                         .source = decided->source,
                         .id = arena_copy(&b->arena, str_of(id)),
                         .subject = appeal->strs[EVENT_CONVERSATION]};
    to->strs[EVENT_REF] = appeal->strs[EVENT_REF];
    to->strs[EVENT_REF_SOURCE] = appeal->strs[EVENT_REF_SOURCE];
    to->strs[EVENT_REASON] = decided->strs[EVENT_REASON];
    to->strs[EVENT_ACTOR] = decided->strs[EVENT_ACTOR];
    if (!rating)
        to->strs[EVENT_AGENT] = decided->subject;
    b->inputs_n++;
}

static int decide(const struct appeal_options *o, struct batch *b, struct err *e)
{
    struct event decided = b->events[0];
    struct searching s = {.id = decided.strs[EVENT_REF], .arena = &b->arena};
    site_agent_events(o->site, site_agent_find(o->site, decided.subject), look_at, &s);
    if (!s.found)
        return err_refuse(e, "not_there", "appeal", "\"%.*s\" has no appeal \"%.*s\"", STR_ARG(decided.subject),
                          STR_ARG(s.id));
    if (s.decided)
        return err_refuse(e, "appeal_decided", "appeal", "is decided already; undo what came of it by decision.undone");
    if (decided.how == DECIDED_ACCEPTED)
        add_outcome(b, &decided, &s.appeal);
    return 0;
}

static struct batch *make_batch(const struct appeal_options *o, const struct appeal_act *a, struct err *e)
{
    struct ingest *in = pipeline_ingest(o->pipeline);
    struct batch *b = batch_new(STR_LIT("act"), a->done, a->owner);
    int64_t now_ms = in->now_ms(in);
    struct decode_context context = {.now_ms = now_ms,
                                     .rulebook = in->rulebook(in),
                                     .customer_key = in->customer_key,
                                     .default_source = SOURCE,
                                     .acts = true};
    char *line = enveloped(a->event, now_ms);
    decode_one(b, str_of(line), &context);
    cJSON_free(line);
    int bad =
        b->events_n ? check_act(o, &b->events[0], e) : err_set(e, "event", "%.*s", STR_ARG(b->refusals[0].reason));
    if (!bad && b->events[0].type == EVENT_APPEAL_DECIDED)
        bad = decide(o, b, e);
    if (!bad)
        return b;
    batch_free(b);
    return NULL;
}

/* A decision that is on its way. */
struct deciding {
    bool *flag;
    void (*done)(struct batch *);
    void *owner;
};

static void on_decided(struct batch *b)
{
    struct deciding d = *(struct deciding *)b->owner;
    free(b->owner);
    *d.flag = false;
    b->owner = d.owner;
    d.done(b);
}

static void begin_decision(const struct appeal_options *o, struct batch *b)
{
    struct deciding *d = xcalloc(1, sizeof *d);
    *d = (struct deciding){o->deciding, b->done, b->owner};
    *o->deciding = true;
    b->done = on_decided;
    b->owner = d;
}

int appeal_send(const struct appeal_options *o, const struct appeal_act *a, struct err *e)
{
    struct ingest *in = pipeline_ingest(o->pipeline);
    struct batch *b = make_batch(o, a, e);
    if (!b)
        return -1;
    bool decides = b->events[0].type == EVENT_APPEAL_DECIDED;
    if (decides && *o->deciding) {
        batch_free(b);
        return err_refuse(e, "act_busy", "", "another appeal is being decided; ask again");
    }
    b->audit = arena_copy(&b->arena, a->audit);
    if (decides)
        begin_decision(o, b);
    if (in->submit(in, b) == 0)
        return 0;
    if (decides) {
        *o->deciding = false;
        free(b->owner);
    }
    batch_free(b);
    return err_refuse(e, "queue_full", "", "the queue is full; nothing was done, ask again");
}

void appeal_print_done(struct buf *out, const struct batch *b)
{
    bool durable = b->result == BATCH_STORED;
    buf_printf(out, "\"done\": %s, \"ids\": [", durable ? "true" : "false");
    for (size_t i = 0; durable && i < b->events_n; i++) {
        buf_put_str(out, i ? STR_LIT(", ") : STR_LIT(""));
        buf_put_json(out, b->events[i].id);
    }
    buf_put_byte(out, ']');
}

/* --- what is contested -------------------------------------------------------------------------------------------- */

struct contesting {
    const struct appeal_thing *thing;
    struct arena *arena;
    const struct tz *tz;
    struct str id, source;         /* found so far */
    struct str had_id, had_source; /* before that */
};

static bool is_question(const struct event *e)
{
    bool asks = e->type == EVENT_MESSAGE && e->how == FROM_CUSTOMER && !(e->flags & (EVENT_PRIVATE | EVENT_AUTO));
    return asks || e->type == EVENT_HANDOFF;
}

/* A rating as it is shown; of several the last one counts, or the one before if that was voided. */
static bool is_rating(const struct contesting *c, const struct event *e)
{
    const struct appeal_thing *t = c->thing;
    return e->type == EVENT_RATING && tz_day(c->tz, e->ts) == t->day && e->scale > 0 &&
           fix_div_round((__int128)e->score_milli * 5, e->scale) == t->score_milli &&
           (!e->strs[EVENT_AGENT].n || str_eq(e->strs[EVENT_AGENT], t->agent));
}

static void look_for(void *arg, const struct event *e)
{
    struct contesting *c = arg;
    const struct appeal_thing *t = c->thing;
    if (e->type == EVENT_VOIDED && str_eq(e->strs[EVENT_REF], c->id)) {
        c->id = c->had_id;
        c->source = c->had_source;
    }
    bool fits = t->is_rating ? is_rating(c, e) : !c->id.n && is_question(e) && e->ts == t->asked_ms;
    if (!fits)
        return;
    c->had_id = c->id;
    c->had_source = c->source;
    c->id = arena_copy(c->arena, e->id);
    c->source = arena_copy(c->arena, e->source);
}

bool appeal_name(struct site *s, const struct tz *tz, const struct appeal_thing *thing, struct arena *arena,
                 struct appeal_named *out)
{
    struct contesting c = {.thing = thing, .arena = arena, .tz = tz};
    site_conversation_events(s, thing->conversation, look_for, &c);
    *out = (struct appeal_named){c.id, c.source};
    return c.id.n > 0;
}

/* --- what came of a decision -------------------------------------------------------------------------------------- */

/* The event that an accepted appeal brought, and whether it was undone. */
struct outcome {
    const struct event *appeal, *decided;
    struct arena *arena;
    struct str id;
    bool undone;
    struct str undone_by;
    int64_t undone_ms;
};

static void find_outcome(void *arg, const struct event *e)
{
    struct outcome *o = arg;
    bool is_one = e->type == EVENT_EXCUSED || e->type == EVENT_VOIDED;
    if (is_one && e->ts == o->decided->ts && str_eq(e->source, o->decided->source) &&
        str_eq(e->strs[EVENT_REF], o->appeal->strs[EVENT_REF]))
        o->id = arena_copy(o->arena, e->id);
}

static void find_undone(void *arg, const struct event *e)
{
    struct outcome *o = arg;
    if (e->type != EVENT_UNDONE || !str_eq(e->strs[EVENT_REF], o->id))
        return;
    o->undone = true;
    o->undone_by = arena_copy(o->arena, e->strs[EVENT_ACTOR]);
    o->undone_ms = e->ts;
}

static struct outcome outcome_of(struct site *s, const struct event *appeal, const struct event *decided,
                                 struct arena *arena)
{
    struct outcome o = {.appeal = appeal, .decided = decided, .arena = arena};
    site_conversation_events(s, appeal->strs[EVENT_CONVERSATION], find_outcome, &o);
    if (o.id.n)
        site_conversation_events(s, appeal->strs[EVENT_CONVERSATION], find_undone, &o);
    return o;
}

int appeal_outcome(struct site *s, const struct appeal_which *which, struct arena *arena, struct appeal_came *out,
                   struct err *e)
{
    struct searching q = {.id = which->id, .arena = arena};
    site_agent_events(s, which->agent, look_at, &q);
    struct outcome o = {0};
    if (q.found && q.decided)
        o = outcome_of(s, &q.appeal, &q.decision, arena);
    *out = (struct appeal_came){q.appeal.strs[EVENT_CONVERSATION], o.id, q.decision.source};
    if (!o.id.n)
        return err_refuse(e, "appeal_nothing", "appeal", "nothing came of it that could be undone");
    return o.undone ? err_refuse(e, "appeal_undone", "appeal", "what came of it is undone already") : 0;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct buf *out;
    struct site *site;
    const struct appeal_query *query;
    struct arena arena; /* of one appeal */
    uint32_t agent;
    size_t n;
    int64_t opened_n, accepted_n, rejected_n;
    struct str id; /* decided? */
    struct event decided;
};

struct appeals {
    struct event *list; /* owned */
    size_t n, cap;
    struct arena arena;
};

static void find_decision(void *arg, const struct event *e)
{
    struct listing *l = arg;
    if (e->type == EVENT_APPEAL_DECIDED && str_eq(e->strs[EVENT_REF], l->id) && l->decided.type == EVENT_NONE)
        l->decided = event_copy(e, &l->arena);
}

static void print_decision(struct listing *l, const struct event *appeal)
{
    json_put_text(l->out, "state", event_how_name(l->decided.how));
    json_put_text(l->out, "decided_by", l->decided.strs[EVENT_ACTOR]);
    json_put_text(l->out, "decision", l->decided.strs[EVENT_REASON]);
    json_put_whole(l->out, "decided_at", l->decided.ts);
    if (l->decided.how == DECIDED_ACCEPTED) {
        struct outcome o = outcome_of(l->site, appeal, &l->decided, &l->arena);
        json_put_truth(l->out, "undone", o.undone);
        if (o.undone) {
            json_put_text(l->out, "undone_by", o.undone_by);
            json_put_whole(l->out, "undone_at", o.undone_ms);
        }
    }
}

struct contested {
    const struct event *appeal;
    int64_t ts;
};

static void find_contested(void *arg, const struct event *e)
{
    struct contested *c = arg;
    const struct event *a = c->appeal;
    if (str_eq(e->id, a->strs[EVENT_REF]) && str_eq(e->source, a->strs[EVENT_REF_SOURCE]))
        c->ts = e->ts;
}

/* What is contested was when the query wants it; of what is no longer known, when it was contested. */
static bool is_meant(const struct listing *l, const struct event *e)
{
    struct contested c = {e, e->ts};
    if (l->decided.type != EVENT_NONE && e->ts < l->query->since_ms)
        return false;
    if (!l->query->until_ms)
        return true;
    site_conversation_events(l->site, e->strs[EVENT_CONVERSATION], find_contested, &c);
    return c.ts >= l->query->about_ms && c.ts < l->query->until_ms;
}

static void print_appeal(struct listing *l, const struct event *e)
{
    l->id = e->id;
    l->decided = (struct event){0};
    site_agent_events(l->site, l->agent, find_decision, l);
    if (!is_meant(l, e))
        return;
    buf_put_str(l->out, l->n++ ? STR_LIT(",{") : STR_LIT("{"));
    json_put_text(l->out, "agent", e->subject);
    json_put_text(l->out, "id", e->id);
    json_put_whole(l->out, "at", e->ts);
    json_put_text(l->out, "conversation", e->strs[EVENT_CONVERSATION]);
    json_put_text(l->out, "about", event_how_name(e->how));
    json_put_text(l->out, "message", e->strs[EVENT_REF]);
    json_put_text(l->out, "reason", e->strs[EVENT_REASON]);
    json_put_text(l->out, "actor", e->strs[EVENT_ACTOR]);
    if (l->decided.type == EVENT_NONE)
        json_put_text(l->out, "state", STR_LIT("open"));
    else
        print_decision(l, e);
    buf_put_byte(l->out, '}');
}

/* Copies: while one is printed its conversation may come back into memory. */
static void take_appeal(void *arg, const struct event *e)
{
    struct appeals *all = arg;
    if (e->type != EVENT_APPEAL)
        return;
    xgrow(&all->list, &all->cap, all->n + 1, sizeof *all->list);
    all->list[all->n++] = event_copy(e, &all->arena);
}

void appeal_print_list(struct buf *out, struct site *s, const struct appeal_query *q)
{
    struct listing l = {.out = out, .site = s, .query = q};
    buf_put_byte(out, '[');
    for (l.agent = 1; l.agent <= site_agents_n(s); l.agent++) {
        struct appeals all = {0};
        if (!q->sees || q->sees(q->arg, l.agent))
            site_agent_events(s, l.agent, take_appeal, &all);
        for (size_t i = 0; i < all.n; i++) {
            print_appeal(&l, &all.list[i]);
            arena_reset(&l.arena);
        }
        free(all.list);
        arena_fini(&all.arena);
    }
    arena_fini(&l.arena);
    buf_put_byte(out, ']');
}

static void count(void *arg, const struct event *e)
{
    struct listing *l = arg;
    l->opened_n += e->type == EVENT_APPEAL;
    l->accepted_n += e->type == EVENT_APPEAL_DECIDED && e->how == DECIDED_ACCEPTED;
    l->rejected_n += e->type == EVENT_APPEAL_DECIDED && e->how == DECIDED_REJECTED;
}

void appeal_print_counts(struct buf *out, const struct site *s)
{
    size_t n = 0;
    buf_put_byte(out, '[');
    for (uint32_t agent = 1; agent <= site_agents_n(s); agent++) {
        struct listing l = {0};
        site_agent_events(s, agent, count, &l);
        if (!l.opened_n)
            continue;
        buf_put_str(out, n++ ? STR_LIT(",{\"agent\":") : STR_LIT("{\"agent\":"));
        buf_put_json(out, site_agent_id(s, agent));
        buf_printf(out, ",\"opened\":%" PRId64 ",\"accepted\":%" PRId64 ",\"rejected\":%" PRId64 "}", l.opened_n,
                   l.accepted_n, l.rejected_n);
    }
    buf_put_byte(out, ']');
}
