/* One step of a conversation: what each type of event does, one function a type (SPEC.md, Figures).
 *
 * It keeps true: a wait is open only while an episode is; the machine has met the items in their order. It refuses nothing:
 * whatever the order or the rubbish, each item has a defined effect, be it none. */
#include "kefu/state/conversation.h"

#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"

void machine_fini(struct machine *m)
{
    running_fini(&m->running);
    wait_fini(&m->wait);
    free(m->episodes);
    *m = (struct machine){0};
}

static void start_episode(struct machine *m, int64_t at)
{
    if (m->running.open)
        return;
    running_start(&m->running, at, &m->assignee);
    m->any_episode = true;
}

static void assign(struct machine *m, uint32_t agent, bool is_explicit, int64_t at)
{
    if (m->assignee.agent != agent)
        m->assignee = (struct assignee){.agent = agent, .is_explicit = is_explicit && agent, .since = at};
    else
        m->assignee.is_explicit = m->assignee.is_explicit || (is_explicit && agent);
}

static void step_customer(struct machine *m, const struct item *i)
{
    if (!m->wait.open && m->replied && i->flags & EVENT_CLOSER)
        return; /* thanks, with nobody waiting: asks for nothing */
    start_episode(m, i->ts);
    struct running *r = &m->running;
    if (r->first_customer_at == NEVER)
        r->first_customer_at = i->ts;
    r->last_customer_at = i->ts;
    if (!m->wait.open)
        wait_open(&m->wait, i->ts, m->assignee.agent, m->assignee.is_explicit);
    wait_excuse(&m->wait, i->excused, i->excused_n);
}

static void step_bot(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    m->replied = true;
    if (m->wait.open && !m->running.in_human_hands)
        wait_forget(&m->wait, c, i->ts, sink);
}

/* An agent's message in an open episode. */
static void write_in_episode(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    uint32_t sender = i->num[EVENT_AGENT];
    struct running *r = &m->running;
    struct party *p = running_party(r, sender, i->ts);
    bool first = r->first_human_at == NEVER;
    if (first)
        r->first_human_at = i->ts;
    r->in_human_hands = true;
    r->last_human_at = i->ts;
    r->last_human = sender;
    if (!m->wait.open)
        return;
    wait_excuse(&m->wait, i->excused, i->excused_n);
    wait_answer(&m->wait, c, &(struct answer){.at = i->ts, .sender = sender, .first = first}, sink);
    p->served = true;
    r->last_served = sender;
    r->served_at = i->ts;
    assign(m, sender, false, i->ts);
}

static void step_agent(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    m->replied = true;
    if (!m->any_episode)
        start_episode(m, i->ts);
    if (m->running.open)
        write_in_episode(m, i, c, sink);
    if (!m->assignee.agent)
        assign(m, i->num[EVENT_AGENT], false, i->ts);
}

static void step_message(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    if (i->flags & (EVENT_PRIVATE | EVENT_AUTO | EVENT_PLACEHOLDER) || i->how == FROM_SYSTEM)
        return;
    if (i->how == FROM_CUSTOMER)
        step_customer(m, i);
    else if (i->how == FROM_BOT)
        step_bot(m, i, c, sink);
    else
        step_agent(m, i, c, sink);
}

static void step_handoff(struct machine *m, const struct item *i)
{
    start_episode(m, i->ts);
    if (m->running.in_human_hands)
        return;
    m->running.in_human_hands = true;
    if (m->wait.open)
        wait_restart(&m->wait, i->ts);
    else
        wait_open(&m->wait, i->ts, m->assignee.agent, m->assignee.is_explicit);
    wait_excuse(&m->wait, i->excused, i->excused_n);
}

static void step_assigned(struct machine *m, const struct item *i, struct calendar *c)
{
    uint32_t agent = i->num[EVENT_AGENT];
    if (agent && !m->any_episode)
        start_episode(m, i->ts);
    assign(m, agent, true, i->ts);
    if (!m->running.open)
        return;
    if (agent) {
        running_party(&m->running, agent, i->ts)->was_explicit = true;
        m->running.in_human_hands = true;
    }
    if (m->wait.open)
        wait_assign(&m->wait, c, &(struct assignment){.at = i->ts, .agent = agent, .by = i->how});
}

static void step_resolved(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    if (!m->running.open)
        return;
    struct resolution how = {.at = i->ts, .by = i->how, .agent = i->num[EVENT_AGENT], .over_wait = m->wait.open};
    if (m->wait.open)
        wait_drop(&m->wait, c, i->ts, sink);
    size_t cap = m->episodes_cap;
    if (m->episodes_n == cap) {
        m->episodes_cap = m->episodes_cap ? m->episodes_cap * 2 : 1;
        m->episodes = xrealloc(m->episodes, m->episodes_cap * sizeof *m->episodes);
    }
    running_end(&m->running, &m->assignee, c, &how, &m->episodes[m->episodes_n++]);
    if (m->episodes[m->episodes_n - 1].first_customer_at != NEVER)
        m->asked = m->episodes_n;
}

int64_t machine_rating_episode(const struct machine *m)
{
    if (m->running.open && m->running.first_customer_at != NEVER)
        return -1;
    if (m->asked)
        return m->asked - 1;
    return m->running.open ? -1 : (int64_t)m->episodes_n - 1;
}

static void step_rating(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    int32_t day = calendar_day(c, i->ts);
    struct rated rated = {.day = day,
                          .off_ms = (int32_t)(i->ts - day * RATED_DAY_MS),
                          .milli = (int32_t)fix_div_round((__int128)i->score_milli * 5, i->scale),
                          .agent = i->num[EVENT_AGENT]};
    int64_t k = machine_rating_episode(m);
    if (k >= 0)
        m->episodes[k].rated = rated;
    else if (m->running.open)
        m->running.rated = rated;
    else if (rated.agent)
        sink_put(sink, rating_fact(&rated, 0, WHY_OWN_AGENT));
}

/* Customer, shop and topic of a conversation are the first ones named, by any event. */
static void take_names(struct machine *m, const struct item *i)
{
    if (!m->customer)
        m->customer = i->num[EVENT_CUSTOMER];
    if (!m->shop)
        m->shop = i->num[EVENT_SHOP];
    if (!m->topic)
        m->topic = i->num[EVENT_TOPIC];
}

void machine_step(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink)
{
    take_names(m, i);
    if (i->type == EVENT_MESSAGE)
        step_message(m, i, c, sink);
    else if (i->type == EVENT_ASSIGNED)
        step_assigned(m, i, c);
    else if (i->type == EVENT_RESOLVED)
        step_resolved(m, i, c, sink);
    else if (i->type == EVENT_HANDOFF)
        step_handoff(m, i);
    else if (i->type == EVENT_RATING)
        step_rating(m, i, c, sink);
    else if (i->type == EVENT_OPENED || i->type == EVENT_REOPENED)
        start_episode(m, i->ts);
}

void machine_tail(const struct machine *m, struct calendar *c, int64_t as_of, const struct sink *sink)
{
    const struct running *r = &m->running;
    if (!r->open)
        return;
    if (m->wait.open)
        wait_so_far(&m->wait, c, as_of, sink);
    struct idle idle;
    if (running_idle(r, &m->assignee, c, as_of, &idle))
        sink_put(sink, (struct fact){.kind = FACT_IDLE,
                                     .agent = idle.owner,
                                     .day = idle.day,
                                     .why = WHY_IDLE,
                                     .from = r->first_customer_at,
                                     .to = INT64_MAX});
    if (r->rated.day != INT32_MIN)
        sink_put(sink, rating_fact(&r->rated, running_credit(r, &m->assignee), WHY_RATING_OPEN));
}

int64_t machine_due(const struct machine *m, struct calendar *c, int64_t as_of)
{
    int64_t due = running_idle_due(&m->running, &m->assignee, c, as_of);
    if (m->wait.open) {
        int64_t miss = wait_due(&m->wait, c);
        if (miss > as_of && miss < due)
            due = miss;
    }
    return due;
}
