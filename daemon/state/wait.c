/* The rules of a wait, one function a rule.
 *
 * It keeps true: the present hold is never in `holds`; an agent is in `holds` at most once; a closed wait has no holds. */
#include "kefu/state/wait.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void wait_fini(struct wait *w)
{
    free(w->holds);
    free(w->excused);
    *w = (struct wait){0};
}

void wait_open(struct wait *w, int64_t at, uint32_t holder, bool explicit_hold)
{
    *w = (struct wait){.open = true, .holder = holder, .explicit_hold = explicit_hold, .opened_at = at, .start = at};
}

void wait_restart(struct wait *w, int64_t at)
{
    struct wait was = *w;
    w->excused = NULL;
    wait_fini(w);
    wait_open(w, at, was.holder, was.explicit_hold);
    w->excused = was.excused;
    w->excused_n = was.excused_n;
}

void wait_excuse(struct wait *w, const uint32_t *agents, uint32_t n)
{
    if (!w->open || n == 0)
        return;
    w->excused = xrealloc(w->excused, (w->excused_n + n) * sizeof *w->excused);
    for (uint32_t i = 0; i < n; i++)
        w->excused[w->excused_n++] = agents[i];
}

static bool is_excused(const struct wait *w, uint32_t agent)
{
    for (uint32_t i = 0; i < w->excused_n; i++)
        if (w->excused[i] == 0 || w->excused[i] == agent)
            return true;
    return false;
}

static struct hold *find(const struct wait *w, uint32_t agent)
{
    for (uint32_t i = 0; i < w->holds_n; i++)
        if (w->holds[i].agent == agent)
            return &w->holds[i];
    return NULL;
}

static int64_t sum_of(const struct wait *w, uint32_t agent)
{
    const struct hold *h = find(w, agent);
    return h ? h->sum_ms : 0;
}

/* Start of an agent's first hold; for one who held nothing before, of the present hold. */
static int64_t first_of(const struct wait *w, uint32_t agent)
{
    const struct hold *h = find(w, agent);
    return h ? h->first_at : w->start;
}

/* The present hold ends and is summed. */
static void end_hold(struct wait *w, struct calendar *c, int64_t at)
{
    struct hold *h = find(w, w->holder);
    if (!h) {
        w->holds = xrealloc(w->holds, (w->holds_n + 1) * sizeof *w->holds);
        h = &w->holds[w->holds_n++];
        *h = (struct hold){.agent = w->holder, .first_at = w->start};
    }
    h->sum_ms += calendar_worked(c, w->start, at);
    if (w->holder)
        w->last_holder = w->holder;
}

void wait_assign(struct wait *w, struct calendar *c, const struct assignment *a)
{
    if (!a->agent && a->by == BY_AGENT)
        return; /* who lets go of a waiting customer holds on until another has it */
    if (a->agent == w->holder) {
        w->explicit_hold = w->explicit_hold || a->agent;
        return;
    }
    bool takes_queue_time = !w->holder && (a->by == BY_AGENT || a->agent == w->last_holder);
    if (!takes_queue_time) {
        end_hold(w, c, a->at);
        w->start = a->at;
    }
    w->holder = a->agent;
    w->explicit_hold = a->agent != 0;
}

static int64_t target_at(struct calendar *c, int64_t at)
{
    return calendar_rulebook(c, at)->response_target_ms;
}

/* What an agent's part in a wait came to: a miss, or a turn that counts for nothing. */
struct outcome {
    bool is_miss;
    enum why why;
    uint32_t agent;
    int64_t first_at; /* start of the agent's first hold */
    int64_t to;       /* INT64_MAX: it is still open */
    int64_t held_ms;
    int64_t limit_ms;
};

/* When it was certain: at its end; of a wait that is open, when the limit passed, or when another took it. */
static int64_t certain_at(const struct wait *w, struct calendar *c, const struct outcome *o)
{
    if (o->to != INT64_MAX)
        return o->to;
    return o->why == WHY_OPEN_PAST_LIMIT ? wait_due(w, c) : w->start;
}

/* What a lead has excused is told, and counts for nothing. */
static void put(const struct wait *w, struct calendar *c, const struct outcome *o, const struct sink *sink)
{
    bool excused = is_excused(w, o->agent);
    bool counts = o->is_miss && !excused;
    if (!counts && (!sink->turns || !o->agent))
        return;
    sink_put(sink, (struct fact){.kind = counts ? FACT_MISS : FACT_TURN,
                                 .agent = o->agent,
                                 .day = calendar_day(c, o->first_at),
                                 .ms = o->held_ms,
                                 .why = excused ? WHY_EXCUSED : o->why,
                                 .from = o->first_at,
                                 .to = o->to,
                                 .limit_ms = o->limit_ms,
                                 .at = certain_at(w, c, o),
                                 .asked_at = w->opened_at});
}

/* How ended holds are told: of those that reached the target, and of those that did not. */
struct telling {
    uint32_t except; /* spared; UINT32_MAX: nobody */
    enum why reached, short_of;
    int64_t to;
};

/* A miss for every ended hold that reached the target, but that of the one who is spared. */
static int put_misses(const struct wait *w, struct calendar *c, const struct telling *t, const struct sink *sink)
{
    int n = 0;
    for (uint32_t i = 0; i < w->holds_n; i++) {
        const struct hold *h = &w->holds[i];
        if (h->agent == t->except)
            continue;
        int64_t limit_ms = target_at(c, h->first_at);
        bool reached = h->sum_ms >= limit_ms;
        struct outcome o = {reached, reached ? t->reached : t->short_of, h->agent, h->first_at, t->to, h->sum_ms,
                            limit_ms};
        put(w, c, &o, sink);
        n += reached;
    }
    return n;
}

static void put_answer(const struct wait *w, struct calendar *c, const struct answer *a, const struct sink *sink)
{
    int64_t response = sum_of(w, a->sender) + calendar_worked(c, w->start, a->at);
    int64_t first_at = first_of(w, a->sender);
    int64_t limit_ms = target_at(c, first_at);
    bool within = response <= limit_ms;
    if (response == 0 && !calendar_open(c, first_at)) {
        put(w, c, &(struct outcome){false, WHY_OUTSIDE_HOURS, a->sender, first_at, a->at, 0, limit_ms}, sink);
        return;
    }
    if (is_excused(w, a->sender)) {
        put(w, c, &(struct outcome){false, WHY_EXCUSED, a->sender, first_at, a->at, response, limit_ms}, sink);
        return;
    }
    sink_put(sink, (struct fact){.kind = FACT_ANSWER,
                                 .agent = a->sender,
                                 .day = calendar_day(c, first_at),
                                 .ms = response,
                                 .first = a->first,
                                 .within = within,
                                 .why = within ? WHY_ANSWERED_IN_TIME : WHY_ANSWERED_LATE,
                                 .from = first_at,
                                 .to = a->at,
                                 .limit_ms = limit_ms,
                                 .at = a->at,
                                 .asked_at = w->opened_at});
}

bool wait_answer(struct wait *w, struct calendar *c, const struct answer *a, const struct sink *sink)
{
    bool credited = !(w->holder && w->holder != a->sender && w->explicit_hold);
    struct telling others = {credited ? a->sender : UINT32_MAX, WHY_HELD_PAST_TARGET, WHY_HELD_SHORT, a->at};
    if (!credited) {
        end_hold(w, c, a->at);
        put(w, c, &(struct outcome){false, WHY_HELPED_HOLDER, a->sender, a->at, a->at, 0, target_at(c, a->at)}, sink);
    }
    put_misses(w, c, &others, sink);
    if (credited)
        put_answer(w, c, a, sink);
    wait_fini(w);
    return credited;
}

/* The question was resolved before anybody owed an answer: or the last holder, if all together did. */
static void put_together(const struct wait *w, struct calendar *c, int64_t at, const struct sink *sink)
{
    uint32_t last = w->last_holder; /* end_hold has put the holder there, if there was one */
    int64_t first_at = first_of(w, last);
    int64_t all = 0;
    for (uint32_t i = 0; i < w->holds_n; i++)
        all += w->holds[i].sum_ms;
    if (all >= target_at(c, first_at))
        put(w, c, &(struct outcome){true, WHY_TOGETHER_PAST_TARGET, last, first_at, at, all, target_at(c, first_at)},
            sink);
}

void wait_drop(struct wait *w, struct calendar *c, int64_t at, const struct sink *sink)
{
    end_hold(w, c, at);
    if (!put_misses(w, c, &(struct telling){UINT32_MAX, WHY_RESOLVED_UNANSWERED, WHY_RESOLVED_SHORT, at}, sink))
        put_together(w, c, at, sink);
    wait_fini(w);
}

void wait_forget(struct wait *w, struct calendar *c, int64_t at, const struct sink *sink)
{
    if (sink->turns) {
        struct outcome o = {false, WHY_BOT_ANSWERED, w->holder, first_of(w, w->holder), at, 0, 0};
        o.held_ms = sum_of(w, w->holder) + calendar_worked(c, w->start, at);
        put(w, c, &o, sink);
    }
    wait_fini(w);
}

int64_t wait_target_due(const struct wait *w, struct calendar *c)
{
    return calendar_after(c, w->start, target_at(c, first_of(w, w->holder)) - sum_of(w, w->holder));
}

int64_t wait_due(const struct wait *w, struct calendar *c)
{
    int64_t limit = calendar_rulebook(c, first_of(w, w->holder))->abandon_after_ms;
    return calendar_after(c, w->start, limit - sum_of(w, w->holder));
}

void wait_so_far(const struct wait *w, struct calendar *c, int64_t as_of, const struct sink *sink)
{
    put_misses(w, c, &(struct telling){w->holder, WHY_HELD_PAST_TARGET, WHY_HELD_SHORT, INT64_MAX}, sink);
    bool due = wait_due(w, c) <= as_of;
    if (!due && !sink->turns)
        return;
    int64_t first_at = first_of(w, w->holder);
    struct outcome o = {due, WHY_STILL_OPEN, w->holder, first_at, INT64_MAX, 0, 0};
    o.why = due ? WHY_OPEN_PAST_LIMIT : WHY_STILL_OPEN;
    o.held_ms = sum_of(w, w->holder) + calendar_worked(c, w->start, as_of);
    o.limit_ms = due ? calendar_rulebook(c, first_at)->abandon_after_ms : target_at(c, first_at);
    put(w, c, &o, sink);
}
