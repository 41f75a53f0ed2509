/* Agents: their latest profile and status, and what they have open now.
 *
 * It keeps true: open_n and waiting_n of all agents together are those of the site; an agent's waits hang in one list in
 * the order in which their customers began to wait. */
#include "kefu/state/inside.h"

/* The fields of a profile, each the latest by (ts, source, id). */
static const enum event_str profile_fields[] = {EVENT_NAME, EVENT_TEAM, EVENT_EMPLOYEE_NO, EVENT_HIRED_ON,
                                                EVENT_LEFT_ON};

static void take_item(struct agent *a, const struct item *i)
{
    if (i->type == EVENT_STATUS) {
        a->status = i->how;
        return;
    }
    for (size_t k = 0; k < sizeof profile_fields / sizeof *profile_fields; k++)
        if (i->num[profile_fields[k]])
            a->profile[profile_fields[k]] = i->num[profile_fields[k]];
}

void agent_settle(struct site *s, uint32_t number)
{
    struct agent *a = &s->agents[number];
    list_sort(&a->list, &s->names, &s->scratch);
    arena_reset(&s->scratch);
    memset(a->profile, 0, sizeof a->profile);
    a->status = HOW_NONE;
    struct list_cursor c;
    struct item i;
    int64_t due = INT64_MAX;
    list_first(&c, &a->list);
    while (due == INT64_MAX && list_next(&c, &i)) {
        if (i.ts > s->as_of)
            due = i.ts;
        else
            take_item(a, &i);
    }
    site_set_due(s, &a->timer, ref_of(SUBJECT_AGENT, number), due);
    site_mark_dirty(s, number);
}

/* Waits come nearly always in order, so the place is looked for from the end. */
static void link_wait(struct site *s, struct agent *a, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    uint32_t after = a->last_wait;
    while (after != CONVERSATION_NONE && conversation_at(s, after)->machine.wait.opened_at > c->machine.wait.opened_at)
        after = conversation_at(s, after)->prev;
    c->prev = after;
    c->next = after == CONVERSATION_NONE ? a->first_wait : conversation_at(s, after)->next;
    if (c->prev == CONVERSATION_NONE)
        a->first_wait = number;
    else
        conversation_at(s, c->prev)->next = number;
    if (c->next == CONVERSATION_NONE)
        a->last_wait = number;
    else
        conversation_at(s, c->next)->prev = number;
}

static void unlink_wait(struct site *s, struct agent *a, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    if (c->prev == CONVERSATION_NONE)
        a->first_wait = c->next;
    else
        conversation_at(s, c->prev)->next = c->next;
    if (c->next == CONVERSATION_NONE)
        a->last_wait = c->prev;
    else
        conversation_at(s, c->next)->prev = c->prev;
    c->prev = c->next = CONVERSATION_NONE;
}

void agent_now_join(struct site *s, uint32_t conversation)
{
    const struct machine *m = &conversation_at(s, conversation)->machine;
    if (!m->running.open)
        return;
    s->agents[m->assignee.agent].open_n++;
    s->open_n++;
    site_mark_dirty(s, m->assignee.agent);
    if (!m->wait.open)
        return;
    struct agent *holder = &s->agents[m->wait.holder];
    link_wait(s, holder, conversation);
    holder->waiting_n++;
    s->waiting_n++;
    site_mark_dirty(s, m->wait.holder);
}

void agent_now_leave(struct site *s, uint32_t conversation)
{
    const struct machine *m = &conversation_at(s, conversation)->machine;
    if (!m->running.open)
        return;
    s->agents[m->assignee.agent].open_n--;
    s->open_n--;
    site_mark_dirty(s, m->assignee.agent);
    if (!m->wait.open)
        return;
    struct agent *holder = &s->agents[m->wait.holder];
    unlink_wait(s, holder, conversation);
    holder->waiting_n--;
    s->waiting_n--;
    site_mark_dirty(s, m->wait.holder);
}

static struct str word(const struct site *s, const struct agent *a, enum event_str which)
{
    return intern_name(&s->names.words, a->profile[which]);
}

void site_agent_now(const struct site *s, uint32_t agent, struct agent_now *out)
{
    const struct agent *a = &s->agents[agent];
    *out = (struct agent_now){.name = word(s, a, EVENT_NAME),
                              .team = word(s, a, EVENT_TEAM),
                              .employee_no = word(s, a, EVENT_EMPLOYEE_NO),
                              .hired_on = word(s, a, EVENT_HIRED_ON),
                              .left_on = word(s, a, EVENT_LEFT_ON),
                              .status = a->status,
                              .open_n = a->open_n,
                              .waiting_n = a->waiting_n,
                              .oldest_wait_at = INT64_MAX};
    if (a->first_wait != CONVERSATION_NONE)
        out->oldest_wait_at = conversation_at(s, a->first_wait)->machine.wait.opened_at;
}
