/* A conversation in and out of the totals: the one place where facts are added and taken out.
 *
 * It keeps true, for every conversation that is `applied`: the totals hold exactly the facts of its first run_n items, its
 * ended episodes as their fcr says, and its tail at applied_at. What is taken out is computed by the same code over the
 * same items as what was put in. */
#include "kefu/state/inside.h"

struct ledger {
    struct site *site;
    int64_t sign;
};

static void enter_fact(void *arg, const struct fact *f)
{
    const struct ledger *l = arg;
    totals_fact(&l->site->agents[f->agent].totals, f, l->sign);
    site_mark_dirty(l->site, f->agent);
}

static void enter_tail(struct site *s, const struct conversation *c, int64_t sign)
{
    struct ledger l = {.site = s, .sign = sign};
    machine_tail(&c->machine, &s->calendar, c->applied_at, &(struct sink){enter_fact, &l});
}

/* An ended episode with its rating, its first contact as e->fcr says. */
static void enter_episode(struct site *s, const struct episode *e, int64_t sign)
{
    if (e->flags & EPISODE_COUNTED) {
        totals_episode(&s->agents[e->owner].totals, e, sign);
        site_mark_dirty(s, e->owner);
    }
    if (e->rated.day == INT32_MIN)
        return;
    uint32_t agent = e->rated.agent ? e->rated.agent : e->credit;
    struct fact f = {.kind = FACT_RATING, .agent = agent, .day = e->rated.day, .ms = e->rated.milli};
    enter_fact(&(struct ledger){.site = s, .sign = sign}, &f);
}

/* First customer message of the next episode of the same conversation that has one; INT64_MAX: none. */
static int64_t own_repeat(const struct machine *m, uint32_t k)
{
    for (uint32_t j = k + 1; j < m->episodes_n; j++)
        if (m->episodes[j].first_customer_at != NEVER)
            return m->episodes[j].first_customer_at;
    return m->running.open && m->running.first_customer_at != NEVER ? m->running.first_customer_at : INT64_MAX;
}

static int64_t window_end(struct site *s, const struct episode *e)
{
    return e->resolved_at + calendar_rulebook(&s->calendar, e->ended_at)->fcr_window_ms;
}

static enum fcr fcr_of(struct site *s, uint32_t number, uint32_t k)
{
    const struct conversation *c = conversation_at(s, number);
    const struct episode *e = &c->machine.episodes[k];
    if (!(e->flags & EPISODE_RESOLVED))
        return FCR_NONE;
    int64_t end = window_end(s, e);
    if (own_repeat(&c->machine, k) < end)
        return FCR_FAIL;
    struct repeat_question q = {.from = e->resolved_at, .to = end, .conversation = number, .topic = c->topic};
    if (c->group != GROUP_NONE && group_repeats(&s->groups.list[c->group], &q))
        return FCR_FAIL;
    return s->as_of < end ? FCR_PENDING : FCR_PASS;
}

static void set_due(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    const struct machine *m = &c->machine;
    int64_t due = machine_due(m, &s->calendar, s->as_of);
    for (uint32_t k = m->episodes_n; k-- > 0 && m->episodes[k].ended_at + s->calendar.fcr_window_max_ms > s->as_of;) {
        int64_t end = m->episodes[k].fcr == FCR_PENDING ? window_end(s, &m->episodes[k]) : INT64_MAX;
        due = end < due ? end : due;
    }
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, &c->list);
    for (uint32_t k = 0; c->run_n < c->list.n && k <= c->run_n; k++)
        list_next(&cursor, &i);
    if (c->run_n < c->list.n && i.ts < due)
        due = i.ts;
    site_set_due(s, &c->timer, ref_of(SUBJECT_CONVERSATION, number), due);
}

static void recheck(struct site *s, uint32_t number, uint32_t k)
{
    struct episode *e = &conversation_at(s, number)->machine.episodes[k];
    enum fcr now = fcr_of(s, number, k);
    if (now == (enum fcr)e->fcr)
        return;
    totals_episode(&s->agents[e->owner].totals, e, -1);
    e->fcr = (uint8_t)now;
    totals_episode(&s->agents[e->owner].totals, e, 1);
    site_mark_dirty(s, e->owner);
    if (now == FCR_PENDING) /* what made it fail was taken back: its window's end is to be waited for again */
        set_due(s, number);
}

/* Endings of other conversations of the group whose windows may hold an instant in [from, to]. */
static void recheck_group(struct site *s, uint32_t group, int64_t from, int64_t to)
{
    if (group == GROUP_NONE)
        return;
    const struct contacts *endings = &s->groups.list[group].endings;
    uint32_t k = contacts_from(endings, from - s->calendar.fcr_window_max_ms);
    for (; k < endings->n && endings->list[k].at <= to; k++)
        recheck(s, endings->list[k].conversation, endings->list[k].what);
}

/* Ended episodes of the conversation itself whose windows reach back from `at`. */
static void recheck_own(struct site *s, uint32_t number, int64_t at)
{
    const struct machine *m = &conversation_at(s, number)->machine;
    for (uint32_t k = m->episodes_n; k-- > 0 && m->episodes[k].ended_at + s->calendar.fcr_window_max_ms >= at;)
        recheck(s, number, k);
}

struct stretch { /* of time in which contacts of a conversation lie */
    int64_t from, to;
};

/* Puts the contacts and endings of a conversation into its group (or takes them out); the stretch they cover. */
static struct stretch enter_contacts(struct site *s, uint32_t number, void (*enter)(struct contacts *, struct contact))
{
    const struct conversation *c = conversation_at(s, number);
    const struct machine *m = &c->machine;
    struct stretch covered = {INT64_MAX, INT64_MIN};
    if (c->group == GROUP_NONE)
        return covered;
    struct group *g = &s->groups.list[c->group];
    for (uint32_t k = 0; k <= m->episodes_n; k++) {
        bool ended = k < m->episodes_n;
        int64_t first = ended             ? m->episodes[k].first_customer_at
                        : m->running.open ? m->running.first_customer_at
                                          : NEVER;
        if (ended && m->episodes[k].flags & EPISODE_RESOLVED)
            enter(&g->endings, (struct contact){m->episodes[k].resolved_at, number, k});
        if (first == NEVER)
            continue;
        enter(&g->firsts, (struct contact){first, number, c->topic});
        covered.from = first < covered.from ? first : covered.from;
        covered.to = first > covered.to ? first : covered.to;
    }
    return covered;
}

static void take_out(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    agent_now_leave(s, number);
    enter_tail(s, c, -1);
    for (uint32_t k = 0; k < c->machine.episodes_n; k++)
        enter_episode(s, &c->machine.episodes[k], -1);
    struct ledger l = {.site = s, .sign = -1};
    struct sink sink = {enter_fact, &l};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->scratch, .sink = &sink};
    struct machine again = {0};
    conversation_run(&again, &c->list, c->run_n, INT64_MAX, &how);
    machine_fini(&again);
}

static void put_in(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    for (uint32_t k = 0; k < c->machine.episodes_n; k++) {
        c->machine.episodes[k].fcr = (uint8_t)fcr_of(s, number, k);
        enter_episode(s, &c->machine.episodes[k], 1);
    }
    c->applied = true;
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    agent_now_join(s, number);
    set_due(s, number);
}

void conversation_settle(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    uint32_t group = c->group;
    struct stretch before = {INT64_MAX, INT64_MIN};
    if (c->applied) {
        take_out(s, number);
        before = enter_contacts(s, number, contacts_take);
    }
    machine_fini(&c->machine);
    list_sort(&c->list, &s->names, &s->scratch);
    struct ledger l = {.site = s, .sign = 1};
    struct sink sink = {enter_fact, &l};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->scratch, .sink = &sink};
    c->run_n = conversation_run(&c->machine, &c->list, c->list.n, s->as_of, &how);
    c->topic = c->machine.topic;
    c->group = groups_get(&s->groups, c->machine.shop, c->machine.customer);
    struct stretch after = enter_contacts(s, number, contacts_put);
    put_in(s, number);
    recheck_group(s, group, before.from, before.to);
    recheck_group(s, c->group, after.from, after.to);
    arena_reset(&s->scratch);
}

/* The item was the first customer message of an episode. */
static void first_contact(struct site *s, uint32_t number, int64_t at)
{
    const struct conversation *c = conversation_at(s, number);
    if (c->group != GROUP_NONE)
        contacts_put(&s->groups.list[c->group].firsts, (struct contact){at, number, c->topic});
    recheck_own(s, number, at);
    recheck_group(s, c->group, at, at);
}

/* The item ended an episode. */
static void ended(struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    uint32_t k = c->machine.episodes_n - 1;
    struct episode *e = &c->machine.episodes[k];
    if (c->group != GROUP_NONE && e->flags & EPISODE_RESOLVED)
        contacts_put(&s->groups.list[c->group].endings, (struct contact){e->resolved_at, number, k});
    e->fcr = (uint8_t)fcr_of(s, number, k);
    enter_episode(s, e, 1);
}

static int64_t running_first(const struct machine *m)
{
    return m->running.open ? m->running.first_customer_at : NEVER;
}

/* The step itself: facts that stay go into the totals, a rating moves from one state of its episode to the next. */
static void step(struct site *s, struct conversation *c, const struct item *i)
{
    struct machine *m = &c->machine;
    int64_t rated = i->type == EVENT_RATING ? machine_rating_episode(m) : -1;
    if (rated >= 0)
        enter_episode(s, &m->episodes[rated], -1);
    struct ledger l = {.site = s, .sign = 1};
    machine_step(m, i, &s->calendar, &(struct sink){enter_fact, &l});
    c->run_n++;
    if (rated >= 0)
        enter_episode(s, &m->episodes[rated], 1);
}

/* Names that come after the first contact change which conversations are repeats of which: then it is run again. */
static void take_group(struct site *s, uint32_t number, bool fresh)
{
    struct conversation *c = conversation_at(s, number);
    if (!fresh) {
        site_mark_pending(s, ref_of(SUBJECT_CONVERSATION, number));
        return;
    }
    c->topic = c->machine.topic;
    c->group = groups_get(&s->groups, c->machine.shop, c->machine.customer);
}

/* First contacts whose window has ended by now have passed. */
static void recheck_pending(struct site *s, uint32_t number)
{
    const struct machine *m = &conversation_at(s, number)->machine;
    for (uint32_t k = m->episodes_n; k-- > 0;)
        if (m->episodes[k].fcr == FCR_PENDING)
            recheck(s, number, k);
}

void conversation_go_on(struct site *s, uint32_t number, const struct item *i)
{
    struct conversation *c = conversation_at(s, number);
    struct machine *m = &c->machine;
    uint32_t names[3] = {m->customer, m->shop, m->topic};
    int64_t first_before = running_first(m);
    uint32_t n_before = m->episodes_n;
    if (c->applied) {
        agent_now_leave(s, number);
        enter_tail(s, c, -1);
        if (c->timer.due_ms <= s->as_of)
            recheck_pending(s, number); /* set_due below looks ahead only */
    }
    step(s, c, i);
    if (names[0] != m->customer || names[1] != m->shop || names[2] != m->topic)
        take_group(s, number, first_before == NEVER && n_before == 0);
    if (m->episodes_n > n_before)
        ended(s, number);
    if (running_first(m) != NEVER && running_first(m) != first_before)
        first_contact(s, number, i->ts);
    c->applied = true;
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    agent_now_join(s, number);
    set_due(s, number);
}

void conversation_refresh(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    enter_tail(s, c, -1);
    recheck_pending(s, number);
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    set_due(s, number);
}
