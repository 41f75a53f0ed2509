/* The rules of a wait, one function a rule.
 *
 * It keeps true: the present hold is never in `holds`; an agent is in `holds` at most once; a closed wait has no holds. */
#include "kefu/state/wait.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void wait_fini(struct wait *w)
{
    free(w->holds);
    *w = (struct wait){0};
}

void wait_forget(struct wait *w)
{
    wait_fini(w);
}

void wait_open(struct wait *w, int64_t at, uint32_t holder, bool explicit_hold)
{
    *w = (struct wait){.open = true, .holder = holder, .explicit_hold = explicit_hold, .opened_at = at, .start = at};
}

void wait_restart(struct wait *w, int64_t at)
{
    uint32_t holder = w->holder;
    bool explicit_hold = w->explicit_hold;
    wait_fini(w);
    wait_open(w, at, holder, explicit_hold);
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

static void put_miss(struct calendar *c, uint32_t agent, int64_t first_at, const struct sink *sink)
{
    sink_put(sink, (struct fact){.kind = FACT_MISS, .agent = agent, .day = calendar_day(c, first_at)});
}

/* A miss for every ended hold that reached the target, but that of `except` (UINT32_MAX: nobody is spared). */
static int put_misses(const struct wait *w, struct calendar *c, uint32_t except, const struct sink *sink)
{
    int n = 0;
    for (uint32_t i = 0; i < w->holds_n; i++) {
        const struct hold *h = &w->holds[i];
        if (h->agent == except || h->sum_ms < target_at(c, h->first_at))
            continue;
        put_miss(c, h->agent, h->first_at, sink);
        n++;
    }
    return n;
}

bool wait_answer(struct wait *w, struct calendar *c, const struct answer *a, const struct sink *sink)
{
    bool credited = !(w->holder && w->holder != a->sender && w->explicit_hold);
    if (!credited)
        end_hold(w, c, a->at);
    put_misses(w, c, credited ? a->sender : UINT32_MAX, sink);
    if (credited) {
        int64_t response = sum_of(w, a->sender) + calendar_worked(c, w->start, a->at);
        int64_t first_at = first_of(w, a->sender);
        if (response > 0 || calendar_open(c, first_at))
            sink_put(sink, (struct fact){.kind = FACT_ANSWER,
                                         .agent = a->sender,
                                         .day = calendar_day(c, first_at),
                                         .ms = response,
                                         .first = a->first,
                                         .within = response <= target_at(c, first_at)});
    }
    wait_fini(w);
    return credited;
}

void wait_drop(struct wait *w, struct calendar *c, int64_t at, const struct sink *sink)
{
    uint32_t last = w->holder ? w->holder : w->last_holder;
    end_hold(w, c, at);
    int64_t all = 0;
    for (uint32_t i = 0; i < w->holds_n; i++)
        all += w->holds[i].sum_ms;
    int64_t first_at = first_of(w, last);
    if (!put_misses(w, c, UINT32_MAX, sink) && all >= target_at(c, first_at))
        put_miss(c, last, first_at, sink);
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
    put_misses(w, c, w->holder, sink);
    if (wait_due(w, c) <= as_of)
        put_miss(c, w->holder, first_of(w, w->holder), sink);
}
