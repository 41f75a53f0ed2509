/* The rules of an episode, one function a rule.
 *
 * It keeps true: an agent is a party at most once; a closed `running` has no parties. */
#include "kefu/state/episode.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void running_fini(struct running *r)
{
    free(r->parties);
    *r = (struct running){0};
}

void running_start(struct running *r, int64_t at, const struct assignee *a)
{
    *r = (struct running){.open = true,
                          .start = at,
                          .first_customer_at = NEVER,
                          .last_customer_at = NEVER,
                          .first_human_at = NEVER,
                          .last_human_at = NEVER,
                          .served_at = NEVER,
                          .rated = {.day = INT32_MIN}};
    if (a->agent && a->is_explicit)
        running_party(r, a->agent, at)->was_explicit = true;
}

static struct party *find(const struct running *r, uint32_t agent)
{
    for (uint32_t i = 0; i < r->parties_n; i++)
        if (r->parties[i].agent == agent)
            return &r->parties[i];
    return NULL;
}

struct party *running_party(struct running *r, uint32_t agent, int64_t at)
{
    struct party *p = find(r, agent);
    if (p)
        return p;
    r->parties = xrealloc(r->parties, (r->parties_n + 1) * sizeof *r->parties);
    p = &r->parties[r->parties_n++];
    *p = (struct party){.agent = agent, .first_at = at};
    return p;
}

uint32_t running_last_to_serve(const struct running *r)
{
    return r->last_served ? r->last_served : r->last_human;
}

uint32_t running_credit(const struct running *r, const struct assignee *a)
{
    if (!r->in_human_hands)
        return 0;
    uint32_t last = running_last_to_serve(r);
    return last ? last : a->agent;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

uint32_t running_timeout_owner(const struct running *r, const struct assignee *a, struct calendar *c, int64_t at,
                               int64_t judged_at)
{
    uint32_t last = running_last_to_serve(r);
    if (!last || !a->agent || a->agent == last)
        return last ? last : a->agent;
    int64_t had_it = calendar_worked(c, later(a->since, r->start), at);
    return had_it >= calendar_rulebook(c, judged_at)->abandon_after_ms ? a->agent : last;
}

static uint32_t owner_of(const struct running *r, const struct assignee *a, struct calendar *c,
                         const struct resolution *how)
{
    if (how->by == BY_TIMEOUT)
        return running_timeout_owner(r, a, c, how->at, how->at);
    const struct party *named = how->by == BY_AGENT && how->agent ? find(r, how->agent) : NULL;
    if (named && (named->was_explicit || named->served))
        return named->agent;
    return a->agent ? a->agent : running_last_to_serve(r);
}

/* Was it resolved, and when? */
static bool resolved(const struct running *r, struct calendar *c, const struct resolution *how, int64_t *at)
{
    *at = how->at;
    if (how->by == BY_AGENT || how->by == BY_CUSTOMER)
        return true;
    bool counts = how->by == BY_TIMEOUT && !how->over_wait && r->last_human_at != NEVER &&
                  calendar_rulebook(c, how->at)->timeout_counts_as == TIMEOUT_RESOLVED_AT_LAST_REPLY;
    if (counts)
        *at = r->last_human_at;
    return counts;
}

/* Time to resolution: from the later of the first human message and the owner's own beginning. */
static void time_it(const struct running *r, struct calendar *c, const struct resolution *how, struct episode *out)
{
    const struct party *owner = find(r, out->owner);
    int64_t from = owner ? later(r->first_human_at, owner->first_at) : r->first_human_at;
    out->flags |= EPISODE_TIMED;
    out->resolve_ms = calendar_worked(c, from, out->resolved_at);
    bool over_wait = how->by == BY_AGENT && how->over_wait;
    if (out->resolve_ms <= calendar_rulebook(c, how->at)->resolution_limit_ms && !over_wait)
        out->flags |= EPISODE_IN_TIME;
}

void running_end(struct running *r, const struct assignee *a, struct calendar *c, const struct resolution *how,
                 struct episode *out)
{
    *out = (struct episode){.owner = owner_of(r, a, c, how),
                            .day = calendar_day(c, how->at),
                            .ended_at = how->at,
                            .resolved_at = how->at,
                            .first_customer_at = r->first_customer_at,
                            .by = (uint8_t)how->by,
                            .flags = how->over_wait ? EPISODE_OVER_WAIT : 0,
                            .rated = r->rated};
    bool human = r->in_human_hands || how->by == BY_AGENT;
    if (human) {
        out->flags |= EPISODE_HUMAN;
        uint32_t last = running_last_to_serve(r);
        out->credit = out->owner ? out->owner : last ? last : a->agent;
    }
    if (human && out->owner && r->first_customer_at != NEVER) {
        out->flags |= EPISODE_COUNTED;
        if (resolved(r, c, how, &out->resolved_at)) {
            out->flags |= EPISODE_RESOLVED;
            if (r->first_human_at != NEVER)
                time_it(r, c, how, out);
        }
    }
    running_fini(r);
}

/* Since when nothing has moved, or NEVER if the episode cannot be idle at all. */
static int64_t idle_since(const struct running *r)
{
    if (!r->open || !r->in_human_hands || r->first_customer_at == NEVER)
        return NEVER;
    return later(r->last_customer_at, r->served_at);
}

bool running_idle(const struct running *r, const struct assignee *a, struct calendar *c, int64_t as_of,
                  struct idle *out)
{
    int64_t since = idle_since(r);
    if (since == NEVER || as_of - since < calendar_rulebook(c, since)->idle_after_ms)
        return false;
    out->owner = running_timeout_owner(r, a, c, as_of, since);
    out->day = calendar_day(c, since);
    return out->owner != 0;
}

int64_t running_idle_due(const struct running *r, const struct assignee *a, struct calendar *c, int64_t as_of)
{
    int64_t since = idle_since(r);
    if (since == NEVER)
        return INT64_MAX;
    int64_t due = since + calendar_rulebook(c, since)->idle_after_ms;
    if (due > as_of)
        return due;
    uint32_t last = running_last_to_serve(r);
    if (!last || !a->agent || a->agent == last)
        return INT64_MAX;
    int64_t had = calendar_after(c, later(a->since, r->start), calendar_rulebook(c, since)->abandon_after_ms);
    return had > as_of ? had : INT64_MAX;
}
