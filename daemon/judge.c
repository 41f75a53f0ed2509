/* Looks at agents whose figures changed, whose dwell ended, or all of them when the month turns.
 *
 * Keeps true: an agent's durable memory is what the store holds; a new one lives in the judgement until it is durable. Stream
 * ids rise whatever the clock does: max(now, last) and a counter. Numbers given to a judgement that did not become durable
 * are not used again. It refuses nothing: rules are total. */
#include "kefu/daemon/judge.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/heap.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/alerts.h"
#include "kefu/rules/score.h"
#include "kefu/views/board.h"

#define RULE_TIER STR_LIT("tier")

struct agent {
    struct remembered memory; /* durable */
    int64_t look_at_ms;       /* when a dwell ends; INT64_MAX: none */
    int64_t queued_ms;        /* the earliest entry of this agent in the heap; INT64_MAX: none */
    bool marked;
};

struct judge {
    const struct site *site;
    const struct rulebooks *rulebooks;
    struct store_marks marks;
    struct alerts *alerts; /* NULL: none */
    struct agent *agents;  /* by the site's number; 0 is nobody and is never judged */
    size_t agents_n, agents_cap;
    uint32_t *marked;
    size_t marked_n, marked_cap;
    struct heap dwell;
};

struct judge *judge_new(const struct site *s, const struct rulebooks *r, const struct store_marks *marks)
{
    struct judge *j = xcalloc(1, sizeof(*j));
    j->site = s;
    j->rulebooks = r;
    j->marks = *marks;
    return j;
}

void judge_free(struct judge *j)
{
    if (!j) {
        return;
    }
    free(j->agents);
    free(j->marked);
    heap_fini(&j->dwell);
    free(j);
}

void judge_attend(struct judge *j, struct alerts *alerts)
{
    j->alerts = alerts;
}

static struct agent *agent_at(struct judge *j, uint32_t agent)
{
    xgrow(&j->agents, &j->agents_cap, (size_t)agent + 1, sizeof(*j->agents));
    while (j->agents_n <= agent) {
        j->agents[j->agents_n++] = (struct agent){.look_at_ms = INT64_MAX, .queued_ms = INT64_MAX};
    }
    return &j->agents[agent];
}

/* The two stand one behind the other; an earlier kefud wrote the first alone. */
static int remembered_decode(struct str blob, struct remembered *m, struct err *e)
{
    struct buf first = {0};
    if (tier_memory_decode(blob, &m->now, e) < 0) {
        return -1;
    }
    tier_memory_encode(&first, &m->now);
    struct str rest = {blob.p + first.n, blob.n - first.n};
    buf_fini(&first);
    return rest.n ? tier_memory_decode(rest, &m->before, e) : 0;
}

int judge_load(struct judge *j, const struct memory_row *row, struct err *e)
{
    uint32_t agent = site_agent_find(j->site, row->subject);
    if (!str_eq(row->rule, RULE_TIER)) {
        return j->alerts ? alerts_load(j->alerts, row, e) : 0;
    }
    if (agent == 0) {
        return 0;
    }
    return remembered_decode(row->blob, &agent_at(j, agent)->memory, e);
}

void judge_mark(struct judge *j, uint32_t agent)
{
    if (j->alerts) {
        alerts_mark(j->alerts, agent);
    }
    if (agent == 0 || agent_at(j, agent)->marked) {
        return;
    }
    j->agents[agent].marked = true;
    xgrow(&j->marked, &j->marked_cap, j->marked_n + 1, sizeof(*j->marked));
    j->marked[j->marked_n++] = agent;
}

void judge_mark_all(struct judge *j)
{
    for (uint32_t agent = 1; agent <= site_agents_n(j->site); agent++) {
        judge_mark(j, agent);
    }
}

int64_t judge_due_ms(const struct judge *j)
{
    struct heap_entry top;
    if (j->marked_n) {
        return INT64_MIN;
    }
    int64_t due_ms = j->alerts ? alerts_due_ms(j->alerts) : INT64_MAX;
    return heap_peek(&j->dwell, &top) && top.at_ms < due_ms ? top.at_ms : due_ms;
}

bool judge_is_due(const struct judge *j, int64_t now_ms)
{
    return judge_due_ms(j) <= now_ms || (j->alerts && alerts_are_due(j->alerts, now_ms));
}

void judgement_fini(struct judgement *g)
{
    arena_fini(&g->arena);
    free(g->memory);
    free(g->decided);
    free(g->after);
    free(g->effects);
    free(g->unchanged);
    *g = (struct judgement){0};
}

static const struct rulebook *rulebook_of(const struct judge *j, int32_t month)
{
    return rulebooks_for_day(j->rulebooks, civil_month_first(month));
}

static void score_agent(const struct judge *j, uint32_t agent, int32_t month, struct score *out)
{
    static const struct figures none;
    const struct figures *f = site_figures(j->site, agent, PERIOD_MONTH, month);
    score_month(rulebook_of(j, month), f ? f : &none, site_had_orders(j->site, PERIOD_MONTH, month), out);
}

void effect_pair(struct effect *f, const char *field, struct str value)
{
    assert(f->pairs_n + 2 <= (size_t)2 * EFFECT_PAIRS_MAX);
    f->pairs[f->pairs_n++] = str_of(field);
    f->pairs[f->pairs_n++] = value;
}

static void stamp(struct judge *j, struct effect *f, int64_t now_ms)
{
    struct store_marks *m = &j->marks;
    m->stream_n = now_ms > m->stream_ms ? 0 : m->stream_n + 1;
    m->stream_ms = now_ms > m->stream_ms ? now_ms : m->stream_ms;
    f->number = ++m->effect_number;
    f->stream_ms = m->stream_ms;
    f->stream_n = m->stream_n;
}

/* A judged agent, for the functions that write the outcome down. */
struct judged {
    uint32_t agent;
    int32_t month;
    int64_t now_ms;
    const struct rulebook *rulebook;
    const struct score *score;
};

struct effect *judge_effect(struct judge *j, struct judgement *g, const struct effect *as, int64_t now_ms)
{
    xgrow(&g->effects, &g->effects_cap, g->effects_n + 1, sizeof(*g->effects));
    struct effect *f = &g->effects[g->effects_n++];
    *f = *as;
    stamp(j, f, now_ms);
    return f;
}

void judgement_row(struct judgement *g, const struct memory_row *row)
{
    xgrow(&g->memory, &g->memory_cap, g->memory_n + 1, sizeof(*g->memory));
    g->memory[g->memory_n++] = (struct memory_row){.rule = arena_copy(&g->arena, row->rule),
                                                   .subject = arena_copy(&g->arena, row->subject),
                                                   .blob = arena_copy(&g->arena, row->blob)};
}

static void add_effect(struct judge *j, struct judgement *g, const struct judged *of, const struct tier_change *c)
{
    const struct rulebook *r = of->rulebook;
    char period[16], score[32], at[32];
    struct effect *f =
        judge_effect(j, g, &(struct effect){.kind = EFFECT_TIER, .stream = STR_LIT("tiers")}, of->now_ms);
    civil_print_month(period, sizeof(period), of->month);
    snprintf(at, sizeof(at), "%" PRId64, of->now_ms);
    effect_pair(f, "agent", arena_copy(&g->arena, site_agent_id(j->site, of->agent)));
    effect_pair(f, "period", arena_copy(&g->arena, str_of(period)));
    if (c->from >= 0) {
        effect_pair(f, "from", r->tiers[c->from].name);
    }
    if (c->to >= 0) {
        effect_pair(f, "to", r->tiers[c->to].name);
    }
    if (of->score->total_milli != SCORE_NONE) {
        snprintf(score, sizeof(score), "%" PRId64 ".%02" PRId64, of->score->total_milli / 1000,
                 of->score->total_milli % 1000 / 10); /* cut, as everywhere a score is shown */
        effect_pair(f, "score", arena_copy(&g->arena, str_of(score)));
    }
    effect_pair(f, "at", arena_copy(&g->arena, str_of(at)));
    effect_pair(f, "rulebook", r->name);
}

static void add_memory(struct judge *j, struct judgement *g, uint32_t agent, const struct remembered *after)
{
    struct buf blob = {0};
    size_t n = g->decided_n++;
    xgrow(&g->decided, &g->decided_cap, n + 1, sizeof(*g->decided));
    xgrow(&g->after, &g->after_cap, n + 1, sizeof(*g->after));
    tier_memory_encode(&blob, &after->now);
    tier_memory_encode(&blob, &after->before);
    judgement_row(
        g, &(struct memory_row){.rule = RULE_TIER, .subject = site_agent_id(j->site, agent), .blob = buf_str(&blob)});
    g->decided[n] = agent;
    g->after[n] = *after;
    buf_fini(&blob);
}

static void add_unchanged(struct judgement *g, uint32_t agent)
{
    xgrow(&g->unchanged, &g->unchanged_cap, g->unchanged_n + 1, sizeof(*g->unchanged));
    g->unchanged[g->unchanged_n++] = agent;
}

static void queue_look(struct judge *j, uint32_t agent)
{
    struct agent *a = agent_at(j, agent);
    if (a->look_at_ms < a->queued_ms) {
        a->queued_ms = a->look_at_ms;
        heap_push(&j->dwell, a->look_at_ms, agent);
    }
}

/* To the memory of another month: the one before, if a clock that was set leads back to it, else a new one. */
static bool turn_to(struct remembered *m, int32_t month)
{
    struct tier_memory was = m->now;
    if (was.month == month) {
        return false;
    }
    if (m->before.month == month) {
        m->now = m->before;
    }
    m->before = was;
    return true;
}

static void look(struct judge *j, struct judgement *g, const struct judged *of)
{
    struct agent *a = agent_at(j, of->agent);
    struct remembered after = a->memory;
    bool turned = turn_to(&after, of->month);
    struct tier_change c = tier_step(&after.now, of->rulebook, of->score, of->month, of->now_ms);
    a->look_at_ms = c.look_again_ms;
    queue_look(j, of->agent);
    if (c.changed) {
        add_effect(j, g, of, &c);
    }
    if (c.changed || c.remember || turned) {
        add_memory(j, g, of->agent, &after);
    } else {
        add_unchanged(g, of->agent);
    }
}

static void mark_dwelt(struct judge *j, int64_t now_ms)
{
    struct heap_entry top;
    while (heap_peek(&j->dwell, &top) && top.at_ms <= now_ms) {
        struct agent *a = agent_at(j, top.what);
        heap_pop(&j->dwell, &top);
        a->queued_ms = a->queued_ms == top.at_ms ? INT64_MAX : a->queued_ms;
        if (a->look_at_ms <= now_ms) {
            judge_mark(j, top.what);
        } else {
            queue_look(j, top.what);
        }
    }
}

void judge_run(struct judge *j, int32_t month, int64_t now_ms, struct judgement *out)
{
    mark_dwelt(j, now_ms);
    for (size_t i = 0; i < j->marked_n; i++) {
        struct score score;
        struct judged of = {j->marked[i], month, now_ms, rulebook_of(j, month), &score};
        score_agent(j, of.agent, month, &score);
        j->agents[of.agent].marked = false;
        look(j, out, &of);
    }
    j->marked_n = 0;
    if (j->alerts) {
        alerts_run(j->alerts, j, out, now_ms);
    }
}

void judge_settle(struct judge *j, const struct judgement *g, bool durable)
{
    if (j->alerts) {
        alerts_settle(j->alerts, durable);
    }
    for (size_t i = 0; i < g->decided_n; i++) {
        if (durable) {
            agent_at(j, g->decided[i])->memory = g->after[i];
        } else {
            judge_mark(j, g->decided[i]);
        }
    }
}

void judge_view(const struct judge *j, uint32_t agent, int32_t month, uint64_t seq, struct agent_view *out)
{
    static const struct tier_memory unknown = {.tier = -1, .provisional = true};
    const struct rulebook *r = rulebook_of(j, month);
    const struct tier_memory *m = agent < j->agents_n ? &j->agents[agent].memory.now : &unknown;
    struct score score;
    bool mine = m->month == month && str_eq(str_of(m->rulebook), r->name);
    const struct tier *live = mine && m->tier >= 0 && (size_t)m->tier < r->tiers_n ? &r->tiers[m->tier] : NULL;
    score_agent(j, agent, month, &score);
    struct board_input in = {.agent = agent,
                             .month = month,
                             .rulebook = r,
                             .score = &score,
                             .live_tier = live,
                             .provisional = mine ? m->provisional : true,
                             .seq = seq};
    board_view(j->site, &in, out);
}
