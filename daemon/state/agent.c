/* Agents: their latest profile and status, and what they have open now.
 *
 * It keeps true: open_n and waiting_n of all agents together are those of the site; an agent's waits hang in a heap, the
 * oldest on top, and those who are no longer waited for, once somebody asked, in another. */
#include "kefu/state/inside.h"

/* The fields of a profile, each the latest by (ts, source, id). */
static const enum event_str profile_fields[] = {EVENT_NAME, EVENT_TEAM, EVENT_EMPLOYEE_NO, EVENT_HIRED_ON,
                                                EVENT_LEFT_ON};

static void take_item(struct agent *a, const struct item *i)
{
    if (i->type == EVENT_STATUS) {
        a->status_at = a->status == i->how ? a->status_at : i->ts;
        a->status = i->how;
        return;
    }
    if (i->type != EVENT_PROFILE)
        return;
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

void agent_go_on(struct site *s, uint32_t number, const struct item *i)
{
    struct agent *a = &s->agents[number];
    if (a->pending || i->ts > s->as_of || a->list.sorted_n != a->list.n) {
        site_mark_pending(s, ref_of(SUBJECT_AGENT, number));
        return;
    }
    take_item(a, i);
    site_mark_dirty(s, number);
}

/* The waits of an agent are a pairing heap: each has younger ones under it, of which `newer` is the first; these stand in a
 * row by `next`, and `prev` is the one before in the row, or the one above. Whatever the order in which waits begin and end,
 * the oldest is at hand for a few steps. */
static uint32_t put_under(struct site *s, uint32_t older, uint32_t newer)
{
    struct conversation *o = conversation_at(s, older);
    struct conversation *n = conversation_at(s, newer);
    n->prev = older;
    n->next = o->newer;
    if (n->next != CONVERSATION_NONE)
        conversation_at(s, n->next)->prev = newer;
    o->newer = newer;
    return older;
}

/* Two heaps as one, by their tops; either may be CONVERSATION_NONE. */
static uint32_t meld(struct site *s, uint32_t a, uint32_t b)
{
    if (a == CONVERSATION_NONE || b == CONVERSATION_NONE)
        return a == CONVERSATION_NONE ? b : a;
    bool a_first = conversation_at(s, a)->machine.wait.opened_at <= conversation_at(s, b)->machine.wait.opened_at;
    return a_first ? put_under(s, a, b) : put_under(s, b, a);
}

/* Takes the top off a row of heaps. */
static uint32_t take_first(struct site *s, uint32_t *row)
{
    uint32_t first = *row;
    if (first == CONVERSATION_NONE)
        return first;
    struct conversation *c = conversation_at(s, first);
    *row = c->next;
    c->prev = c->next = CONVERSATION_NONE;
    return first;
}

/* A row of heaps as one: in pairs, and then these from the last on, which is what keeps later steps few. */
static uint32_t meld_row(struct site *s, uint32_t row)
{
    uint32_t pairs = CONVERSATION_NONE;
    while (row != CONVERSATION_NONE) {
        uint32_t a = take_first(s, &row);
        uint32_t pair = meld(s, a, take_first(s, &row));
        conversation_at(s, pair)->next = pairs;
        pairs = pair;
    }
    uint32_t all = CONVERSATION_NONE;
    while (pairs != CONVERSATION_NONE)
        all = meld(s, take_first(s, &pairs), all);
    return all;
}

static void link_wait(struct site *s, struct agent *a, uint32_t number)
{
    a->oldest_wait = meld(s, a->oldest_wait, number);
}

static uint32_t *top_of(const struct site *s, struct agent *a, uint32_t number)
{
    return conversation_at(s, number)->gone ? &a->gone_wait : &a->oldest_wait;
}

static void unlink_wait(struct site *s, struct agent *a, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    uint32_t under = meld_row(s, c->newer), *top = top_of(s, a, number);
    if (*top == number) {
        *top = under;
    } else {
        struct conversation *before = conversation_at(s, c->prev);
        if (before->newer == number)
            before->newer = c->next;
        else
            before->next = c->next;
        if (c->next != CONVERSATION_NONE)
            conversation_at(s, c->next)->prev = c->prev;
        *top = meld(s, *top, under);
    }
    c->prev = c->next = c->newer = CONVERSATION_NONE;
    c->gone = false;
}

static int64_t began_at(const struct site *s, uint32_t number)
{
    return number == CONVERSATION_NONE ? INT64_MAX : conversation_at(s, number)->machine.wait.opened_at;
}

/* All whom an earlier look put aside wait again: they are put aside anew by the next one. */
static void take_back_gone(struct site *s, struct agent *a)
{
    while (a->gone_wait != CONVERSATION_NONE) {
        uint32_t number = a->gone_wait;
        unlink_wait(s, a, number);
        link_wait(s, a, number);
    }
    a->gone_latest = INT64_MIN;
}

/* Those who began before `from` are put aside, each once, so that the oldest of the others is at hand for the next look too. */
static void put_gone_aside(struct site *s, struct agent *a, int64_t from)
{
    while (began_at(s, a->oldest_wait) < from) {
        uint32_t number = a->oldest_wait;
        int64_t began = began_at(s, number);
        unlink_wait(s, a, number);
        conversation_at(s, number)->gone = true;
        a->gone_wait = meld(s, a->gone_wait, number);
        a->gone_latest = began > a->gone_latest ? began : a->gone_latest;
    }
}

/* The place after `number` in the heap, each above those under it; CONVERSATION_NONE: that was the last. */
static uint32_t next_in_heap(const struct site *s, uint32_t top, uint32_t number)
{
    if (conversation_at(s, number)->newer != CONVERSATION_NONE)
        return conversation_at(s, number)->newer;
    while (number != top && conversation_at(s, number)->next == CONVERSATION_NONE) {
        uint32_t before = conversation_at(s, number)->prev;
        while (conversation_at(s, before)->newer != number) { /* to the first of the row, then up */
            number = before;
            before = conversation_at(s, number)->prev;
        }
        number = before;
    }
    return number == top ? CONVERSATION_NONE : conversation_at(s, number)->next;
}

static struct site_wait wait_of(const struct site *s, struct calendar *c, uint32_t number)
{
    const struct conversation *x = conversation_at(s, number);
    const struct wait *w = &x->machine.wait;
    return (struct site_wait){.conversation = {x->key, x->key_n},
                              .since = w->opened_at,
                              .held_since = w->start,
                              .due = wait_target_due(w, c),
                              .abandon = wait_due(w, c)};
}

struct waits { /* the first by their beginning */
    struct site_wait *list;
    size_t n, max;
};

static void gather_waits(const struct site *s, struct calendar *c, uint32_t top, struct waits *out)
{
    for (uint32_t at = top; at != CONVERSATION_NONE; at = next_in_heap(s, top, at)) {
        int64_t since = began_at(s, at);
        size_t k;
        if (out->n == out->max && (!out->max || out->list[out->n - 1].since <= since))
            continue;
        for (k = out->n < out->max ? out->n++ : out->n - 1; k > 0 && out->list[k - 1].since > since; k--)
            out->list[k] = out->list[k - 1];
        out->list[k] = wait_of(s, c, at);
    }
}

size_t site_waits(const struct site *s, uint32_t agent, struct site_wait *out, size_t max)
{
    struct calendar c = s->calendar; /* its own memory of the day asked last */
    struct waits w = {out, 0, max};
    gather_waits(s, &c, s->agents[agent].gone_wait, &w);
    gather_waits(s, &c, s->agents[agent].oldest_wait, &w);
    return w.n;
}

/* Which heap a wait hangs in changes no answer. */
int64_t site_wait_since(struct site *s, uint32_t agent, int64_t from)
{
    struct agent *a = &s->agents[agent];
    if (from <= a->gone_latest)
        take_back_gone(s, a);
    put_gone_aside(s, a, from);
    return began_at(s, a->oldest_wait);
}

struct part part_of(const struct conversation *c)
{
    const struct machine *m = &c->machine;
    if (!m->running.open || c->quiet)
        return (struct part){0};
    struct part p = {.open = true, .agent = m->assignee.agent, .waiting = m->wait.open};
    if (p.waiting) {
        p.holder = m->wait.holder;
        p.wait_at = m->wait.opened_at;
    }
    return p;
}

static void count(struct site *s, const struct part *p, int64_t sign)
{
    s->agents[p->agent].open_n += sign;
    s->open_n += (uint64_t)sign;
    site_mark_dirty(s, p->agent);
    if (!p->waiting)
        return;
    s->agents[p->holder].waiting_n += sign;
    s->waiting_n += (uint64_t)sign;
    site_mark_dirty(s, p->holder);
}

static void join(struct site *s, uint32_t conversation, const struct part *p)
{
    if (!p->open)
        return;
    if (p->waiting)
        link_wait(s, &s->agents[p->holder], conversation);
    count(s, p, 1);
}

static void leave(struct site *s, uint32_t conversation, const struct part *p)
{
    if (!p->open)
        return;
    if (p->waiting)
        unlink_wait(s, &s->agents[p->holder], conversation);
    count(s, p, -1);
}

int64_t agent_now_quiet_at(const struct site *s, const struct conversation *c)
{
    return s->quiet_ms && c->machine.running.open && !c->quiet ? c->list.last_ts + s->quiet_ms : INT64_MAX;
}

/* Its part as of now. */
static struct part part_now(const struct site *s, struct conversation *c)
{
    c->quiet = false;
    c->quiet = agent_now_quiet_at(s, c) <= s->as_of;
    return part_of(c);
}

void agent_now_join(struct site *s, uint32_t conversation)
{
    struct part p = part_now(s, conversation_at(s, conversation));
    join(s, conversation, &p);
}

void agent_now_leave(struct site *s, uint32_t conversation)
{
    struct part p = part_of(conversation_at(s, conversation));
    leave(s, conversation, &p);
}

void agent_now_move(struct site *s, uint32_t conversation, const struct part *before)
{
    struct part now = part_now(s, conversation_at(s, conversation));
    if (now.open == before->open && now.agent == before->agent && now.waiting == before->waiting &&
        now.holder == before->holder && now.wait_at == before->wait_at)
        return;
    leave(s, conversation, before);
    join(s, conversation, &now);
}

/* An item of a list as the event that it was. */
static struct event event_of(const struct site *s, const struct item *i, struct str subject)
{
    struct names *names = (struct names *)&s->names;
    struct event e = {.type = i->type, .how = i->how, .flags = i->flags, .ts = i->ts, .subject = subject, .id = i->id};
    for (int k = 0; k < EVENT_STR_N; k++)
        if (k != EVENT_REF && i->num[k])
            e.strs[k] = intern_name(names_table(names, name_table_of((enum event_str)k)), i->num[k]);
    e.strs[EVENT_REF] = i->ref;
    e.source = intern_name(&s->names.words, i->source);
    e.score_milli = i->score_milli;
    e.scale = i->scale;
    return e;
}

void site_agent_events(const struct site *s, uint32_t agent, void (*each)(void *, const struct event *), void *arg)
{
    struct list_cursor c;
    struct item i;
    list_first(&c, &s->agents[agent].list);
    while (list_next(&c, &i) && i.ts <= s->as_of) {
        struct event e = event_of(s, &i, intern_name(&s->names.agents, agent));
        each(arg, &e);
    }
}

bool site_conversation_events(struct site *s, struct str conversation, void (*each)(void *, const struct event *),
                              void *arg)
{
    struct list_cursor c;
    struct item i;
    uint32_t number = conversation_find(s, conversation);
    if (number == TABLE_NONE) {
        cold_thaw_key(s, conversation);
        number = conversation_find(s, conversation);
    }
    if (number == TABLE_NONE)
        return false;
    list_first(&c, &conversation_at(s, number)->list);
    while (list_next(&c, &i)) {
        struct event e = event_of(s, &i, conversation);
        each(arg, &e);
    }
    return true;
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
                              .status_at = a->status_at,
                              .open_n = a->open_n,
                              .waiting_n = a->waiting_n};
    int64_t waited = began_at(s, a->oldest_wait), gone = began_at(s, a->gone_wait);
    out->oldest_wait_at = gone < waited ? gone : waited;
}

/* Looking a day up leaves a note in the calendar, which changes no answer. */
static struct calendar *calendar_of(const struct site *s)
{
    return &((struct site *)s)->calendar;
}

int64_t site_after(const struct site *s, int64_t from_ms, int64_t need_ms)
{
    return calendar_after(calendar_of(s), from_ms, need_ms);
}

int64_t site_worked(const struct site *s, int64_t from_ms, int64_t to_ms)
{
    return calendar_worked(calendar_of(s), from_ms, to_ms);
}

int64_t site_next_open(const struct site *s, int64_t from_ms)
{
    int64_t first = calendar_after(calendar_of(s), from_ms, 1);
    return first == INT64_MAX ? first : first - 1;
}

bool site_has_hours(const struct site *s)
{
    return !s->calendar.always_open;
}

const struct window *site_window(const struct site *s, uint32_t agent)
{
    return s->agents[agent].window;
}
